"""Forms, as another implementation reads them."""

from email.message import Message
from email.parser import BytesParser
from typing import Any

import pytest

from atelier.providers.form_data import form
from atelier.providers.provider import InputImage

PICTURE = InputImage(b"\x89PNG\r\n\r\n--not a boundary--\r\n\x00\xff", "image/png", "https://atelier.example/1.png")
PHOTO = InputImage(b"\xff\xd8\xff", "image/jpeg", "https://atelier.example/2.jpg")


def read(content_type: str, content: bytes) -> list[Message]:
    parsed = BytesParser().parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + content)
    assert parsed.is_multipart()
    assert not parsed.defects
    return list(parsed.get_payload())


def fields(parts: list[Message]) -> dict[object, Any]:
    return {part.get_param("name", header="Content-Disposition"): part.get_payload(decode=True) for part in parts}


def test_a_form_holds_its_fields_and_files_in_order() -> None:
    parts = read(*form({"prompt": "a café\r\nat night", "n": 2}, [("image[]", PICTURE), ("image[]", PHOTO)]))
    names = [part.get_param("name", header="Content-Disposition") for part in parts]
    assert names == ["prompt", "n", "image[]", "image[]"]
    assert parts[0].get_payload(decode=True) == "a café\r\nat night".encode()
    assert [(part.get_filename(), part.get_content_type()) for part in parts[2:]] == [
        ("1.png", "image/png"),
        ("2.jpeg", "image/jpeg"),
    ]
    assert parts[2].get_payload(decode=True) == PICTURE.content


@pytest.mark.parametrize(
    ("value", "written"),
    [("", b""), ("true", b"true"), (True, b"true"), (0, b"0"), (0.5, b"0.5"), ("no \ud800 cats", b"no ? cats")],
)
def test_what_is_no_text_is_written_as_in_json(value: object, written: bytes) -> None:
    assert fields(read(*form({"field": value}))) == {"field": written}


def test_what_is_not_given_is_left_out() -> None:
    assert fields(read(*form({"prompt": "a café", "seed": None}))) == {"prompt": "a café".encode()}


def test_a_name_stays_within_its_quotes_and_its_line() -> None:
    [part] = read(*form({'a"; filename="b"\r\nX-Evil: 1\r\n\r\n': "value"}))
    assert part.keys() == ["Content-Disposition"]
    assert part.get_filename() is None


def test_no_two_forms_have_the_same_boundary() -> None:
    assert form({})[0] != form({})[0]
