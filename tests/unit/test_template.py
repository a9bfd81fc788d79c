"""What must hold of template.yaml, whoever changes it: read with its Globals applied."""

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import cfnlint.decode  # type: ignore[import-untyped]
import pytest

from atelier.accounts.api_keys import mint_key
from atelier.accounts.users import new_user
from atelier.adapters.aws.catalog_object import EMBEDDED
from atelier.adapters.aws.secrets import CALLBACKS, NAMES
from atelier.adapters.dynamodb.account_store import AccountStore
from atelier.adapters.dynamodb.circuit_breakers import upstream_id
from atelier.adapters.dynamodb.generation_store import to_record
from atelier.adapters.dynamodb.records import RecordTable
from atelier.adapters.lambda_.responses import SAFE
from atelier.api.upload_request import BYTES, FORM
from atelier.clock import SECOND
from atelier.errors import ResultLostError
from atelier.generations import dispatch, ingest, input_images, model
from atelier.generations.model import FINAL, Status
from atelier.generations.reconcile import Action
from atelier.images.file_urls import TRANSIENT, UPLOADS
from atelier.images.image import EXTENSIONS
from atelier.images.uploads import INCOMING
from atelier.outbound.url_policy import UrlPolicy
from atelier.providers import synchronous, wire
from atelier.webhooks import deliver, delivery
from tests.cases import each
from tests.unit.fakes import a_generation
from tools.translate import translated

ROOT = Path(__file__).parents[2]
TEMPLATE: Mapping[str, Any] = cfnlint.decode.decode(str(ROOT / "template.yaml"))[0]
MODULES = {"generate": "app.dependencies", "console": "app.dependencies"}
RESOURCES: Mapping[str, Any] = TEMPLATE["Resources"]
GLOBALS: Mapping[str, Any] = TEMPLATE["Globals"]["Function"]

SECRETS: Mapping[str, set[str]] = {
    "DigestKeySecret": {"generate", "console"},
    "SigningKeySecret": {"deliver", "console"},
    "ConsoleSecret": {"console"},
    "ProviderKeysSecret": {"generate", "webhook", "console", "dispatch", "ingest"},
}
"""The functions that may read each secret. A change here is a change of rights: think twice."""
UNSCOPED = "bedrock:GetFoundationModelAvailability"
"""The one call of a function for which IAM knows no resource; it reads."""

ROUTES = {
    ("ANY", "/", "generate"),
    ("ANY", "/{path+}", "generate"),
    ("ANY", "/files/{path+}", "generate"),
    ("POST", "/webhook/{provider}/{generation_id}/{token}", "webhook"),
    ("ANY", "/console", "console"),
    ("ANY", "/console/{path+}", "console"),
}


def of_type(kind: str) -> dict[str, Any]:
    """Return the properties of all resources of a type."""
    return {name: item.get("Properties", {}) for name, item in RESOURCES.items() if item["Type"] == kind}


def target(value: Any) -> str:
    """Name the resource that a value refers to, with what stands behind its ARN."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), "Arn" | "Id" | "StreamArn" | "QueueName"]}:
            return str(name)
        case {"Fn::Split": [",", {"Ref": str(name)}]}:
            return str(name)
        case {"Fn::Join": ["", [first, str(rest)]]}:
            return f"{target(first)}{rest}"
        case {"Fn::Sub": str(text)}:
            return str(text).replace("${", "").replace(".Arn}", "").replace("}", "")
        case "*":
            return "*"
    raise AssertionError(f"unexpected reference: {value!r}")


def listed(value: Any) -> list[Any]:
    """Return what may stand alone as a list."""
    return list(value) if isinstance(value, list) else [value]


def merged(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Apply the Globals as SAM does: lists and the variables are joined, other values replaced."""
    variables = {**GLOBALS["Environment"]["Variables"], **properties["Environment"]["Variables"]}
    return {
        **GLOBALS,
        **properties,
        "Layers": [*GLOBALS["Layers"], *properties.get("Layers", [])],
        "Environment": {"Variables": variables},
    }


FUNCTIONS = {
    Path(properties["CodeUri"]).name: merged(properties) for properties in of_type("AWS::Serverless::Function").values()
}
EVENTS = [
    pytest.param(name, event["Type"], event["Properties"], id=f"{name}-{key}")
    for name, properties in FUNCTIONS.items()
    for key, event in properties["Events"].items()
]
SOURCES = [case for case in EVENTS if case.values[1] in ("SQS", "DynamoDB")]
QUEUES = of_type("AWS::SQS::Queue")
TABLES = of_type("AWS::DynamoDB::Table")
each_function = pytest.mark.parametrize("name", sorted(FUNCTIONS))


def statements(name: str) -> Iterator[Mapping[str, Any]]:
    """Return the statements of a function's role, also those that stand under a condition."""
    role = RESOURCES[target(FUNCTIONS[name]["Role"])]["Properties"]
    assert [target(policy) for policy in role["ManagedPolicyArns"]] == ["LogsAndTraces"]
    for policy in role["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def rights(name: str) -> Mapping[str, set[str]]:
    """Return what a function may do, by what it may do it with: a resource, and what stands behind its ARN."""
    found: dict[str, set[str]] = {}
    for statement in statements(name):
        for resource in listed(statement["Resource"]):
            found.setdefault(target(resource), set()).update(listed(statement["Action"]))
    return found


def alarmed(queue: str) -> bool:
    """Tell whether an alarm goes off for one message in a queue."""
    return any(
        alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
        and [(item["Name"], target(item["Value"])) for item in alarm["Dimensions"]] == [("QueueName", queue)]
        and (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
    )


# ---- Functions -------------------------------------------------------------------------------------------------------


def test_each_folder_is_a_function() -> None:
    assert set(FUNCTIONS) == {path.name for path in (ROOT / "functions").iterdir() if path.is_dir()}
    for properties in FUNCTIONS.values():
        assert (ROOT / properties["CodeUri"]).is_dir()
        assert properties["Handler"] == "app.handler"


@each_function
def test_a_function_is_traced(name: str) -> None:
    assert FUNCTIONS[name]["Tracing"] == "Active"


def test_only_what_clients_wait_for_has_versions() -> None:
    """Each snapshot is paid for; without an alias, whatever a deploy changes is live at once."""
    assert {name for name, properties in FUNCTIONS.items() if "AutoPublishAlias" in properties} == {"generate"}
    assert {name for name, properties in FUNCTIONS.items() if "SnapStart" in properties} == {"generate"}


@each_function
def test_a_function_logs_where_logs_are_forgotten(name: str) -> None:
    group = target(FUNCTIONS[name]["LoggingConfig"]["LogGroup"])
    assert 1 <= of_type("AWS::Logs::LogGroup")[group]["RetentionInDays"] <= 90


@each_function
def test_a_function_has_just_the_variables_that_it_reads(name: str) -> None:
    settings = importlib.import_module(f"functions.{name}.{MODULES.get(name, 'app')}").Settings
    wanted = {field.name.upper() for field in fields(settings)} - {"AWS_REGION"}
    assert set(FUNCTIONS[name]["Environment"]["Variables"]) - set(GLOBALS["Environment"]["Variables"]) <= wanted
    assert wanted <= set(FUNCTIONS[name]["Environment"]["Variables"])


@each_function
def test_a_role_is_one_functions_own(name: str) -> None:
    """SAM would write roles with managed policies, whose resource is `*`."""
    roles = [target(properties["Role"]) for properties in FUNCTIONS.values()]
    assert roles.count(target(FUNCTIONS[name]["Role"])) == 1
    assert not [properties for properties in FUNCTIONS.values() if "Policies" in properties]


@each_function
def test_no_right_is_a_wildcard(name: str) -> None:
    for statement in statements(name):
        assert set(statement) - {"Condition"} == {"Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        assert not [action for action in listed(statement["Action"]) if "*" in action]
        if statement["Action"] != UNSCOPED:
            assert not [resource for resource in listed(statement["Resource"]) if isinstance(resource, str)]


def test_only_traces_may_go_anywhere() -> None:
    """What SAM translates is looked through: nothing that it adds may have a wider right."""
    wide = []
    for name, item in translated()["Resources"].items():
        if name == "ApiAccountRole":
            continue  # API Gateway's own, for logs: it refuses one with fewer rights
        properties = item.get("Properties", {})
        assert not [arn for arn in listed(properties.get("ManagedPolicyArns", [])) if "Ref" not in arn], name
        documents = [policy["PolicyDocument"] for policy in listed(properties.get("Policies", []))]
        documents += [properties["PolicyDocument"]] if item["Type"] == "AWS::IAM::ManagedPolicy" else []
        for document in documents:
            rights = [right["Fn::If"][1] if "Fn::If" in right else right for right in listed(document["Statement"])]
            wide += [right for right in rights if "*" in listed(right.get("Resource", []))]
    assert [right["Action"] for right in wide] == [["xray:PutTraceSegments", "xray:PutTelemetryRecords"], UNSCOPED]


@each_function
def test_a_function_may_use_what_it_knows_and_nothing_else(name: str) -> None:
    """It knows what its variables name, and its trigger."""
    variables = FUNCTIONS[name]["Environment"]["Variables"]
    named = {target(value) for key, value in variables.items() if key.endswith(("_TABLE", "_URL", "_BUCKET", "_ARN"))
             and key not in ("PUBLIC_URL", "AWS_ENDPOINT_URL")}  # fmt: skip
    sources = set()
    for event in FUNCTIONS[name]["Events"].values():
        sources |= {target(event["Properties"][key]) for key in ("Queue", "Stream") if key in event["Properties"]}
        destination = event["Properties"].get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        sources |= {target(destination)} if destination else set()
    used = {resource.partition("/")[0] for resource in rights(name)}
    assert named <= used
    assert used - named - sources <= {"arn:AWS::Partition:s3:::CatalogObject", "BedrockModelArns", "*"}


def test_a_secret_is_read_by_whoever_needs_it() -> None:
    readers = {
        secret: {name for name in FUNCTIONS if "secretsmanager:GetSecretValue" in rights(name).get(secret, set())}
        for secret in of_type("AWS::SecretsManager::Secret")
    }
    assert readers == SECRETS


@pytest.mark.parametrize(
    ("right", "holders"),
    [
        ("secretsmanager:PutSecretValue", {"console"}),
        ("dynamodb:DeleteItem", {"generate", "console", "deliver"}),
        ("s3:DeleteObject", {"generate", "console"}),
        ("s3:PutObject", {"generate", "dispatch", "ingest"}),
        ("s3:ListBucket", {"generate", "console"}),
        ("sns:Publish", {"notify", "reconcile"}),
        ("bedrock:InvokeModel", {"dispatch"}),
        (UNSCOPED, {"console"}),
    ],
)
def test_a_strong_right_has_few_holders(right: str, holders: set[str]) -> None:
    assert {name for name in FUNCTIONS if any(right in actions for actions in rights(name).values())} == holders


def test_deliver_deletes_places_in_line_alone() -> None:
    (statement,) = (item for item in statements("deliver") if "dynamodb:DeleteItem" in listed(item["Action"]))
    assert target(listed(statement["Resource"])[0]) == "GenerationsTable"
    assert statement["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["upstream#*"]}}
    assert upstream_id("host:a").startswith("upstream#")


@pytest.mark.parametrize("name", ["dispatch", "ingest"])
def test_who_calls_providers_reads_the_records_of_their_slots(name: str) -> None:
    (statement,) = (item for item in statements(name) if "dynamodb:BatchGetItem" in listed(item["Action"]))
    assert target(statement["Resource"]) == "GenerationsTable"
    assert statement["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["upstream#*"]}}
    assert upstream_id("provider:a", 1).startswith("upstream#")


def test_a_webhook_host_gets_as_many_calls_as_the_parameter_says() -> None:
    parameter = TEMPLATE["Parameters"]["CallsPerWebhookHost"]
    assert int(parameter["Default"]) == deliver.CALLS_PER_HOST
    assert parameter["MinValue"] == 2  # so that a user's half is one at least
    assert FUNCTIONS["deliver"]["Environment"]["Variables"]["CALLS_PER_WEBHOOK_HOST"] == {"Ref": "CallsPerWebhookHost"}


@pytest.mark.parametrize(("name", "stage"), [("generate", NAMES), ("webhook", CALLBACKS)])
def test_a_function_reads_no_more_of_the_provider_keys(name: str, stage: str) -> None:
    found = [one for one in statements(name) if "ProviderKeysSecret" in map(target, listed(one["Resource"]))]
    assert [(one["Action"], one["Condition"]) for one in found] == [
        ("secretsmanager:GetSecretValue", {"StringEquals": {"secretsmanager:VersionStage": stage}})
    ]


@each_function
def test_a_queues_reader_may_read_it(name: str) -> None:
    read = {
        target(event["Properties"]["Queue"]) for event in FUNCTIONS[name]["Events"].values() if event["Type"] == "SQS"
    }
    assert {queue for queue, actions in rights(name).items() if "sqs:ReceiveMessage" in actions} == read
    for queue in read:
        assert rights(name)[queue] >= {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}


def allows_accounts(name: str, action: str, key: str, attributes: set[str], returned: str | None = None) -> bool:
    """Tell whether a role allows a call on one record of the accounts table, with the conditions' semantics in IAM."""
    for statement in statements(name):
        if target(listed(statement["Resource"])[0]) != "AccountsTable" or action not in listed(statement["Action"]):
            continue
        condition = dict(statement.get("Condition", {}))
        like = condition.pop("ForAllValues:StringLike", {})
        returns = condition.pop("StringEqualsIfExists", {"dynamodb:ReturnValues": returned})
        assert not condition
        assert like.keys() <= {"dynamodb:LeadingKeys", "dynamodb:Attributes"}
        values = {"dynamodb:LeadingKeys": {key}, "dynamodb:Attributes": attributes}
        matching = all(
            any(fnmatchcase(value, pattern) for pattern in listed(patterns))
            for name, patterns in like.items()
            for value in values[name]
        )
        if matching and returned in (None, returns["dynamodb:ReturnValues"]):
            return True
    return False


USER = replace(new_user(email="a@example.com", name="a", now=0), id=f"user_{'u' * 16}")
KEY = replace(mint_key(name="k", user=USER, test=False, digest_key="d", now=0)[0], id="k" * 12)
SETTLING = ("dispatch", "ingest", "reconcile")


@pytest.mark.parametrize("name", SETTLING)
def test_handlers_of_strangers_bytes_may_settle_what_they_finish(name: str) -> None:
    accounts = AccountStore(RecordTable(None, "accounts"))  # type: ignore[arg-type]
    failed = a_generation(user_id=USER.id, key_id=KEY.id, cost=3).failed("no", 1)
    writes = accounts.settlement(failed)
    assert failed.refunded
    assert len(writes) == 5
    for write in writes:
        ((kind, request),) = write.items()
        attributes = {*request["ExpressionAttributeNames"].values(), *request["Key"]}
        words = set(re.findall(r"[a-z_]+", request["ConditionExpression"]))
        assert kind == "Update"
        assert words <= {"attribute_exists", "attribute_not_exists", "id"}
        assert allows_accounts(name, "dynamodb:UpdateItem", request["Key"]["id"]["S"], attributes)


@pytest.mark.parametrize("name", SETTLING)
@each(
    ("key", "attribute", "returned"),
    [
        (KEY.id, "user_id", None),  # an attacker's key becomes the victim's
        (KEY.id, "month_total", "ALL_OLD"),  # a key's record is read
        (KEY.id, "digest", None),
        (USER.id, "balance", "ALL_NEW"),
        (USER.id, "unmetered", None),
        (USER.id, "disabled_at", None),
        (USER.id, "webhook_secret_version", None),
        (USER.id, "kind", None),
        ("usage#2026-11", "kind", None),  # a false user is listed
        (f"{USER.id}#{'0' * 64}", "generation_id", None),  # what a repeated request is answered with
        ("sign-in:192.0.2.1", "failures", None),
        ("0123456789abcdef0123456789abcdef", "expires_at", None),  # a session
    ],
)
def test_what_handles_strangers_bytes_changes_no_account(
    name: str, key: str, attribute: str, returned: str | None
) -> None:
    attributes = {"id", "record", attribute}
    assert not allows_accounts(name, "dynamodb:UpdateItem", key, attributes, returned)
    assert rights(name)["AccountsTable"] - {"dynamodb:BatchGetItem"} == {"dynamodb:UpdateItem"}


def test_what_decodes_pictures_reads_no_account() -> None:
    assert {name for name in SETTLING if "dynamodb:BatchGetItem" in rights(name)["AccountsTable"]} == {"reconcile"}


def test_deliver_reads_no_api_key() -> None:
    assert rights("deliver")["AccountsTable"] == {"dynamodb:GetItem"}
    assert allows_accounts("deliver", "dynamodb:GetItem", USER.id, set())
    assert not allows_accounts("deliver", "dynamodb:GetItem", KEY.id, set())


def test_pillow_is_where_pictures_are_handled() -> None:
    layers = {name: {target(layer) for layer in properties["Layers"]} for name, properties in FUNCTIONS.items()}
    assert {name for name, has in layers.items() if "ImagingLayer" in has} == {"ingest"}
    assert all({"CoreLayer", "AwsModelsLayer"} <= has for has in layers.values())


def test_a_lease_outlasts_the_function_that_holds_it() -> None:
    assert FUNCTIONS["dispatch"]["Timeout"] * SECOND < model.CLAIM_LEASE
    assert FUNCTIONS["ingest"]["Timeout"] * SECOND < model.UPLOAD_LEASE
    assert FUNCTIONS["deliver"]["Timeout"] > 2 * deliver.TIMEOUT_SECONDS
    assert FUNCTIONS["deliver"]["Timeout"] * SECOND < delivery.ATTEMPT_LEASE


def test_there_is_time_for_the_slowest_that_a_function_waits_for() -> None:
    assert FUNCTIONS["dispatch"]["Timeout"] > input_images.SECONDS + synchronous.TIMEOUT_SECONDS
    assert FUNCTIONS["dispatch"]["Timeout"] >= dispatch.STORE_UNTIL // SECOND + 20
    assert dispatch.STORE_UNTIL // SECOND > synchronous.TIMEOUT_SECONDS + 30
    assert FUNCTIONS["ingest"]["Timeout"] > wire.TIMEOUT_SECONDS + ingest.DOWNLOAD_SECONDS


def test_only_the_models_that_the_owner_lists_may_be_invoked() -> None:
    (policy,) = RESOURCES["DispatchRole"]["Properties"]["Policies"]
    (right,) = [statement for statement in policy["PolicyDocument"]["Statement"] if "Fn::If" in statement]
    condition, statement, otherwise = right["Fn::If"]
    assert (condition, otherwise) == ("HasBedrock", {"Ref": "AWS::NoValue"})
    assert statement == {
        "Effect": "Allow",
        "Action": "bedrock:InvokeModel",
        "Resource": {"Fn::Split": [",", {"Ref": "BedrockModelArns"}]},
    }
    (unscoped,) = (one for one in RESOURCES["ConsoleRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
                   if "Fn::If" in one)  # fmt: skip
    assert unscoped["Fn::If"] == [
        "HasBedrock", {"Effect": "Allow", "Action": UNSCOPED, "Resource": "*"}, {"Ref": "AWS::NoValue"},
    ]  # fmt: skip
    pattern = re.compile(TEMPLATE["Parameters"]["BedrockModelArns"]["AllowedPattern"])
    model = "arn:aws:bedrock:us-west-2::foundation-model/stability.stable-image-core-v1:1"
    profile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.stability.stable-image-core-v1:1"
    good = ("", model, profile, f"{model},{profile}")
    bad = (
        *(
            f"{model},",
            f",{model}",
            f"{model}, {profile}",
            f"{model}{profile}",
            "*",
            "arn:aws:bedrock:*::foundation-model/*",
        ),
        *("arn:aws:s3:::bucket", "stability.stable-image-core-v1:1"),
    )
    assert all(pattern.fullmatch(arn) for arn in good)
    assert not any(pattern.fullmatch(arn) for arn in bad)


def test_reconcile_is_done_before_it_runs_again() -> None:
    """Lambda's own retries come after one and two minutes, beside the next runs."""
    assert FUNCTIONS["reconcile"]["EventInvokeConfig"]["MaximumRetryAttempts"] == 0
    (event,) = FUNCTIONS["reconcile"]["Events"].values()
    assert event["Properties"]["Schedule"] == "rate(1 minute)"
    assert FUNCTIONS["reconcile"]["Timeout"] < 60


# ---- The API ---------------------------------------------------------------------------------------------------------


def test_the_api_has_these_routes() -> None:
    routes = set()
    for case in EVENTS:
        name, kind, properties = case.values
        if kind == "Api":
            assert isinstance(properties, Mapping)
            assert target(properties["RestApiId"]) == "Api", "else SAM makes another API"
            routes.add((properties["Method"], properties["Path"], name))
    assert routes == ROUTES
    assert RESOURCES["Api"]["Properties"]["StageName"] == "api"


def test_a_client_hears_from_us_before_api_gateway_gives_up() -> None:
    wait = TEMPLATE["Parameters"]["WaitSeconds"]
    assert wait["MinValue"] == 0
    assert int(wait["Default"]) <= wait["MaxValue"] < FUNCTIONS["generate"]["Timeout"] <= 29


def test_the_api_takes_pictures_as_bytes_on_aws_and_locally() -> None:
    types = [item["Fn::If"] for item in RESOURCES["Api"]["Properties"]["BinaryMediaTypes"]]
    assert all(condition == "IsLocal" for condition, _, _ in types)
    local = [item for _, item, _ in types]
    assert set(local) == {"image/*", *EXTENSIONS, FORM, BYTES, "*/*"}
    assert [item for _, _, item in types] == [item.replace("/", "~1") for item in local]
    assert len(set(local)) == len(local)


def test_the_api_has_a_roof_over_its_bill() -> None:
    (setting,) = RESOURCES["Api"]["Properties"]["MethodSettings"]
    assert (setting["HttpMethod"], setting["ResourcePath"]) == ("*", "/*")
    rate, burst = (
        float(TEMPLATE["Parameters"][setting[name]["Ref"]]["Default"])
        for name in ("ThrottlingRateLimit", "ThrottlingBurstLimit")
    )
    assert 0 < rate <= burst


def test_answers_over_a_kilobyte_are_compressed() -> None:
    assert RESOURCES["Api"]["Properties"]["MinimumCompressionSize"] == 1024


def test_no_web_page_may_call_the_api_unless_the_owner_says() -> None:
    parameter = TEMPLATE["Parameters"]["CorsOrigins"]
    assert parameter["Default"] == ""
    pattern = re.compile(parameter["AllowedPattern"])
    good = ("", "*", "https://app.example", "https://app.example,http://localhost:3000")
    assert all(pattern.fullmatch(text) for text in good)
    bad = ("app.example", "https://app.example/", "https://a.example, https://b.example", "https://*.example,")
    assert not any(pattern.fullmatch(text) for text in bad)


@pytest.mark.parametrize("name", sorted(RESOURCES["Api"]["Properties"]["GatewayResponses"]))
def test_gateway_errors_have_the_contracts_shape_and_openais(name: str) -> None:
    response = RESOURCES["Api"]["Properties"]["GatewayResponses"][name]
    text = response["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"Forbidden"')
    document = json.loads(text)
    again = {"Retry-After": "2"} if name in ("THROTTLED", "DEFAULT_5XX") else {}
    headers = {name: f"'{value}'" for name, value in {**SAFE, **again}.items()}
    assert response["ResponseParameters"]["Headers"] == headers
    assert document.keys() == {"message", "error"}
    assert document["error"].keys() == {"message", "type", "param", "code"}
    assert document["error"]["message"] == document["message"]


# ---- Queues, streams, topic ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind", "properties"), SOURCES)
def test_a_source_is_told_which_records_failed(name: str, kind: str, properties: Mapping[str, Any]) -> None:
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize(("name", "kind", "properties"), SOURCES)
def test_what_a_source_gives_up_is_kept_and_alarms(name: str, kind: str, properties: Mapping[str, Any]) -> None:
    if kind == "SQS":
        redrive = QUEUES[target(properties["Queue"])]["RedrivePolicy"]
        assert redrive["maxReceiveCount"] >= 3
        dead_letters = target(redrive["deadLetterTargetArn"])
    else:
        dead_letters = target(properties["DestinationConfig"]["OnFailure"]["Destination"])
    assert QUEUES[dead_letters]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert "RedrivePolicy" not in QUEUES[dead_letters]
    assert alarmed(dead_letters)


@pytest.mark.parametrize(("name", "kind", "properties"), [case for case in SOURCES if case.values[1] == "SQS"])
def test_a_message_stays_hidden_while_its_function_may_run(name: str, kind: str, properties: Mapping[str, Any]) -> None:
    assert QUEUES[target(properties["Queue"])]["VisibilityTimeout"] >= FUNCTIONS[str(name)]["Timeout"] + 30


@pytest.mark.parametrize(("name", "kind", "properties"), [case for case in SOURCES if case.values[1] == "SQS"])
def test_a_message_that_nobody_handles_alarms_in_15_minutes(
    name: str, kind: str, properties: Mapping[str, Any]
) -> None:
    queue = QUEUES[target(properties["Queue"])]
    dead_letters = target(queue["RedrivePolicy"]["deadLetterTargetArn"])
    (alarm,) = (
        alarm
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if dead_letters in str(alarm.get("Dimensions")) and alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
    )
    lost = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]
    assert lost + alarm["Period"] * alarm["EvaluationPeriods"] <= 15 * 60


@pytest.mark.parametrize("name", sorted(QUEUES))
def test_a_queue_is_encrypted_and_either_read_or_alarmed(name: str) -> None:
    read = {target(case.values[2]["Queue"]) for case in SOURCES if case.values[1] == "SQS"}  # type: ignore[index]
    assert QUEUES[name]["SqsManagedSseEnabled"] is True
    assert (name in read) is not alarmed(name)


def test_the_stream_is_retried_within_bounds_and_split() -> None:
    (event,) = FUNCTIONS["notify"]["Events"].values()
    assert 1 <= event["Properties"]["MaximumRetryAttempts"] <= 10
    assert event["Properties"]["BisectBatchOnFunctionError"] is True


def test_ten_batches_of_a_shard_are_read_at_once() -> None:
    (event,) = FUNCTIONS["notify"]["Events"].values()
    factor = {"Fn::FindInMap": ["Concurrency", {"Ref": "AccountConcurrency"}, "Shard"]}
    assert event["Properties"]["ParallelizationFactor"] == factor
    limits = TEMPLATE["Mappings"]["Concurrency"]
    assert {account: share["Shard"] for account, share in limits.items()} == {"10": 1, "1000": 10, "3000": 10}
    assert limits["1000"]["Notify"] >= 4 * limits["1000"]["Shard"], "a new table's stream has four shards"


def stream_patterns() -> list[dict[str, Any]]:
    """Return what of the stream notify gets to see."""
    (event,) = FUNCTIONS["notify"]["Events"].values()
    return [json.loads(item["Pattern"]) for item in event["Properties"]["FilterCriteria"]["Filters"]]


def test_the_stream_shows_whatever_has_just_finished() -> None:
    finished, _ = stream_patterns()
    images = finished["dynamodb"]
    assert finished["eventName"] == ["MODIFY"]
    assert set(images["NewImage"]["status"]["S"]) == {status.value for status in Status if status.final}
    assert set(images["OldImage"]["status"]["S"]) == {status.value for status in Status if not status.final}


@each("events", [(status,) for status in Status] + [(Status.SUCCESS, Status.PENDING), FINAL])
@each("webhook", ["https://client.example/hook", None])
def test_the_stream_shows_what_is_under_way_where_a_webhook_asks(
    webhook: str | None, events: tuple[Status, ...]
) -> None:
    _, midway = stream_patterns()
    assert midway["eventName"] == ["INSERT", "MODIFY"]
    image = midway["dynamodb"]["NewImage"]
    assert set(image["status"]["S"]) == {status.value for status in Status if not status.final}
    record = to_record(a_generation(webhook=webhook, webhook_events=events))
    shown = all(record[name] in wanted["S"] for name, wanted in image.items())
    assert shown is (webhook is not None and not set(events) <= set(FINAL))


@each(
    ("counted", "function", "line", "alarmed_by"),
    [
        ("DeadDeliveries", "deliver", {"delivery": delivery.DeliveryStatus.DEAD.value}, "DeadDeliveryAlarm"),
        ("LostResults", "dispatch", {"error": ResultLostError.__name__}, "LostResultsAlarm"),
        ("ScheduleFailures", "reconcile", {"action": Action.TRY_LATER.name.lower()}, "ScheduleFailuresAlarm"),
    ],
)
def test_what_is_given_up_is_counted_and_alarms(
    counted: str, function: str, line: dict[str, str], alarmed_by: str
) -> None:
    counter = of_type("AWS::Logs::MetricFilter")[counted]
    assert target(counter["LogGroupName"]) == target(FUNCTIONS[function]["LoggingConfig"]["LogGroup"])
    ((name, value),) = line.items()
    assert counter["FilterPattern"] == f'{{ $.{name} = "{value}" }}'
    (metric,) = counter["MetricTransformations"]
    assert metric["MetricValue"] == "1"
    alarm = of_type("AWS::CloudWatch::Alarm")[alarmed_by]
    assert (alarm["Namespace"], alarm["MetricName"]) == (metric["MetricNamespace"], metric["MetricName"])
    assert (alarm["Statistic"], alarm["Threshold"], alarm["ComparisonOperator"], alarm["TreatMissingData"]) == (
        "Sum", 0, "GreaterThanThreshold", "notBreaching",
    )  # fmt: skip


def test_only_our_topic_may_send_to_the_delivery_queues() -> None:
    """SQS takes a policy for one queue only."""
    policies = of_type("AWS::SQS::QueuePolicy").values()
    assert {target(queue) for policy in policies for queue in policy["Queues"]} == {
        "DeliveryQueue", "DeliveryDeadLetterQueue",
    }  # fmt: skip
    for policy in policies:
        (queue,) = policy["Queues"]
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert target(statement["Resource"]) == target(queue)
        assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert target(statement["Condition"]["ArnEquals"]["aws:SourceArn"]) == "GenerationsTopic"


def test_the_topic_is_encrypted_and_keeps_the_undeliverable() -> None:
    assert of_type("AWS::SNS::Topic")["GenerationsTopic"]["KmsMasterKeyId"]
    subscription = of_type("AWS::SNS::Subscription")["DeliverySubscription"]
    assert alarmed(target(subscription["RedrivePolicy"]["deadLetterTargetArn"]))


# ---- What is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*TABLES, "FilesBucket", *of_type("AWS::SecretsManager::Secret")])
def test_what_is_kept_outlives_the_stack(name: str) -> None:
    assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", sorted(TABLES))
def test_a_table_can_be_restored_and_forgets(name: str) -> None:
    table = TABLES[name]
    streamed = {target(case.values[2]["Stream"]) for case in SOURCES if case.values[1] == "DynamoDB"}  # type: ignore[index]
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert ("StreamSpecification" in table) is (name in streamed)
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert "SSESpecification" not in table, "the default key costs nothing and needs no rights"


def test_the_bucket_is_private_and_encrypted() -> None:
    bucket = RESOURCES["FilesBucket"]["Properties"]
    assert bucket["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_the_bucket_speaks_tls_only() -> None:
    (policy,) = of_type("AWS::S3::BucketPolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert [target(resource) for resource in statement["Resource"]] == ["FilesBucket", "FilesBucket/*"]
    assert statement["Condition"] == {
        "Bool": {"aws:SecureTransport": "false"},
        "NotIpAddress": {"Fn::If": ["IsLocal", {"aws:SourceIp": "127.0.0.0/8"}, {"Ref": "AWS::NoValue"}]},
    }


def test_pages_that_may_call_the_api_may_use_the_buckets_urls() -> None:
    condition, rules, otherwise = RESOURCES["FilesBucket"]["Properties"]["CorsConfiguration"]["Fn::If"]
    assert (condition, otherwise) == ("HasCors", {"Ref": "AWS::NoValue"})
    fetch, upload = rules["CorsRules"]
    assert (fetch["AllowedMethods"], fetch["AllowedOrigins"]) == (["GET", "HEAD"], ["*"])
    assert (upload["AllowedMethods"], target(upload["AllowedOrigins"])) == (["POST"], "CorsOrigins")


def test_the_bucket_forgets_with_the_table() -> None:
    rules = {rule["Id"]: rule for rule in RESOURCES["FilesBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]}
    assert all(rule["Status"] == "Enabled" for rule in rules.values())
    assert rules["expire-outputs"]["Prefix"] == "outputs/"
    assert target(rules["expire-outputs"]["ExpirationInDays"]) == "RetentionDays"
    assert (rules["expire-inputs"]["Prefix"], rules["expire-inputs"]["ExpirationInDays"]) == ("inputs/", 7)
    assert rules["expire-uploads"]["Prefix"] == f"{UPLOADS}/"
    assert target(rules["expire-uploads"]["ExpirationInDays"]) == "RetentionDays"
    assert (rules["expire-transient"]["Prefix"], rules["expire-transient"]["ExpirationInDays"]) == (f"{TRANSIENT}/", 1)
    incoming = f"{INCOMING}/{UPLOADS}/"
    assert rules["expire-incoming"]["Prefix"] == incoming
    assert target(rules["expire-incoming"]["ExpirationInDays"]) == "RetentionDays"
    briefly = rules["expire-incoming-transient"]
    assert (briefly["Prefix"], briefly["ExpirationInDays"]) == (f"{INCOMING}/{TRANSIENT}/", 1)
    assert rules["abort-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


@pytest.mark.parametrize("name", sorted(of_type("AWS::SecretsManager::Secret")))
def test_no_secret_stands_in_the_template(name: str) -> None:
    secret = of_type("AWS::SecretsManager::Secret")[name]
    if "SecretString" in secret:
        assert secret["SecretString"] == "{}"
    else:
        assert secret["GenerateSecretString"]["PasswordLength"] >= 32


# ---- The whole -------------------------------------------------------------------------------------------------------


def test_nothing_has_a_physical_name() -> None:
    words = ("Name", "FunctionName", "TableName", "QueueName", "BucketName", "TopicName", "LogGroupName", "AlarmName",
             "RoleName", "LayerName", "SecretName")  # fmt: skip
    named = [
        (name, word)
        for name, item in RESOURCES.items()
        for word in words
        if set(item.get("Properties", {}).get(word, {"Ref": ""})) != {"Ref"}
    ]
    assert named == []


def test_only_what_someone_reads_is_an_output() -> None:
    outputs = {
        "ApiUrl",
        "ApiId",
        "ConsoleSecretArn",
        "ProviderKeysSecretArn",
        "TopicArn",
        "FilesBucket",
        "DomainTarget",
    }
    assert set(TEMPLATE["Outputs"]) == outputs


@each("name", sorted(TEMPLATE["Parameters"]))
def test_a_parameter_says_what_it_is_and_has_a_default(name: str) -> None:
    parameter = TEMPLATE["Parameters"][name]
    assert parameter["Description"].endswith(".")
    assert "Default" in parameter


def test_the_owners_catalog_is_an_object_or_the_one_that_ships() -> None:
    pattern = re.compile(TEMPLATE["Parameters"]["CatalogObject"]["AllowedPattern"])
    good = (EMBEDDED, "my-bucket/catalog.toml", "my.bucket/a/b c.toml")
    bad = ("", "my-bucket", "my-bucket/", "s3://my-bucket/catalog.toml", "My-Bucket/catalog.toml", "/catalog.toml")
    assert TEMPLATE["Parameters"]["CatalogObject"]["Default"] == EMBEDDED
    assert all(pattern.fullmatch(text) for text in good)
    assert not any(pattern.fullmatch(text) for text in bad)


def test_python311_is_for_the_local_stack_only() -> None:
    """On AWS it has neither SnapStart nor the glibc of Pillow's wheels."""
    rule = TEMPLATE["Rules"]["Python311"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "PythonRuntime"}, "python3.11"]}
    assert [item["Assert"] for item in rule["Assertions"]] == [
        {"Fn::Not": [{"Fn::Equals": [{"Ref": "LocalEndpoint"}, ""]}]},
        {"Fn::Equals": [{"Ref": "SnapStart"}, "false"]},
    ]


def test_only_the_local_stack_has_an_endpoint_and_loopback() -> None:
    assert TEMPLATE["Parameters"]["LocalEndpoint"]["Default"] == ""
    assert TEMPLATE["Conditions"]["IsLocal"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "LocalEndpoint"}, ""]}]}
    assert GLOBALS["Environment"]["Variables"]["AWS_ENDPOINT_URL"] == {
        "Fn::If": ["IsLocal", {"Ref": "LocalEndpoint"}, {"Ref": "AWS::NoValue"}]
    }
    allowed = [properties["Environment"]["Variables"].get("ALLOW_LOOPBACK") for properties in FUNCTIONS.values()]
    assert all(value == {"Fn::If": ["IsLocal", "true", "false"]} for value in allowed if value is not None)


def test_who_checks_urls_has_the_owners_ports() -> None:
    variables = [properties["Environment"]["Variables"] for properties in FUNCTIONS.values()]
    assert {"ALLOW_LOOPBACK" in held for held in variables if "EGRESS_PORTS" in held} == {True}
    assert all(held["EGRESS_PORTS"] == {"Ref": "EgressPorts"} for held in variables if "ALLOW_LOOPBACK" in held)


def test_the_owners_ports_are_those_that_the_rules_default_to() -> None:
    default = TEMPLATE["Parameters"]["EgressPorts"]["Default"]
    assert frozenset(map(int, default.split(","))) == UrlPolicy().ports
    pattern = re.compile(TEMPLATE["Parameters"]["EgressPorts"]["AllowedPattern"])
    assert all(pattern.fullmatch(text) for text in (default, "443", "443,8443,10443"))
    assert not any(pattern.fullmatch(text) for text in ("", "443,", ",443", "443, 8443", "0", "https", "443-445"))


def test_no_password_is_a_plain_parameter() -> None:
    pattern = re.compile(TEMPLATE["Parameters"]["ProviderUrls"]["AllowedPattern"])
    assert pattern.fullmatch('{"automatic1111":"https://gpu.example:7860"}')
    assert pattern.fullmatch(TEMPLATE["Parameters"]["ProviderUrls"]["Default"])
    assert not pattern.fullmatch('{"automatic1111":"https://user:password@gpu.example:7860"}')
