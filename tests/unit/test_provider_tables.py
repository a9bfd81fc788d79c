"""docs/providers.md and the README say what the catalog and the providers' code say."""

from pathlib import Path

import pytest

from atelier.catalog.model import embedded
from atelier.providers.registry import kinds
from tools.provider_tables import FILES, filled, name, tables


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_page_has_the_tables_that_the_code_makes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert filled(text) == text, "run `make tables`"


def test_each_table_stands_on_a_page() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    for title, table in tables().items():
        assert text.count(f"<!-- {title} -->") == 1
        assert table in text


def test_a_providers_tools_stand_in_its_row() -> None:
    head, _, *rows = [line.strip("| ").split(" | ") for line in tables()["features"].splitlines()]
    found = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    assert set(head[1:]) == {f"`{tool}`" for tool in embedded().tools}
    assert set(found) == {name(provider) for provider in kinds(embedded())}
    recraft = {"`text-to-image`": "1, from 0.04", "`edit-image`": "1, from 0.04", "`inpaint`": "1, from 0.04"}
    assert found["Recraft"] == {"provider": "Recraft", **dict.fromkeys(head[1:], "–"), **recraft}
    assert found["OpenAI"]["`inpaint`"] == "2, from 0.0015"
    assert found["sketch"]["`upscale`"] == "1, free"


def test_every_provider_model_and_price_is_there() -> None:
    text, catalog = FILES[0].read_text(encoding="utf-8"), embedded()
    for provider in kinds(catalog):
        assert f"| {name(provider)} |" in text
    for slug, model in catalog.models.items():
        for route in model.routes:
            assert f"| `{slug}` | {name(route.provider)} | `{route.model.partition(':')[0]}` |" in text
