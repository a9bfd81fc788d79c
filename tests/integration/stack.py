"""The stack of template.yaml, made in moto: what its own definitions say, so that a change in them is tested."""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.config import Config

from atelier.adapters.aws.secrets import ProviderKeysEditor
from atelier.providers.registry import KEYS_FOR_CALLBACKS

ROOT = Path(__file__).parents[2]
REGION = "us-east-1"
API_ID = "a1b2c3d4e5"
Attributes = dict[str, str]
NO_VALUE = object()
PSEUDO = {"AWS::Region": REGION, "AWS::StackName": "atelier", "AWS::URLSuffix": "amazonaws.com"}


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short tags as their long forms."""


def _tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise yaml.YAMLError(f"!{suffix} of a mapping is not used in this template")
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _tag)


@cache
def template() -> Mapping[str, Any]:
    document: Mapping[str, Any] = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), _Loader)
    return document


@cache
def aws(service: str) -> Any:
    """The tests' own client; what the code under test calls is counted on others."""
    return boto3.client(  # type: ignore[call-overload]
        service, region_name=REGION, config=Config(account_id_endpoint_mode="disabled")
    )


def set_provider_keys(arn: str, keys: Mapping[str, str]) -> None:
    """Set the keys in the secret itself, as an operator may, and publish them."""
    aws("secretsmanager").put_secret_value(SecretId=arn, SecretString=json.dumps(keys))
    ProviderKeysEditor(aws("secretsmanager"), arn, for_callbacks=KEYS_FOR_CALLBACKS).publish()


class Stack:
    """Makes each resource when something first refers to it."""

    def __init__(self, **parameters: str) -> None:
        defaults = {name: str(item["Default"]) for name, item in template()["Parameters"].items()}
        self._parameters = {**PSEUDO, **defaults, **parameters}
        self._made: dict[str, Attributes] = {"Api": {"Ref": API_ID}}
        for name, resource in template()["Resources"].items():
            if resource["Type"] in _MAKERS:
                self._make(name)

    def ref(self, name: str) -> str:
        return self._parameters[name] if name in self._parameters else self._make(name)["Ref"]

    def change(self, parameter: str, value: str) -> None:
        """Change a parameter, for who reads it from now on."""
        self._parameters[parameter] = value

    def environment(self, function: str) -> dict[str, str]:
        """What the template gives a function."""
        places = (template()["Globals"]["Function"], template()["Resources"][function]["Properties"])
        given = [place.get("Environment", {}).get("Variables", {}) for place in places]
        variables: dict[str, str] = self._resolve({name: item for part in given for name, item in part.items()})
        return variables

    def setting(self, function: str, name: str) -> Any:
        """A property of a function, its own or everybody's; None without one."""
        own, shared = template()["Resources"][function]["Properties"], template()["Globals"]["Function"]
        return self._resolve(own.get(name, shared.get(name)))

    def count(self, kind: str) -> int:
        """How many resources of a kind there are under these parameters."""
        resources = template()["Resources"].values()
        return sum(
            item["Type"] == kind and ("Condition" not in item or self._holds({"Condition": item["Condition"]}))
            for item in resources
        )

    def allowed_actions(self, function: str) -> set[str]:
        """What the template lets a function do."""
        role, _ = template()["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"].split(".")
        (policy,) = template()["Resources"][role]["Properties"]["Policies"]
        items = policy["PolicyDocument"]["Statement"]
        statements = [item["Fn::If"][1] if "Fn::If" in item else item for item in items]
        actions = [statement["Action"] for statement in statements]
        return {name for item in actions for name in ([item] if isinstance(item, str) else item)}

    def filters(self, function: str, event: str) -> list[Any]:
        """The patterns of a function's event source."""
        source = template()["Resources"][function]["Properties"]["Events"][event]["Properties"]
        return [json.loads(item["Pattern"]) for item in source["FilterCriteria"]["Filters"]]

    def secret(self, name: str) -> str:
        value: str = aws("secretsmanager").get_secret_value(SecretId=self.ref(name))["SecretString"]
        return value

    def rows(self, table: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = aws("dynamodb").scan(TableName=self.ref(table))["Items"]
        return rows

    def _make(self, name: str) -> Attributes:
        if name not in self._made:
            resource = template()["Resources"][name]
            self._made[name] = _MAKERS[resource["Type"]](name, self._resolve(resource.get("Properties", {})))
        return self._made[name]

    def _resolve(self, value: Any) -> Any:
        match value:
            case {"Ref": "AWS::NoValue"}:
                return NO_VALUE
            case {"Ref": name}:
                return self.ref(name)
            case {"Fn::GetAtt": path}:
                name, _, attribute = path.partition(".")
                return self._make(name)[attribute]
            case {"Fn::Join": [separator, items]}:
                found = self._resolve(items)
                return found if isinstance(found, str) else str(separator).join(found)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([\w:]+)\}", lambda match: self.ref(match[1]), text)
            case {"Fn::If": [condition, then, otherwise]}:
                return self._resolve(then if self._holds({"Condition": condition}) else otherwise)
            case dict():
                assert not any(key.startswith("Fn::") for key in value), f"teach the tests' stack {value}"
                items = {key: self._resolve(item) for key, item in value.items()}
                return {key: item for key, item in items.items() if item is not NO_VALUE}
            case list():
                return [self._resolve(item) for item in value]
            case _:
                return value

    def _holds(self, condition: dict[str, Any]) -> bool:
        match condition:
            case {"Condition": str(name)}:
                return self._holds(template()["Conditions"][name])
            case {"Fn::Not": [item]}:
                return not self._holds(item)
            case {"Fn::Or": items}:
                return any(map(self._holds, items))
            case {"Fn::And": items}:
                return all(map(self._holds, items))
            case {"Fn::Equals": [one, other]}:
                return bool(self._resolve(one) == self._resolve(other))
            case _:
                raise AssertionError(f"teach the tests' stack {condition}")


def _table(name: str, properties: dict[str, Any]) -> Attributes:
    keys = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    stream = properties.get("StreamSpecification")
    table = aws("dynamodb").create_table(
        TableName=name,
        **({"StreamSpecification": {"StreamEnabled": True, **stream}} if stream else {}),
        **{key: properties[key] for key in keys if key in properties},
    )["TableDescription"]
    aws("dynamodb").update_time_to_live(TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
    return {"Ref": name, "Arn": table["TableArn"], "StreamArn": table.get("LatestStreamArn", "")}


def _queue(name: str, properties: dict[str, Any]) -> Attributes:
    attributes = {key: item if isinstance(item, str) else json.dumps(item) for key, item in properties.items()}
    url: str = aws("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn: str = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return {"Ref": url, "Arn": arn, "QueueName": name}


def _topic(name: str, properties: dict[str, Any]) -> Attributes:
    return {"Ref": aws("sns").create_topic(Name=name, Attributes=properties)["TopicArn"]}


def _subscription(_: str, properties: dict[str, Any]) -> Attributes:
    required = {key: properties.pop(key) for key in ("TopicArn", "Protocol", "Endpoint")}
    attributes = {key: json.dumps(item) for key, item in properties.items()}
    return {"Ref": aws("sns").subscribe(**required, Attributes=attributes)["SubscriptionArn"]}


def _bucket(name: str, _: dict[str, Any]) -> Attributes:
    aws("s3").create_bucket(Bucket=name.lower())
    return {"Ref": name.lower(), "Arn": f"arn:aws:s3:::{name.lower()}"}


def _secret(name: str, properties: dict[str, Any]) -> Attributes:
    value = properties.get("SecretString")
    if value is None:
        wanted = properties["GenerateSecretString"]
        value = aws("secretsmanager").get_random_password(**wanted)["RandomPassword"]
    arn: str = aws("secretsmanager").create_secret(Name=name, SecretString=value)["ARN"]
    return {"Ref": arn, "Id": arn}


_MAKERS: Mapping[str, Callable[[str, dict[str, Any]], Attributes]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::SQS::Queue": _queue,
    "AWS::SNS::Topic": _topic,
    "AWS::SNS::Subscription": _subscription,
    "AWS::S3::Bucket": _bucket,
    "AWS::SecretsManager::Secret": _secret,
}
