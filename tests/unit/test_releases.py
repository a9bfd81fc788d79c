"""A release reaches clients: SAM makes a new version of a function exactly when something in it changes."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.unit.test_template import TEMPLATE
from tools.translate import Case, translated_each

CONDITIONS: Mapping[str, Any] = TEMPLATE["Conditions"]
OTHERS: Mapping[str, str] = {
    "PythonRuntime": "python3.12",
    "SnapStart": "false",
    "PublicUrl": "https://api.example",
    "ProviderUrls": '{"automatic1111":"https://gpu.example"}',
    "BedrockModelArns": "arn:aws:bedrock:us-west-2::foundation-model/stability.stable-image-core-v1:1",
    "CatalogObject": "bucket/catalog.toml",
    "CorsOrigins": "https://app.example",
    "WaitSeconds": "10",
    "RetentionDays": "365",
    "WebhookSource": "atelier",
    "AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:alarms",
    "AlarmEmail": "operator@example.com",
    "AccessLogs": "existing-role",
    "DomainName": "images.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/example",
    "HostedZoneId": "Z0123456789EXAMPLE",
    "BasePath": "v1",
    "DeletionProtection": "true",
    "EgressPorts": "443",
    "CallsPerWebhookHost": "80",
    "AccountConcurrency": "1000",
    "Canary": "true",
    "RequestsPerAddress": "1000",
    "RequestsPerSecond": "1000",
    "BurstRequests": "2000",
    "Architecture": "x86_64",
    "LocalEndpoint": "http://127.0.0.1:4566",
}
"""Another value of each parameter than its default."""

SURROUNDINGS = ("Role", "Events", "DeploymentPreference", "ReservedConcurrentExecutions", "SourceKMSKeyArn")
"""What a function has that is no part of its versions."""

Translated = Mapping[str, Mapping[str, Any]]


def versions(resources: Translated) -> dict[str, str]:
    """Return the logical id of each function's version, by the function's."""
    return {
        item["Properties"]["FunctionName"]["Ref"]: name
        for name, item in resources.items()
        if item["Type"] == "AWS::Lambda::Version"
    }


def referenced(value: Any) -> Iterator[str]:
    """Walk through the names that a value refers to, and through those of its conditions."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from (part.partition("}")[0] for part in text.split("${")[1:])
        case {"Fn::If": [str(condition), *branches]}:
            yield from referenced([CONDITIONS[condition], branches])
        case {"Condition": str(condition)}:
            yield from referenced(CONDITIONS[condition])
        case dict():
            yield from referenced(list(value.values()))
        case list():
            for item in value:
                yield from referenced(item)


@pytest.fixture(scope="module")
def translated() -> dict[str, Translated]:
    """The template as it is, and after each change of a layer, of a function's code, and of a parameter."""
    artefacts = [
        name for name, item in TEMPLATE["Resources"].items()
        if item["Type"] in ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion")
    ]  # fmt: skip
    cases = {
        "": Case(),
        **{name: Case(uploads={name: "2"}) for name in artefacts},
        **{name: Case({name: value}) for name, value in OTHERS.items()},
    }
    templates = translated_each(list(cases.values()))
    return {name: template["Resources"] for name, template in zip(cases, templates, strict=True)}


def test_each_parameter_is_tried() -> None:
    assert set(OTHERS) == set(TEMPLATE["Parameters"])
    assert not [name for name, value in OTHERS.items() if value == TEMPLATE["Parameters"][name]["Default"]]


def test_a_change_makes_versions_of_just_the_functions_concerned(
    translated: dict[str, Translated],
) -> None:
    before = versions(translated[""])
    assert before
    for change, resources in translated.items():
        after = versions(resources)
        for function in before:
            concerned = change == function or change in set(referenced(_properties(function)))
            assert (after[function] != before[function]) is concerned, (change, function)


def test_a_function_without_a_version_is_called_as_it_is(translated: dict[str, Translated]) -> None:
    """So that there is no alias that could stay behind."""
    resources = translated[""]
    aliases = {item["Properties"]["FunctionName"]["Ref"] for item in resources.values() if "Alias" in item["Type"]}
    assert aliases == set(versions(resources))


def test_old_versions_and_their_snapshots_go_away(translated: dict[str, Translated]) -> None:
    resources = translated[""]
    assert {resources[name]["DeletionPolicy"] for name in versions(resources).values()} == {"Delete"}


def _properties(function: str) -> Any:
    """Return what of a function is frozen in a version: all but what sets up its surroundings."""
    properties = TEMPLATE["Resources"][function]["Properties"]
    own = {name: value for name, value in properties.items() if name not in SURROUNDINGS}
    return [own, TEMPLATE["Globals"]["Function"]]


def test_a_canary_is_undone_by_its_alarms(translated: dict[str, Translated]) -> None:
    assert not [name for name, item in translated[""].items() if "CodeDeploy" in item["Type"]]
    resources = translated["Canary"]
    (group,) = (item for item in resources.values() if item["Type"] == "AWS::CodeDeploy::DeploymentGroup")
    assert group["Properties"]["AutoRollbackConfiguration"]["Enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["Properties"]["AutoRollbackConfiguration"]["Events"]
    condition, alarms, _ = group["Properties"]["AlarmConfiguration"]["Fn::If"]
    named = [resources[alarm["Name"]["Ref"]] for alarm in alarms["Alarms"]]
    assert {(alarm["Properties"]["Namespace"], alarm["Properties"]["MetricName"]) for alarm in named} == {
        ("AWS/Lambda", "Errors"),
        ("AWS/ApiGateway", "5XXError"),
    }
    assert {alarm["Condition"] for alarm in named} == {condition} == {"HasCanary"}
    (alias,) = (item for item in resources.values() if item["Type"] == "AWS::Lambda::Alias")
    assert "CodeDeployLambdaAliasUpdate" in alias["UpdatePolicy"]
