"""Times generate's first answer after a start from a snapshot, against a handler that only makes a DynamoDB client.

A snapshot is emulated by fork: a process prepares itself as one does before Lambda takes its snapshot, and each of its
children answers a request. What is timed is the child's CPU. AWS is moto in another process, reached by TLS with
certificates as AWS has them, so that the child connects anew to each service, as it must after a restore.

The children go on and tell what a warm request takes, and what a new connection adds to a call.

    .venv/bin/python -m benchmarks.snapshot [--rounds 15]
"""

import argparse
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

from botocore.exceptions import ClientError
from certifi import where
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from moto import mock_aws

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "core")]

from atelier.accounts.api_keys import mint_key  # noqa: E402
from atelier.accounts.users import new_user  # noqa: E402
from atelier.adapters.aws.trust import amazon_roots  # noqa: E402
from atelier.adapters.dynamodb.account_store import AccountStore  # noqa: E402
from atelier.adapters.dynamodb.records import RecordTable  # noqa: E402
from atelier.clock import now_ms  # noqa: E402
from benchmarks import cold_start  # noqa: E402
from tests.integration.lambdas import request  # noqa: E402
from tests.integration.stack import REGION, Stack, aws  # noqa: E402

BODY = json.dumps(
    {
        "model": "playground-v2",
        "input": {"prompt": "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k"},
        "webhook": "https://client.example/webhook",
    }
)
FIRST = "first answer from a snapshot"
STARTS = {FIRST: "snap-start", "first answer otherwise": "on-demand"}
"""What Lambda calls the start, in AWS_LAMBDA_INITIALIZATION_TYPE."""
WARM, CONNECTION = "warm request over TLS", "new TLS connection to AWS"
SERVICES = {"DynamoDB": "dynamodb", "secretsmanager": "secretsmanager", "AmazonSQS": "sqs"}
"""The services by the beginning of a call's X-Amz-Target."""
FORKING = """
import json, os, sys, time, types
sys.path[:0] = json.loads(sys.argv[1])
event, rounds = json.loads(sys.argv[2]), int(sys.argv[3])
hooks = []
sys.modules["snapshot_restore_py"] = types.SimpleNamespace(register_after_restore=hooks.append)
import app

class Context:
    function_name = memory_limit_in_mb = invoked_function_arn = aws_request_id = "none"

    def get_remaining_time_in_millis(self):
        return 29_000

WARM, CALLS = 20, 20

def each(times, run):
    run()
    start = time.process_time()
    for _ in range(times):
        run()
    return (time.process_time() - start) * 1_000 / times

for _ in range(rounds):
    read, write = os.pipe()
    if os.fork() == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # where it logs to
        start = time.process_time()
        for hook in hooks:
            hook()
        answer = app.handler(event, Context())
        took = {"first": (time.process_time() - start) * 1_000}
        if answer["statusCode"] != 202:
            raise RuntimeError(answer)
        took["warm"] = each(WARM, lambda: app.handler(event, Context()))
        from atelier.adapters.aws import clients
        client = clients.client("dynamodb", brief=True)
        def read():
            client.get_item(TableName=os.environ["ACCOUNTS_TABLE"], Key={"id": {"S": "none"}, "record": {"S": "none"}})
        def connect_and_read():
            client.close()
            read()
        took["connection"] = each(CALLS, connect_and_read) - each(CALLS, read)
        os.write(write, json.dumps(took).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        print(pipe.read(), flush=True)
    os.wait()
"""


class Aws(BaseHTTPRequestHandler):
    """Answers the services' JSON protocols from moto."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Make the call in moto, and answer what that does."""
        service, _, operation = self.headers["X-Amz-Target"].partition(".")
        client = aws(next(name for prefix, name in SERVICES.items() if service.startswith(prefix)))
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, answer = 200, {}
        try:
            answer = client._make_api_call(operation, sent)
        except ClientError as exc:
            status, answer = 400, {"__type": exc.response["Error"]["Code"], "message": str(exc)}
        answer.pop("ResponseMetadata", None)
        content = json.dumps(answer, default=lambda moment: moment.timestamp()).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


@contextmanager
def emulated(folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve moto by TLS; yields its URL, and the file of its certificate and Amazon's roots."""
    certificate = folder / "aws.pem"
    chain = _certificate(certificate, folder / "aws.key")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Aws)
    server.socket = chain.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}", certificate
    finally:
        server.shutdown()
        server.server_close()


def _certificate(certificate: Path, key_file: Path) -> ssl.SSLContext:
    """Make a certificate for this machine, of the kind that AWS has, and the context of a server that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "emulated AWS")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key_file)
    with certificate.open("ab") as trusted:
        trusted.write(Path(amazon_roots() or where()).read_bytes())
    return context


def answers(start: str, variables: Mapping[str, str], key: str, rounds: int) -> list[Mapping[str, float]]:
    """Return the CPU milliseconds of what so many children of one prepared process did."""
    event = request("generate", authorization=key, body=BODY)
    paths = json.dumps([str(path) for path in cold_start.subjects()["generate"].paths])
    arguments = [str(cold_start.PYTHON), "-I", "-c", FORKING, paths, json.dumps(event), str(rounds + 1)]
    environment = {**variables, **cold_start.CREDENTIALS, "AWS_LAMBDA_INITIALIZATION_TYPE": STARTS[start]}
    result = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    told = [json.loads(line) for line in result.stdout.splitlines() if line] if result.returncode == 0 else []
    if len(told) != rounds + 1:
        raise RuntimeError(result.stderr)
    return told[1:]


def measure(rounds: int) -> dict[str, list[float]]:
    """Time the reference, generate's first answers, its warm ones, and new connections, in turns of three rounds."""
    os.environ.update(cold_start.CREDENTIALS, AWS_REGION=REGION)
    reference = {cold_start.REF: cold_start.subjects()[cold_start.REF]}
    times: dict[str, list[float]] = {name: [] for name in (cold_start.REF, *STARTS, WARM, CONNECTION)}
    with mock_aws(), tempfile.TemporaryDirectory() as folder, emulated(Path(folder)) as (url, certificate):
        stack = Stack(WaitSeconds="0")
        user = new_user(email="client@example.com", name="client", now=now_ms())
        record, key = mint_key(
            name="benchmark", user=user, test=False, digest_key=stack.secret("DigestKeySecret"), now=now_ms()
        )
        accounts = AccountStore(RecordTable(aws("dynamodb"), stack.ref("AccountsTable")))
        accounts.add_user(user)
        accounts.add_key(record)
        variables = {
            **{name: str(value) for name, value in stack.environment("GenerateFunction").items()},
            "AWS_ENDPOINT_URL": url,
            "AWS_CA_BUNDLE": str(certificate),
        }
        for _ in range(0, rounds, 3):
            times[cold_start.REF] += cold_start.measure(reference, 3)[cold_start.REF]
            for start in STARTS:
                told = answers(start, variables, key, 3)
                times[start] += [each["first"] for each in told]
                times[WARM] += [each["warm"] for each in told]
                times[CONNECTION] += [each["connection"] for each in told]
    return times


def compared(times: Mapping[str, list[float]]) -> dict[str, tuple[float, float]]:
    """Return each one's median, and its ratio to the reference's."""
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    return {name: (median, median / medians[cold_start.REF]) for name, median in medians.items()}


def main() -> int:
    """Measure, and print the times and their ratios to the reference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    cold_start.make_ready()
    times = measure(rounds)
    for name, (median, ratio) in compared(times).items():
        taken = times[name]
        print(f"{name:29} {median:6.1f} ms of CPU ({min(taken):.1f} to {max(taken):.1f}), {ratio:.2f}x")
    return 0


if __name__ == "__main__":
    sys.exit(main())
