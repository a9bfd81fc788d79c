"""What operates the stack: alarms and their runbook, the dashboard, optional resources, protection."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from tools.check_template import OPTIONS
from tools.translate import ROOT, resolved, translated


@cache
def template() -> dict[str, Any]:
    return translated()


@cache
def resources(**parameters: str) -> dict[str, Any]:
    return dict(resolved(template(), **parameters)["Resources"])


def of_type(kind: str, **parameters: str) -> dict[str, Any]:
    return {name: item.get("Properties", {}) for name, item in resources(**parameters).items() if item["Type"] == kind}


def alarms() -> dict[str, Any]:
    return of_type("AWS::CloudWatch::Alarm", **OPTIONS)


def dimensions(alarm: Mapping[str, Any]) -> dict[str, Any]:
    return {item["Name"]: item["Value"] for item in alarm.get("Dimensions", [])}


def runbook() -> dict[str, list[str]]:
    """Return the cells of each alarm's row."""
    rows = re.findall(r"^\| `(\w+Alarm)` \|(.*)\|$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert len({name for name, _ in rows}) == len(rows), "an alarm has two entries"
    return {name: [cell.strip() for cell in cells.split(" | ")] for name, cells in rows}


# ---- Alarms ----------------------------------------------------------------------------------------------------------


def test_each_alarm_has_a_runbook_entry_and_each_entry_an_alarm() -> None:
    assert set(runbook()) == set(alarms())


def test_an_entry_says_its_meaning_where_to_look_and_what_to_do() -> None:
    for name, cells in runbook().items():
        assert len(cells) == 3, name
        assert all(cells), name


def test_there_are_alarms_only_where_somebody_hears_them() -> None:
    assert of_type("AWS::CloudWatch::Alarm") == {}
    assert of_type("AWS::SNS::Topic").keys() == {"GenerationsTopic"}


@pytest.mark.parametrize(
    ("parameters", "topic"),
    [
        ({"AlarmEmail": "a@example.com"}, {"Ref": "AlarmTopic"}),
        ({"AlarmTopicArn": "arn:topic"}, "arn:topic"),
        ({"AlarmTopicArn": "arn:topic", "AlarmEmail": "a@example.com"}, "arn:topic"),
    ],
)
def test_every_alarm_reaches_the_operator(parameters: dict[str, str], topic: Any) -> None:
    found = of_type("AWS::CloudWatch::Alarm", **parameters, Canary="true")
    assert found.keys() == alarms().keys()
    assert all(alarm["AlarmActions"] == [topic] for alarm in found.values())
    mails = [item for item in of_type("AWS::SNS::Subscription", **parameters).values() if item["Protocol"] == "email"]
    expected = [{"TopicArn": topic, "Protocol": "email", "Endpoint": "a@example.com"}]
    assert mails == (expected if "AlarmEmail" in parameters else [])
    assert ("AlarmTopic" in resources(**parameters)) == (topic == {"Ref": "AlarmTopic"})


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_each_function_has_an_alarm_for(metric: str) -> None:
    watched = [
        dimensions(alarm)["FunctionName"]["Ref"]
        for alarm in alarms().values()
        if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", metric)
        and dimensions(alarm).keys() == {"FunctionName"}
    ]
    assert sorted(watched) == sorted(of_type("AWS::Lambda::Function"))


def test_each_queue_has_an_alarm_for_age_or_for_dead_letters() -> None:
    watched = {
        (dimensions(alarm)["QueueName"]["Fn::GetAtt"][0], alarm["MetricName"])
        for alarm in alarms().values()
        if alarm["Namespace"] == "AWS/SQS"
    }
    expected = {
        (name, "ApproximateNumberOfMessagesVisible" if "DeadLetter" in name else "ApproximateAgeOfOldestMessage")
        for name in of_type("AWS::SQS::Queue")
    }
    assert watched == expected


def test_each_table_has_alarms_for_throttles() -> None:
    watched = {
        (dimensions(alarm)["TableName"]["Ref"], alarm["MetricName"])
        for alarm in alarms().values()
        if alarm["Namespace"] == "AWS/DynamoDB"
    }
    metrics = ("ReadThrottleEvents", "WriteThrottleEvents")
    assert watched == {(name, metric) for name in of_type("AWS::DynamoDB::Table") for metric in metrics}


def test_the_api_is_watched_under_the_name_that_it_has() -> None:
    watched = [alarm for alarm in alarms().values() if alarm["Namespace"] == "AWS/ApiGateway"]
    assert {alarm["MetricName"] for alarm in watched} == {"5XXError", "Latency"}
    assert alarms()["ApiLatencyAlarm"]["ExtendedStatistic"] == "p95"
    (api,) = of_type("AWS::ApiGateway::RestApi").values()
    (stage,) = of_type("AWS::ApiGateway::Stage").values()
    for alarm in watched:
        assert dimensions(alarm) == {"ApiName": api["Body"]["info"]["title"], "Stage": stage["StageName"]}


def test_a_waiting_client_sets_off_no_latency_alarm() -> None:
    longest = int(template()["Parameters"]["WaitSeconds"]["MaxValue"])
    assert longest * 1000 < alarms()["ApiLatencyAlarm"]["Threshold"] < 29_000


def test_a_stopped_reconcile_is_noticed_though_it_sends_nothing() -> None:
    alarm = alarms()["ReconcileMissingAlarm"]
    assert dimensions(alarm) == {"FunctionName": {"Ref": "ReconcileFunction"}}
    assert (alarm["MetricName"], alarm["TreatMissingData"]) == ("Invocations", "breaching")
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)


def test_silence_is_good_for_all_other_alarms() -> None:
    others = {name: alarm for name, alarm in alarms().items() if name != "ReconcileMissingAlarm"}
    assert {alarm["TreatMissingData"] for alarm in others.values()} == {"notBreaching"}


# ---- Optional resources ----------------------------------------------------------------------------------------------


def test_access_logs_are_off_by_default() -> None:
    (stage,) = of_type("AWS::ApiGateway::Stage").values()
    assert "AccessLogSetting" not in stage
    assert not {"ApiLogGroup", "ApiAccount", "ApiAccountRole"} & resources().keys()


@pytest.mark.parametrize(("option", "makes_role"), [("existing-role", False), ("create-role", True)])
def test_access_logs_go_to_a_group_that_forgets(option: str, makes_role: bool) -> None:
    (stage,) = of_type("AWS::ApiGateway::Stage", AccessLogs=option).values()
    assert stage["AccessLogSetting"]["DestinationArn"] == {"Fn::GetAtt": ["ApiLogGroup", "Arn"]}
    group = resources(AccessLogs=option)["ApiLogGroup"]["Properties"]
    assert group["RetentionInDays"] == 30
    assert ("ApiAccount" in resources(AccessLogs=option)) == makes_role
    assert (json.dumps({"Ref": "ApiAccount"}) in json.dumps(group)) == makes_role, "the role must be there first"


def test_an_access_log_is_json_without_secret_paths() -> None:
    (stage,) = of_type("AWS::ApiGateway::Stage", AccessLogs="existing-role").values()
    fields = json.loads(stage["AccessLogSetting"]["Format"])
    assert {"requestId", "ip", "method", "route", "status", "latency"} <= fields.keys()
    assert not {"$context.path", "$context.customDomain.basePathMatched"} & set(fields.values())


def test_the_accounts_role_outlives_the_stack() -> None:
    made = resources(AccessLogs="create-role")
    assert made["ApiAccount"]["DeletionPolicy"] == made["ApiAccountRole"]["DeletionPolicy"] == "Retain"


DOMAIN = {"DomainName": "images.example.com"}


def test_a_domain_leads_to_the_stage() -> None:
    parameters = {**DOMAIN, "CertificateArn": "arn:certificate"}
    made = resources(**parameters)
    assert made["ApiDomain"]["Properties"]["RegionalCertificateArn"] == "arn:certificate"
    assert made["ApiDomain"]["Properties"]["SecurityPolicy"] == "TLS_1_2"
    mapping = made["ApiBasePath"]["Properties"]
    assert mapping["BasePath"] == "api"
    assert mapping["RestApiId"] == {"Ref": "Api"}
    assert resources(**parameters)[mapping["Stage"]["Ref"]]["Type"] == "AWS::ApiGateway::Stage"
    assert not {"ApiCertificate", "ApiDomainRecords"} & made.keys()


def test_a_hosted_zone_gets_certificate_and_records() -> None:
    made = resources(**DOMAIN, HostedZoneId="Z1")
    assert made["ApiDomain"]["Properties"]["RegionalCertificateArn"] == {"Ref": "ApiCertificate"}
    assert made["ApiCertificate"]["Properties"]["ValidationMethod"] == "DNS"
    assert {item["Type"] for item in made["ApiDomainRecords"]["Properties"]["RecordSets"]} == {"A", "AAAA"}


def test_without_a_domain_nothing_of_it_is_made() -> None:
    assert not {"ApiDomain", "ApiBasePath", "ApiCertificate", "ApiDomainRecords"} & resources().keys()


def test_a_domain_needs_a_certificate() -> None:
    rule = template()["Rules"]["Certificate"]
    (assertion,) = rule["Assertions"]
    neither = [{"Fn::Equals": [{"Ref": name}, ""]} for name in ("CertificateArn", "HostedZoneId")]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::And": neither}]}


def test_urls_name_the_domain_and_its_path() -> None:
    for variables in (item["Environment"]["Variables"] for item in of_type("AWS::Lambda::Function", **DOMAIN).values()):
        assert variables["PUBLIC_URL"] == {"Fn::Sub": "https://${DomainName}/${BasePath}"}


# ---- Protection ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protected", [True, False])
def test_tables_and_files_are_protected_on_demand(protected: bool) -> None:
    parameters = {"DeletionProtection": str(protected).lower()}
    tables = of_type("AWS::DynamoDB::Table", **parameters)
    assert {table["DeletionProtectionEnabled"] for table in tables.values()} == {protected}
    (bucket,) = of_type("AWS::S3::Bucket", **parameters).values()
    assert bucket.get("VersioningConfiguration") == ({"Status": "Enabled"} if protected else None)


def test_deleted_files_are_gone_after_a_week() -> None:
    (bucket,) = of_type("AWS::S3::Bucket").values()
    rules = [rule for rule in bucket["LifecycleConfiguration"]["Rules"] if "NoncurrentVersionExpiration" in rule]
    assert [rule["NoncurrentVersionExpiration"] for rule in rules] == [{"NoncurrentDays": 7}]
    assert rules[0]["ExpiredObjectDeleteMarker"] is True
    assert "Prefix" not in rules[0], "it holds for all files"


# ---- The dashboard ---------------------------------------------------------------------------------------------------


def widgets() -> list[dict[str, Any]]:
    (dashboard,) = of_type("AWS::CloudWatch::Dashboard").values()
    return [widget["properties"] for widget in json.loads(dashboard["DashboardBody"]["Fn::Sub"])["widgets"]]


def test_the_dashboard_names_only_what_is_there() -> None:
    (dashboard,) = of_type("AWS::CloudWatch::Dashboard").values()
    named = set(re.findall(r"\$\{(\w+)[.}]", dashboard["DashboardBody"]["Fn::Sub"]))
    assert named <= set(resources())
    assert set(of_type("AWS::Lambda::Function")) <= named
    assert set(of_type("AWS::SQS::Queue")) <= named


def test_the_dashboard_is_one_of_the_three_that_cost_nothing() -> None:
    """The free tier: three dashboards of up to 50 metrics."""
    metrics = [metric for widget in widgets() for metric in widget["metrics"] if isinstance(metric[0], str)]
    assert len(metrics) <= 50
    assert len({widget["title"] for widget in widgets()}) == len(widgets())


def test_a_search_names_the_metrics_of_this_stack() -> None:
    searches = [metric[0]["expression"] for widget in widgets() for metric in widget["metrics"] if len(metric) == 1]
    assert searches
    for search in searches:
        assert re.fullmatch(r"SEARCH\('\{\"\$\{AWS::StackName\}\",[a-z,]+\} MetricName=\"\w+\"', '\w+', 300\)", search)
