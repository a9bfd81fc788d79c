"""Settings: read once, and all that is wrong is named at once."""

from dataclasses import dataclass

import pytest

from atelier.errors import ConfigurationError
from atelier.settings import load


@dataclass(frozen=True, slots=True)
class Settings:
    """One field of each kind."""

    table_name: str
    wait_seconds: int
    allow_loopback: bool
    egress_ports: frozenset[int]


GOOD = {
    "TABLE_NAME": "t", "WAIT_SECONDS": "25", "ALLOW_LOOPBACK": "true", "EGRESS_PORTS": "443,8443", "PATH": "/bin",
}  # fmt: skip


def test_each_field_is_its_variable_in_capitals() -> None:
    assert load(Settings, GOOD) == Settings(
        table_name="t", wait_seconds=25, allow_loopback=True, egress_ports=frozenset({443, 8443})
    )


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_a_boolean_is_true_or_false(*, text: str, value: bool) -> None:
    assert load(Settings, {**GOOD, "ALLOW_LOOPBACK": text}).allow_loopback is value


@pytest.mark.parametrize(("text", "value"), [("443", {443}), ("8443,443,8443", {443, 8443})])
def test_numbers_stand_between_commas(text: str, value: set[int]) -> None:
    assert load(Settings, {**GOOD, "EGRESS_PORTS": text}).egress_ports == value


@pytest.mark.parametrize("missing", ["TABLE_NAME", "WAIT_SECONDS", "ALLOW_LOOPBACK", "EGRESS_PORTS"])
def test_one_missing_variable_is_named_alone(missing: str) -> None:
    environ = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(ConfigurationError, match=f"^{missing} is not set$"):
        load(Settings, environ)


def test_all_missing_variables_are_named_in_one_error() -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"^TABLE_NAME is not set; WAIT_SECONDS is not set; ALLOW_LOOPBACK is not set; EGRESS_PORTS is not set$",
    ):
        load(Settings, {"table_name": "t"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("WAIT_SECONDS", ""),
        ("WAIT_SECONDS", "25 s"),
        ("WAIT_SECONDS", "2.5"),
        ("ALLOW_LOOPBACK", ""),
        ("ALLOW_LOOPBACK", "True"),
        ("ALLOW_LOOPBACK", "1"),
        ("ALLOW_LOOPBACK", "no"),
        ("EGRESS_PORTS", ""),
        ("EGRESS_PORTS", "443,"),
        ("EGRESS_PORTS", "443 8443"),
        ("EGRESS_PORTS", "https"),
    ],
)
def test_a_wrong_value_is_named_without_being_shown(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} is not valid$"):
        load(Settings, {**GOOD, name: text})


def test_what_is_missing_and_what_is_wrong_come_together() -> None:
    with pytest.raises(ConfigurationError, match=r"^TABLE_NAME is not set; WAIT_SECONDS is not valid$"):
        load(Settings, {"WAIT_SECONDS": "soon", "ALLOW_LOOPBACK": "false", "EGRESS_PORTS": "443"})


def test_the_environment_is_what_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    assert load(Settings).table_name == "t"
