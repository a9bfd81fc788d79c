"""The document that clients see."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.api.base_url import resolve_public_url
from atelier.encoding import encode, timestamp
from atelier.generations.model import Generation, Moment, ProviderAttempt, Status, StoredFile
from atelier.generations.serializer import announce, describe, detail
from atelier.images.file_urls import file_url

BASE = "https://api.example/api"
MISSION = {"_id", "status", "output", "model", "type", "payload", "error"}
OURS = {"id", "tool", "thumbnail", "createdAt"}
PENDING = Generation(
    id="018bcfe5680000000000000000000001",
    user_id="user_1",
    key_id="key_1",
    test=False,
    model="playground-v2",
    tool="text-to-image",
    type="image",
    payload={"prompt": "Astronaut in a jungle"},
    webhook="https://example.com/hook",
    created_at=1_700_000_000_123,
    correlation_id="correlation-id",
    callback_token="callback-token",
    file_token="file-token",
    provider="artificial-studio",
    job_id="job-id",
)
OUTPUTS = tuple(StoredFile(f"outputs/{name}.png", "image/png", 7, f"digest {name}", 64, 48) for name in "ab")
DONE = replace(
    PENDING,
    status=Status.SUCCESS,
    outputs=OUTPUTS,
    notes=("It did not draw: sofa.",),
    thumbnail="outputs/t.webp",
    timeline=(Moment(Status.SUCCESS, PENDING.created_at + 9),),
    attempts=(
        ProviderAttempt("fal", "fal-ai/flux", PENDING.created_at + 1, PENDING.created_at + 4, "It is busy."),
        ProviderAttempt("replicate", "owner/flux", PENDING.created_at + 5),
    ),
)
FAILED = replace(PENDING, status=Status.ERROR, error="The provider is gone.")
relaxed = settings(deadline=None)


@pytest.mark.parametrize("generation", [PENDING, DONE, FAILED], ids=lambda it: it.status.value)
def test_it_has_the_missions_fields_and_four_of_ours(generation: Generation) -> None:
    assert set(describe(generation, BASE)) == MISSION | OURS


def test_a_success_has_its_output() -> None:
    assert describe(DONE, BASE) == {
        "_id": PENDING.id,
        "id": PENDING.id,
        "status": "success",
        "output": "https://api.example/api/files/outputs/a.png",
        "thumbnail": "https://api.example/api/files/outputs/t.webp",
        "model": "playground-v2",
        "tool": "text-to-image",
        "type": "image",
        "payload": {"prompt": "Astronaut in a jungle"},
        "error": None,
        "createdAt": "2023-11-14T22:13:20.123Z",
    }


def test_a_failure_has_its_error() -> None:
    document = describe(FAILED, BASE)
    assert (document["status"], document["output"], document["thumbnail"], document["error"]) == (
        "error",
        None,
        None,
        "The provider is gone.",
    )


@pytest.mark.parametrize("status", list(Status))
def test_a_status_is_a_plain_word(status: Status) -> None:
    assert type(describe(replace(PENDING, status=status), BASE)["status"]) is str


@pytest.mark.parametrize("generation", [PENDING, DONE, FAILED], ids=lambda it: it.status.value)
def test_nothing_that_is_ours_alone_gets_out(generation: Generation) -> None:
    text = encode(describe(generation, BASE))
    for secret in ("callback-token", "file-token", "correlation-id", "user_1", "key_1", "job-id", "artificial-studio"):
        assert secret not in text


def test_the_announcement_says_whose_it_is() -> None:
    assert announce(DONE, BASE) == {**detail(DONE, BASE), "userId": "user_1"}


def test_an_answer_has_all_pictures_and_every_attempt() -> None:
    more = {name: value for name, value in detail(DONE, BASE).items() if name not in describe(DONE, BASE)}
    assert more == {
        "outputs": [
            {
                "url": f"https://api.example/api/files/outputs/{name}.png",
                "contentType": "image/png",
                "size": 7,
                "sha256": f"digest {name}",
                "width": 64,
                "height": 48,
            }
            for name in "ab"
        ],
        "updatedAt": "2023-11-14T22:13:20.132Z",
        "attempts": [
            {"provider": "fal", "at": "2023-11-14T22:13:20.124Z", "duration": 3, "error": "It is busy."},
            {"provider": "replicate", "at": "2023-11-14T22:13:20.128Z", "duration": None, "error": None},
        ],
        "notes": ["It did not draw: sofa."],
    }
    assert describe(DONE, BASE)["output"] == more["outputs"][0]["url"]


def test_of_a_picture_in_a_data_url_only_the_head_is_shown() -> None:
    pictures = ["data:image/png;base64,iVBORw0KGgo=", "https://a.example/1.png"]
    shown = describe(replace(PENDING, payload={"prompt": "data:", "image_urls": pictures}), BASE)["payload"]
    assert shown["image_urls"] == ["data:image/png;base64,…", "https://a.example/1.png"]
    assert pictures[0].endswith("iVBORw0KGgo=")


def test_json_is_compact_and_in_utf_8() -> None:
    assert encode({"a": [1, None], "b": "Katze \u732b \U0001f408"}) == '{"a":[1,null],"b":"Katze \u732b \U0001f408"}'


@relaxed
@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.booleans()))
def test_json_reads_back(payload: dict[str, Any]) -> None:
    document = describe(replace(PENDING, payload=payload), BASE)
    assert json.loads(encode(document).encode()) == document


def test_the_payload_is_a_copy() -> None:
    describe(PENDING, BASE)["payload"]["prompt"] = "changed"
    assert PENDING.payload == {"prompt": "Astronaut in a jungle"}


def test_a_file_has_a_stable_url() -> None:
    assert file_url("outputs/a.png", BASE) == "https://api.example/api/files/outputs/a.png"


@pytest.mark.parametrize(
    ("public", "expected"),
    [
        (
            "https://{api_id}.execute-api.{region}.amazonaws.com/api",
            "https://abc.execute-api.eu-west-1.amazonaws.com/api",
        ),
        ("https://images.example/api/", "https://images.example/api"),
        ("https://images.example/{other}", "https://images.example/{other}"),
    ],
)
def test_the_public_url_is_filled_in(public: str, expected: str) -> None:
    assert resolve_public_url(public, api_id="abc", region="eu-west-1") == expected


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (999, "1970-01-01T00:00:00.999Z"),
        (1_709_164_800_001, "2024-02-29T00:00:00.001Z"),
    ],
)
def test_a_time_is_iso_8601_in_utc(milliseconds: int, text: str) -> None:
    assert timestamp(milliseconds) == text


@relaxed
@given(st.integers(0, 4_102_444_800_000))
def test_a_time_loses_nothing(milliseconds: int) -> None:
    moment = datetime.fromisoformat(timestamp(milliseconds))
    assert moment.tzinfo == UTC
    assert round(moment.timestamp() * 1_000) == milliseconds
