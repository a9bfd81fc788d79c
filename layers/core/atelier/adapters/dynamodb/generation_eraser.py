"""Deleting what the Generations table holds of a generation."""

from typing import TYPE_CHECKING

from atelier.adapters.aws.clients import translated
from atelier.adapters.dynamodb.delivery_store import ATTEMPT, DELIVERY
from atelier.adapters.dynamodb.generation_store import GENERATION
from atelier.errors import ConflictError, UnavailableError
from atelier.generations.model import Status

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


class TableEraser:
    """The Eraser port. The generation goes last, so that what was interrupted can be done again."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def erase(self, generation_id: str) -> None:
        """Delete a generation's records; ConflictError where it is not finished. There may be none."""
        self._erase_deliveries(generation_id)
        try:
            with translated("The table"):
                self._client.delete_item(
                    TableName=self._table,
                    Key={"id": {"S": generation_id}, "record": {"S": GENERATION}},
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
        self._erase_deliveries(generation_id)  # one that began meanwhile; none begins without its generation

    def _erase_deliveries(self, generation_id: str) -> None:
        """Deliveries first: no attempt is recorded without one."""
        for prefix in (DELIVERY, ATTEMPT):
            while keys := self._keys(generation_id, prefix):
                for key in keys:
                    with translated("The table"):
                        self._client.delete_item(TableName=self._table, Key=key)

    def _keys(self, generation_id: str, prefix: str) -> "list[dict[str, AttributeValueTypeDef]]":
        with translated("The table"):
            return self._client.query(
                TableName=self._table,
                KeyConditionExpression="#id = :id AND begins_with(#record, :prefix)",
                ExpressionAttributeNames={"#id": "id", "#record": "record"},
                ExpressionAttributeValues={":id": {"S": generation_id}, ":prefix": {"S": f"{prefix}#"}},
                ProjectionExpression="#id, #record",
                ConsistentRead=True,
            )["Items"]
