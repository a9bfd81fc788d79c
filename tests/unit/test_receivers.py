"""Receivers verify what we sign: two libraries that share no code with us, and the programs in docs/webhooks.md.

The reference library is one, the client of Replicate, which verifies with code of its own, the other; both take a body
for text. The programs for Node get any bytes; they run in the Node that Playwright brings.
"""

import base64
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import playwright
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from replicate.webhook import InvalidSignatureError, Webhooks, WebhookSigningSecret
from standardwebhooks import Webhook, WebhookVerificationError

from atelier.standard_webhooks import sign

Headers = Mapping[str, str]

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "webhooks.md"
NODE = Path(playwright.__file__).parent / "driver" / "node"
SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
WRONG = "whsec_d3JvbmcgKiB3cm9uZyAqIHdyb25n"
LARGE = 256 * 1024
secrets = st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode())
ids = st.text("0123456789abcdef", min_size=32, max_size=32).map(lambda text: f"msg_{text}")
some = settings(deadline=None)


def signed(*keys: str, message_id: str = "msg_1", body: bytes, age: int = 0) -> dict[str, str]:
    """Sign as deliver does."""
    timestamp = int(time.time()) - age
    return dict(sign(keys, message_id=message_id, timestamp=timestamp, body=body))


def reference(secret: str, headers: Headers, body: bytes) -> bool:
    """Verify with the library of Standard Webhooks."""
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def replicate(secret: str, headers: Headers, body: bytes) -> bool:
    """Verify with Replicate's client, which takes no empty body for one."""
    if not body:
        return reference(secret, headers, body)
    try:
        key = WebhookSigningSecret(key=secret)
        Webhooks.validate(headers=dict(headers), body=body.decode(), secret=key, tolerance=300)
    except InvalidSignatureError:
        return False
    return True


libraries = pytest.mark.parametrize("verifies", [reference, replicate])


@libraries
@some
@given(secret=secrets, other=secrets, message_id=ids, body=st.text())
@example(secret=SECRET, other=OTHER, message_id="msg_1", body="")
@example(secret=SECRET, other=OTHER, message_id="msg_1", body="ä🦊\n\x00" * (LARGE // 8))
def test_two_libraries_verify_either_secrets_signature_alone(
    verifies: Callable[[str, Headers, bytes], bool], secret: str, other: str, message_id: str, body: str
) -> None:
    content = body.encode()
    headers = signed(other, secret, message_id=message_id, body=content)
    assert verifies(secret, headers, content)
    assert verifies(other, headers, content)
    assert not verifies(secret, headers, content + b" ")
    assert verifies(SECRET, headers, content) is (SECRET in (secret, other))


def programs(language: str) -> list[str]:
    """The documentation's programs in a language."""
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENTATION.read_text(encoding="utf-8"), re.DOTALL)


def test_the_documented_python_verifies() -> None:
    (program,) = programs("python")
    scope: dict[str, Any] = {}
    exec(program, scope)
    body = b'{"id": "1"}'
    headers = signed(SECRET, body=body)
    assert scope["generation_of"](SECRET, headers, body) == {"id": "1"}
    assert scope["generation_of"](OTHER, headers, body) is None
    for signatures in ("", "v1", "v1,", "v1,x,y", "v1a,xyz"):
        assert scope["generation_of"](SECRET, {**headers, "webhook-signature": signatures}, body) is None


Ask = Callable[[str, object, Headers, bytes], bool]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """The documentation's programs in one Node: asked by a line, it answers with a line."""
    folder = tmp_path_factory.mktemp("node")
    for number, program in enumerate(programs("js")):
        (folder / f"{number}.mjs").write_text(program, encoding="utf-8")
    main = folder / "main.mjs"
    main.write_text(
        'import { createInterface } from "node:readline";\n'
        'import * as shared from "./0.mjs";\n'
        "for await (const line of createInterface({ input: process.stdin })) {\n"
        "  const [name, key, headers, body] = JSON.parse(line);\n"
        '  console.log(shared[name](key, headers, Buffer.from(body, "base64")));\n'
        "}\n",
        encoding="utf-8",
    )
    with subprocess.Popen([NODE, main], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        to, answers = process.stdin, process.stdout

        def ask(name: str, key: object, headers: Headers, body: bytes) -> bool:
            to.write(json.dumps([name, key, headers, base64.b64encode(body).decode()]) + "\n")
            to.flush()
            return {"true\n": True, "false\n": False}[answers.readline()]

        yield ask
        to.close()
    assert process.returncode == 0


@some
@given(secret=secrets, message_id=ids, body=st.binary() | st.text().map(str.encode))
@example(secret=SECRET, message_id="msg_1", body=b"")
@example(secret=SECRET, message_id="msg_1", body=bytes(range(256)) * (LARGE // 256))
def test_the_documented_programs_verify_any_bytes(node: Ask, secret: str, message_id: str, body: bytes) -> None:
    headers = signed(OTHER, secret, message_id=message_id, body=body)
    assert node("isSigned", secret, headers, body)
    assert not node("isSigned", secret, headers, body + b"\0")
    assert not node("isSigned", WRONG, headers, body)


def test_the_documented_programs_refuse_what_is_old_or_malformed(node: Ask) -> None:
    name, key = "isSigned", SECRET
    body = b"{}"
    good = signed(SECRET, body=body)
    assert node(name, key, good, body)
    assert not node(name, key, signed(SECRET, body=body, age=301), body)
    assert not node(name, key, signed(SECRET, body=body, age=-302), body)
    for header in good:
        assert not node(name, key, {**good, header: ""}, body)
        assert not node(name, key, {other: value for other, value in good.items() if other != header}, body)
    for signatures in ("v1", "v1,", "v1a,", ",", "v2,abc", "v1,AAAA v1a,AAAA", "v1a v1"):
        assert not node(name, key, {**good, "webhook-signature": signatures}, body)
