"""Generations and deliveries to store."""

from typing import Any

from hypothesis import strategies as st

from atelier.adapters.dynamodb.generation_store import from_stream
from atelier.generations.model import Generation, Moment, ProviderAttempt, Status, StoredFile, new_id
from atelier.webhooks.delivery import Attempt, Delivery, DeliveryStatus
from tests.integration.lambdas import event

NOW = 1_767_225_600_000
DAY = 86_400_000


def generation(**changes: Any) -> Generation:
    created_at = changes.pop("created_at", NOW)
    defaults: dict[str, Any] = {
        "id": new_id(created_at),
        "user_id": "user_1",
        "key_id": "key_1",
        "test": False,
        "model": "sketch",
        "tool": "text-to-image",
        "type": "image",
        "payload": {"prompt": "a boat"},
        "created_at": created_at,
        "correlation_id": "request-1",
        "callback_token": "callback",
        "file_token": "file",
        "due_at": created_at + 60_000,
    }
    return Generation(**{**defaults, **changes})


def delivery(of: Generation, **changes: Any) -> Delivery:
    """A delivery of its success, due since it was accepted."""
    defaults: dict[str, Any] = {
        "generation_id": of.id,
        "user_id": of.user_id,
        "event": Status.SUCCESS,
        "url": "https://your-server.com/api/webhook",
        "body": "{}",
        "created_at": of.created_at,
        "begun_at": of.created_at,
        "due_at": of.created_at,
    }
    return Delivery(**{**defaults, **changes})


def finished_example() -> Generation:
    """The generation of events/notify.json."""
    return from_stream(event("notify")["Records"][0]["dynamodb"]["NewImage"])


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_KEY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_TIME = st.integers(0, 2**47)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)

_FILES = st.builds(StoredFile, _TEXT, _TEXT, st.integers(0, 2**40), _TEXT, st.integers(0, 2**20), st.integers(0, 2**20))
GENERATIONS = st.integers(0, 2**41).flatmap(
    lambda created_at: st.builds(
        Generation,
        id=st.just(created_at).map(new_id),
        created_at=st.just(created_at),
        user_id=_KEY_TEXT,
        payload=st.dictionaries(_TEXT, _JSON, max_size=3),
        webhook=st.none() | _TEXT,
        key_id=_TEXT,
        test=st.booleans(),
        model=_TEXT,
        tool=_TEXT,
        type=_TEXT,
        correlation_id=_TEXT,
        callback_token=_TEXT,
        file_token=_TEXT,
        status=st.sampled_from(Status),
        version=st.integers(0, 100),
        tries=st.integers(0, 9),
        provider=st.none() | _TEXT,
        committed=st.booleans(),
        job_id=st.none() | _TEXT,
        sources=st.lists(_TEXT, max_size=3).map(tuple),
        inputs=st.lists(_FILES, max_size=2).map(tuple),
        sources_until=st.none() | _TIME,
        outputs=st.lists(_FILES, max_size=3).map(tuple),
        notes=st.lists(_TEXT, max_size=2).map(tuple),
        thumbnail=st.none() | _TEXT,
        error=st.none() | _TEXT,
        deadline_at=st.none() | _TIME,
        finished_at=st.none() | _TIME,
        due_at=st.none() | _TIME,
        timeline=st.lists(
            st.builds(Moment, status=st.sampled_from(Status), at=_TIME, provider=st.none() | _TEXT), max_size=3
        ).map(tuple),
        attempts=st.lists(st.builds(ProviderAttempt, _TEXT, _TEXT, _TIME, st.none() | _TIME, st.none() | _TEXT)).map(
            tuple
        ),
        webhook_events=st.lists(st.sampled_from(Status), max_size=5, unique=True).map(tuple),
        cancelled_at=st.none() | _TIME,
        refunded=st.booleans(),
    )
)

DELIVERIES = st.builds(
    Delivery,
    generation_id=st.integers(0, 2**41).map(new_id),
    user_id=_KEY_TEXT,
    event=st.sampled_from(Status),
    url=_TEXT,
    body=_TEXT,
    created_at=_TIME,
    begun_at=_TIME,
    status=st.sampled_from(DeliveryStatus),
    version=st.integers(0, 100),
    tries=st.integers(0, 11),
    attempts=st.integers(0, 100),
    started_at=st.none() | _TIME,
    jitter=st.integers(0, 2**40),
    postponements=st.integers(0, 100),
    due_at=st.none() | _TIME,
    reason=st.none() | _TEXT,
)

ATTEMPTS = st.builds(
    Attempt,
    number=st.integers(1, 10**6),
    at=_TIME,
    duration=_TIME,
    status_code=st.none() | st.integers(100, 599),
    answer=st.none() | _TEXT,
    reason=st.none() | _TEXT,
)
