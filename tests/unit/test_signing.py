"""Standard Webhooks signatures, checked against the reference library both ways."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from atelier.errors import InvalidSignatureError
from atelier.standard_webhooks import TOLERANCE_SECONDS, derive_secret, sign, verify
from tests.cases import each

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ID, NOW, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
relaxed = settings(deadline=None)
secrets = st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode())
ids = st.text(min_size=1)
anything = st.text() | st.text(st.characters(categories=["Cs"]))  # lone surrogates too


def signed(*keys: str) -> dict[str, str]:
    """Make the headers of the fixed message."""
    return dict(sign(keys or [SECRET], message_id=ID, timestamp=NOW, body=BODY))


def check(headers: Mapping[str, str], *keys: str, body: bytes = BODY, now: int = NOW) -> None:
    """Verify the fixed message."""
    verify(keys or [SECRET], headers=headers, body=body, now=now)


def test_the_vector_of_the_specification() -> None:
    assert signed() == {
        "webhook-id": ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_what_is_signed_verifies() -> None:
    check(signed())


def test_header_names_may_have_any_case() -> None:
    check({name.title(): value for name, value in signed().items()})


@relaxed
@given(secret=secrets, message_id=ids, body=st.text())
def test_the_library_verifies_what_we_sign(secret: str, message_id: str, body: str) -> None:
    headers = sign([secret], message_id=message_id, timestamp=int(time.time()), body=body.encode())
    Webhook(secret).verify(body, dict(headers), json_parse=False)


@relaxed
@given(
    secret=secrets,
    message_id=ids,
    body=st.text(),
    now=st.integers(1, 2**32),
    skew=st.integers(-TOLERANCE_SECONDS, TOLERANCE_SECONDS),
)
def test_we_verify_what_the_library_signs(secret: str, message_id: str, body: str, now: int, skew: int) -> None:
    signature = Webhook(secret).sign(message_id, datetime.fromtimestamp(now, UTC), body)
    headers = {"webhook-id": message_id, "webhook-timestamp": str(now), "webhook-signature": signature}
    verify([secret], headers=headers, body=body.encode(), now=now + skew)


@relaxed
@given(secret=secrets, body=st.binary(), message_id=ids, now=st.integers(0, 2**40))
def test_any_bytes_can_be_signed(secret: str, body: bytes, message_id: str, now: int) -> None:
    headers = sign([secret], message_id=message_id, timestamp=now, body=body)
    verify([secret], headers=headers, body=body, now=now)


def test_both_secrets_hold_during_a_rotation() -> None:
    headers = signed(OTHER, SECRET)
    assert len(headers["webhook-signature"].split(" ")) == 2
    check(headers, SECRET)
    check(headers, OTHER)


def test_the_library_accepts_either_of_two_signatures() -> None:
    headers = dict(sign([OTHER, SECRET], message_id=ID, timestamp=int(time.time()), body=BODY))
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(BODY, headers) == {"test": 2432232314}


def test_a_receiver_may_know_both_secrets() -> None:
    check(signed(SECRET), OTHER, SECRET)


def test_signatures_of_other_versions_are_passed_over() -> None:
    headers = signed()
    check({**headers, "webhook-signature": f"v1a,xyz v2 {headers['webhook-signature']} v3,abc"})


@pytest.mark.parametrize("skew", [-TOLERANCE_SECONDS, TOLERANCE_SECONDS])
def test_five_minutes_of_skew_are_accepted(skew: int) -> None:
    check(signed(), now=NOW + skew)


@relaxed
@given(st.data())
def test_one_changed_byte_fails(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.binary(min_size=1)))
    headers = sign([SECRET], message_id=ID, timestamp=NOW, body=bytes(body))
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidSignatureError, match="no webhook signature matches"):
        verify([SECRET], headers=headers, body=bytes(body), now=NOW)


def test_an_old_timestamp_fails() -> None:
    with pytest.raises(InvalidSignatureError, match="five minutes"):
        check(signed(), now=NOW + TOLERANCE_SECONDS + 1)


def test_a_future_timestamp_fails() -> None:
    with pytest.raises(InvalidSignatureError, match="five minutes"):
        check(signed(), now=NOW - TOLERANCE_SECONDS - 1)


def test_a_renewed_timestamp_fails() -> None:
    with pytest.raises(InvalidSignatureError, match="no webhook signature matches"):
        check({**signed(), "webhook-timestamp": str(NOW + 1)})


def test_another_id_fails() -> None:
    with pytest.raises(InvalidSignatureError, match="no webhook signature matches"):
        check({**signed(), "webhook-id": "msg_other"})


def test_the_wrong_secret_fails() -> None:
    with pytest.raises(InvalidSignatureError, match="no webhook signature matches"):
        check(signed(), OTHER)
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(BODY, dict(sign([SECRET], message_id=ID, timestamp=int(time.time()), body=BODY)))


def test_no_secret_verifies_nothing() -> None:
    with pytest.raises(InvalidSignatureError):
        verify([], headers=signed(), body=BODY, now=NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_?", "whsec_abc", "whsec_\u20ac", "whsec_\ud800"])
def test_a_bad_secret_neither_signs_nor_verifies(secret: str) -> None:
    with pytest.raises(InvalidSignatureError, match="secret"):
        signed(secret)
    with pytest.raises(InvalidSignatureError, match="secret"):
        check(signed(), secret)


def test_a_secret_may_come_without_its_prefix() -> None:
    bare = SECRET.removeprefix("whsec_")
    assert signed(bare) == signed()
    check(signed(), bare)


each_header = pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])


@each_header
def test_a_missing_header_fails(name: str) -> None:
    headers = signed()
    del headers[name]
    with pytest.raises(InvalidSignatureError, match="missing"):
        check(headers)


@each_header
def test_an_empty_header_fails_even_if_it_is_signed(name: str) -> None:
    headers = dict(sign([SECRET], message_id="", timestamp=NOW, body=BODY)) if name == "webhook-id" else signed()
    with pytest.raises(InvalidSignatureError, match="empty"):
        check({**headers, name: ""})


@each_header
def test_a_header_that_comes_twice_fails(name: str) -> None:
    headers = signed()
    for twice in ({**headers, name.title(): headers[name]}, {**headers, name.upper(): "x"}):
        with pytest.raises(InvalidSignatureError, match="repeated"):
            check(twice)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_a_header_that_came_twice_and_was_joined_fails(name: str) -> None:
    headers = signed()
    with pytest.raises(InvalidSignatureError):
        check({**headers, name: f"{headers[name]}, {headers[name]}"})


@each_header
@pytest.mark.parametrize("space", [*"\t\n\v\f\0\x1c\x85\xa0\u2003\u2028\u3000\ufeff\ud800", "\r\n"], ids=ascii)
def test_no_space_nor_surrogate_is_overlooked(name: str, space: str) -> None:
    value = signed()[name]
    for changed in (space + value, value + space, value[:5] + space + value[5:], space):
        with pytest.raises(InvalidSignatureError):
            check({**signed(), name: changed})


@each(
    "timestamp",
    ["", " ", "now", "-1", f"+{NOW}", f" {NOW}", f"{NOW}\n", f"{NOW}.0", "1_614_265_330", "1e9", "nan", "inf",
     "\u0661\u0666", "\u00b2", "9" * 19, "9" * 5_000, "\ud800", "\x00"],
)  # fmt: skip
def test_a_malformed_timestamp_fails(timestamp: str) -> None:
    with pytest.raises(InvalidSignatureError):
        check({**signed(), "webhook-timestamp": timestamp})


@pytest.mark.parametrize("timestamp", [f"+{NOW}", f" {NOW}", f"{NOW}\n", "1_614_265_330", "\u0661614265330"], ids=ascii)
def test_a_timestamp_not_of_plain_digits_fails_even_if_signed(timestamp: str) -> None:
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{ID}.{timestamp}.".encode() + BODY, hashlib.sha256)
    headers = {
        "webhook-id": ID,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
    with pytest.raises(InvalidSignatureError, match="five minutes"):
        check(headers)


GOOD = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@each(
    "signature",
    ["", " ", ",", "v1", "v1,", "v1, ", GOOD, f"v1a,{GOOD}", f"V1,{GOOD}", f"v1;{GOOD}", f"v1,{GOOD[:-1]}",
     f"v1,{GOOD},", f"v1,v1,{GOOD}", f",{GOOD}", f"v1 {GOOD}", f"v1,,{GOOD}", f"v1a,{GOOD} v2,{GOOD} ,{GOOD} {GOOD}",
     f"v\u0661,{GOOD}", f"v1,{GOOD.lower()}", "v1,\u20ac", "v1,\ud800", f"\ufeffv1,{GOOD}",
     "v1,x " * 50_000, "v1," + "A" * 1_000_000],
    ids=lambda text: ascii(text[:30]),
)  # fmt: skip
def test_a_malformed_signature_fails(signature: str) -> None:
    with pytest.raises(InvalidSignatureError):
        check({**signed(), "webhook-signature": signature})


@relaxed
@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "Webhook-Timestamp", "webhook-signature"]) | st.text(),
        anything | st.text("v1,0123 =") | st.just(str(NOW)) | st.just(f"v1,{GOOD[:-2]}I="),
    ),
    st.binary(),
)
def test_no_headers_raise_anything_but_the_one_error(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(InvalidSignatureError):
        check(headers, body=body)


def test_a_users_secret_is_derived_alike_and_unlike_any_other() -> None:
    secret = derive_secret("stack", "user_1")
    others = [("stack", "user_2", 1), ("other", "user_1", 1), ("stack", "user_1", 2), ("stack", "user_1", 11)]
    assert secret == "whsec_VSeWWVreGNcY/UgtBENi7FN/nGB/Z8mPoS8m3qJ9OKA="
    assert len({secret, *(derive_secret(*other) for other in others)}) == 5


def test_a_users_secret_suits_the_library() -> None:
    secret = derive_secret("stack", "user_1")
    headers = sign([secret], message_id=ID, timestamp=int(time.time()), body=BODY)
    Webhook(secret).verify(BODY, dict(headers))
