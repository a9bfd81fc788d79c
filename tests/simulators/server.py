"""The base class of the provider simulators.

A simulator is an HTTP server on 127.0.0.1 that speaks its provider's protocol, written from the provider's
documentation. It takes jobs, reports their state, serves their images, calls back, and fails as planned:

    with ReplicateSimulator(faults=chance(7, answers={Answer.LOST: 0.1}), timing=Timing(work=0.2)) as simulator:
        ...                              # simulator.urls and simulator.keys configure the stack
        assert simulator.repeated == []  # no paid call was repeated after a lost answer
        assert simulator.lured == 0      # no forged callback was believed

`close()` (or the end of the `with`) ends every thread that the simulator started.
"""

import heapq
import json
import os
import re
import socket
import struct
import sys
import threading
import time
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from secrets import token_hex
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.simulators.faults import (
    NOT_TAKEN,
    UNKNOWN,
    Answer,
    Callback,
    Course,
    Ending,
    Forgery,
    Plan,
    Timing,
    scripted,
)

# ---- What is kept


class State(Enum):
    """How a job stands."""

    QUEUED = auto()
    RUNNING = auto()
    SUCCEEDED = auto()
    FAILED = auto()
    CANCELLED = auto()


@dataclass
class Job:
    """A job that was taken; times are on the monotonic clock."""

    id: str
    generation_id: str
    model: str
    input: Mapping[str, Any]
    callback_url: str
    course: Course
    runs_at: float
    done_at: float | None
    cancelled: bool = False
    polls: int = 0

    @property
    def state(self) -> State:
        """How it stands now: an answer reads it once, or it contradicts itself."""
        now = time.monotonic()
        if self.cancelled:
            return State.CANCELLED
        if self.done_at is not None and now >= self.done_at:
            return State.SUCCEEDED if self.course.ending in (Ending.SUCCESS, Ending.SLOW) else State.FAILED
        return State.RUNNING if now >= self.runs_at else State.QUEUED

    @property
    def pictures(self) -> int:
        """How many pictures were asked for."""
        return int(self.input.get("num_images") or self.input.get("num_outputs") or self.input.get("n") or 1)


@dataclass(frozen=True)
class Call:
    """A callback as it was sent: for which job, forged how, and the status that it got, None for no answer."""

    job_id: str
    generation_id: str
    forgery: Forgery | None
    status: int | None


@dataclass(frozen=True)
class Post:
    """A paid call: for which generation, how it was answered, and when on the monotonic clock."""

    generation_id: str
    answer: Answer
    at: float


@dataclass(frozen=True)
class Request:
    """What came in; headers by lower-case name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object, an empty one where it is none."""
        with suppress(ValueError):
            found = json.loads(self.body)
            if isinstance(found, dict):
                return found
        return {}


@dataclass(frozen=True)
class Reply:
    """What goes out: bytes, or anything else as JSON."""

    status: int
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)


RESET = Reply(0)
"""The connection is reset."""

# ---- The server

_GENERATION = re.compile(r"(/webhook/[^/]+/)([0-9a-f]{32})/")
_FILE = re.compile(r"/files/([^/]+)/[0-9]+\.png")
LURE = "/lure.png"


class Simulator(ABC):
    """Serves from threads of its own between `start()` and `close()`.

    `submissions`: paid calls by generation, taken or not; `posts`: each of them. `jobs`: what was taken, by id.
    `calls`: callbacks sent.
    `repeated`: generations that made a paid call after one whose outcome they could not know. `lured`: how often
    the picture was asked for that only forged callbacks name. `errors`: what went wrong in the simulator itself.
    """

    name: str

    def __init__(self, *, key: str = "simulator-key", faults: Plan | None = None, timing: Timing | None = None) -> None:
        self.key = key
        self.faults: Plan = faults or scripted()
        self.timing = timing or Timing()
        self.submissions: Counter[str] = Counter()
        self.posts: list[Post] = []
        self.jobs: dict[str, Job] = {}
        self.calls: list[Call] = []
        self.repeated: list[str] = []
        self.lured = 0
        self.errors: list[BaseException] = []
        self._lock = threading.Lock()
        self._unknown: set[str] = set()
        self._over = threading.Event()
        self._server = _Server(self)
        self._serving = threading.Thread(target=self._server.serve_forever, args=(0.005,))
        self._timetable = _Timetable(self.errors)
        self._http = httpx.Client(timeout=self.timing.callback_timeout, trust_env=False)

    def start(self) -> Self:
        """Listen on a free port."""
        self._serving.start()
        self._timetable.start()
        return self

    def close(self) -> None:
        """End all threads; callbacks that are still to come are not sent."""
        self._over.set()
        self._timetable.close()
        self._server.shutdown()
        self._server.server_close()
        self._serving.join()
        self._http.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def planned(self, *courses: Course) -> Iterator[None]:
        """Plan the next paid calls one by one."""
        before, first = self.faults, self.submissions.total()
        plan = scripted(*courses)
        self.faults = lambda number, tries: plan(number - first, tries)
        try:
            yield
        finally:
            self.faults = before

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    @abstractmethod
    def urls(self) -> Mapping[str, str]:
        """The addresses to give the stack, by provider name."""

    @property
    def keys(self) -> Mapping[str, str]:
        """The key to give the stack, by provider name."""
        return {self.name: self.key}

    @property
    def taken(self) -> Counter[str]:
        """How many jobs each generation has; more than one was paid twice."""
        return Counter(job.generation_id for job in self.jobs.values())

    # ---- What each provider says in its own way

    @abstractmethod
    def respond(self, request: Request) -> Reply | None:
        """Answer a request; None closes the connection."""

    @abstractmethod
    def refusal(self, status: int, words: str) -> Reply:
        """Make an error in the provider's form."""

    def receipt(self, job: Job) -> Reply:
        """Make the answer to a paid call that took a job."""
        raise self._jobless()

    def news(self, job: Job, *, lie: str | None = None) -> bytes:
        """Make a callback's body; a `lie` is where it says that the picture is, whatever is true."""
        raise self._jobless()

    def sign(self, job: Job, body: bytes, *, at: int, foreign: bool = False) -> Mapping[str, str]:
        """Make a callback's headers, signed `at` a time in seconds, with the provider's key or a foreign one."""
        raise self._jobless()

    def _jobless(self) -> AssertionError:
        return AssertionError(f"{self.name} answers at once: it has no jobs, and calls nobody back")

    # ---- What all do alike

    def handle(self, request: Request) -> Reply | None:
        """Serve pictures, and leave the rest to the provider."""
        if request.method == "GET" and request.path == LURE:
            self.lured += 1
            return Reply(200, png(LURE), {"Content-Type": "image/png"})
        if request.method == "GET" and (found := _FILE.fullmatch(request.path)) and found[1] in self.jobs:
            return Reply(200, png(request.path), {"Content-Type": "image/png"})
        return self.respond(request)

    def take(self, model: str, input: Mapping[str, Any], callback_url: str) -> Reply | None:
        """Answer a paid call as planned."""
        found = _GENERATION.search(callback_url)
        generation_id = found[2] if found else callback_url
        with self._lock:
            number, tries = self.submissions.total(), self.submissions[generation_id]
            self.submissions[generation_id] += 1
            if generation_id in self._unknown:
                self.repeated.append(generation_id)
            course = self.faults(number, tries)
            self.posts.append(Post(generation_id, course.answer, time.monotonic()))
            if course.answer in UNKNOWN:
                self._unknown.add(generation_id)
        if course.answer in NOT_TAKEN:
            return self._refused(course.answer)
        job = self._begin(generation_id, model, input, callback_url, course)
        match course.answer:
            case Answer.LOST:
                return None
            case Answer.HANGING:
                self._over.wait(self.timing.hang)
                return None
            case Answer.GATEWAY:
                return Reply(504, b"<html>Gateway Time-out</html>", {"Content-Type": "text/html"})
            case Answer.BROKEN:
                return self.refusal(500, "Oh no.")
            case Answer.RESET:
                return RESET
        return self.receipt(job)

    def poll(self, job_id: str, reply: Callable[[Job], Reply]) -> Reply:
        """Answer a question about a job, unless there is none, or the plan is against it."""
        job = self.jobs.get(job_id)
        if job is None:
            return self.refusal(404, "Not found.")
        job.polls += 1
        return self.refusal(503, "Try again.") if job.polls <= job.course.failed_polls else reply(job)

    def cancel(self, job_id: str) -> Job | None:
        """Stop a job, unless it is done; None where there is none."""
        job = self.jobs.get(job_id)
        if job and job.state in (State.QUEUED, State.RUNNING):
            job.cancelled = True
        return job

    def pictures(self, job: Job) -> list[str]:
        """List the URLs of a job's pictures."""
        return [f"{self.url}/files/{job.id}/{number}.png" for number in range(job.pictures)]

    def id_of(self, generation_id: str) -> str:
        """Make the id of a generation's job."""
        return self.new_id()

    def new_id(self) -> str:
        """Make a job's id."""
        return token_hex(12)

    def _refused(self, answer: Answer) -> Reply:
        match answer:
            case Answer.BUSY:
                reply = self.refusal(429, "Slow down.")
                return Reply(429, reply.body, {"Retry-After": str(self.timing.retry_after)})
            case Answer.UNAVAILABLE:
                return self.refusal(503, "Out of order.")
        return self.refusal(422, "prompt: not like this")

    def _begin(
        self, generation_id: str, model: str, input: Mapping[str, Any], callback_url: str, course: Course
    ) -> Job:
        """Start a job, and plan what is told of it."""
        timing, now, early = self.timing, time.monotonic(), course.callback is Callback.EARLY
        work = 0.0 if early else timing.work + (timing.slow if course.ending is Ending.SLOW else 0.0)
        done_at = None if course.ending is Ending.NEVER else now + work
        job = Job(self.id_of(generation_id), generation_id, model, input, callback_url, course, now + work / 2, done_at)
        self.jobs[job.id] = job
        for forgery in course.forgeries:
            self._timetable.after(work / 2, partial(self._forge, job, forgery))
        if done_at is not None and early:
            self._tell(job, timing.again)
        elif done_at is not None and course.callback is not Callback.DROPPED:
            late = timing.delay if course.callback is Callback.DELAYED else 0.0
            for _ in range(3 if course.callback is Callback.REPEATED else 1):
                self._timetable.after(work + late, partial(self._tell, job, timing.again))
        return job

    def _tell(self, job: Job, again: tuple[float, ...]) -> None:
        body = self.news(job)
        status = self._post(job, job.callback_url, self.sign(job, body, at=int(time.time())), body, None)
        if again and (status is None or not 200 <= status < 300):
            self._timetable.after(again[0], partial(self._tell, job, again[1:]))

    def _forge(self, job: Job, forgery: Forgery) -> None:
        url, body, now = job.callback_url, self.news(job, lie=self.url + LURE), int(time.time())
        match forgery:
            case Forgery.SIGNATURE:
                headers = self.sign(job, body + b" ", at=now)
            case Forgery.KEY:
                headers = self.sign(job, body, at=now, foreign=True)
            case Forgery.UNSIGNED:
                headers = {}
            case Forgery.TRUNCATED:
                headers, body = self.sign(job, body, at=now), body[: len(body) // 2]
            case Forgery.REPLAYED:
                headers = self.sign(job, body, at=now - 600)
            case Forgery.GENERATION:
                headers, url = self.sign(job, body, at=now), _GENERATION.sub(_other, url)
        self._post(job, url, headers, body, forgery)

    def _post(self, job: Job, url: str, headers: Mapping[str, str], body: bytes, forgery: Forgery | None) -> int | None:
        status = None
        with suppress(httpx.HTTPError):
            sent = {"Content-Type": "application/json", **headers}
            status = self._http.post(url, content=body, headers=sent).status_code
        self.calls.append(Call(job.id, job.generation_id, forgery, status))
        return status


def _other(found: re.Match[str]) -> str:
    """Name another generation in a callback's URL."""
    return f"{found[1]}{found[2][:-1]}{'1' if found[2][-1] == '0' else '0'}/"


def png(seed: str) -> bytes:
    """Draw a plain picture of 64 by 64 pixels, in a colour of its own."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    row = b"\0" + struct.pack(">I", zlib.crc32(seed.encode()))[:3] * 64
    head = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row * 64)) + chunk(b"IEND", b"")


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 256

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.simulator = simulator

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what went wrong, but for callers that hang up."""
        error = sys.exc_info()[1]
        if error and not isinstance(error, ConnectionError | TimeoutError):
            self.simulator.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 5

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        reply = self.server.simulator.handle(
            Request(
                method=self.command,
                path=parts.path,
                query={name: values[0] for name, values in parse_qs(parts.query).items()},
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
        )
        if reply is None:
            return
        if reply is RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
            self.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


class _Timetable:
    """Does things later: one thread waits, a few work; what goes wrong is kept in `errors`."""

    def __init__(self, errors: list[BaseException]) -> None:
        self._errors = errors
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._wait)
        self._workers = ThreadPoolExecutor(max_workers=8)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something so many seconds from now."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._number), action))
            self._changed.notify()

    def close(self) -> None:
        """Finish what is being done, and forget the rest."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()
        self._workers.shutdown(cancel_futures=True)

    def _wait(self) -> None:
        with self._changed:
            while not self._over:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is not None and left <= 0:
                    self._workers.submit(self._do, heapq.heappop(self._due)[2])
                else:
                    self._changed.wait(left)

    def _do(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            self._errors.append(error)
