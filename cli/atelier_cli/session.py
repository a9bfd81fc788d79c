"""One run of the command: from the stack it was given to a client of that stack."""

from __future__ import annotations

import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from getpass import GetPassWarning
from typing import TYPE_CHECKING

import httpx
import typer

from atelier_cli.client import AdminApi
from atelier_cli.errors import StackError
from atelier_cli.stack import Aws, Stack, find_stack
from atelier_client import Atelier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TIMEOUT_S = 30
_RETRIES = 2


@dataclass(frozen=True)
class Session:
    """The stack that the user named, and the ways to the network, AWS and the clock."""

    stack: str | None = None
    transport: httpx.BaseTransport | None = None
    connect: Callable[[], Aws] = Aws.connect
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    @contextmanager
    def admin(self) -> Iterator[AdminApi]:
        """Open the stack's admin API, asking for its secret if nothing else tells it."""
        stack = find_stack(self.stack, admin=True, connect=self.connect)
        secret = stack.admin_secret or _ask("Admin secret", variable="ATELIER_ADMIN_SECRET")
        with self._http(f"{stack.api}/console/admin", f"Bearer {secret.strip()}") as http:
            yield AdminApi(http)

    @contextmanager
    def public(self, *, key: bool = True) -> Iterator[Atelier]:
        """Open the stack's public API, asking for a key if one is needed and nothing else tells it."""
        stack = self.found()
        api_key = stack.api_key or (_ask("API key", variable="ATELIER_API_KEY") if key else None)
        with Atelier(
            stack.api,
            api_key,
            max_retries=_RETRIES,
            timeout=_TIMEOUT_S,
            transport=self.transport,
            sleep=self.sleep,
            clock=self.clock,
        ) as api:
            yield api

    def found(self) -> Stack:
        """Find the stack, without its admin secret."""
        return find_stack(self.stack, admin=False, connect=self.connect)

    def _http(self, base: str, authorization: str) -> httpx.Client:
        try:
            return httpx.Client(
                base_url=base,
                # As bytes, since httpx refuses a header of other than ASCII text with a traceback.
                headers={b"Authorization": authorization.encode()},
                timeout=_TIMEOUT_S,
                transport=self.transport,
                # A redirect would carry the secret to another address.
                follow_redirects=False,
            )
        except httpx.InvalidURL as exc:
            raise StackError(f"{base} is not a URL ({exc}); check --stack") from exc


def _ask(what: str, *, variable: str) -> str:
    try:
        with warnings.catch_warnings():
            # Where there is no terminal, getpass warns and lets the secret be seen.
            warnings.simplefilter("error", GetPassWarning)
            return str(typer.prompt(what, hide_input=True, err=True))
    except (typer.Abort, GetPassWarning) as exc:
        raise StackError(f"{what} is missing; set {variable}") from exc
