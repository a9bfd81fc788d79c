"""Forms with files, as clients send them."""

import contextlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.api.form_data import MAX_PARTS, FormPart, parse_file
from atelier.errors import InvalidRequestError
from tests.cases import each

PICTURE = b"\x89PNG\r\n\x1a\n\r\n--\r\n--x--\r\n\x00\xff"
TYPE = "multipart/form-data; boundary=x1"


def form(*parts: bytes, end: bytes = b"--x1--\r\n") -> bytes:
    return b"".join(b"--x1\r\n" + part + b"\r\n" for part in parts) + end


def file(name: str = "cat.png", content: bytes = PICTURE, field: str = "file") -> bytes:
    head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\nContent-Type: image/png\r\n\r\n'
    return head.encode() + content


def test_httpx_sends_a_file() -> None:
    request = httpx.Request("POST", "https://a.example", files={"file": ("cát.png", PICTURE)}, data={"more": "text"})
    content_type = request.headers["Content-Type"]
    assert parse_file(content_type, request.read(), "file") == FormPart("file", "cát.png", PICTURE)


@each(
    ("body", "name"),
    [
        pytest.param(form(file('a \\"cat\\".png')), 'a "cat".png', id="curl before 7.81"),
        pytest.param(form(file("a %22cat%22.png")), "a %22cat%22.png", id="browsers, and curl from then on"),
        pytest.param(form(file("C:\\fakepath\\cat.png")), "C:\\fakepath\\cat.png", id="a path of Windows"),
        pytest.param(form(file("貓.png")), "貓.png", id="UTF-8"),
        pytest.param(form(b'content-disposition:form-data;name=file;filename=cat.png\r\n\r\n' + PICTURE), "cat.png",
                     id="nothing quoted"),
        pytest.param(form(b"Content-Disposition: form-data; name=file; filename*=utf-8''%C3%A1.png\r\n\r\n" + PICTURE),
                     "á.png", id="RFC 5987"),
        pytest.param(form(b'Content-Type: image/png\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + PICTURE),
                     None, id="no name"),
        pytest.param(form(file("note", b"text", "note"), file()), "cat.png", id="after another field"),
        pytest.param(form(file(), file("dog.png", b"dog")), "cat.png", id="the first of two"),
        pytest.param(b"to whom it may concern\r\n" + form(file()) + b"epilogue", "cat.png", id="words around it"),
        pytest.param(form(file(), end=b"--x1--"), "cat.png", id="no last line end"),
        pytest.param(form(file()).replace(b"--x1\r\n", b"--x1 \t\r\n"), "cat.png", id="padded boundaries"),
    ],
)  # fmt: skip
def test_a_form_that_clients_send(body: bytes, name: str | None) -> None:
    assert parse_file(TYPE, body, "file") == FormPart("file", name, PICTURE)


def test_a_boundary_may_be_of_any_letters() -> None:
    boundary = "a b'()+_,-./:=?c"
    body = form(file()).replace(b"x1", boundary.encode())
    assert parse_file(f'multipart/form-data; boundary="{boundary}"', body, "file") == FormPart(
        "file", "cat.png", PICTURE
    )


@given(content=st.binary(max_size=200), name=st.text(st.characters(categories=("L", "N")), max_size=20))
def test_the_bytes_are_as_they_were_sent(content: bytes, name: str) -> None:
    request = httpx.Request("POST", "https://a.example", files={"file": (name or "x", content)})
    assert parse_file(request.headers["Content-Type"], request.read(), "file") == FormPart("file", name or "x", content)


@each(
    ("content_type", "body", "word"),
    [
        ("multipart/form-data", form(file()), "boundary"),
        ("multipart/form-data; boundary=", form(file()), "boundary"),
        ("multipart/form-data; boundary=" + "x" * 71, form(file()), "boundary"),
        ("multipart/form-data; boundary=ü", form(file()), "boundary"),
        (TYPE, b"", "end"),
        (TYPE, PICTURE, "end"),
        (TYPE, form(file(), end=b""), "end"),
        (TYPE, form(file())[:-10], "end"),
        (TYPE, form(*[file("note", b"text", "note")] * (MAX_PARTS + 1)), "fields"),
        (TYPE, form(b"no headers"), "headers"),
        (TYPE, form(b"X: " + b"y" * 5_000 + b"\r\n" + file()), "headers"),
        (TYPE, form(file(content=b"\r\n--x1y\r\n")), "within"),
        (TYPE, form(file(field="image")), "'file'"),
        (TYPE, form(), "'file'"),
    ],
)
def test_a_form_that_is_none_or_has_no_file(content_type: str, body: bytes, word: str) -> None:
    with pytest.raises(InvalidRequestError, match=word) as caught:
        parse_file(content_type, body, "file")
    assert len(caught.value.errors) == 1


@given(
    content_type=st.text(max_size=40).map(lambda it: f"multipart/form-data; {it}") | st.just(TYPE),
    body=st.lists(
        st.sampled_from(
            [b"--x1", b"\r\n", b"--", b'Content-Disposition: form-data; name="file"', b"; filename*0*=", b"="]
        )
        | st.binary(max_size=8),
        max_size=20,
    ).map(b"".join),
)
def test_anything_else_is_read_or_refused(content_type: str, body: bytes) -> None:
    with contextlib.suppress(InvalidRequestError):
        parse_file(content_type, body, "file")
