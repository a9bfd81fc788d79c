"""The role's credentials, read when the first call is signed and not when a client is made.

Clients are made before a snapshot is taken, which must not hold credentials: it outlives them.
"""

from functools import cached_property

from botocore.credentials import Credentials, ReadOnlyCredentials, create_credential_resolver
from botocore.session import Session


class LateCredentials(Credentials):
    """What the session finds at the first signature, and refreshes itself from then on."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_frozen_credentials(self) -> ReadOnlyCredentials | None:  # type: ignore[override]
        """Return the credentials as they are now; None where there are none."""
        return self._found.get_frozen_credentials() if self._found else None

    @cached_property
    def _found(self) -> Credentials | None:
        return create_credential_resolver(self._session).load_credentials()


class LateCredentialResolver:
    """The component of a session from which its clients have their credentials."""

    def __init__(self, session: Session) -> None:
        self._credentials = LateCredentials(session)

    def load_credentials(self) -> Credentials:
        """Return credentials that are still to be read."""
        return self._credentials
