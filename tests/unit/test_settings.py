"""Settings: read once, and all that is wrong is named at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from atelier.errors import ConfigurationError
from atelier.settings import load
from tests.cases import each


@dataclass(frozen=True, slots=True)
class Settings:
    """One field of each kind."""

    table_name: str
    wait_seconds: int
    allow_loopback: bool
    egress_ports: frozenset[int]
    model_arns: tuple[str, ...]
    provider_urls: Mapping[str, str]


GOOD = {
    "TABLE_NAME": "t", "WAIT_SECONDS": "25", "ALLOW_LOOPBACK": "true", "EGRESS_PORTS": "443,8443",
    "MODEL_ARNS": "one,two", "PROVIDER_URLS": '{"fal": "https://fal.example"}', "PATH": "/bin",
}  # fmt: skip


def test_each_field_is_its_variable_in_capitals() -> None:
    assert load(Settings, GOOD) == Settings(
        table_name="t",
        wait_seconds=25,
        allow_loopback=True,
        egress_ports=frozenset({443, 8443}),
        model_arns=("one", "two"),
        provider_urls={"fal": "https://fal.example"},
    )


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_a_boolean_is_true_or_false(*, text: str, value: bool) -> None:
    assert load(Settings, {**GOOD, "ALLOW_LOOPBACK": text}).allow_loopback is value


@pytest.mark.parametrize(("text", "value"), [("443", {443}), ("8443,443,8443", {443, 8443})])
def test_numbers_stand_between_commas(text: str, value: set[int]) -> None:
    assert load(Settings, {**GOOD, "EGRESS_PORTS": text}).egress_ports == value


@pytest.mark.parametrize(("text", "value"), [("", ()), ("one", ("one",)), ("one,two", ("one", "two"))])
def test_words_stand_between_commas_and_there_may_be_none(text: str, value: tuple[str, ...]) -> None:
    assert load(Settings, {**GOOD, "MODEL_ARNS": text}).model_arns == value


@pytest.mark.parametrize("missing", [name for name in GOOD if name != "PATH"])
def test_one_missing_variable_is_named_alone(missing: str) -> None:
    environ = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(ConfigurationError, match=f"^{missing} is not set$"):
        load(Settings, environ)


def test_all_missing_variables_are_named_in_one_error() -> None:
    with pytest.raises(
        ConfigurationError,
        match="; ".join(f"{name} is not set" for name in GOOD if name != "PATH"),
    ):
        load(Settings, {"table_name": "t"})


@each(
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
        ("PROVIDER_URLS", ""),
        ("PROVIDER_URLS", "[]"),
        ("PROVIDER_URLS", "fal=https://fal.example"),
        ("PROVIDER_URLS", '{"fal": 5}'),
    ],
)
def test_a_wrong_value_is_named_without_being_shown(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} is not valid$"):
        load(Settings, {**GOOD, name: text})


def test_what_is_missing_and_what_is_wrong_come_together() -> None:
    with pytest.raises(ConfigurationError, match=r"^TABLE_NAME is not set; WAIT_SECONDS is not valid$"):
        load(Settings, {name: text for name, text in GOOD.items() if name != "TABLE_NAME"} | {"WAIT_SECONDS": "soon"})


def test_the_environment_is_what_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    assert load(Settings).table_name == "t"
