"""The commands: each parses its arguments, makes one call and prints the answer."""

import json
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from queue import Empty
from typing import Annotated, Any

import typer

from atelier_cli import inline_images, screen
from atelier_cli.client import (
    AdminApi,
    Attempt,
    GenerationDetail,
    Key,
    NewKey,
    OwnedGeneration,
    ProviderTest,
    Status,
    User,
)
from atelier_cli.errors import FileError, ProviderError, StackError
from atelier_cli.listener import Event, Listener
from atelier_cli.session import Session
from atelier_client import Atelier, Download, Generation
from atelier_client import AtelierError as AnyError

# Locals in a traceback would show secrets.
app = typer.Typer(
    cls=screen.ErrorLine,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
keys = typer.Typer(no_args_is_help=True, help="Make, list, rotate and revoke API keys.")
users = typer.Typer(no_args_is_help=True, help="Make users, list them, and look after their credits.")
webhooks = typer.Typer(no_args_is_help=True, help="Get and rotate what a webhook's receiver needs.")
providers = typer.Typer(no_args_is_help=True, help="Set and unset the providers' keys.")
catalog = typer.Typer(no_args_is_help=True, help="Look after a catalog of your own.")
generations = typer.Typer(no_args_is_help=True, help="Look after the generations of all users.")
app.add_typer(keys, name="keys")
app.add_typer(users, name="users")
app.add_typer(webhooks, name="webhooks")
app.add_typer(providers, name="providers")
app.add_typer(catalog, name="catalog")
app.add_typer(generations, name="generations")

# The columns of a record: each title and its field.
KEY_COLUMNS = {
    "id": "id",
    "user": "userEmail",
    "name": "name",
    "state": "state",
    "used (UTC)": "lastUsedAt",
}
NEW_KEY_FIELDS = {"id": "id", "prefix": "prefix", "user": "userEmail", "expires": "expiresAt", "key": "key"}
USER_COLUMNS = {
    "id": "id",
    "email": "email",
    "credits": "credits",
    "plan": "plan",
    "name": "name",
    "created (UTC)": "createdAt",
}
KEY_FIELDS = KEY_COLUMNS | {
    "allowed": "scopes",
    "models": "models",
    "requests a minute": "requestsPerMinute",
    "budget a day": "budgetPerDay",
    "budget a month": "budgetPerMonth",
}
USER_FIELDS = USER_COLUMNS | {"state": "state", "budget a day": "budgetPerDay", "budget a month": "budgetPerMonth"}
LEDGER_COLUMNS = {
    "created (UTC)": "createdAt",
    "kind": "kind",
    "amount": "amount",
    "generation": "generationId",
    "note": "note",
}
DAY_COLUMNS = {"day": "date", "success": "success", "error": "error", "cancelled": "cancelled"}
OVERVIEW_FIELDS = {
    "success rate": "successRate",
    "average seconds": "averageSeconds",
    "credits spent": "creditsSpent",
    "in progress": "inProgress",
    "dead letters": "deadLetters",
}
KEY_LIMITS = {
    "limit": "requestsPerMinute",
    "models": "models",
    "expires": "expiresAt",
    "budget-per-day": "budgetPerDay",
    "budget-per-month": "budgetPerMonth",
}
"""What `keys edit --clear` can remove."""
USER_LIMITS = {"budget-per-day": "budgetPerDay", "budget-per-month": "budgetPerMonth"}
PROVIDER_STATES = {True: "configured", False: "not configured"}
KEY_STATES = {True: "set", False: "not set", None: "not needed"}
MODEL_COLUMNS = {"model": "slug", "name": "name", "credits": "cost", "available": "available"}
PROVIDER_COLUMNS = {
    "provider": "name",
    "state": "state",
    "key": "key",
    "last error": "lastError",
    "models": "models",
}
RETIRED_SECRET_COLUMNS = {"signs beside it until": "signsUntil", "secret": "secret"}
MOMENT_COLUMNS = {"at": "at", "status": "status"}
TURN_COLUMNS = {"at": "at", "provider": "provider", "model": "model", "ms": "duration", "error": "error"}
PICTURE_COLUMNS = {"type": "contentType", "width": "width", "height": "height", "bytes": "size", "url": "url"}
ATTEMPT_COLUMNS = {"at": "at", "code": "statusCode", "ms": "duration", "reason": "reason", "answer": "answer"}
DELIVERY_FIELDS = {
    "delivery": "id",
    "event": "event",
    "url": "url",
    "status": "status",
    "reason": "reason",
    "next attempt": "nextAttemptAt",
}
GENERATION_COLUMNS = {
    "id": "id",
    "created (UTC)": "createdAt",
    "status": "status",
    "model": "model",
    "prompt": "prompt",
}
GENERATION_FIELDS = {
    "id": "id",
    "created": "createdAt",
    "status": "status",
    "model": "model",
    "prompt": "prompt",
    "user": "userId",
    "provider": "provider",
    "cost": "cost",
    "finished": "finishedAt",
    "tool": "tool",
    "type": "type",
    "output": "output",
    "error": "error",
}
DETAIL_FIELDS = GENERATION_FIELDS | {"cancelled": "cancelledAt", "refunded": "refunded", "webhook": "webhook"}


STDIN = "-"
EVENTS = {"success": "a lighthouse by the sea at sunset", "error": "test:fail"}
"""The test events, and the prompts for which `sketch` makes them."""


def _in_a_folder(path: Path | None) -> Path | None:
    if path and not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")
    return path


def _pictures(sources: list[str] | None) -> list[str] | None:
    for source in sources or ():
        if not (source == STDIN or _is_url(source) or Path(source).is_file()):
            raise typer.BadParameter(f"there is no file {source}")
    return sources


def _mask(source: str | None) -> str | None:
    _pictures([source] if source else None)
    return source


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://", "data:"))


def _inputs(given: list[str] | None) -> list[str] | None:
    for one in given or ():
        if not one.partition("=")[0].strip() or "=" not in one:
            raise typer.BadParameter(f"{one!r} must be NAME=VALUE")
    return given


def _moment(text: str | None) -> str | None:
    """Read a day or a time, in UTC where it has no zone, and write it as the stack does."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise typer.BadParameter("must be a day such as 2026-11-25, or a time in ISO 8601") from exc
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat()[:19]


def _print_version(wanted: bool) -> None:
    if wanted:
        screen.line(f"atelier {version('atelier-cli')}")
        raise typer.Exit


class Scope(StrEnum):
    """The scopes of a key."""

    GENERATE = "generate"
    READ = "read"


class TestEvent(StrEnum):
    """An event that `listen` can have sent."""

    SUCCESS = "success"
    ERROR = "error"


UserName = Annotated[str, typer.Argument(metavar="EMAIL_OR_ID")]
Search = Annotated[str | None, typer.Option(metavar="TEXT", help="Only those whose id, name or text has this in it.")]
Since = Annotated[str | None, typer.Option(metavar="TIME", callback=_moment, help="Only from then on, in UTC.")]
Until = Annotated[str | None, typer.Option(metavar="TIME", callback=_moment, help="Only those before, in UTC.")]
DayBudget = Annotated[int | None, typer.Option(min=1, help="How many credits may be spent on a day (UTC).")]
MonthBudget = Annotated[int | None, typer.Option(min=1, help="How many credits may be spent in a month (UTC).")]
Disabled = Annotated[bool | None, typer.Option("--disable/--enable", help="Refuse it, or let it work again.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Receiver = Annotated[str, typer.Option("--user", metavar="EMAIL_OR_ID", help="Whose webhooks it verifies.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Target = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        # Before anything is paid for, not when the picture has come.
        callback=_in_a_folder,
        help="Where to write the picture, - for stdout; by default it is named by its id. Further ones get a number.",
    ),
]
Pictures = Annotated[
    list[str] | None,
    typer.Option(
        "--image",
        metavar="FILE_OR_URL",
        callback=_pictures,
        help="A picture to work from, - for stdin; may be repeated.",
    ),
]
Mask = Annotated[
    str | None,
    typer.Option(
        metavar="FILE_OR_URL",
        callback=_mask,
        help="Where the first picture is to be changed: the transparent or white part of this one.",
    ),
]
Side = Annotated[int | None, typer.Option(min=1, help="In pixels.")]


@app.callback()
def main(
    ctx: typer.Context,
    stack: Annotated[
        str | None,
        typer.Option(
            envvar="ATELIER_STACK",
            metavar="NAME_OR_URL",
            help="A CloudFormation stack, an API's URL, or `local` (the default).",
        ),
    ] = None,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Use and manage an Atelier stack."""
    ctx.obj = replace(ctx.obj or Session(), stack=stack)


@keys.command("create")
def create_key(
    ctx: typer.Context,
    name: str,
    user: Annotated[str, typer.Option(metavar="EMAIL", help="Whose key it is.")],
    test: Annotated[bool, typer.Option("--test", help="Make a test key.")] = False,
    scope: Annotated[list[Scope] | None, typer.Option(help="What it may do, by default all; may be repeated.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="How many requests a minute it may make.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="What it may ask for, by default all; may be repeated.")
    ] = None,
    expires: Annotated[str | None, typer.Option(metavar="TIME", help="When it ends: 2027-01-31 or ISO 8601.")] = None,
    as_json: Json = False,
) -> None:
    """Make an API key and print it, this once."""
    limits = {"scopes": scope, "requestsPerMinute": limit, "models": model, "expiresAt": expires}
    given = {name: value for name, value in limits.items() if value}
    _show_new_key(_admin(ctx).create_key(name, user=user, test=test, limits=given), as_json=as_json)


@keys.command("rotate")
def rotate_key(
    ctx: typer.Context,
    key_id: str,
    overlap: Annotated[int, typer.Option(min=0, metavar="SECONDS", help="How long the old one holds.")] = 86_400,
    as_json: Json = False,
) -> None:
    """Replace an API key by a new one that may do the same, and print that, this once."""
    _show_new_key(_admin(ctx).rotate_key(key_id, overlap=overlap), as_json=as_json)


@keys.command("edit")
def edit_key(
    ctx: typer.Context,
    key_id: str,
    name: str | None = None,
    scope: Annotated[list[Scope] | None, typer.Option(help="What it may do; may be repeated.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="How many requests a minute it may make.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="What it may ask for; may be repeated.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="TIME", help="When it ends: 2027-01-31 or ISO 8601.")] = None,
    budget_per_day: DayBudget = None,
    budget_per_month: MonthBudget = None,
    disabled: Disabled = None,
    clear: Annotated[
        list[str] | None, typer.Option(metavar="LIMIT", help=f"Remove a limit: {', '.join(KEY_LIMITS)}.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change an API key's name and limits, or disable it until it is enabled again."""
    given = {
        "name": name, "scopes": scope, "requestsPerMinute": limit, "models": model, "expiresAt": expires,
        "budgetPerDay": budget_per_day, "budgetPerMonth": budget_per_month, "disabled": disabled,
    }  # fmt: skip
    key = _admin(ctx).edit_key(key_id, _changes(given, clear or (), KEY_LIMITS))
    if as_json:
        screen.data(key)
    else:
        lists = {"scopes": ", ".join(key["scopes"]), "models": ", ".join(key["models"] or ["all"])}
        screen.fields(KEY_FIELDS, {**key, **lists, "state": _state(key)})


@keys.command("list")
def list_keys(ctx: typer.Context, search: Search = None, as_json: Json = False) -> None:
    """List the API keys of all users, and the state of each."""
    known = _admin(ctx).keys(search)
    found = [
        key
        for key in known
        if _mentions(search, *(key[name] for name in ("id", "name", "prefix", "userId", "userEmail")))
    ]
    if as_json:
        screen.data(found)
    else:
        screen.table(KEY_COLUMNS, [{**key, "state": _state(key)} for key in found], spare=("used (UTC)",))


@keys.command("revoke")
def revoke_key(
    ctx: typer.Context,
    key_id: str,
    yes: Yes = False,
) -> None:
    """Revoke an API key for good."""
    if not yes:
        typer.confirm(f"Revoke key {screen.clean(key_id)}? Whatever uses it stops working", abort=True)
    key = _admin(ctx).revoke_key(key_id)
    screen.line(f"Revoked key {key['id']} ({key['name']}) of {key['userEmail']}.")


@users.command("list")
def list_users(ctx: typer.Context, search: Search = None, as_json: Json = False) -> None:
    """List the users."""
    known = _admin(ctx).users(search)
    found = [user for user in known if _mentions(search, user["id"], user["name"], user["email"], user["plan"])]
    if as_json:
        screen.data(found)
    else:
        screen.table(USER_COLUMNS, map(_shown, found), spare=("created (UTC)", "plan", "name"))


@users.command("create")
def create_user(
    ctx: typer.Context,
    email: str,
    name: str | None = None,
    plan: str | None = None,
    credits: Annotated[int | None, typer.Option(min=0, help="What it may spend; by default it is not counted.")] = None,
    as_json: Json = False,
) -> None:
    """Make a user."""
    fields = {"name": name, "plan": plan, "credits": credits}
    given = {name: value for name, value in fields.items() if value is not None}
    user = _admin(ctx).create_user(email, given)
    if as_json:
        screen.data(user)
    else:
        screen.fields(USER_COLUMNS, _shown(user))


@users.command("edit")
def edit_user(
    ctx: typer.Context,
    user: UserName,
    name: str | None = None,
    plan: str | None = None,
    budget_per_day: DayBudget = None,
    budget_per_month: MonthBudget = None,
    clear: Annotated[
        list[str] | None, typer.Option(metavar="LIMIT", help=f"Remove a limit: {', '.join(USER_LIMITS)}.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change a user's name, plan and budget."""
    given = {"name": name, "plan": plan, "budgetPerDay": budget_per_day, "budgetPerMonth": budget_per_month}
    found = _admin(ctx).edit_user(user, _changes(given, clear or (), USER_LIMITS))
    if as_json:
        screen.data(found)
    else:
        screen.fields(USER_FIELDS, _shown(found))


@users.command("disable")
def disable_user(
    ctx: typer.Context,
    user: UserName,
    enable: Annotated[bool, typer.Option("--undo", help="Let the user's keys work again.")] = False,
) -> None:
    """Refuse all API keys of a user, until --undo."""
    found = _admin(ctx).edit_user(user, {"disabled": not enable})
    screen.line(f"The keys of {found['email']} {'work again' if enable else 'are refused from now on'}.")


@users.command("delete")
def delete_user(ctx: typer.Context, user: UserName, yes: Yes = False) -> None:
    """Delete a user for good, and revoke the user's keys; generations stay until they expire."""
    api = _admin(ctx)
    known = api.user(user)
    if not yes:
        typer.confirm(f"Delete user {screen.clean(known['email'])} and revoke the keys?", abort=True)
    api.delete_user(known["id"])
    screen.line(f"Deleted user {known['email']}.")


@users.command("top-up")
def top_up(
    ctx: typer.Context,
    user: UserName,
    amount: Annotated[int, typer.Argument(min=1)],
    note: Annotated[str | None, typer.Option(help="What the ledger says of it.")] = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Give a user more credits."""
    api = _admin(ctx)
    known = api.user(user)
    if known["credits"] is None and not yes:
        typer.confirm(
            f"The credits of {screen.clean(known['email'])} are unlimited. From now on they are counted, "
            f"and {amount} are all there is. Go on?",
            abort=True,
            err=True,
        )
    found = api.top_up(known["id"], amount=amount, note=note)
    if as_json:
        screen.data(found)
    else:
        screen.line(f"{found['email']} has {found['credits']} credits.")


@users.command("ledger")
def ledger(ctx: typer.Context, user: UserName, as_json: Json = False) -> None:
    """List how a user's credits changed."""
    found = _admin(ctx).ledger(user)
    if as_json:
        screen.data(found)
    else:
        screen.table(LEDGER_COLUMNS, found)


@webhooks.command("secret")
def webhook_secret(ctx: typer.Context, user: Receiver, as_json: Json = False) -> None:
    """Print the secret that verifies a user's webhooks."""
    found = _admin(ctx).webhook_secret(user)
    if as_json:
        screen.data(found)
    else:
        screen.line(found["secret"])


@webhooks.command("rotate")
def rotate_webhook_secret(ctx: typer.Context, user: Receiver, as_json: Json = False) -> None:
    """Give a user a new webhook secret and print it; the old one signs beside it for 24 hours."""
    found = _admin(ctx).rotate_webhook_secret(user)
    if as_json:
        screen.data(found)
    else:
        screen.line(found["secret"])
        screen.line("")
        screen.table(RETIRED_SECRET_COLUMNS, found["retired"])


@providers.command("list")
def list_providers(ctx: typer.Context, as_json: Json = False) -> None:
    """List the providers, whether each has a key, and which models it serves."""
    found = _admin(ctx).providers()
    if as_json:
        screen.data(found)
    else:
        rows = [
            {
                **one,
                "state": PROVIDER_STATES[one["configured"]] if one["breaker"] == "closed" else "paused",
                "key": KEY_STATES[one["set"]],
                "models": ", ".join(one["models"]),
            }
            for one in found
        ]
        screen.table(PROVIDER_COLUMNS, rows, spare=("key", "last error"))


@providers.command("set")
def set_provider_key(ctx: typer.Context, name: str) -> None:
    """Set a provider's key, asked for or read from stdin: an argument would stay in the shell's history."""
    api = _admin(ctx)
    found = api.set_provider_key(name, screen.secret(f"Key of {name}"))
    screen.line(f"The key of {found['name']} is set; all functions know it within five minutes.")
    _report(api.test_provider(name))


@providers.command("test")
def check_provider(ctx: typer.Context, name: str, as_json: Json = False) -> None:
    """Make a call that costs nothing, and tell whether a provider takes this stack's key."""
    found = _admin(ctx).test_provider(name)
    if as_json:
        screen.data(found)
    else:
        _report(found)


@providers.command("unset")
def unset_provider_key(
    ctx: typer.Context,
    name: str,
    yes: Yes = False,
) -> None:
    """Unset a provider's key."""
    if not yes:
        typer.confirm(f"Unset the key of {screen.clean(name)}? Nothing goes there any more", abort=True)
    found = _admin(ctx).unset_provider_key(name)
    screen.line(f"The key of {found['name']} is unset; within five minutes nothing goes there any more.")


@catalog.command("check")
def check_catalog(path: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, exists=True)]) -> None:
    """Check a catalog in TOML against what the providers take."""
    from atelier_cli.catalog import check_file  # the stack's own code, which the other commands do without

    screen.line(check_file(path))


@generations.command("list")
def list_generations(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    status: Annotated[Status | None, typer.Option(help="Only those of this status.")] = None,
    model: Annotated[str | None, typer.Option(help="Only those of this model.")] = None,
    user: Annotated[str | None, typer.Option(metavar="EMAIL_OR_ID", help="Only those of this user.")] = None,
    since: Since = None,
    until: Until = None,
    search: Search = None,
    cursor: Annotated[str | None, typer.Option(metavar="ID", help="Go on after this generation.")] = None,
    as_json: Json = False,
) -> None:
    """List the newest generations."""
    matching = _admin(ctx).generations(
        page=min(limit, 100), cursor=cursor, status=status, model=model, user=user, search=search, since=since,
        until=until,
    )  # fmt: skip
    found = list(islice(matching, limit))
    if as_json:
        screen.data(found)
    else:
        rows = [{**record, "prompt": screen.shorten(_prompt(record))} for record in found]
        screen.table(GENERATION_COLUMNS, rows, spare=("created (UTC)", "model"))
    if len(found) == limit:
        screen.note(f"There may be more: go on with --cursor {found[-1]['id']}")


@generations.command("show")
def show_generation(ctx: typer.Context, generation_id: str, as_json: Json = False) -> None:
    """Show one generation."""
    found = _admin(ctx).generation(generation_id)
    if as_json:
        screen.data(found)
    else:
        _show_detail(found)


@generations.command("cancel")
def cancel_generation(ctx: typer.Context, generation_id: str, as_json: Json = False) -> None:
    """Cancel a generation, as far as it still can be."""
    found = _admin(ctx).cancel(generation_id)
    if as_json:
        screen.data(found)
    elif found["status"] == "processing":
        screen.line(f"Generation {found['id']} is being cancelled: {found['provider']} is asked to stop.")
    else:
        screen.line(f"Cancelled generation {found['id']}.")


@generations.command("delete")
def delete_generation(
    ctx: typer.Context,
    generation_id: str,
    yes: Yes = False,
) -> None:
    """Delete a finished generation, its pictures and its deliveries for good."""
    if not yes:
        typer.confirm(f"Delete generation {screen.clean(generation_id)} and its pictures?", abort=True)
    _admin(ctx).delete(generation_id)
    screen.line(f"Deleted generation {generation_id}.")


@generations.command("redeliver")
def redeliver_generation(
    ctx: typer.Context,
    generation_id: str,
    event: Annotated[Status | None, typer.Option(help="Only of this event; by default of all.")] = None,
    as_json: Json = False,
) -> None:
    """Tell a generation's webhook again."""
    found = _admin(ctx).redeliver(generation_id, event)
    if as_json:
        screen.data(found)
    else:
        for delivery in found:
            screen.line(f"Delivery {delivery['id']} to {delivery['url']} begins anew.")


@app.command()
def overview(ctx: typer.Context, days: Annotated[int, typer.Option(min=1, max=31)] = 14, as_json: Json = False) -> None:
    """Sum up the generations of the last days (UTC)."""
    found = _admin(ctx).overview(days=days)
    if as_json:
        screen.data(found)
    else:
        screen.table(DAY_COLUMNS, found["days"])
        screen.line("")
        rate = found["successRate"]
        screen.fields(OVERVIEW_FIELDS, {**found, "successRate": None if rate is None else round(rate, 3)})


@app.command()
def models(ctx: typer.Context, as_json: Json = False) -> None:
    """List the models, what a picture of each costs, and which can be asked for."""
    found = [model.raw for model in _public(ctx, key=False).models()]
    if as_json:
        screen.data(found)
    else:
        screen.table(
            MODEL_COLUMNS, [{**one, "available": "yes" if one["available"] else "no"} for one in found], spare=("name",)
        )


@app.command()
def env(ctx: typer.Context) -> None:
    """Print export lines for this stack: eval "$(atelier env)" sets API, and API_KEY where it is known."""
    session: Session = ctx.obj
    stack = session.found()
    known = {"API": stack.api, "API_KEY": stack.api_key, "WEBHOOK_SECRET": stack.webhook_secret}
    for name, value in known.items():
        if value:
            screen.line(f"export {name}={shlex.quote(value)}")


@app.command()
def generate(
    ctx: typer.Context,
    prompt: Annotated[str, typer.Argument(help='What to make; - reads it from stdin, "" is none.')],
    model: str = "sketch",
    out: Target = None,
    width: Side = None,
    height: Side = None,
    aspect_ratio: Annotated[str | None, typer.Option(metavar="W:H", help="Its shape, instead of pixels.")] = None,
    image: Pictures = None,
    mask: Mask = None,
    number: Annotated[int | None, typer.Option(min=1, help="How many pictures to make; each costs.")] = None,
    seed: int | None = None,
    negative_prompt: Annotated[str | None, typer.Option(help="What to keep out of the picture.")] = None,
    input: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", callback=_inputs, help="Any other input of the model; may be repeated."),
    ] = None,
    webhook: Annotated[str | None, typer.Option(metavar="URL", help="Call it when the generation has ended.")] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Print the generation's id and end.")] = False,
    open_it: Annotated[bool, typer.Option("--open", help="Open the picture in its program.")] = False,
    timeout: Annotated[int, typer.Option(min=1, help="Seconds to wait for the picture.")] = 600,
    as_json: Json = False,
) -> None:
    """Generate a picture, wait for it and write it to a file."""
    to_stdout = out is not None and str(out) == STDIN
    if to_stdout and (as_json or open_it or no_wait or (number or 1) > 1):
        raise typer.BadParameter("- takes one picture and nothing else", param_hint="--out")
    if prompt == STDIN and STDIN in (image or ()):
        raise typer.BadParameter("stdin can be the prompt or a picture, not both", param_hint="--image")
    api = _public(ctx)
    settings = {
        "width": width,
        "height": height,
        "aspect_ratio": aspect_ratio,
        "image_urls": [_picture_url(api, source) for source in image] if image else None,
        "mask_url": _picture_url(api, mask) if mask else None,
        "num_images": number,
        "seed": seed,
        "negative_prompt": negative_prompt,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    text = sys.stdin.read().strip() if prompt == STDIN else prompt
    words = {"prompt": text} if text else {}
    started = api.submit(model, {**words, **given, **_other_inputs(input)}, webhook=webhook)
    if no_wait:
        _show_started(started, as_json=as_json)
        return
    try:
        with screen.progress(started.status) as show:
            generation = api.wait(started.id, timeout=timeout, on_update=lambda it: show(it.status))
        pictures = api.download(generation)
        if to_stdout:
            sys.stdout.buffer.write(pictures[0].content)
            return
        paths = _save(pictures, out, generation.id)
    except (AnyError, KeyboardInterrupt) as exc:
        exc.add_note(f"look at generation {started.id} with `{_show_command(ctx, started.id)}`")
        raise
    if as_json:
        screen.data({**generation.raw, "files": [str(path) for path in paths]})
    else:
        _show_pictures(paths, pictures)
    if open_it:
        for path in paths:
            typer.launch(str(path))


@app.command()
def listen(
    ctx: typer.Context,
    forward: Annotated[str | None, typer.Option(metavar="URL", help="Pass each webhook on to this URL.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Where to listen on 127.0.0.1.")] = 4_580,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The listener's public URL, such as a tunnel's; triggers use it.")
    ] = None,
    secret: Annotated[
        str | None, typer.Option(envvar="ATELIER_WEBHOOK_SECRET", help="The user's secret; the local stack's is known.")
    ] = None,
    trigger: Annotated[list[TestEvent] | None, typer.Option(help="Have a test event sent; may be repeated.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many webhooks.")] = None,
    as_json: Json = False,
) -> None:
    """Receive this stack's webhooks on this machine, verify and show them, and forward them to your program."""
    session: Session = ctx.obj
    stack = session.found()
    if trigger and not (stack.local or url):
        raise StackError("a stack on AWS does not call 127.0.0.1; pass the URL of a tunnel to this port with --url")
    listener = Listener(port, secret or stack.webhook_secret, forward, session.transport)
    try:
        listener.__enter__()
    except OSError as exc:
        raise StackError(f"cannot listen on 127.0.0.1:{port}: {exc.strerror}; choose another --port") from exc
    ctx.call_on_close(lambda: listener.__exit__(None, None, None))
    screen.note(f"Listening on {listener.url}; pass it as the webhook of a generation. End with Ctrl-C.")
    for wanted in trigger or ():
        made = _public(ctx).submit("sketch", {"prompt": EVENTS[wanted]}, webhook=url or listener.url)
        screen.note(f"Generation {made.id} will end in {wanted}.")
    for event in islice(_received(listener), count):
        _show_event(event, as_json=as_json)


def _admin(ctx: typer.Context) -> AdminApi:
    session: Session = ctx.obj
    return ctx.with_resource(session.admin())


def _public(ctx: typer.Context, *, key: bool = True) -> Atelier:
    session: Session = ctx.obj
    return ctx.with_resource(session.public(key=key))


def _report(found: ProviderTest) -> None:
    """Tell how a provider's test went; one that failed ends the command with 1."""
    if not found["accepted"]:
        raise ProviderError(found["message"] or f"{found['name']} does not accept this stack")
    screen.line(f"{found['name']} accepts this stack.")


def _mentions(search: str | None, *texts: str | None) -> bool:
    return not search or any(search.casefold() in (text or "").casefold() for text in texts)


def _state(key: Key) -> str:
    """Say whether a key works, and until when."""
    if key["revokedAt"]:
        return f"revoked {key['revokedAt'][:10]}"
    if key["disabledAt"] or key["userDisabledAt"]:
        return "disabled" if key["disabledAt"] else "user disabled"
    if not key["expiresAt"]:
        return "active"
    ended = key["expiresAt"] <= datetime.now(UTC).isoformat()
    return f"{'expired' if ended else 'expires'} {key['expiresAt'][:10]}"


def _shown(user: User) -> dict[str, object]:
    credits = "unlimited" if user["credits"] is None else user["credits"]
    return {**user, "credits": credits, "state": "disabled" if user["disabledAt"] else "active"}


def _changes(given: Mapping[str, object], cleared: Iterable[str], clearable: Mapping[str, str]) -> dict[str, object]:
    """Gather what is to change; `cleared` are names of limits to remove, as the command line spells them."""
    changes = {name: value for name, value in given.items() if value is not None and value != []}
    for name in cleared:
        if name not in clearable:
            raise typer.BadParameter(f"{name!r} must be one of {', '.join(clearable)}", param_hint="--clear")
        changes[clearable[name]] = None
    if not changes:
        raise typer.BadParameter("name at least one change; see --help")
    return changes


def _other_inputs(given: list[str] | None) -> dict[str, Any]:
    """Read NAME=VALUE: a value that is JSON is taken as such, any other as text."""
    inputs = {}
    for name, _, text in (one.partition("=") for one in given or ()):
        try:
            inputs[name.strip()] = json.loads(text)
        except ValueError:
            inputs[name.strip()] = text
    return inputs


def _picture_url(api: Atelier, source: str) -> str:
    if _is_url(source):
        return source
    content = sys.stdin.buffer.read() if source == STDIN else _read(source)
    return api.upload(content, transient=True).url


def _show_started(generation: Generation, *, as_json: bool) -> None:
    if as_json:
        screen.data(generation.raw)
    else:
        screen.line(generation.id)


def _show_pictures(paths: list[Path], pictures: list[Download]) -> None:
    encode = inline_images.encoder(os.environ) if sys.stdout.isatty() else None
    for path, picture in zip(paths, pictures, strict=True):
        screen.line(path)
        if encode and (shown := encode(picture.content, picture.content_type)):
            typer.echo(shown)


def _received(listener: Listener) -> Iterator[Event]:
    while True:
        try:
            yield listener.events.get(timeout=1)
        except Empty:
            continue  # a wait without an end could not be interrupted everywhere


def _show_event(event: Event, *, as_json: bool) -> None:
    if as_json:
        document = dict(event.generation.raw) if event.generation else None
        screen.data({"id": event.id, "verified": event.generation is not None, "reason": event.reason,
                     "answer": event.answer, "generation": document})  # fmt: skip
        return
    made = event.generation
    what = f"{made.id} {made.status} {made.output or made.error or ''}" if made else "not trusted"
    screen.line(f"{event.id}  {what.strip()}  answered {event.answer}{f': {event.reason}' if event.reason else ''}")


def _show_new_key(key: NewKey, *, as_json: bool) -> None:
    if as_json:
        screen.data(key)
    else:
        screen.fields(NEW_KEY_FIELDS, {**key, "expiresAt": key["expiresAt"] or "never"})
        screen.line("The key is shown once; save it.")


def _show_detail(generation: GenerationDetail) -> None:
    screen.fields(DETAIL_FIELDS, {**generation, "prompt": _prompt(generation)})
    for title, columns, records in (
        ("Input pictures", PICTURE_COLUMNS, generation["inputs"]),
        ("Pictures", PICTURE_COLUMNS, generation["outputs"]),
        ("Timeline", MOMENT_COLUMNS, generation["timeline"]),
        ("Provider attempts", TURN_COLUMNS, generation["attempts"]),
    ):
        _show_table(title, columns, records)
    for delivery in generation["deliveries"]:
        screen.line("")
        screen.fields(DELIVERY_FIELDS, delivery)
        if delivery["attempts"]:
            screen.table(ATTEMPT_COLUMNS, [_brief(attempt) for attempt in delivery["attempts"]])


def _show_table(title: str, columns: dict[str, str], records: Sequence[Mapping[str, object]]) -> None:
    if records:
        screen.line("")
        screen.line(title)
        screen.table(columns, records)


def _brief(attempt: Attempt) -> dict[str, object]:
    """Keep the beginning of the answer, all of which `--json` prints."""
    return {**attempt, "answer": screen.shorten(attempt["answer"] or "")}


def _prompt(generation: OwnedGeneration) -> str:
    match generation["payload"]:
        case {"prompt": prompt}:
            return str(prompt)
    return ""


def _read(source: str) -> bytes:
    try:
        return Path(source).read_bytes()
    except OSError as exc:
        raise FileError(f"cannot read {source}: {exc.strerror}") from exc


def _save(pictures: list[Download], out: Path | None, generation_id: str) -> list[Path]:
    # The id comes from the server: it may name a file here, but not choose a folder.
    first = out or Path(re.sub(r"[^\w-]", "_", generation_id) + pictures[0].suffix)
    paths = [first, *(first.with_stem(f"{first.stem}-{number}") for number in range(2, len(pictures) + 1))]
    for path, picture in zip(paths, pictures, strict=True):
        try:
            path.write_bytes(picture.content)
        except OSError as exc:
            raise FileError(f"cannot write {path}: {exc.strerror}") from exc
    return paths


def _show_command(ctx: typer.Context, generation_id: str) -> str:
    session: Session = ctx.obj
    stack = ["--stack", session.stack] if session.stack else []
    return shlex.join(["atelier", *stack, "generations", "show", generation_id])
