"""Settings: each function has a frozen dataclass of its own; a field is a variable of the same name in capitals."""

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from atelier.errors import ConfigurationError

T = TypeVar("T")


def load(kind: type[T], environ: Mapping[str, str] = os.environ) -> T:
    """Read a settings dataclass from the environment; ConfigurationError names all that is missing or wrong."""
    values: dict[str, Any] = {}
    faults = []
    for field in fields(kind):  # type: ignore[arg-type]
        variable = field.name.upper()
        try:
            values[field.name] = _READERS[field.type](environ[variable])
        except KeyError:
            faults.append(f"{variable} is not set")
        except ValueError:
            faults.append(f"{variable} is not valid")
    if faults:
        raise ConfigurationError("; ".join(faults))
    return kind(**values)


def endpoint_url() -> str | None:
    """Return the address of an emulator of AWS, which the SDKs' own variable names; None on AWS."""
    return os.environ.get("AWS_ENDPOINT_URL")


def is_snapshot() -> bool:
    """Tell whether this process is being prepared for a snapshot, from which sandboxes then start (SnapStart)."""
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _numbers(text: str) -> frozenset[int]:
    return frozenset(int(number) for number in text.split(","))


def _words(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def _names(text: str) -> Mapping[str, str]:
    document = json.loads(text)
    if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
        raise ValueError(text)
    return document


_READERS: Mapping[Any, Any] = {
    str: str,
    int: int,
    bool: _boolean,
    frozenset[int]: _numbers,
    tuple[str, ...]: _words,
    Mapping[str, str]: _names,
}
