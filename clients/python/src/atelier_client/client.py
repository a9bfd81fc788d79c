"""The two clients: `Atelier` blocks, `AsyncAtelier` awaits. Both carry out the same flows."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import httpx

from atelier_client import flows
from atelier_client.errors import AtelierError
from atelier_client.flows import Call, Fetch, Flow, Flows, Pause, T
from atelier_client.models import Account, File, Generation, Model, Page, Status

if TYPE_CHECKING:
    from types import TracebackType

DEFAULT_TIMEOUT_S = 600.0
DEFAULT_RETRIES = 4
_HTTP_TIMEOUT = httpx.Timeout(60.0, connect=10.0)


class _Base:
    def __init__(self, base_url: str, api_key: str | None, max_retries: int, clock: Callable[[], float]) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise AtelierError(f"The base URL must start with https:// or http://: {base_url}")
        if api_key is not None and not (api_key.strip() and api_key.isascii() and api_key.strip().isprintable()):
            raise AtelierError("The API key must be printable ASCII characters.")
        if max_retries < 0:
            raise AtelierError("max_retries must be 0 or more.")
        self.base_url = base_url.rstrip("/")
        self._headers = {"Authorization": api_key.strip()} if api_key else {}
        self._flows = Flows(max_retries, clock)

    def __repr__(self) -> str:
        """Show where the client points, and not the key."""
        return f"{type(self).__name__}({self.base_url!r})"

    def _request(self, client: httpx.Client | httpx.AsyncClient, step: Call | Fetch) -> httpx.Request:
        if isinstance(step, Fetch):
            return client.build_request("GET", step.url)
        headers = {"Accept": "application/json", **self._headers, **step.headers}
        url = f"{self.base_url}/{step.path}"
        return client.build_request(
            step.method, url, params=dict(step.params) or None, headers=headers, content=step.content
        )


class Atelier(_Base):
    """A client of one Atelier API, for one API key; use it in `with`, or call `close()`.

    Each call retries lost connections, timeouts, 429 and 5xx up to `max_retries` times. Generations are requested under
    an Idempotency-Key, so a retry never makes or charges a second one. Every call may raise ApiError.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        max_retries: int = DEFAULT_RETRIES,
        timeout: float | httpx.Timeout = _HTTP_TIMEOUT,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the API's base URL and a key; `timeout` is that of one HTTP request, in seconds."""
        super().__init__(base_url, api_key, max_retries, clock)
        self._http = httpx.Client(timeout=timeout, transport=transport)
        self._sleep = sleep

    def __enter__(self) -> Atelier:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def run(
        self,
        model: str,
        input: Mapping[str, Any],
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        idempotency_key: str | None = None,
    ) -> Generation:
        """Request a generation, wait for its end and return it.

        Raises GenerationFailedError where it ends without a picture, and WaitTimeoutError after `timeout` seconds.
        """
        return self._carry_out(self._flows.run(model, input, timeout=timeout, idempotency_key=idempotency_key))

    def submit(
        self,
        model: str,
        input: Mapping[str, Any],
        *,
        webhook: str | None = None,
        webhook_events: Sequence[Status] | None = None,
        idempotency_key: str | None = None,
    ) -> Generation:
        """Request a generation and return it at once; a `webhook` is called at its end, or at the events listed."""
        return self._carry_out(
            self._flows.create(
                model,
                input,
                wait=None,
                webhook=webhook,
                webhook_events=webhook_events,
                idempotency_key=idempotency_key,
            )
        )

    def subscribe(
        self,
        model: str,
        input: Mapping[str, Any],
        *,
        on_update: Callable[[Generation], object],
        timeout: float = DEFAULT_TIMEOUT_S,
        idempotency_key: str | None = None,
    ) -> Generation:
        """Do as `run`, and call `on_update` with the generation at each status that is seen."""
        flow = self._flows.subscribe(model, input, timeout=timeout, idempotency_key=idempotency_key)
        return self._carry_out(flow, on_update)

    def wait(
        self,
        generation_id: str,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        on_update: Callable[[Generation], object] | None = None,
    ) -> Generation:
        """Wait for the end of a generation; raises as `run` does."""
        return self._carry_out(self._flows.wait(generation_id, timeout=timeout), on_update)

    def get(self, generation_id: str) -> Generation:
        """Read a generation as it stands."""
        return self._carry_out(self._flows.get(generation_id))

    def generations(self, *, limit: int = 20, cursor: str = "", status: Status | None = None) -> Page:
        """List your generations, newest first; go on with the page's `next_cursor`."""
        return self._carry_out(self._flows.generations(limit=limit, cursor=cursor, status=status))

    def cancel(self, generation_id: str) -> Generation:
        """Cancel a generation, as far as it still can be."""
        return self._carry_out(self._flows.cancel(generation_id))

    def delete(self, generation_id: str) -> None:
        """Delete a generation that has ended, and its pictures."""
        self._carry_out(self._flows.delete(generation_id))

    def download(self, generation: Generation) -> list[flows.Download]:
        """Get the pictures of a generation; the key is not sent to where they are."""
        return self._carry_out(self._flows.download(generation))

    def upload(self, content: bytes, *, name: str | None = None, transient: bool = False) -> File:
        """Store a picture of at most 4 MB to work from; a transient one is deleted after a day."""
        return self._carry_out(self._flows.upload(content, name=name, transient=transient))

    def models(self) -> list[Model]:
        """List the models of the catalog; this needs no key."""
        return self._carry_out(self._flows.models())

    def account(self) -> Account:
        """Read the owner of the key, and the credits left."""
        return self._carry_out(self._flows.account())

    def _carry_out(self, flow: Flow[T], on_update: Callable[[Generation], object] | None = None) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    result = self._do(step, on_update)
                except (httpx.HTTPError, httpx.InvalidURL) as exc:
                    step = flow.throw(exc)
                else:
                    step = flow.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    def _do(self, step: flows.Step, on_update: Callable[[Generation], object] | None) -> httpx.Response | None:
        match step:
            case Pause(seconds):
                self._sleep(seconds)
            case Call() | Fetch():
                request = self._request(self._http, step)
                return self._http.send(request, follow_redirects=isinstance(step, Fetch))
            case flows.Update(generation) if on_update:
                on_update(generation)
        return None


class AsyncAtelier(_Base):
    """The same as `Atelier`, for asyncio; use it in `async with`, or await `aclose()`."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        max_retries: int = DEFAULT_RETRIES,
        timeout: float | httpx.Timeout = _HTTP_TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the API's base URL and a key; `timeout` is that of one HTTP request, in seconds."""
        super().__init__(base_url, api_key, max_retries, clock)
        self._http = httpx.AsyncClient(timeout=timeout, transport=transport)
        self._sleep = sleep

    async def __aenter__(self) -> AsyncAtelier:
        """Return the client itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the client."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def run(
        self,
        model: str,
        input: Mapping[str, Any],
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        idempotency_key: str | None = None,
    ) -> Generation:
        """Request a generation, wait for its end and return it; raises as `Atelier.run` does."""
        return await self._carry_out(self._flows.run(model, input, timeout=timeout, idempotency_key=idempotency_key))

    async def submit(
        self,
        model: str,
        input: Mapping[str, Any],
        *,
        webhook: str | None = None,
        webhook_events: Sequence[Status] | None = None,
        idempotency_key: str | None = None,
    ) -> Generation:
        """Request a generation and return it at once; a `webhook` is called at its end, or at the events listed."""
        return await self._carry_out(
            self._flows.create(
                model,
                input,
                wait=None,
                webhook=webhook,
                webhook_events=webhook_events,
                idempotency_key=idempotency_key,
            )
        )

    async def subscribe(
        self,
        model: str,
        input: Mapping[str, Any],
        *,
        on_update: Callable[[Generation], object],
        timeout: float = DEFAULT_TIMEOUT_S,
        idempotency_key: str | None = None,
    ) -> Generation:
        """Do as `run`, and call (or await) `on_update` with the generation at each status that is seen."""
        flow = self._flows.subscribe(model, input, timeout=timeout, idempotency_key=idempotency_key)
        return await self._carry_out(flow, on_update)

    async def wait(
        self,
        generation_id: str,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        on_update: Callable[[Generation], object] | None = None,
    ) -> Generation:
        """Wait for the end of a generation; raises as `run` does."""
        return await self._carry_out(self._flows.wait(generation_id, timeout=timeout), on_update)

    async def get(self, generation_id: str) -> Generation:
        """Read a generation as it stands."""
        return await self._carry_out(self._flows.get(generation_id))

    async def generations(self, *, limit: int = 20, cursor: str = "", status: Status | None = None) -> Page:
        """List your generations, newest first; go on with the page's `next_cursor`."""
        return await self._carry_out(self._flows.generations(limit=limit, cursor=cursor, status=status))

    async def cancel(self, generation_id: str) -> Generation:
        """Cancel a generation, as far as it still can be."""
        return await self._carry_out(self._flows.cancel(generation_id))

    async def delete(self, generation_id: str) -> None:
        """Delete a generation that has ended, and its pictures."""
        await self._carry_out(self._flows.delete(generation_id))

    async def download(self, generation: Generation) -> list[flows.Download]:
        """Get the pictures of a generation; the key is not sent to where they are."""
        return await self._carry_out(self._flows.download(generation))

    async def upload(self, content: bytes, *, name: str | None = None, transient: bool = False) -> File:
        """Store a picture of at most 4 MB to work from; a transient one is deleted after a day."""
        return await self._carry_out(self._flows.upload(content, name=name, transient=transient))

    async def models(self) -> list[Model]:
        """List the models of the catalog; this needs no key."""
        return await self._carry_out(self._flows.models())

    async def account(self) -> Account:
        """Read the owner of the key, and the credits left."""
        return await self._carry_out(self._flows.account())

    async def _carry_out(self, flow: Flow[T], on_update: Callable[[Generation], object] | None = None) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    result = await self._do(step, on_update)
                except (httpx.HTTPError, httpx.InvalidURL) as exc:
                    step = flow.throw(exc)
                else:
                    step = flow.send(result)
        except StopIteration as stop:
            value: T = stop.value
            return value

    async def _do(self, step: flows.Step, on_update: Callable[[Generation], object] | None) -> httpx.Response | None:
        match step:
            case Pause(seconds):
                await self._sleep(seconds)
            case Call() | Fetch():
                request = self._request(self._http, step)
                return await self._http.send(request, follow_redirects=isinstance(step, Fetch))
            case flows.Update(generation) if on_update:
                answer = on_update(generation)
                if inspect.isawaitable(answer):
                    await answer
        return None
