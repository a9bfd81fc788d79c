"""How users, keys, generations and deliveries look to the operator."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from atelier.accounts.api_keys import ApiKey
from atelier.accounts.credits import LedgerEntry
from atelier.accounts.search import Found, Search
from atelier.accounts.users import User, WebhookSecrets
from atelier.api.usage import usage_row
from atelier.catalog.model import Catalog, endings
from atelier.clock import utc_day
from atelier.encoding import timestamp
from atelier.generations.model import Generation, ListedGeneration, Moment, Status, UnreadableGeneration
from atelier.generations.overview import Overview
from atelier.generations.serializer import announce, describe, describe_unreadable, detail, output_document
from atelier.generations.usage import Usage, charged
from atelier.outbound.circuit_breaker import CircuitBreaker
from atelier.providers.provider import Provider
from atelier.providers.registry import Setup
from atelier.standard_webhooks import derive_secret
from atelier.webhooks.delivery import DeliveryHistory
from atelier.webhooks.serializer import delivery_document

T = TypeVar("T")


def user_document(user: User) -> dict[str, Any]:
    """Describe a user; credits are null where what it makes is not counted."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "plan": user.plan,
        "credits": user.credits,
        "budgetPerDay": user.budget_day,
        "budgetPerMonth": user.budget_month,
        "disabledAt": _moment(user.disabled_at),
        "createdAt": timestamp(user.created_at),
    }


def provider_document(
    kind: type[Provider], catalog: Catalog, setup: Setup, breaker: CircuitBreaker | None, now: int
) -> dict[str, Any]:
    """Describe a provider; `set` is None where it takes no key, and `configured` tells whether it can serve a model.

    `testable` tells whether a call that costs nothing can be made with what is set; `parameter` names the template's
    parameter without which it serves nothing.
    `endings` are its models that have ended there, or will soon.
    """
    routes = {
        model.slug: route for model in catalog.models.values() for route in model.routes if route.provider == kind.name
    }
    known = breaker or CircuitBreaker()
    has_key = setup.keys.get(kind.name) is not None if kind.takes_key else None
    configured = any(map(setup.ready, routes.values()))
    return {
        "name": kind.name,
        "needsKey": kind.needs_key,
        "parameter": _parameter(kind),
        "set": has_key,
        "configured": configured,
        "testable": bool(has_key) if kind.needs_key else configured and (kind.takes_key or kind.needs_listing),
        "models": list(routes),
        "endings": [
            {"model": ending.model, "name": ending.name, "ends": ending.ends.isoformat(), "ended": ending.has_ended}
            for ending in endings(catalog, utc_day(now))
            if ending.provider == kind.name
        ],
        "breaker": "open" if known.open else "closed",
        "probeAt": _moment(known.probe_at) if known.open else None,
        "lastError": known.last_error,
        "lastErrorAt": _moment(known.last_error_at),
    }


def _parameter(kind: type[Provider]) -> str | None:
    if kind.needs_listing:
        return "BedrockModelArns"
    return "ProviderUrls" if kind.needs_address else None


def webhook_secret_document(secrets: WebhookSecrets, user_id: str, signing_key: str, now: int) -> dict[str, Any]:
    """Show a user's webhook secret, and older ones that still sign with the time until which they do."""
    return {
        "version": secrets.version,
        "secret": derive_secret(signing_key, user_id, secrets.version),
        "retired": [
            {
                "version": retired.version,
                "secret": derive_secret(signing_key, user_id, retired.version),
                "signsUntil": timestamp(retired.until),
            }
            for retired in secrets.signing_retired(now)
        ],
    }


def entry_document(entry: LedgerEntry) -> dict[str, Any]:
    """Describe a line of a user's ledger."""
    return {
        "id": entry.id,
        "kind": entry.kind,
        "amount": entry.amount,
        "generationId": entry.generation_id,
        "note": entry.note,
        "createdAt": timestamp(entry.created_at),
    }


def page_document(found: Found[T], wanted: Search, describe_one: Callable[[T], dict[str, Any]]) -> dict[str, Any]:
    """Describe a part of a list of users or keys; `pagination` says how to go on, where there may be more."""
    more = {"pagination": {"limit": wanted.limit, "nextCursor": found.cursor}} if found.cursor else {}
    return {"data": [describe_one(item) for item in found.items], **more}


def key_document(key: ApiKey) -> dict[str, Any]:
    """Describe a key, without what it takes to use it."""
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "userId": key.user_id,
        "userEmail": key.user_email,
        "test": key.test,
        "scopes": list(key.scopes),
        "requestsPerMinute": key.requests_per_minute,
        "models": list(key.models) if key.models is not None else None,
        "createdAt": timestamp(key.created_at),
        "expiresAt": _moment(key.expires_at),
        "lastUsedAt": _moment(key.last_used_at),
        "revokedAt": _moment(key.revoked_at),
        "disabledAt": _moment(key.disabled_at),
        "userDisabledAt": _moment(key.user_disabled_at),
        "budgetPerDay": key.budget_day,
        "budgetPerMonth": key.budget_month,
    }


def generation_document(generation: ListedGeneration, base_url: str) -> dict[str, Any]:
    """Describe a generation as its client sees it, and whose it is, who made it and what it cost."""
    if isinstance(generation, UnreadableGeneration):
        known = {"userId": generation.user_id, "keyId": generation.key_id, "cost": generation.cost}
        unknown = dict.fromkeys(("provider", "providerDollars", "finishedAt"))
        return {**describe_unreadable(generation), **known, **unknown}
    return {**describe(generation, base_url), **_owned(generation)}


def generation_detail(generation: Generation, deliveries: Sequence[DeliveryHistory], base_url: str) -> dict[str, Any]:
    """Describe a generation and all that happened to it; `inputs` are its client's pictures as they were stored."""
    document = detail(generation, base_url)
    timeline = (Moment(Status.PENDING, generation.created_at), *generation.timeline)
    return {
        **document,
        **_owned(generation),
        "refunded": generation.refunded,
        "cancelledAt": _moment(generation.cancelled_at),
        "inputs": [output_document(picture, base_url) for picture in generation.inputs],
        "timeline": [{"status": moment.status.value, "at": timestamp(moment.at)} for moment in timeline],
        "attempts": [
            {**seen, "model": attempt.model}
            for seen, attempt in zip(document["attempts"], generation.attempts, strict=True)
        ],
        "webhook": generation.webhook,
        "webhookEvents": [status.value for status in generation.webhook_events],
        "deliveries": [delivery_document(history) for history in deliveries],
        "announcement": announce(generation, base_url) if generation.status.final else None,
    }


def overview_document(overview: Overview, *, in_progress: int, dead_letters: int) -> dict[str, Any]:
    """Describe an overview, how much is in progress now, and how much waits in the dead-letter queues."""
    return {
        "days": [
            {"date": day.date, "success": day.success, "error": day.error, "cancelled": day.cancelled}
            for day in overview.days
        ],
        "successRate": overview.success_rate,
        "averageSeconds": overview.average_seconds,
        "creditsSpent": overview.credits_spent,
        "inProgress": in_progress,
        "deadLetters": dead_letters,
    }


def admin_usage_row(
    usage: Usage, emails: Mapping[str, str], key_names: Mapping[str, str], credit_price: int
) -> dict[str, Any]:
    """Describe a row of the usage of all users; `credit_price` is in millionths of a US dollar.

    The margin is what the credits were sold for, less what the providers charged.
    """
    return {
        **usage_row(usage),
        "providerDollars": usage.microdollars / 1_000_000,
        "marginDollars": (usage.credits * credit_price - usage.microdollars) / 1_000_000,
        "userId": usage.user_id,
        "userEmail": emails.get(usage.user_id),
        "keyName": key_names.get(usage.key_id),
    }


def _owned(generation: Generation) -> dict[str, Any]:
    return {
        "userId": generation.user_id,
        "keyId": generation.key_id,
        "provider": generation.provider,
        "cost": generation.cost,
        "providerDollars": charged(generation) / 1_000_000 if generation.status.final else None,
        "finishedAt": _moment(generation.finished_at),
    }


def _moment(milliseconds: int | None) -> str | None:
    return timestamp(milliseconds) if milliseconds is not None else None
