"""Sessions and attempts to sign in, in the Accounts table: `session` under the session's id, `attempts` under its
source. Both expire by themselves.
"""

from atelier.accounts.session import Session
from atelier.accounts.sign_in_throttle import WINDOW, SignInAttempts
from atelier.adapters.dynamodb.records import Record, RecordTable
from atelier.errors import ConflictError

SESSION, ATTEMPTS = "session", "attempts"


class SessionStore:
    """The Sessions port."""

    def __init__(self, table: RecordTable) -> None:
        self._table = table

    def start(self, session: Session) -> None:
        """Write a new session."""
        self._table.insert({"id": session.id, "record": SESSION, "expires_at": session.expires_at // 1_000 + 1})

    def lives(self, session: Session) -> bool:
        """Tell whether a session was started here and has not been ended."""
        record = self._table.get(session.id, SESSION)
        return record is not None and "ended_at" not in record

    def end(self, session: Session, now: int) -> None:
        """End a session for good; repeating it changes nothing."""
        try:
            self._table.update(
                (session.id, SESSION), {"ended_at": now}, condition="attribute_exists(expires_at)", values={}
            )
        except ConflictError:
            return  # it has expired

    def attempts(self, source: str) -> SignInAttempts | None:
        """Read how often a source tried."""
        record = self._table.get(f"sign-in:{source}", ATTEMPTS)
        if record is None:
            return None
        return SignInAttempts(source, *(int(record[name] or 0) for name in ("failures", "since", "version")))

    def advance(self, before: SignInAttempts | None, after: SignInAttempts) -> None:
        """Write `after` if the record is still `before` (None: there was none); else ConflictError."""
        if before is None:
            self._table.insert(_record(after))
        else:
            self._table.replace(_record(before), _record(after))


def _record(attempts: SignInAttempts) -> Record:
    return {
        "id": f"sign-in:{attempts.source}",
        "record": ATTEMPTS,
        "failures": attempts.failures,
        "since": attempts.since,
        "version": attempts.version,
        "expires_at": (attempts.since + WINDOW) // 1_000 + 1,
    }
