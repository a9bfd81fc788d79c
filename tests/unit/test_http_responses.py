"""What all providers' HTTP has in common, where no provider's own tests show it."""

from typing import Any

import httpx
import pytest

from atelier.errors import ProviderCredentialsError
from atelier.outbound.retry_after import retry_after
from atelier.providers import http_responses
from tests.cases import each
from tests.unit.asynchronous import wire as line


@each(
    ("value", "found"),
    [
        ("https://a.example/1", ["https://a.example/1"]),
        (["https://a.example/1", "http://127.0.0.1:1/2"], ["https://a.example/1", "http://127.0.0.1:1/2"]),
        (["https://a.example/1", "https://a.example/1"], ["https://a.example/1"]),
        ([{"url": "https://a.example/1", "preview": "https://a.example/no"}], ["https://a.example/1"]),
        ({"mask": {"url": "https://a.example/1"}, "image": "https://a.example/2"}, ["https://a.example/1", "https://a.example/2"]),
        ({"url": {"url": "https://a.example/1"}}, ["https://a.example/1"]),
        ({"url": None}, []),
        (["words, such as https://a.example/1", "ftp://a.example/1", "//a.example/1", 5, None, True, 1.5], []),
        (["https://a.example/é", "https://a.example/\ud800", "https://a.example/" + "a" * 2_100], []),
        (None, []),
    ],
)  # fmt: skip
def test_pictures_are_found_in_any_answer_in_order(value: Any, found: list[str]) -> None:
    assert list(http_responses.urls(value)) == found


def test_pictures_are_counted_and_nesting_is_not() -> None:
    assert len(http_responses.urls([f"https://a.example/{n}" for n in range(100)])) == http_responses.MAX_URLS
    nested: Any = "https://a.example/1"
    for _ in range(100_000):
        nested = [nested]
    assert http_responses.urls(nested) == ("https://a.example/1",)


NOON = "Sun, 22 Nov 2026 12:00:00 GMT"


@each(
    ("headers", "seconds"),
    [
        ({"retry-after": "Sun, 22 Nov 2026 12:00:07 GMT", "date": NOON}, 7.0),
        ({"retry-after": "Sun, 22 Nov 2026 11:59:00 GMT", "date": NOON}, 0.0),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:07 GMT"}, None),
        ({"retry-after": "Sun, 99 Nov 2026 12:00:07 GMT", "date": NOON}, None),
        ({"retry-after": "1 Jan 99999999999 00:00:00 +9999999999999", "date": NOON}, None),
        ({"retry-after": "5", "date": NOON}, 5.0),
        ({"retry-after": "9" * 20, "date": NOON}, None),
        ({"date": NOON}, None),
    ],
)
def test_a_date_to_come_back_at_counts_from_the_answers_own(headers: dict[str, str], seconds: float | None) -> None:
    asked = retry_after(headers)
    assert (None if asked is None else asked / 1_000) == seconds


@pytest.mark.parametrize(
    "words",
    [
        "NSFW content detected. Try running it again, or try a different prompt.",
        "The input or output was flagged as sensitive. (E005)",
        "Prompt rejected by the content policy",
        "the request was blocked by our safety system",
        "moderation_blocked",
    ],
)
def test_unsafe_is_told_from_broken(words: str) -> None:
    for told in (http_responses.refusal("studio", words), http_responses.failure("studio", words)):
        assert told.startswith("The provider studio holds the prompt, or the picture made of it, to be unsafe: ")
        assert told.endswith("; change the prompt.")


@pytest.mark.parametrize("words", ["CUDA out of memory", "seed must be an integer", "E1001", "", None, 5])
def test_broken_is_not_told_as_unsafe(words: object) -> None:
    assert http_responses.refusal("studio", words).startswith("The provider studio refused the input")
    assert http_responses.failure("studio", words).startswith("The provider studio could not make the picture")


@pytest.mark.parametrize("key", ["", "the key\n", " the key", "the\nkey", "th\u00e9 key", "the\u200bkey", "\ud800"])
def test_a_key_no_header_can_hold_is_found_before_sending(key: str) -> None:
    there = line(httpx.Response(200))
    headers = {"Authorization": key, "Content-Type": "multipart/form-data; boundary=x"}
    with pytest.raises(ProviderCredentialsError, match="tell the operator"):
        http_responses.submit(
            there.client,
            "studio",
            "https://a.example",
            headers=headers,
            content=b"",
            timeout=1,
            max_bytes=1,
            message=str,
        )
    with pytest.raises(ProviderCredentialsError):
        http_responses.ask(there.client, "studio", "GET", "https://a.example", headers=headers, timeout=1, max_bytes=1)
    assert there.asked == []
