"""A simulator of ComfyUI: it takes our ids, calls nobody back, and draws twice for an id that it gets twice."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tests.simulators.faults import Ending, Forgery, Plan, Timing
from tests.simulators.server import Job, Reply, Request, Simulator, State, png

_HISTORY = re.compile(r"/history/([0-9a-f-]{36})")
_CANCEL = re.compile(r"/api/jobs/([0-9a-f-]{36})/cancel")
_NAME = re.compile(rb'filename="([^"]+)"')


class ComfyUISimulator(Simulator):
    """Takes workflows at `POST /prompt`; an `old` one has no `/api/jobs`, and stops only what waits.

    `uploaded`: names of pictures that it was given. `doubled`: ids that it got twice.
    """

    name = "comfyui"

    def __init__(
        self,
        *,
        key: str = "simulator-key",
        faults: Plan | None = None,
        timing: Timing | None = None,
        old: bool = False,
    ) -> None:
        super().__init__(key=key, faults=faults, timing=timing)
        self.old = old
        self.uploaded: list[str] = []
        self.doubled: list[str] = []

    @property
    def urls(self) -> Mapping[str, str]:
        """Its one address."""
        return {self.name: self.url}

    def id_of(self, generation_id: str) -> str:
        """Take the id that came with the workflow."""
        return str(UUID(generation_id))

    def respond(self, request: Request) -> Reply | None:
        """Answer a call."""
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return Reply(401, b"Unauthorized", {"Content-Type": "text/plain"})
        match request.method, request.path:
            case "GET", "/system_stats":
                return Reply(200, {"system": {"comfyui_version": "0.3.99"}})
            case "POST", "/upload/image":
                return self._upload(request)
            case "POST", "/prompt":
                return self._prompt(request.document)
            case "GET", "/queue":
                return Reply(
                    200, {"queue_running": self._queue(State.RUNNING), "queue_pending": self._queue(State.QUEUED)}
                )
            case "POST", "/queue":
                for job_id in request.document.get("delete", []):
                    if job_id in self.jobs and (not self.old or self.jobs[job_id].state is State.QUEUED):
                        self.cancel(job_id)
                return Reply(200)
            case "GET", "/view":
                return Reply(200, png(request.query["filename"]), {"Content-Type": "image/png"})
        if request.method == "GET" and (found := _HISTORY.fullmatch(request.path)):
            return self._history(found[1])
        if request.method == "POST" and not self.old and (found := _CANCEL.fullmatch(request.path)):
            job = self.cancel(found[1])
            return Reply(200, {"cancelled": job is not None and job.cancelled})
        return Reply(404, b"404: Not Found", {"Content-Type": "text/plain"})

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error; what is wrong with a workflow is a 400."""
        error = {"type": "prompt_outputs_failed_validation", "message": words, "details": "", "extra_info": {}}
        return Reply(400 if status == 422 else status, {"error": error, "node_errors": {}})

    def receipt(self, job: Job) -> Reply:
        """Tell the number in the queue."""
        return Reply(200, {"prompt_id": job.id, "number": len(self.jobs), "node_errors": {}})

    def _prompt(self, document: Mapping[str, Any]) -> Reply | None:
        nodes, job_id = document.get("prompt"), str(document.get("prompt_id"))
        if not isinstance(nodes, dict) or not all("class_type" in node for node in nodes.values()):
            return self.refusal(400, "Cannot execute because a node is missing the class_type property.")
        loads = [node["inputs"]["image"] for node in nodes.values() if node["class_type"] == "LoadImage"]
        if str(UUID(job_id)) != job_id or set(loads) - set(self.uploaded):
            return self.refusal(400, "Prompt outputs failed validation")
        if job_id in self.jobs:
            self.doubled.append(job_id)
        return self.take("workflow", nodes, f"/webhook/comfyui/{UUID(job_id).hex}/")

    def _upload(self, request: Request) -> Reply:
        found = _NAME.search(request.body)
        if not found:
            return Reply(400)
        self.uploaded.append(found[1].decode())
        return Reply(200, {"name": found[1].decode(), "subfolder": "", "type": "input"})

    def _history(self, job_id: str) -> Reply:
        job = self.jobs.get(job_id)
        if job is None or job.state in (State.QUEUED, State.RUNNING) or job.cancelled:
            return Reply(200, {})
        job.polls += 1
        if job.polls <= job.course.failed_polls:
            return Reply(503)
        saved = [{"filename": f"{job_id}_{n}.png", "subfolder": "", "type": "output"} for n in range(job.pictures)]
        preview = {"filename": "preview.png", "subfolder": "", "type": "temp"}
        if job.state is State.SUCCEEDED:
            status = {"status_str": "success", "completed": True, "messages": []}
            outputs = {"8": {"images": [preview]}, "9": {"images": saved}}
            return Reply(200, {job_id: {"prompt": [], "outputs": outputs, "status": status}})
        unsafe = job.course.ending is Ending.UNSAFE
        words = "NSFW content detected by the safety node" if unsafe else "CUDA out of memory"
        messages = [["execution_start", {"prompt_id": job_id}], ["execution_error", {"exception_message": words}]]
        status = {"status_str": "error", "completed": False, "messages": messages}
        return Reply(200, {job_id: {"prompt": [], "outputs": {}, "status": status}})

    def _queue(self, state: State) -> list[list[Any]]:
        jobs = [job for job in list(self.jobs.values()) if job.state is state]
        return [[number, job.id, dict(job.input), {}, []] for number, job in enumerate(jobs)]

    def _tell(self, job: Job, again: tuple[float, ...]) -> None:
        """Call nobody back."""

    def _forge(self, job: Job, forgery: Forgery) -> None:
        """Call nobody back."""
