"""Users and API keys in their table.

Under a user's id are `user`, with the balance and the versions of the webhook secret, and the ledger
(credit_ledger.py); under a key's id are `key` and a counter for each minute in which it was used; `email` leads from
an address to its user, so that an address has one user only.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from atelier.accounts.api_keys import ApiKey
from atelier.accounts.credits import LedgerEntry
from atelier.accounts.search import Found, Search
from atelier.accounts.users import User, WebhookSecrets, new_user
from atelier.adapters.dynamodb.credit_ledger import BEGUN, METERING, READY, USER, CreditLedger, NotReadyError
from atelier.adapters.dynamodb.records import Record, Write, readable
from atelier.adapters.dynamodb.settlement import Settlement
from atelier.adapters.dynamodb.spending_store import SpendingStore
from atelier.adapters.dynamodb.usage_store import UsageStore
from atelier.adapters.dynamodb.webhook_secret_store import WebhookSecretStore
from atelier.errors import ConflictError, NotFoundError, RefusedWritesError, TooManyRequestsError, UnavailableError

KEY, EMAIL = "key", "email"
UNCHARGED = "uncharged-key"
DELETED_USER = "(deleted user)"
BATCH, MAX_LOOKED_AT = 100, 5_000
"""A search reads so many records at once, and so many before it answers with what it has found."""
MINUTE = 60_000
COUNTER_SECONDS = 120


class AccountStore(Settlement):
    """The ApiKeys port, and what the console needs."""

    def get(self, key_id: str) -> ApiKey | None:
        """Read a key's record."""
        record = self._table.get(key_id, KEY)
        return _key(record) if record else None

    def add_key(self, key: ApiKey) -> None:
        """Write a new key's record."""
        if not key.user_unmetered:
            self._table.insert(_key_record(key))
            return
        try:
            self._table.transact(self._insertions(key))
        except RefusedWritesError as exc:
            if 0 in exc.refused:
                raise ConflictError("the key's id is taken") from exc
            self._table.insert(_key_record(replace(key, user_unmetered=None)))

    def _insertions(self, key: ApiKey) -> list[Write]:
        """Make the writes of a new key, for a transaction.

        One of a user who is not metered is noted beside the user, where a top-up finds it: such a key charges nothing.
        """
        writes = [self._table.insertion(_key_record(key))]
        if key.user_unmetered:
            writes.append(self._table.insertion({"id": key.user_id, "record": f"{UNCHARGED}#{key.id}"}))
            unmetered = f"unmetered = :yes AND attribute_not_exists({METERING})"
            writes.append(self._table.requirement((key.user_id, USER), unmetered, {":yes": True}))
        return writes

    def replace_key(self, old_id: str, new_key: ApiKey, expires_at: int) -> None:
        """Write a new key, and let the old one expire then; ConflictError where the old one is revoked."""
        old = self._table.change(
            (old_id, KEY),
            {"expires_at_ms": expires_at},
            condition="attribute_exists(id) AND attribute_not_exists(revoked_at)",
            values={},
        )
        try:
            self._table.transact([old, *self._insertions(new_key)])
        except RefusedWritesError as exc:
            if not new_key.user_unmetered or exc.refused & {0, 1}:
                raise
            self._table.transact([old, *self._insertions(replace(new_key, user_unmetered=None))])

    def count_read(self, key: ApiKey, now: int) -> None:
        """Count a read of a key that has a limit; TooManyRequestsError where the minute's are used up."""
        self._count("read", key, now)

    def count_creation(self, key: ApiKey, now: int) -> None:
        """Count a request to create that created nothing, as count_read() does."""
        self._count("create", key, now)

    def _count(self, what: str, key: ApiKey, now: int) -> None:
        if key.requests_per_minute is None:
            return
        try:
            self._table.add(**_counter(key, what, now, key.requests_per_minute))
        except ConflictError:
            raise too_many_requests(key.requests_per_minute, now) from None

    def creation_count(self, key: ApiKey, now: int) -> Write | None:
        """Make the write that counts a creation, for a transaction; None where the key has no limit."""
        if key.requests_per_minute is None:
            return None
        return self._table.addition(**_counter(key, "create", now, key.requests_per_minute))

    def use(self, key: ApiKey, now: int) -> Write | None:
        """Make the write that notes when a key was last used, for a transaction; None where it was noted just now."""
        if key.last_used_at is not None and now - key.last_used_at < MINUTE:
            return None
        return self._table.change((key.id, KEY), {"last_used_at": now}, condition="attribute_exists(id)", values={})

    def usage(self) -> UsageStore:
        """Reach the usage, which is in the same table."""
        return UsageStore(self._table)

    def spent(self, owner_id: str, now: int) -> tuple[int, int]:
        """Return what a key or a user has spent on this UTC day and in this month."""
        return SpendingStore(self._table).spent(owner_id, now)

    def spent_by(self, owner: User | ApiKey, now: int) -> tuple[int, int]:
        """Return what a user or a key has spent on this UTC day and in this month.

        What was not charged counts once it has finished.
        """
        day, month = self.spent(owner.id, now)
        if owner.charged:
            return day, month
        user_id, key_id = (owner.id, None) if isinstance(owner, User) else (owner.user_id, owner.id)
        today = datetime.fromtimestamp(now / 1_000, UTC).date()
        used = [
            usage
            for usage in self.usage().list(today.replace(day=1), today, user_id=user_id)
            if key_id in (None, usage.key_id)
        ]
        of_today = sum(usage.credits for usage in used if usage.date == today.isoformat())
        return max(day, of_today), max(month, sum(usage.credits for usage in used))

    def top_up(self, user_id: str, amount: int, note: str | None, now: int) -> User:
        """Add credits to a user, who is metered from then on; NotFoundError where there is none.

        The message of an UnavailableError says whether they were added.
        """
        ledger = CreditLedger(self._table)
        try:
            ledger.top_up(user_id, amount, note, now)
        except NotReadyError:
            self._charge_keys(user_id)
            ledger.top_up(user_id, amount, note, now)
        try:
            return self.user(user_id)
        except UnavailableError as exc:
            message = "The credits were added, but the user cannot be read just now; do not add them again."
            raise UnavailableError(message) from exc

    def _charge_keys(self, user_id: str) -> None:
        """Let all keys of a user charge what they make, those to come too; NotFoundError where there is no such user.

        If this ends halfway, keys charge a user who is not metered, which does no harm. Repeating it completes it.
        """
        self._note_metering(user_id, BEGUN)
        for noted in self._table.get_partition(user_id, f"{UNCHARGED}#"):
            key = (str(noted["record"]).partition("#")[2], KEY)
            with suppress(ConflictError):  # the key is gone
                self._table.update(key, {"user_unmetered": None}, condition="attribute_exists(id)", values={})
        self._note_metering(user_id, READY)

    def _note_metering(self, user_id: str, state: str) -> None:
        try:
            self._table.update((user_id, USER), {METERING: state}, condition="attribute_exists(id)", values={})
        except ConflictError:
            raise NotFoundError(f"There is no user '{user_id}'.") from None

    def ledger(self, user_id: str, limit: int = 100) -> list[LedgerEntry]:
        """List the changes of a user's balance, the newest first; their sum is the balance."""
        return CreditLedger(self._table).entries(user_id, limit)

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

    def edit_key(self, key_id: str, changes: Mapping[str, Any]) -> ApiKey:
        """Change attributes of a key (None removes one), and return it; NotFoundError where there is none."""
        stored = _key_attributes(changes)
        try:
            return _key(self._table.update((key_id, KEY), stored, condition="attribute_exists(id)", values={}))
        except ConflictError:
            raise NotFoundError(f"There is no API key '{key_id}'.") from None

    def edit_user(self, user_id: str, changes: Record) -> User:
        """Change attributes of a user, and return it; what its keys copy is changed there afterwards.

        NotFoundError where there is none. A run that dies between is completed by repeating it.
        """
        try:
            condition = "attribute_exists(id) AND attribute_not_exists(deleted_at)"
            user = _user(self._table.update((user_id, USER), changes, condition=condition, values={}))
        except ConflictError:
            raise NotFoundError(f"There is no user '{user_id}'.") from None
        copied = {
            "user_disabled_at": user.disabled_at,
            "user_budget_day": user.budget_day,
            "user_budget_month": user.budget_month,
        }
        for key in self._key_records(user_id):
            if any(key.get(name) != value for name, value in copied.items()):
                self._edit_key_record(key, copied)
        return user

    def delete_user(self, user_id: str, now: int) -> None:
        """Delete a user: no key works any more, the address is free again, and what names the person is gone.

        A record without a name stays, since the ledger, and refunds and webhooks on their way, refer to it. A run that
        dies between is completed by repeating it. NotFoundError where there never was such a user.
        """
        record = self._read_user(user_id)
        if "deleted_at" not in record:
            nobody = {"email": "", "name": "", "plan": "", "kind": None, "disabled_at": now, "deleted_at": now}
            change = self._table.change(
                (user_id, USER), nobody, condition="attribute_not_exists(deleted_at)", values={}
            )
            self._table.transact([change, self._table.deletion((str(record["email"]), EMAIL))])
        for key in self._key_records(user_id):
            revoked = {"revoked_at": key.get("revoked_at") or now, "user_email": DELETED_USER}
            self._edit_key_record(key, revoked)

    def _key_records(self, user_id: str) -> list[Record]:
        """Read the records of a user's keys, also those that cannot be listed: they must not stay in force."""
        pages = self._table.walk("by-owner", ("user_id", user_id), sort=("record", KEY))
        return [record for page in self._read(pages, KEY) for record in page]

    def _edit_key_record(self, key: Record, changes: Record) -> None:
        self._table.update((str(key["id"]), KEY), changes, condition="attribute_exists(id)", values={})

    def list_keys(self) -> list[ApiKey]:
        """List all keys, the newest first."""
        return readable(self._list(KEY), _key)

    def find_keys(self, wanted: Search) -> Found[ApiKey]:
        """List keys, the newest first, by a part of their id, name or prefix, or of their user's id or address."""
        records, cursor = self._find(KEY, wanted, ("id", "name", "prefix", "user_id", "user_email"))
        return Found(readable(records, _key), cursor)

    def key_names(self, ids: Iterable[str]) -> dict[str, str]:
        """Read the names of keys, by id."""
        return {str(record["id"]): str(record.get("name", "")) for record in self._by_id(ids, KEY)}

    def user(self, user_id: str) -> User:
        """Read a user; NotFoundError where there is none."""
        record = self._read_user(user_id)
        if "deleted_at" in record:
            raise NotFoundError(f"The user '{user_id}' was deleted.")
        return _user(record)

    def webhook_secrets(self, user_id: str) -> WebhookSecrets:
        """Read which versions of a user's webhook secret sign; NotFoundError where there is no user."""
        return WebhookSecretStore(self._table).read(user_id)

    def rotate_webhook_secret(self, user_id: str, now: int) -> WebhookSecrets:
        """Begin a new version of a user's webhook secret, and return which sign; NotFoundError where there is no user.

        Where another has begun one meanwhile, or the SDK repeats a call that took effect, that one is the new version.
        """
        return WebhookSecretStore(self._table).rotate(user_id, now)

    def _read_user(self, user_id: str) -> Record:
        record = self._table.get(user_id, USER)
        if record is None:
            raise NotFoundError(f"There is no user '{user_id}'.")
        return record

    def find_users(self, wanted: Search) -> Found[User]:
        """List users, the newest first, by a part of their id, name, address or plan."""
        records, cursor = self._find(USER, wanted, ("id", "name", "email", "plan"))
        return Found(readable(records, _user), cursor)

    def emails(self, ids: Iterable[str]) -> dict[str, str]:
        """Read the addresses of users, by id; a deleted user has none."""
        return {str(record["id"]): str(record["email"]) for record in self._by_id(ids, USER) if record.get("email")}

    def user_id_of(self, wanted: str) -> str:
        """Find the id of the user meant by an id or an address; what nobody has is taken for an id."""
        owner = self._table.get(wanted.lower(), EMAIL) if "@" in wanted else None
        return str(owner["user_id"]) if owner else wanted

    def add_user(self, user: User) -> None:
        """Write a new user, with a first entry in the ledger; ConflictError where the address is taken."""
        writes = [
            self._table.insertion({"id": user.email, "record": EMAIL, "user_id": user.id}),
            self._table.insertion(_user_record(user)),
        ]
        if user.credits:
            writes.append(CreditLedger(self._table).first_credits(user.id, user.credits, user.created_at))
        self._table.transact(writes)

    def user_by_email(self, email: str, now: int) -> User:
        """Return the user with this address, making one, who is not metered, where there is none."""
        owner = self._table.get(email, EMAIL)
        if owner is None:
            user = new_user(email=email, name=email.partition("@")[0], now=now)
            try:
                self.add_user(user)
            except ConflictError:
                owner = self._table.get(email, EMAIL)
            else:
                return user
        return self.user(str(owner["user_id"]) if owner else "")

    def _list(self, kind: str) -> list[Record]:
        return [record for page in self._pages(kind) for record in page]

    def _pages(self, kind: str, after: Record | None = None) -> Iterator[list[Record]]:
        """Read the records of a kind, the newest first, some at a time."""
        yield from self._read(self._table.walk("by-kind", ("kind", kind), after=after), kind)

    def _read(self, pages: Iterable[list[Record]], kind: str) -> Iterator[list[Record]]:
        for keys in pages:
            for start in range(0, len(keys), BATCH):
                yield self._table.get_many([(str(key["id"]), kind) for key in keys[start : start + BATCH]])

    def _find(self, kind: str, wanted: Search, fields: tuple[str, ...]) -> tuple[list[Record], str | None]:
        """Find the newest that fit, and where to go on where there may be more: after MAX_LOOKED_AT at the latest."""
        after: Record | None = None
        if wanted.cursor:
            created_at, _, name = wanted.cursor.partition("-")
            after = {"kind": kind, "created_at": int(created_at), "id": name, "record": kind}
        found: list[Record] = []
        looked_at = 0
        for page in self._pages(kind, after):
            for record in page:
                looked_at += 1
                if not wanted.text or any(wanted.text in str(record.get(name, "")).casefold() for name in fields):
                    found.append(record)
                if len(found) == wanted.limit or looked_at == MAX_LOOKED_AT:
                    return found, f"{record['created_at']}-{record['id']}"
        return found, None

    def _by_id(self, ids: Iterable[str], kind: str) -> Iterator[Record]:
        keys = [(name, kind) for name in sorted(set(ids))]
        for start in range(0, len(keys), BATCH):
            yield from self._table.get_many(keys[start : start + BATCH])


def too_many_requests(quota: int, now: int) -> TooManyRequestsError:
    """Say that a minute's requests are used up, and when the next minute begins."""
    left = -(-(MINUTE - now % MINUTE) // 1_000)
    message = f"This API key may make {quota} such requests a minute; try again in {left} s."
    return TooManyRequestsError(message, retry_after=left, quota=quota)


def _counter(key: ApiKey, what: str, now: int, quota: int) -> dict[str, Any]:
    minute = now // MINUTE
    return {
        "key": (key.id, f"{what}#{minute}"),
        "amounts": {"used": 1},
        "changes": {"expires_at": minute * 60 + COUNTER_SECONDS},
        "condition": "attribute_not_exists(used) OR used < :quota",
        "values": {":quota": quota},
    }


def _key_record(key: ApiKey) -> Record:
    return {**_key_attributes(asdict(key)), "record": KEY, "kind": KEY}


def _key_attributes(fields: Mapping[str, Any]) -> Record:
    """Write fields of a key as attributes; `expires_at` is the table's TTL, which would delete the record."""
    lists = {name: json.dumps(fields[name]) for name in ("scopes", "models") if fields.get(name) is not None}
    stored = {**fields, **lists}
    if "expires_at" in stored:
        stored["expires_at_ms"] = stored.pop("expires_at")
    return stored


def _key(record: Record) -> ApiKey:
    fields = {name: record.get(name) for name in ApiKey.__slots__ if name in record}
    models = record.get("models")
    found: dict[str, Any] = {
        **fields,
        "scopes": tuple(json.loads(str(record["scopes"]))),
        "models": tuple(json.loads(str(models))) if models is not None else None,
        "expires_at": record.get("expires_at_ms"),
    }
    return ApiKey(**found)


def _user_record(user: User) -> Record:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "plan": user.plan,
        "created_at": user.created_at,
        "balance": user.credits or 0,
        "unmetered": user.credits is None,
        METERING: None if user.credits is None else READY,
        "disabled_at": user.disabled_at,
        "budget_day": user.budget_day,
        "budget_month": user.budget_month,
        "record": USER,
        "kind": USER,
    }


def _user(record: Record) -> User:
    found: dict[str, Any] = {name: record[name] for name in ("id", "email", "name", "plan", "created_at")}
    found |= {name: record.get(name) for name in ("disabled_at", "budget_day", "budget_month")}
    return User(**found, credits=None if record["unmetered"] else int(record["balance"] or 0))
