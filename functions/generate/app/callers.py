"""The API key behind a request, and the generations that are its user's."""

from collections.abc import Iterator
from contextlib import contextmanager

from atelier.accounts.api_keys import ApiKey
from atelier.adapters.lambda_.router import current_event
from atelier.clock import now_ms
from atelier.errors import ForbiddenError, NotFoundError, RequestError, TooManyRequestsError
from atelier.generations.model import ID_PATTERN, Generation

from .dependencies import dependencies


def authenticate() -> ApiKey:
    """Return the key in the Authorization header; UnauthenticatedError where there is no valid one."""
    return dependencies().authenticate(current_event().headers.get("Authorization"))


def reader() -> ApiKey:
    """Authenticate a key that may read, and count the request; ForbiddenError or TooManyRequestsError."""
    return _counted("read")


def changer() -> ApiKey:
    """Authenticate a key that may create and change, and count the request as a read."""
    return _counted("generate")


@contextmanager
def creator() -> Iterator[ApiKey]:
    """Authenticate a key that wants to create, and count the request where it is refused.

    What is accepted is counted in the same transaction. TooManyRequestsError where refusals used the minute up.
    """
    key = authenticate()
    try:
        yield key
    except TooManyRequestsError:
        raise
    except RequestError as exc:
        if exc.status < 500:
            dependencies().accounts.count_creation(key, now_ms())
        raise


def _counted(scope: str) -> ApiKey:
    key = authenticate()
    key.require(scope)
    dependencies().accounts.count_read(key, now_ms())
    return key


def own_generation(generation_id: str, key: ApiKey) -> Generation:
    """Read a generation of the key's user; NotFoundError, or ForbiddenError where it is another user's.

    Live and test keys do not find each other's.
    """
    missing = NotFoundError(f"There is no generation '{generation_id}'.")
    if not ID_PATTERN.fullmatch(generation_id):
        raise missing
    generation = dependencies().generations.get(generation_id)
    if generation.user_id != key.user_id:
        raise ForbiddenError("This generation is another user's.")
    if generation.test != key.test:
        raise missing
    return generation
