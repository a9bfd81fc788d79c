"""Read the body of a redelivery."""

from atelier.api.fields import FieldReader, one_of
from atelier.api.json_body import parse_object
from atelier.generations.model import Status


def parse_redelivery(body: str) -> Status | None:
    """Read `{"event"?}`, or nothing: which event a webhook is to be told of again, None being all."""
    fields = FieldReader(parse_object(body or "{}"), "event")
    event: str | None = fields.read("event", one_of(tuple(Status)), f"one of {', '.join(Status)}", default=None)
    fields.check()
    return Status(event) if event else None
