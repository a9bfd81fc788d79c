"""The exceptions of the template's linters, and the template that the linters read."""

import tomllib

import pytest

from tools.check_template import EXCEPTIONS, LINTERS, Finding, unexplained
from tools.translate import resolved

QUEUE = Finding("SQS_1", "IngestQueue", "a queue is not encrypted")


def test_every_exception_has_a_reason() -> None:
    exceptions = tomllib.loads(EXCEPTIONS.read_text())
    assert set(exceptions) <= set(LINTERS)
    for rules in exceptions.values():
        for rule, exception in rules.items():
            assert set(exception) == {"on", "reason"}, rule
            assert exception["on"], rule
            assert len(exception["reason"].split()) >= 2, rule


@pytest.mark.parametrize(
    ("patterns", "wrong"),
    [
        (["IngestQueue"], []),
        (["*Queue"], []),
        (["*Table"], ["linter SQS_1 on IngestQueue", "linter SQS_1 finds nothing on *Table"]),
        (["*Queue", "Other"], ["linter SQS_1 finds nothing on Other"]),
    ],
)
def test_findings_and_exceptions_must_match(patterns: list[str], wrong: list[str]) -> None:
    lines = unexplained("linter", {QUEUE}, {"SQS_1": {"on": patterns, "reason": "because"}})
    assert len(lines) == len(wrong)
    assert all(line.startswith(start) for line, start in zip(lines, wrong, strict=True))


def test_a_finding_without_exception_is_wrong() -> None:
    assert unexplained("linter", {QUEUE}, {}) == ["linter SQS_1 on IngestQueue: a queue is not encrypted"]


def test_resolving_leaves_no_condition() -> None:
    template = {
        "Parameters": {"On": {"Type": "String", "Default": "no"}, "Arns": {"Type": "CommaDelimitedList"}},
        "Conditions": {
            "IsOn": {"Fn::Equals": [{"Ref": "On"}, "yes"]},
            "HasArns": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": [",", {"Ref": "Arns"}]}, ""]}]},
            "Both": {"Fn::And": [{"Condition": "IsOn"}, {"Condition": "HasArns"}]},
        },
        "Resources": {
            "Always": {"Type": "A", "Properties": {"X": {"Fn::If": ["IsOn", 1, {"Ref": "AWS::NoValue"}]}, "Y": 2}},
            "Sometimes": {"Type": "B", "Condition": "Both", "Properties": {"Z": {"Ref": "Always"}}},
        },
    }
    assert resolved(template)["Resources"] == {"Always": {"Type": "A", "Properties": {"Y": 2}}}
    assert resolved(template, On="yes", Arns="arn")["Resources"] == {
        "Always": {"Type": "A", "Properties": {"X": 1, "Y": 2}},
        "Sometimes": {"Type": "B", "Properties": {"Z": {"Ref": "Always"}}},
    }
