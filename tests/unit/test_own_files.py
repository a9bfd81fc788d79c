"""Which URLs lead to a stack's own files."""

import pytest

from atelier.errors import FetchRefusedError, InvalidRequestError
from atelier.images.file_urls import FileUrls
from tests.cases import each
from tests.unit.fakes import BASE_URL

OWN = FileUrls(BASE_URL)
MINE = "uploads/user_1/file_0a/t-o_ken.png"


@pytest.mark.parametrize(
    "key",
    [
        MINE,
        "transient/user_1/file_0a/token.webp",
        "outputs/01abc/token/0.png",
        "outputs/01abc/token/thumbnail.webp",
        "inputs/01abc/token/3.jpg",
    ],
)
def test_a_url_of_this_stack_leads_to_a_key(key: str) -> None:
    assert OWN.key(f"{BASE_URL}/files/{key}") == key


@pytest.mark.parametrize(
    "url",
    [
        f"HTTPS://Atelier.Example:443/api/files/{MINE}",
        f"https://atelier.example/api/files/{MINE}?download=1#top",
        f"https://atelier.example/api/%66iles/{MINE.replace('user', '%75ser')}",
    ],
)
def test_it_may_be_spelt_in_other_ways(url: str) -> None:
    assert OWN.key(url) == MINE


@each(
    "url",
    [
        "https://elsewhere.example/api/files/" + MINE,
        "http://atelier.example/api/files/" + MINE,
        "https://atelier.example:8443/api/files/" + MINE,
        "https://atelier.example/files/" + MINE,
        "https://atelier.example/api/filesystem/" + MINE,
        "https://atelier.example/api/models",
        "https://atelier.example:port/api/files/" + MINE,
        "https://[::1/api/files/" + MINE,
        "data:image/png;base64,iVBORw0KGgo=",
        "",
    ],
)
def test_other_urls_lead_elsewhere(url: str) -> None:
    assert OWN.key(url) is None


@each(
    "key",
    [
        "",
        "uploads",
        "secrets/user_1/file_0a/token.png",
        "uploads/user_1/../user_2/file_0a/token.png",
        "uploads/user_1/..%2Fuser_2/token.png",
        "uploads/user_1/file_0a/token.png/",
        "uploads//user_1/file_0a/token.png",
        "uploads/user_1/file_0a/tökén.png",
        "uploads/user_1/file_0a/token.png%0A",
    ],
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(FetchRefusedError, match="no file"):
        OWN.key(f"{BASE_URL}/files/{key}")


def test_an_input_is_refused_with_the_fields_at_fault() -> None:
    urls = [f"{BASE_URL}/files/{key}" for key in (MINE, "uploads/user_1/file_0a", "uploads/")]
    with pytest.raises(InvalidRequestError) as caught:
        OWN.check({"prompt": "as these", "image_urls": [*urls, "https://elsewhere.example/1.png"]})
    assert [(error.field, error.code) for error in caught.value.errors] == [
        ("input.image_urls.1", "invalid_url"),
        ("input.image_urls.2", "invalid_url"),
    ]
    assert "no file of this service" in caught.value.message


@pytest.mark.parametrize("values", [{}, {"image_urls": None}, {"image_urls": []}, {"image_urls": [BASE_URL]}])
def test_an_input_without_our_files_is_let_be(values: dict[str, object]) -> None:
    OWN.check(values)
