"""The way of a generation: which changes there are, and which there are not."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.clock import MINUTE
from atelier.errors import ConflictError
from atelier.generations.model import (
    ANNOUNCE_AFTER,
    CLAIM_LEASE,
    ID_PATTERN,
    POLL_EVERY,
    RESEND_AFTER,
    UPLOAD_LEASE,
    Generation,
    ProviderAttempt,
    Status,
    StoredFile,
    new_generation,
    new_id,
)
from tests.cases import each

NOW = 1_700_000_000_000
Change = Callable[[Generation], Generation]
relaxed = settings(deadline=None)
OUTPUT = StoredFile("outputs/1", "image/png", 7, "digest", 64, 48)


def accepted() -> Generation:
    """Make a new generation."""
    return new_generation(
        user_id="user_1",
        key_id="key_1",
        test=False,
        model="sketch",
        tool="text-to-image",
        type="image",
        payload={"prompt": "a cat"},
        webhook="https://example.com/hook",
        correlation_id="c-1",
        now=NOW,
    )


CHANGES: dict[str, tuple[Change, set[Status], Status | None]] = {
    "claimed": (
        lambda it: it.claimed("studio", "studio/xl", committed=True, now=NOW, deadline=10 * MINUTE),
        {Status.PENDING},
        Status.PROCESSING,
    ),
    "submitted": (lambda it: it.submitted("job-1", NOW), {Status.PROCESSING}, Status.PROCESSING),
    "prepared": (lambda it: it.prepared((OUTPUT,)), {Status.PENDING}, Status.PENDING),
    "released": (lambda it: it.requeued("busy", NOW, 30_000), {Status.PROCESSING, Status.UPLOADING}, Status.PENDING),
    "uploading": (lambda it: it.uploading(NOW, ("https://x/1",)), {Status.PROCESSING}, Status.UPLOADING),
    "succeeded": (lambda it: it.succeeded((OUTPUT,), "outputs/t", NOW), {Status.UPLOADING}, Status.SUCCESS),
    "cancelled": (lambda it: it.cancelled(NOW), {Status.PROCESSING}, Status.PROCESSING),
    "lapsed": (
        lambda it: it.timed_out("no", NOW),
        {Status.PENDING, Status.PROCESSING, Status.UPLOADING},
        Status.ERROR,
    ),
    "failed": (
        lambda it: it.failed("no", NOW),
        {Status.PENDING, Status.PROCESSING, Status.UPLOADING},
        Status.ERROR,
    ),
    "postponed": (lambda it: it.rescheduled(NOW + 1), set(Status), None),
    "announced": (lambda it: it.announced(), set(Status), None),
}
pairs = [(name, status) for name in CHANGES for status in Status]


def test_only_success_and_error_are_final() -> None:
    assert {status for status in Status if status.final} == {Status.SUCCESS, Status.ERROR}


@each(("name", "status"), [(n, s) for n, s in pairs if s in CHANGES[n][1]])
def test_a_change_that_is_allowed(name: str, status: Status) -> None:
    change, _, then = CHANGES[name]
    before = replace(accepted(), status=status, version=7)
    after = change(before)
    assert after.status is (then or status)
    assert after.version == 8
    assert before.version == 7


@each(("name", "status"), [(n, s) for n, s in pairs if s not in CHANGES[n][1]])
def test_a_change_that_is_not_allowed(name: str, status: Status) -> None:
    with pytest.raises(ConflictError, match=f"generation is (already )?{status}"):
        CHANGES[name][0](replace(accepted(), status=status))


@relaxed
@given(st.lists(st.sampled_from(sorted(CHANGES)), max_size=30))
def test_the_version_counts_the_changes_and_the_end_is_the_end(names: list[str]) -> None:
    here, changes = accepted(), 0
    for name in names:
        before = here
        try:
            here = CHANGES[name][0](before)
        except ConflictError:
            continue
        changes += 1
        assert here.version == changes
        if before.status.final:
            assert replace(here, due_at=None, version=0) == replace(before, due_at=None, version=0)
        assert (here.finished_at is not None) == here.status.final
        assert (here.error is not None) == (here.status is Status.ERROR)
        assert bool(here.outputs) == (here.status is Status.SUCCESS)
        assert (here.id, here.payload, here.webhook, here.created_at, here.callback_token, here.file_token) == (
            before.id,
            before.payload,
            before.webhook,
            before.created_at,
            before.callback_token,
            before.file_token,
        )


def test_a_new_generation_is_pending_and_due() -> None:
    new = accepted()
    assert (new.status, new.version, new.tries, new.committed, new.error) == (Status.PENDING, 0, 0, False, None)
    assert (new.created_at, new.due_at) == (NOW, NOW + RESEND_AFTER)
    assert ID_PATTERN.fullmatch(new.id)


def test_a_claim_records_who_is_called_and_until_when() -> None:
    claimed = accepted().claimed("p", "p/xl", committed=True, now=NOW, deadline=600_000)
    assert (claimed.provider, claimed.committed, claimed.tries) == ("p", True, 1)
    assert (claimed.deadline_at, claimed.due_at) == (NOW + 600_000, NOW + CLAIM_LEASE)


def test_a_submitted_job_is_polled() -> None:
    job = accepted().claimed("p", "p/xl", committed=True, now=NOW, deadline=1).submitted("job-1", NOW + 5)
    assert (job.job_id, job.due_at) == ("job-1", NOW + 5 + POLL_EVERY)


def test_a_release_forgets_the_provider_but_not_the_tries() -> None:
    claimed = accepted().claimed("p", "p/xl", committed=True, now=NOW, deadline=1).submitted("job-1", NOW)
    requeued = claimed.requeued("busy", NOW, 30_000)
    assert (requeued.provider, requeued.committed, requeued.job_id, requeued.deadline_at) == (None, False, None, None)
    assert (requeued.tries, requeued.due_at) == (1, NOW + 30_000 + RESEND_AFTER)
    assert requeued.claimed("q", "q/xl", committed=False, now=NOW, deadline=1).tries == 2


def test_an_upload_knows_its_sources() -> None:
    claimed = accepted().claimed("p", "p/xl", committed=True, now=NOW, deadline=1)
    upload = claimed.uploading(NOW, ("https://x/1",), NOW + 7)
    assert (upload.sources, upload.sources_until, upload.due_at) == (("https://x/1",), NOW + 7, NOW + UPLOAD_LEASE)
    assert (upload.requeued("gone", NOW).sources, upload.requeued("gone", NOW).sources_until) == ((), None)


def test_a_success_has_outputs_and_waits_to_be_announced() -> None:
    upload = accepted().claimed("p", "p/xl", committed=True, now=NOW, deadline=1).uploading(NOW)
    done = upload.succeeded((OUTPUT, OUTPUT), "outputs/t", NOW + 9)
    assert (done.outputs, done.thumbnail, done.error) == ((OUTPUT, OUTPUT), "outputs/t", None)
    assert (done.finished_at, done.due_at) == (NOW + 9, NOW + 9 + ANNOUNCE_AFTER)
    assert done.announced().due_at is None


def test_a_failure_says_why_and_waits_to_be_announced() -> None:
    failed = accepted().failed("The provider is gone.", NOW + 9)
    assert (failed.error, failed.outputs) == ("The provider is gone.", ())
    assert (failed.finished_at, failed.due_at) == (NOW + 9, NOW + 9 + ANNOUNCE_AFTER)


def test_a_postponed_generation_is_due_then() -> None:
    assert accepted().rescheduled(NOW + 77).due_at == NOW + 77


@relaxed
@given(st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1))
def test_ids_sort_by_time(first: int, second: int) -> None:
    ids = new_id(first), new_id(second)
    assert all(ID_PATTERN.fullmatch(id) for id in ids)
    if first != second:
        assert (ids[0] < ids[1]) is (first < second)


def test_ids_and_tokens_are_never_the_same() -> None:
    several = [accepted() for _ in range(100)]
    assert len({item.id for item in several}) == 100
    assert len({item.callback_token for item in several} | {item.file_token for item in several}) == 200
    assert all(len(item.callback_token) == 32 and len(item.file_token) == 24 for item in several)


def test_the_timeline_dates_each_status_and_names_who_was_called() -> None:
    claimed = accepted().claimed("p", "p/xl", committed=True, now=NOW + 1, deadline=1).submitted("job-1", NOW + 2)
    requeued = claimed.requeued("busy", NOW + 3).rescheduled(NOW + 4)
    done = (
        requeued.claimed("q", "q/xl", committed=False, now=NOW + 5, deadline=1)
        .uploading(NOW + 6)
        .succeeded((OUTPUT,), "outputs/t", NOW + 7)
        .announced()
    )
    assert accepted().timeline == ()
    assert done.timeline == (
        (Status.PROCESSING, NOW + 1, "p"),
        (Status.PENDING, NOW + 3, None),
        (Status.PROCESSING, NOW + 5, "q"),
        (Status.UPLOADING, NOW + 6, None),
        (Status.SUCCESS, NOW + 7, None),
    )
    assert accepted().failed("no", NOW + 8).timeline == ((Status.ERROR, NOW + 8, None),)


def test_each_attempt_says_whose_turn_how_long_and_why_it_ended() -> None:
    first = accepted().claimed("p", "p/xl", committed=True, now=NOW + 1, deadline=1)
    assert first.attempts == (ProviderAttempt("p", "p/xl", NOW + 1),)
    second = first.requeued("busy", NOW + 3).claimed("q", "q/xl", committed=True, now=NOW + 5, deadline=1)
    done = second.submitted("job-1", NOW + 6).uploading(NOW + 9).succeeded((OUTPUT,), "outputs/t", NOW + 20)
    assert done.attempts == (
        ProviderAttempt("p", "p/xl", NOW + 1, NOW + 3, "busy"),
        ProviderAttempt("q", "q/xl", NOW + 5, NOW + 9, None),
    )
    assert second.failed("no", NOW + 7).attempts[-1] == ProviderAttempt("q", "q/xl", NOW + 5, NOW + 7, "no")
    assert second.uploading(NOW + 9).failed("no picture", NOW + 20).attempts == done.attempts


@pytest.mark.parametrize("committed", [True, False])
def test_a_job_given_up_lapses_as_cancelled_at_its_possible_cost(committed: bool) -> None:
    claimed = accepted().claimed("p", "p/xl", committed=committed, now=NOW, deadline=1)
    cancelled = claimed.submitted("job-1", NOW).cancelled(NOW + 5)
    assert (cancelled.status, cancelled.cancelled_at, cancelled.due_at) == (Status.PROCESSING, NOW + 5, NOW + 5)
    timed_out = cancelled.timed_out("too late", NOW + 9)
    assert (timed_out.error, timed_out.refunded) == ("cancelled", not committed)
    other = claimed.timed_out("too late", NOW + 9)
    assert (other.error, other.refunded) == ("too late", True)


def test_a_failure_refunds_the_credits_unless_it_says_otherwise() -> None:
    assert accepted().failed("no", NOW).refunded
    assert not accepted().failed("no", NOW, refunded=False).refunded


def test_inputs_are_remembered_over_all_attempts() -> None:
    prepared = accepted().prepared((OUTPUT,))
    again = prepared.claimed("p", "p/xl", committed=True, now=NOW, deadline=1).requeued("busy", NOW)
    assert prepared.inputs == again.inputs == (OUTPUT,)
