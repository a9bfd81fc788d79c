"""Users and API keys in their table: `user` under the user's id, `key` under the key's id, and `email`, which leads
from an address to its user, so that an address has one user only.
"""

from dataclasses import asdict, replace
from typing import Any

from atelier.account import ApiKey, User, new_user
from atelier.adapters.records import Record, RecordTable
from atelier.errors import ConflictError, NotFoundError

USER, KEY, EMAIL = "user", "key", "email"
MAX_LISTED = 1_000


class AccountStore:
    """The ApiKeys port, and what the console needs."""

    def __init__(self, table: RecordTable) -> None:
        self._table = table

    def get(self, key_id: str) -> ApiKey | None:
        """Read a key's record."""
        record = self._table.get(key_id, KEY)
        return _key(record) if record else None

    def add_key(self, key: ApiKey) -> None:
        """Write a new key's record."""
        self._table.insert({**asdict(key), "record": KEY, "kind": KEY})

    def revoke_key(self, key_id: str, now: int) -> ApiKey:
        """Revoke a key, for good; repeating it changes nothing. NotFoundError where there is none."""
        key = self.get(key_id)
        if key is None:
            raise NotFoundError(f"There is no API key '{key_id}'.")
        if key.revoked_at is not None:
            return key
        try:
            self._table.update(
                (key_id, KEY), {"revoked_at": now}, condition="attribute_not_exists(revoked_at)", values={}
            )
        except ConflictError:
            return self.get(key_id) or key
        return replace(key, revoked_at=now)

    def list_keys(self) -> list[ApiKey]:
        """List all keys, the newest first."""
        return [_key(record) for record in self._list(KEY)]

    def user(self, user_id: str) -> User:
        """Read a user; NotFoundError where there is none."""
        record = self._table.get(user_id, USER)
        if record is None:
            raise NotFoundError(f"There is no user '{user_id}'.")
        return _user(record)

    def list_users(self) -> list[User]:
        """List all users, the newest first."""
        return [_user(record) for record in self._list(USER)]

    def user_by_email(self, email: str, now: int) -> User:
        """Return the user with this address, making one where there is none."""
        owner = self._table.get(email, EMAIL)
        if owner is None:
            user = new_user(email=email, name=email.partition("@")[0], now=now)
            try:
                self._table.insert({"id": email, "record": EMAIL, **_seed(user)})
                owner = _seed(user)
            except ConflictError:
                owner = self._table.get(email, EMAIL) or _seed(user)
        user = User(
            id=str(owner["user_id"]),
            email=email,
            name=str(owner["name"]),
            created_at=int(owner["created_at"] or 0),
        )
        if self._table.get(user.id, USER) is None:
            try:
                self._table.insert({**asdict(user), "record": USER, "kind": USER})
            except ConflictError:
                return user
        return user

    def _list(self, kind: str) -> list[Record]:
        found = self._table.query("by-kind", ("kind", kind), limit=MAX_LISTED, descending=True)
        records: list[Record] = []
        for start in range(0, len(found), 100):
            records += self._table.get_many([(str(r["id"]), kind) for r in found[start : start + 100]])
        return records


def _seed(user: User) -> Record:
    return {"user_id": user.id, "name": user.name, "created_at": user.created_at}


def _key(record: Record) -> ApiKey:
    return ApiKey(**_fields(record, ApiKey))


def _user(record: Record) -> User:
    return User(**_fields(record, User))


def _fields(record: Record, kind: type) -> dict[str, Any]:
    names: tuple[str, ...] = kind.__slots__  # type: ignore[attr-defined]
    return {name: record[name] for name in names if name in record}
