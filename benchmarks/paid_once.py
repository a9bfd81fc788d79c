"""Counts what each picture costs when providers' answers are lost: Atelier, a LiteLLM proxy, and the OpenAI SDK.

A simulated provider charges for each job that it takes, and spoils its answer to the first call for each picture: the
answer is lost, the connection is reset or silent, or the answer is a 500 or a 504. The same faults meet, in one run,
the OpenAI SDK with its defaults, a LiteLLM proxy with a Router of two deployments, and Atelier, deployed into the
emulator, by a provider that answers with the picture (OpenAI's API) and by one that calls back (Replicate's API).

Then Atelier's own use cases and stores take `--simulated` generations over a simulated DynamoDB: of each, one call to
the table, a queue or the provider is killed before or after it took effect or loses its answer, at every place in turn.

    make benchmark-paid-once        or
    .venv/bin/python benchmarks/paid_once.py [--pictures 8] [--simulated 10000] [--only simulated|deployed]
"""

import argparse
import base64
import json
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "core"), str(ROOT / "clients" / "python" / "src")]

from atelier_client import Atelier, AtelierError  # noqa: E402
from benchmarks import page  # noqa: E402
from benchmarks.litellm_proxy import BINARIES, KEY, MODEL, litellm_proxy  # noqa: E402
from tests.deployment import administer, open_account, set_provider_keys  # noqa: E402
from tests.simulation.dynamodb import Fate  # noqa: E402
from tests.simulation.interleavings import FAULTS as FATES  # noqa: E402
from tests.simulation.world import World  # noqa: E402
from tests.simulators.faults import Answer, Callback, Course, Timing  # noqa: E402
from tests.simulators.replicate import ReplicateSimulator  # noqa: E402
from tests.simulators.server import RESET, Reply, Request, Simulator, png  # noqa: E402
from tools.local_stack import Deployed, build, client, deploy, free_port, start_emulator  # noqa: E402

TIMING = Timing(work=0.3, hang=2.0, again=(1, 3, 10), callback_timeout=30)
FAULTS: Mapping[str, Course] = {
    "no fault": Course(),
    "lost answer": Course(answer=Answer.LOST),
    "500 after the effect": Course(answer=Answer.BROKEN),
    "504": Course(answer=Answer.GATEWAY),
    "silence": Course(answer=Answer.HANGING),
    "reset": Course(answer=Answer.RESET),
    "double callback": Course(callback=Callback.REPEATED),
    "every answer lost": Course(answer=Answer.LOST),
}
EVERY_TIME = "every answer lost"
"""The other faults spoil the answer to the first call for a picture only."""
CATALOG = """
[tools.text-to-image]
name = "Text to image"
description = "Make a picture from words."
type = "image"
[tools.text-to-image.input]
type = "object"
required = ["prompt"]
[tools.text-to-image.input.properties]
prompt = { type = "string", minLength = 1, maxLength = 10000 }
[models.at-once]
name = "At once"
description = "The provider answers with the picture."
tool = "text-to-image"
deadline = 60
cost = 5
input = { prompt = {} }
providers = [{ name = "openai", model = "gpt-image-2" }]
[models.calls-back]
name = "Calls back"
description = "The provider calls back."
tool = "text-to-image"
deadline = 60
cost = 5
input = { prompt = {} }
providers = [{ name = "replicate", model = "someone/model" }]
"""
PRICE = 5
BATCH = 50
PLACES = 24
"""About as many calls as a generation makes from its acceptance to its end."""


class Charging(Simulator):
    """Charges for each call, and spoils its answers to the calls for some prompts; `paid` counts calls by prompt.

    Calls for other prompts come in between, as they do in life: a provider that fails all of its calls is taken for one
    that is down.
    """

    def __init__(self, *, timing: Timing) -> None:
        super().__init__(timing=timing, faults=lambda *_: self._course(self._current.prompt))
        self.paid: Counter[str] = Counter()
        self._spoiled: frozenset[str] = frozenset()
        self._fault = Course()
        self._every_time = False
        self._current = threading.local()
        self._counting = threading.Lock()

    def spoil(self, prompts: list[str], fault: Course, *, every_time: bool) -> None:
        """Spoil the answer to the first call, or to every call, for each of these prompts."""
        self._spoiled, self._fault, self._every_time = frozenset(prompts), fault, every_time

    def _course(self, prompt: str) -> Course:
        with self._counting:
            first = not self.paid[prompt]
            self.paid[prompt] += 1
        return self._fault if prompt in self._spoiled and (first or self._every_time) else Course()


class ChargingReplicate(Charging, ReplicateSimulator):
    """A Replicate that charges."""

    def take(self, model: str, input: Mapping[str, Any], callback_url: str) -> Reply | None:
        """Answer a paid call as planned."""
        self._current.prompt = str(input.get("prompt"))
        return super().take(model, input, callback_url)


class ChargingImages(Charging):
    """An OpenAI Images API that charges."""

    name = "openai"

    @property
    def urls(self) -> Mapping[str, str]:
        """Its one address."""
        return {self.name: self.url}

    def respond(self, request: Request) -> Reply | None:
        """Charge, and answer as planned."""
        if (request.method, request.path) != ("POST", "/v1/images/generations"):
            return self.refusal(404, "Invalid URL")
        prompt = str(request.document.get("prompt"))
        course = self._course(prompt)
        self._over.wait(self.timing.work)
        match course.answer:
            case Answer.LOST:
                return None
            case Answer.HANGING:
                self._over.wait(self.timing.hang)
                return None
            case Answer.RESET:
                return RESET
            case Answer.GATEWAY:
                return Reply(504, b"<html>Gateway Time-out</html>", {"Content-Type": "text/html"})
            case Answer.BROKEN:
                return self.refusal(500, "The server had an error while processing your request.")
        return Reply(200, {"created": 0, "data": [{"b64_json": base64.b64encode(png(prompt)).decode()}]})

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error."""
        return Reply(status, {"error": {"message": words, "type": "server_error", "code": None}})


@dataclass
class Count:
    """What became of some pictures: asked for, got by the client, and paid calls."""

    asked: int = 0
    got: int = 0
    paid: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.asked + other.asked, self.got + other.got, self.paid + other.paid)

    @property
    def rate(self) -> str:
        """Paid calls for each picture that the client got, or asked for where it got none."""
        return f"{self.paid / self.got:.3f}" if self.got else f"no picture for {self.paid / self.asked:.3f}"


@dataclass(frozen=True)
class Subject:
    """What is compared: how it asks for pictures, by which provider, and which faults can meet it."""

    name: str
    ask: Callable[[list[str]], set[str]]
    provider: Charging
    calls_back: bool = False

    def measure(self, name: str, fault: Course, pictures: int) -> Count:
        """Ask for pictures that meet a fault, and for as many in between that meet none and do not count."""
        spoiled = [f"{self.name}, {name}, {number}" for number in range(pictures)]
        self.provider.spoil(spoiled, fault, every_time=name == EVERY_TIME)
        got = self.ask([prompt for each in spoiled for prompt in (each, f"{each}, well")])
        return Count(pictures, len(got.intersection(spoiled)), sum(self.provider.paid[each] for each in spoiled))


# ---- Side by side


def with_openai_sdk(base_url: str, key: str, model: str) -> Callable[[list[str]], set[str]]:
    """Ask with the OpenAI SDK, in its own environment."""

    def ask(prompts: list[str]) -> set[str]:
        command = [
            str(BINARIES / "python"),
            str(ROOT / "benchmarks" / "others" / "openai_client.py"),
            base_url,
            key,
            model,
        ]
        done = subprocess.run(command, input=json.dumps(prompts), text=True, capture_output=True, check=True)
        return {json.loads(line) for line in done.stdout.splitlines()}

    return ask


def with_atelier(stack: Deployed, key: str, model: str) -> Callable[[list[str]], set[str]]:
    """Ask with Atelier's client."""

    def ask(prompts: list[str]) -> set[str]:
        def one(prompt: str) -> bool:
            try:
                return bool(Atelier(stack.api, key).run(model, {"prompt": prompt}, timeout=300).output)
            except AtelierError:
                return False

        with ThreadPoolExecutor(4) as threads:
            return {prompt for prompt, got in zip(prompts, threads.map(one, prompts), strict=True) if got}

    return ask


@contextmanager
def subjects(folder: Path) -> Iterator[list[Subject]]:
    """Start everything that is compared, and end it."""
    with ExitStack() as stack:
        images = stack.enter_context(ChargingImages(timing=TIMING))
        calls_back = stack.enter_context(ChargingReplicate(timing=TIMING))
        proxy = stack.enter_context(litellm_proxy(f"{images.url}/v1", images.key, folder))
        deployed = _deployed(stack, folder, images, calls_back)
        account = open_account(deployed, "client@example.com")
        administer(deployed, "POST", f"/users/{account.user_id}/credits", amount=1_000_000).raise_for_status()

        yield [
            Subject("OpenAI SDK", with_openai_sdk(f"{images.url}/v1", images.key, "gpt-image-1"), images),
            Subject("OpenAI SDK, LiteLLM proxy", with_openai_sdk(f"{proxy.url}/v1", KEY, MODEL), images),
            Subject("Atelier, provider answers", with_atelier(deployed, account.key, "at-once"), images),
            Subject(
                "Atelier, provider calls back", with_atelier(deployed, account.key, "calls-back"), calls_back, True
            ),
        ]


def _deployed(stack: ExitStack, folder: Path, *providers: Simulator) -> Deployed:
    emulator = start_emulator(free_port(), folder / "emulator.log")
    stack.callback(emulator.stop)
    build(folder / "build.log")
    s3 = client("s3", emulator.endpoint)
    s3.create_bucket(Bucket="catalogs")
    s3.put_object(Bucket="catalogs", Key="catalog.toml", Body=CATALOG.encode())
    deployed = deploy(
        "paid-once",
        emulator.endpoint,
        folder / "deploy.log",
        ProviderUrls=json.dumps({name: url for provider in providers for name, url in provider.urls.items()}),
        CatalogObject="catalogs/catalog.toml",
    )
    set_provider_keys(deployed, {name: key for provider in providers for name, key in provider.keys.items()})
    return deployed


def side_by_side(pictures: int) -> dict[str, dict[str, Count]]:
    """Measure all subjects, fault by fault."""
    found: dict[str, dict[str, Count]] = {}
    with tempfile.TemporaryDirectory() as folder, subjects(Path(folder)) as compared:
        for fault, course in FAULTS.items():
            for subject in compared:
                if course.callback is Callback.REPEATED and not subject.calls_back:
                    continue
                count = subject.measure(fault, course, pictures)
                found.setdefault(subject.name, {})[fault] = count
                print(f"  {fault}, {subject.name}: {count}", file=sys.stderr, flush=True)
    return found


# ---- Simulated


@dataclass
class Injector:
    """Gives the `place`-th call from `arm` on a fate that suits its kind, once."""

    place: int = 0
    turn: int = 0
    calls: int = 0
    happened: Counter[str] = field(default_factory=Counter)

    def arm(self, number: int) -> None:
        """Choose the place and the fate by a number: every pair comes in turn."""
        self.place, self.turn, self.calls = number % PLACES, number // PLACES, -1

    def disarm(self) -> None:
        """Let nothing happen any more."""
        self.place = -1

    def __call__(self, kind: str) -> Fate:
        self.calls += 1
        fates = FATES.get(kind, ())
        if self.calls != self.place or not fates:
            return Fate.DONE
        fate = fates[self.turn % len(fates)]
        self.happened[f"{kind} {fate.name.lower()}"] += 1
        return fate


@dataclass
class Simulated:
    """What became of the simulated generations."""

    count: Count = field(default_factory=Count)
    paid_without_picture: int = 0
    charged_without_picture: int = 0
    """Credits of clients; `paid_without_picture` counts the operator's calls."""
    never_asked: int = 0
    broken: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)


def simulate(count: int) -> Simulated:
    """Take generations through the real use cases and stores; each meets one fault."""
    result, injector = Simulated(), Injector()
    for first in range(0, count, BATCH):
        world = World(injector)
        injector.disarm()
        world.open_account(PRICE * BATCH)
        for number in range(first, min(first + BATCH, count)):
            injector.arm(number)
            _one(world, number + 1)
        injector.disarm()
        world.settle()
        _tally(result, world)
    result.faults = injector.happened
    return result


def _one(world: World, number: int) -> None:
    """Ask for one picture, as a client does that repeats its call with its Idempotency-Key until it is answered."""
    name = f"{number:032x}"
    for _ in range(3):
        if name not in world.accepted:
            world.client(lambda: world.accept(number, cost=PRICE, idempotency=name))
    world.drain()
    world.client(lambda: world.call_back(name))
    world.drain()


def _tally(result: Simulated, world: World) -> None:
    rows = {row["id"]: row for row in world.rows("generation")}
    paid = world.studio.paid
    got = [name for name, row in rows.items() if row["status"] == "success"]
    result.count += Count(len(world.accepted), len(got), paid.total())
    result.paid_without_picture += sum(paid[name] for name in rows.keys() - got)
    result.charged_without_picture += sum(
        row["cost"] for row in rows.values() if row["status"] != "success" and not row.get("refunded")
    )
    result.never_asked += sum(not paid[name] for name in rows.keys() - got)
    result.broken += world.complaints()


# ---- Printing


def table(found: Mapping[str, Mapping[str, Count]]) -> str:
    """Write the table as Markdown."""
    lines = ["| | " + " | ".join(found) + " |", "|---|" + "---|" * len(found)]
    for fault in FAULTS:
        cells = [counts[fault].rate if fault in counts else "" for counts in found.values()]
        lines.append(f"| {fault} | " + " | ".join(cells) + " |")
    totals = [sum(counts.values(), Count()) for counts in found.values()]
    rows = {
        "**all: paid calls for each picture**": [total.rate for total in totals],
        "paid calls for each picture asked for": [f"{total.paid / total.asked:.3f}" for total in totals],
        "pictures asked for": [str(total.asked) for total in totals],
        "pictures lost": [str(total.asked - total.got) for total in totals],
        "paid calls without a picture": [str(total.paid - total.got) for total in totals],
    }
    return "\n".join([*lines, *(f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items())])


def simulated_table(result: Simulated) -> str:
    """Write the simulation's results as Markdown."""
    rows = {
        "generations accepted": result.count.asked,
        "pictures": result.count.got,
        "paid calls": result.count.paid,
        "**paid calls for each picture**": result.count.rate,
        "paid for and lost": result.paid_without_picture,
        "credits charged without a picture": result.charged_without_picture,
        "failed before a provider was called, refunded": result.never_asked,
        "promises broken, the ledger's among them": len(result.broken),
        "faults": ", ".join(f"{name} {number}" for name, number in sorted(result.faults.items())),
    }
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def report(name: str, found: str, *, write: bool) -> None:
    """Print a table, and put it into the page where that is wished."""
    found = f"{found}\n\n{page.machine()}"
    print(found, flush=True)
    if write:
        page.put("reliability.md", name, found)


def main() -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=int, default=8, help="for each fault and subject")
    parser.add_argument("--simulated", type=int, default=10_000)
    parser.add_argument("--only", choices=["simulated", "deployed"])
    parser.add_argument("--write", action="store_true", help="put the results into docs/reliability.md")
    arguments = parser.parse_args()
    held = True
    if arguments.only != "simulated":
        subprocess.run(["make", "--silent", ".venv-benchmarks/ready", ".venv-sam/ready"], cwd=ROOT, check=True)
        report("side by side", table(side_by_side(arguments.pictures)), write=arguments.write)
    if arguments.only != "deployed":
        result = simulate(arguments.simulated)
        lost = result.paid_without_picture + result.charged_without_picture
        held = not result.broken and result.count.paid == result.count.got and not lost
        report("simulated", simulated_table(result), write=arguments.write)
        print(*result.broken[:5], sep="\n")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
