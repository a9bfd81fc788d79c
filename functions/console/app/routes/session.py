"""Sign in and out."""

from atelier.accounts.sign_in import SignedIn
from atelier.adapters.lambda_.router import Response, Router, answer, body, current_event, nothing
from atelier.api.admin_requests import (
    parse_sign_in,
)
from atelier.api.session_cookie import clear_cookie, set_cookie
from atelier.encoding import timestamp
from atelier.logging import logger

from ..dependencies import base_url, dependencies
from ..operator import session_cookie, source

router = Router()


@router.post("/console/session")
def sign_in() -> Response[str]:
    """Open a session for a caller with the console's secret."""
    signed_in = dependencies().sign_in(parse_sign_in(body()), source())
    logger.info("signed in", source=source())
    return _session(signed_in, {"Set-Cookie": set_cookie(signed_in.sealed, f"{base_url()}/console")})


@router.get("/console/session")
def session() -> Response[str]:
    """Answer the session that the browser has."""
    return _session(dependencies().sign_in.resume(session_cookie()))


@router.delete("/console/session")
def sign_out() -> Response[str]:
    """End the session, here and in the browser."""
    dependencies().sign_in.out(session_cookie(), current_event().headers.get("X-CSRF-Token"))
    logger.info("signed out")
    return nothing({"Set-Cookie": clear_cookie(f"{base_url()}/console")})


def _session(signed_in: SignedIn, headers: dict[str, str] | None = None) -> Response[str]:
    document = {"csrf": signed_in.csrf, "expiresAt": timestamp(signed_in.session.expires_at)}
    return answer(200, document, headers)
