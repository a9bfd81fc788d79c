"""The commands: each parses its arguments, makes one call and prints the answer."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from atelier_cli import screen
from atelier_cli.client import (
    AdminApi,
    Attempt,
    EncodedImage,
    GenerationDetail,
    NewKey,
    OwnedGeneration,
    PublicApi,
    Status,
)
from atelier_cli.errors import AtelierError, FileError
from atelier_cli.session import Session

# Locals in a traceback would show secrets.
app = typer.Typer(cls=screen.ErrorLine, no_args_is_help=True, pretty_exceptions_show_locals=False)
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

# What is shown of a record: each title and the field behind it.
KEY_COLUMNS = {
    "id": "id",
    "user": "userEmail",
    "name": "name",
    "revoked": "revokedAt",
    "expires": "expiresAt",
    "used": "lastUsedAt",
    "created": "createdAt",
}
NEW_KEY_FIELDS = {"id": "id", "prefix": "prefix", "user": "userEmail", "expires": "expiresAt", "key": "key"}
USER_COLUMNS = {
    "id": "id",
    "email": "email",
    "credits": "credits",
    "plan": "plan",
    "name": "name",
    "created": "createdAt",
}
LEDGER_COLUMNS = {
    "created": "createdAt",
    "kind": "kind",
    "amount": "amount",
    "generation": "generationId",
    "note": "note",
}
DAY_COLUMNS = {"day": "date", "success": "success", "error": "error", "other": "other"}
OVERVIEW_FIELDS = {
    "success rate": "successRate",
    "median seconds": "medianSeconds",
    "credits spent": "creditsSpent",
    "dead letters": "deadLetters",
}
KEY_STATES = {True: "set", False: "not set", None: "not needed"}
MODEL_COLUMNS = {"model": "slug", "name": "name", "credits": "cost", "available": "available"}
PROVIDER_COLUMNS = {"provider": "name", "key": "key", "models": "models"}
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
    "created": "createdAt",
    "status": "status",
    "model": "model",
    "prompt": "prompt",
}
GENERATION_FIELDS = GENERATION_COLUMNS | {
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


def _in_a_folder(path: Path | None) -> Path | None:
    if path and not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")
    return path


def _pictures(sources: list[str] | None) -> list[str] | None:
    for source in sources or ():
        if not (_is_url(source) or Path(source).is_file()):
            raise typer.BadParameter(f"there is no file {source}")
    return sources


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://", "data:"))


class Scope(StrEnum):
    """What a key may do."""

    GENERATE = "generate"
    READ = "read"


User = Annotated[str, typer.Argument(metavar="EMAIL_OR_ID")]
Receiver = Annotated[str, typer.Option("--user", metavar="EMAIL_OR_ID", help="Whose webhooks it verifies.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Target = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        # Before anything is paid for, not when the picture has come.
        callback=_in_a_folder,
        help="Where to write the picture; by default it is named by its id. Further ones get a number.",
    ),
]
Pictures = Annotated[
    list[str] | None,
    typer.Option(
        "--image",
        metavar="FILE_OR_URL",
        callback=_pictures,
        help="A picture to work from, for models that take some; may be repeated.",
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


@keys.command("list")
def list_keys(ctx: typer.Context, as_json: Json = False) -> None:
    """List the API keys of all users."""
    found = _admin(ctx).keys()
    if as_json:
        screen.data(found)
    else:
        screen.table(KEY_COLUMNS, found)


@keys.command("revoke")
def revoke_key(
    ctx: typer.Context,
    key_id: str,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Revoke an API key for good."""
    if not yes:
        typer.confirm(f"Revoke key {screen.clean(key_id)}? Whatever uses it stops working", abort=True)
    key = _admin(ctx).revoke_key(key_id)
    screen.line(f"Revoked key {key['id']} ({key['name']}) of {key['userEmail']}.")


@users.command("list")
def list_users(ctx: typer.Context, as_json: Json = False) -> None:
    """List the users."""
    found = _admin(ctx).users()
    if as_json:
        screen.data(found)
    else:
        screen.table(USER_COLUMNS, found)


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
        screen.fields(USER_COLUMNS, user)


@users.command("top-up")
def top_up(
    ctx: typer.Context,
    user: User,
    amount: Annotated[int, typer.Argument(min=1)],
    note: Annotated[str | None, typer.Option(help="What the ledger says of it.")] = None,
    as_json: Json = False,
) -> None:
    """Give a user more credits."""
    found = _admin(ctx).top_up(user, amount=amount, note=note)
    if as_json:
        screen.data(found)
    else:
        screen.line(f"{found['email']} has {found['credits']} credits.")


@users.command("ledger")
def ledger(ctx: typer.Context, user: User, as_json: Json = False) -> None:
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
        rows = [{**one, "key": KEY_STATES[one["set"]], "models": ", ".join(one["models"])} for one in found]
        screen.table(PROVIDER_COLUMNS, rows)


@providers.command("set")
def set_provider_key(ctx: typer.Context, name: str) -> None:
    """Set a provider's key, asked for or read from stdin: an argument would stay in the shell's history."""
    api = _admin(ctx)
    found = api.set_provider_key(name, screen.secret(f"Key of {name}"))
    screen.line(f"The key of {found['name']} is set; all functions know it within five minutes.")


@providers.command("unset")
def unset_provider_key(
    ctx: typer.Context,
    name: str,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
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
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    status: Annotated[Status | None, typer.Option(help="Only those of this status.")] = None,
    model: Annotated[str | None, typer.Option(help="Only those of this model.")] = None,
    user: Annotated[str | None, typer.Option(metavar="EMAIL_OR_ID", help="Only those of this user.")] = None,
    as_json: Json = False,
) -> None:
    """List the newest generations."""
    found = _admin(ctx).generations(limit=limit, status=status, model=model, user=user)
    if as_json:
        screen.data(found)
    else:
        rows = [{**record, "prompt": screen.shorten(_prompt(record))} for record in found]
        screen.table(GENERATION_COLUMNS, rows)


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
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
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
    """Count what became of the newest generations."""
    found = _admin(ctx).overview(days=days)
    if as_json:
        screen.data(found)
    else:
        screen.table(DAY_COLUMNS, found["days"])
        screen.line("")
        screen.fields(OVERVIEW_FIELDS, found)


@app.command()
def models(ctx: typer.Context, as_json: Json = False) -> None:
    """List the models, what a picture of each costs, and which can be asked for."""
    found = _public(ctx).models()
    if as_json:
        screen.data(found)
    else:
        screen.table(MODEL_COLUMNS, [{**one, "available": "yes" if one["available"] else "no"} for one in found])


@app.command()
def generate(
    ctx: typer.Context,
    prompt: str,
    model: str = "sketch",
    out: Target = None,
    width: Side = None,
    height: Side = None,
    aspect_ratio: Annotated[str | None, typer.Option(metavar="W:H", help="Its shape, instead of pixels.")] = None,
    image: Pictures = None,
    number: Annotated[int | None, typer.Option(min=1, help="How many pictures to make; each costs.")] = None,
    seed: int | None = None,
    negative_prompt: Annotated[str | None, typer.Option(help="What to keep out of the picture.")] = None,
    timeout: Annotated[int, typer.Option(min=1, help="Seconds to wait for the picture.")] = 600,
) -> None:
    """Generate a picture, wait for it and write it to a file."""
    api = _public(ctx)
    settings = {
        "width": width,
        "height": height,
        "aspect_ratio": aspect_ratio,
        "image_urls": [source if _is_url(source) else api.upload(_read(source)) for source in image] if image else None,
        "num_images": number,
        "seed": seed,
        "negative_prompt": negative_prompt,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    started = api.generate(model, {"prompt": prompt, **given})
    try:
        with screen.progress(started["status"]) as show:
            generation = api.wait(started["id"], timeout=timeout, on_status=show)
        paths = _save(api.download(generation), out, generation["id"])
    except (AtelierError, KeyboardInterrupt) as exc:
        exc.add_note(f"look at generation {started['id']} with `{_show_command(ctx, started['id'])}`")
        raise
    for path in paths:
        screen.line(path)


def _admin(ctx: typer.Context) -> AdminApi:
    session: Session = ctx.obj
    return ctx.with_resource(session.admin())


def _public(ctx: typer.Context) -> PublicApi:
    session: Session = ctx.obj
    return ctx.with_resource(session.public())


def _show_new_key(key: NewKey, *, as_json: bool) -> None:
    if as_json:
        screen.data(key)
    else:
        screen.fields(NEW_KEY_FIELDS, key)
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


def _save(pictures: list[EncodedImage], out: Path | None, generation_id: str) -> list[Path]:
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
