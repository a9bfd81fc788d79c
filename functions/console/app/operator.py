"""Admit the operator, by the console's secret or by a session."""

from atelier.accounts.sign_in_throttle import source_of
from atelier.adapters.lambda_.router import current_event
from atelier.api.session_cookie import cookie_of

from .dependencies import Dependencies, dependencies


def administrator() -> Dependencies:
    """Admit the operator and return the collaborators; UnauthenticatedError or ForbiddenError for anyone else."""
    deps, event = dependencies(), current_event()
    deps.sign_in.admit(
        event.headers.get("Authorization"),
        session_cookie(),
        event.headers.get("X-CSRF-Token"),
        source=source(),
        changes=event.http_method != "GET",
    )
    return deps


def source() -> str:
    """Name the source of the request, by which failed attempts are counted."""
    return source_of(current_event().source_ip)


def session_cookie() -> str | None:
    """Return the value of the session's cookie, if the browser sent one."""
    return cookie_of(current_event().headers.get("Cookie"))
