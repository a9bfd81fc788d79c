"""The simulated DynamoDB agrees with moto on conditions and updates."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.stack import aws
from tests.simulation.dynamodb import SimulatedDynamoDB

KEY = {"id": {"S": "1"}, "record": {"S": "thing"}}
NUMBERS = st.integers(0, 3).map(lambda number: {"N": str(number)})
TEXTS = st.sampled_from(["", "a", "ab"]).map(lambda text: {"S": text})
ITEMS = st.fixed_dictionaries({"one": NUMBERS}, optional={"two": TEXTS})
"""A number that is there and a text that may not be: moto cannot compare different types."""
COMPARISONS = st.sampled_from(["=", "<>", "<", "<=", ">", ">="]).map(lambda sign: f"one {sign} :n")
FUNCTIONS = st.sampled_from(
    ["two = :s", "attribute_exists(two)", "attribute_not_exists(two)", "begins_with(two, :s)", "one IN (:n)"]
)
CONDITIONS = st.recursive(
    COMPARISONS | FUNCTIONS,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda parts: f"({' '.join(parts)})")
        | inner.map(lambda one: f"(NOT {one})")
    ),
    max_leaves=4,
)
UPDATES = st.sampled_from(
    ["SET one = :n", "REMOVE one SET two = :s", "SET two = if_not_exists(one, :n)", "ADD three :n"]
)


@pytest.fixture
def table(moto: None) -> str:
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "record")]
    keys = [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "record", "KeyType": "RANGE"}]
    aws("dynamodb").create_table(
        TableName="things", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=attributes, KeySchema=keys
    )
    return "things"


def outcome(client: Any, table: str, call: dict[str, Any]) -> Any:
    """Make the update; return the error's code, if there is one, and the item afterwards."""
    try:
        client.update_item(TableName=table, Key=KEY, ReturnValues="ALL_NEW", **call)
        code = None
    except ClientError as exc:
        code = exc.response["Error"]["Code"]
    return code, client.get_item(TableName=table, Key=KEY, ConsistentRead=True).get("Item")


@given(item=ITEMS, condition=CONDITIONS, update=UPDATES, number=NUMBERS, text=TEXTS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_conditions_and_updates_mean_what_they_mean_to_moto(
    table: str, item: dict[str, Any], condition: str, update: str, number: dict[str, str], text: dict[str, str]
) -> None:
    # given
    expressions = f"{condition} {update}"
    values = {name: value for name, value in ((":n", number), (":s", text)) if name in expressions}
    call: dict[str, Any] = {"ConditionExpression": condition, "UpdateExpression": update}
    if values:
        call["ExpressionAttributeValues"] = values
    simulated = SimulatedDynamoDB({})
    for client in (simulated, aws("dynamodb")):
        client.put_item(TableName=table, Item={**KEY, **item})
    # when, then
    assert outcome(simulated, table, call) == outcome(aws("dynamodb"), table, call)


def test_a_transaction_repeated_by_token_has_no_second_effect() -> None:
    simulated = SimulatedDynamoDB({})
    write = {"Update": {"TableName": "things", "Key": KEY, "UpdateExpression": "ADD n :one",
                        "ExpressionAttributeValues": {":one": {"N": "1"}}}}  # fmt: skip
    for _ in range(2):
        simulated.transact_write_items(TransactItems=[write], ClientRequestToken="token")
    assert simulated.get_item(TableName="things", Key=KEY)["Item"]["n"] == {"N": "1"}


def test_what_is_not_simulated_is_an_error() -> None:
    simulated = SimulatedDynamoDB({})
    with pytest.raises(NotImplementedError):
        simulated.put_item(TableName="things", Item=KEY, ConditionExpression="size(one) > :n")
