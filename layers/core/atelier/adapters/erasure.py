"""Deleting what the Generations table holds of a generation."""

from typing import TYPE_CHECKING

from atelier.adapters.aws import translated
from atelier.adapters.store import DELIVERY, GENERATION
from atelier.errors import ConflictError, UnavailableError
from atelier.generation import Status

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class TableEraser:
    """The Eraser port. The generation goes last, so that what was interrupted can be done again."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def erase(self, generation_id: str) -> None:
        """Delete a generation's records; ConflictError where it is not finished. There may be none."""
        key = {"id": {"S": generation_id}}
        with translated("The table"):
            self._client.delete_item(TableName=self._table, Key={**key, "record": {"S": DELIVERY}})
        try:
            with translated("The table"):
                self._client.delete_item(
                    TableName=self._table,
                    Key={**key, "record": {"S": GENERATION}},
                    ConditionExpression="attribute_not_exists(id) OR #status IN (:success, :error)",
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues={
                        ":success": {"S": Status.SUCCESS.value},
                        ":error": {"S": Status.ERROR.value},
                    },
                )
        except UnavailableError as exc:
            if isinstance(exc.__cause__, self._client.exceptions.ConditionalCheckFailedException):
                raise ConflictError("generation is not finished") from exc
            raise
