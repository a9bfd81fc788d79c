"""Pictures as bytes: nothing is decoded, and nothing is believed."""

import base64

import pytest

from atelier.errors import InvalidImageError
from atelier.images.image import EXTENSIONS, EncodedImage, parse_data_url, sniff
from tests.cases import each

PNG = b"\x89PNG\r\n\x1a\n and more"
JPEG = b"\xff\xd8\xff\xe0 and more"
WEBP = b"RIFF\x10\0\0\0WEBP and more"
KINDS = {"image/png": PNG, "image/jpeg": JPEG, "image/webp": WEBP}


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def data_url(content: bytes, label: str = "image/png") -> str:
    return f"data:{label};base64,{encoded(content)}"


# ---- A picture


def test_a_picture_knows_its_digest() -> None:
    picture = EncodedImage(b"abc", "image/png", 1, 2)
    assert picture.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(("content_type", "extension"), EXTENSIONS.items())
def test_a_picture_knows_its_extension(content_type: str, extension: str) -> None:
    assert EncodedImage(b"", content_type, 1, 1).extension == extension
    assert content_type in KINDS


# ---- What bytes are


@pytest.mark.parametrize("content_type", KINDS)
def test_the_first_bytes_tell_the_kind(content_type: str) -> None:
    assert sniff(KINDS[content_type]) == content_type


@each(
    "content",
    [
        b"",
        b"\n" + PNG,
        PNG[:7],
        b"\x89PNG\n\x1a\n more",
        b"\xff\xd8",
        b"RIFF\x10\0\0\0WAVE",
        b"RIFX\x10\0\0\0WEBP",
        WEBP[:11],
        b"GIF89a",
        b"BM",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\0\0\0\x1cftypavif",
    ],
)
def test_other_bytes_are_no_picture(content: bytes) -> None:
    assert sniff(content) is None


# ---- Data URLs


@each("content", KINDS.values())
@each("label", ["image/png", "image/jpg", "IMAGE/WebP", "image/svg+xml", "image/x-foo.bar"])
def test_a_data_url_holds_a_picture_whatever_it_is_called(content: bytes, label: str) -> None:
    assert parse_data_url(data_url(content, label), max_bytes=100) == content


def test_the_scheme_may_be_in_capitals() -> None:
    assert parse_data_url("DATA:image/png;BASE64," + encoded(PNG), max_bytes=100) == PNG


@each(
    "text",
    [
        "",
        "data:",
        encoded(PNG),
        "data:image/png," + encoded(PNG),
        "data:;base64," + encoded(PNG),
        "data:image/;base64," + encoded(PNG),
        "data:text/html;base64," + encoded(PNG),
        "data:image/png;charset=utf-8;base64," + encoded(PNG),
        "data:image/png;base64;base64," + encoded(PNG),
        " data:image/png;base64," + encoded(PNG),
        "data:image/png ;base64," + encoded(PNG),
        "data:image/png\n;base64," + encoded(PNG),
        "data:image/pñg;base64," + encoded(PNG),
        f"data:image/{'a' * 65};base64," + encoded(PNG),
        "https://files.example/a.png",
    ],
)
def test_what_is_no_data_url_of_a_picture_is_refused(text: str) -> None:
    with pytest.raises(InvalidImageError, match="does not start with"):
        parse_data_url(text, max_bytes=100)


@each(
    "payload",
    [
        encoded(PNG)[:-1],
        encoded(PNG)[:-2],
        encoded(PNG) + "=",
        encoded(PNG) + "AAAA",
        encoded(PNG + b"!!").rstrip("=") + "%3D",
        encoded(PNG)[:8] + "\n" + encoded(PNG)[8:],
        encoded(PNG) + "\n",
        " " + encoded(PNG),
        encoded(PNG).replace("/", "_").replace("+", "-") + "-_-_",
        "é" + encoded(PNG),
        "====",
        "A",
    ],
)
def test_base64_is_strict(payload: str) -> None:
    with pytest.raises(InvalidImageError, match="base64"):
        parse_data_url("data:image/png;base64," + payload, max_bytes=100)


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"<script>alert(1)</script>", b"{}", b"GIF89a"])
def test_a_data_url_must_hold_a_picture(content: bytes) -> None:
    with pytest.raises(InvalidImageError, match="no PNG, JPEG or WebP"):
        parse_data_url(data_url(content), max_bytes=100)


@pytest.mark.parametrize("size", [2_046, 2_047, 2_048])
def test_a_data_url_is_at_most_so_large(size: int) -> None:
    content = PNG.ljust(size, b"\0")
    assert parse_data_url(data_url(content), max_bytes=size) == content
    with pytest.raises(InvalidImageError, match=r"larger than [12] KB"):
        parse_data_url(data_url(content), max_bytes=size - 1)


def test_what_is_too_large_is_not_even_decoded() -> None:
    with pytest.raises(InvalidImageError, match="larger than 2 KB"):
        parse_data_url("data:image/png;base64," + "!" * 4_000, max_bytes=2_048)
