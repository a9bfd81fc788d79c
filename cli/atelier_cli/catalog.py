"""Checking a catalog as the stack does, and more: against what the providers take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from atelier.catalog.model import endings, load, mismatches
from atelier.errors import ConfigurationError
from atelier.providers.registry import KINDS
from atelier_cli.errors import CatalogError

if TYPE_CHECKING:
    from pathlib import Path


def check_file(path: Path) -> str:
    """Say what a good catalog holds; CatalogError says what is wrong with another."""
    try:
        catalog = load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ConfigurationError) as exc:
        raise CatalogError(f"{path}: {exc}") from exc
    if found := list(mismatches(catalog, {name: kind.inputs for name, kind in KINDS.items()})):
        raise CatalogError(f"{path}: {'; '.join(found)}")
    today = datetime.now(UTC).date()
    ending_soon = endings(catalog, today)
    if ended := [str(ending) for ending in ending_soon if ending.has_ended]:
        raise CatalogError(f"{path}: {'; '.join(ended)}")
    providers = {route.provider for model in catalog.models.values() for route in model.routes}
    good = f"{path} is good: {len(catalog.models)} models, {len(providers)} providers."
    return "\n".join([good, *(f"Warning: {ending}." for ending in ending_soon)])
