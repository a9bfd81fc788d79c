"""What is done before Lambda takes the snapshot from which sandboxes start: all that the first request would wait for.

Nothing is sent and nothing is read, so that the snapshot holds no secret and no connection.
"""

from importlib import import_module
from typing import Any

from atelier.adapters.aws import clients
from atelier.adapters.aws.catalog_object import EMBEDDED
from atelier.adapters.aws.rehearsal import rehearsing
from atelier.adapters.lambda_.snapshot import draw_anew_after_restore

from . import DIALECTS, app
from .dependencies import dependencies

LATE = (
    "atelier.adapters.aws.s3_files",
    "atelier.adapters.dynamodb.delivery_store",
    "atelier.adapters.dynamodb.generation_eraser",
    "atelier.api.upload_request",
    "atelier.generations.cancel",
    "atelier.generations.delete",
    "atelier.images.serializer",
    "atelier.images.uploads",
    "atelier.webhooks.redeliver",
)
"""What requests import that most do not need."""
REQUEST = {"httpMethod": "OPTIONS", "path": "/generate", "requestContext": {}}
"""What is answered without asking AWS."""


class Context:
    """As much of Lambda's context as a request reads."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that a rehearsal may take."""
        return 10_000


def prepare() -> None:
    """Make the collaborators, and have each client go once through a call of each kind."""
    draw_anew_after_restore()
    settings = dependencies().settings
    for name in (*LATE, *(f"{__package__}.routes.{module}" for module, _ in DIALECTS.values())):
        import_module(name)
    key: dict[str, Any] = {"id": {"S": "none"}, "record": {"S": "none"}}
    table = settings.accounts_table
    dynamodb = clients.client("dynamodb", brief=True)
    with rehearsing(dynamodb, b'{"Items":[],"Responses":{}}'):
        dynamodb.get_item(TableName=table, Key=key)
        dynamodb.batch_get_item(RequestItems={table: {"Keys": [key]}})
        dynamodb.query(TableName=table)
        dynamodb.update_item(TableName=table, Key=key)
        dynamodb.transact_write_items(TransactItems=[{"Delete": {"TableName": table, "Key": key}}])
    secrets = clients.client("secretsmanager", brief=True)
    with rehearsing(secrets, b"{}"):
        secrets.get_secret_value(SecretId=settings.digest_key_arn)
    sqs = clients.client("sqs", brief=True)
    with rehearsing(sqs, b"{}"):
        sqs.send_message(QueueUrl=settings.dispatch_queue_url, MessageBody="{}")
    s3 = clients.client("s3", brief=True)
    with rehearsing(s3, b""):
        s3.get_object(Bucket=settings.files_bucket, Key="none")
    if settings.catalog_object == EMBEDDED:
        dependencies().catalog()
    app.resolve(REQUEST, Context())
