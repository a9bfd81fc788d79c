"""Administer: what the owner does to keys, generations and their deliveries."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from atelier.account import ApiKey, User, mint_key, new_user
from atelier.administration import UserRequest
from atelier.delivery import Delivery, told
from atelier.errors import ConflictError, NotFoundError, NotPossibleError, UnavailableError
from atelier.generation import Generation, Status
from atelier.ports import Accounts, Deliveries, Eraser, Generations, Queue, StoredFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateUser:
    """Makes users, one for an address."""

    accounts: Accounts
    clock: Callable[[], int]

    def __call__(self, request: UserRequest) -> User:
        """Return the new user; NotPossibleError where the address has one."""
        user = new_user(
            email=request.email, name=request.name, now=self.clock(), plan=request.plan, credits=request.credits
        )
        try:
            self.accounts.add_user(user)
        except ConflictError as exc:
            raise NotPossibleError(f"There is a user with the address {request.email} already.") from exc
        return user


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateKey:
    """Replaces a key by one that may do the same; both hold for a while, so that nobody is locked out."""

    accounts: Accounts
    digest_key: Callable[[], str]
    clock: Callable[[], int]

    def __call__(self, key_id: str, overlap: int) -> tuple[ApiKey, str]:
        """Return the new key and its text, which is shown once; NotPossibleError where the old one is void."""
        now, old = self.clock(), self.accounts.get(key_id)
        if old is None:
            raise NotFoundError(f"There is no API key '{key_id}'.")
        if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
            raise NotPossibleError("The key is revoked or has expired; make a new one.")
        new, text = mint_key(
            name=old.name, user=self.accounts.user(old.user_id), test=old.test, digest_key=self.digest_key(), now=now,
            scopes=old.scopes, requests_per_minute=old.requests_per_minute, models=old.models,
            expires_at=old.expires_at,
        )  # fmt: skip
        end = now + overlap
        try:
            self.accounts.replace_key(old.id, new, end if old.expires_at is None else min(end, old.expires_at))
        except ConflictError as exc:
            raise NotPossibleError("The key has just been revoked; make a new one.") from exc
        return new, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Deletes whatever is kept of a finished generation: files first, so that what was interrupted can be repeated."""

    generations: Generations
    eraser: Eraser
    files: StoredFiles

    def __call__(self, generation_id: str) -> None:
        """Delete it; NotPossibleError where it is not finished."""
        generation = self.generations.get(generation_id)
        if not generation.status.final:
            raise NotPossibleError(f"The generation is {generation.status}; it can be deleted once it is finished.")
        for folder in ("inputs", "outputs"):
            self.files.delete_all(f"{folder}/{generation.id}/")
        self.eraser.erase(generation.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeliver:
    """Tells a client's webhook again: the same message under the same id, with a whole schedule before it."""

    deliveries: Deliveries
    queue: Queue
    clock: Callable[[], int]

    def __call__(self, generation_id: str, base_url: str, event: Status | None = None) -> list[Delivery]:
        """Return the deliveries, due now: that of an event, or all; NotPossibleError where there is nothing to deliver.

        Asked for twice, it is told once, unless it was told in between. An attempt that is under way is not doubled:
        NotPossibleError says so.
        """
        generation, deliveries = self.deliveries.find(generation_id)
        again = [
            (deliveries.get(delivery.event), self._repeated(delivery))
            for delivery in told(generation, deliveries, base_url)
            if event in (None, delivery.event)
        ]
        if not again:
            raise NotPossibleError(_nothing_to_tell(generation, event))
        try:
            for before, after in again:
                self.deliveries.advance(before, after)
        except ConflictError as exc:
            raise NotPossibleError("An attempt to deliver it was under way; look at it and try again.") from exc
        with suppress(UnavailableError):  # reconcile sends what is due
            self.queue.send(generation_id)
        return [after for _, after in again]

    def _repeated(self, delivery: Delivery) -> Delivery:
        try:
            return delivery.repeated(self.clock())
        except ConflictError as exc:
            raise NotPossibleError("An attempt to deliver it is under way; look at it in a minute.") from exc


def _nothing_to_tell(generation: Generation, event: Status | None) -> str:
    if generation.webhook is None:
        return "The generation has no webhook."
    if event and event not in generation.webhook_events:
        return f"The webhook is not told of '{event}'; it asked for {', '.join(generation.webhook_events)}."
    return f"The generation is {generation.status}; there is nothing to tell its webhook yet."
