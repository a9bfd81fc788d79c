"""Imports point inward, only adapters and functions import AWS, HTTP or Lambda, and names of tests are short."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from atelier.providers.openai_shaped import OpenAIShaped
from atelier.providers.registry import KINDS

ROOT = Path(__file__).parents[2]
CORE = ROOT / "layers" / "core" / "atelier"
FLOORS = (
    ("errors", "clock", "encoding", "chance"),
    ("settings", "logging", "standard_webhooks", "ttl_cache", "deadline"),
    ("outbound",),
    ("images", "accounts", "catalog"),
    ("providers",),
    ("generations",),
    ("webhooks",),
    ("api",),
    ("adapters",),
)
MAX_PROVIDER_LINES = 120
OUTSIDE = {"logging": {"aws_lambda_powertools"}, "drawing": {"PIL"}, "pillow.py": {"PIL"}}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_room_imports_upward() -> None:
    floors = {room: number for number, floor in enumerate(FLOORS) for room in floor}
    for path in CORE.rglob("*.py"):
        room = path.relative_to(CORE).parts[0].removesuffix(".py")
        names = [name.split(".")[1] for name in imports(path) if name.startswith("atelier.")]
        above = [name for name in names if name != room and floors[name] >= floors.get(room, 99)]
        assert not above, f"{path} imports upward: {above}"


def test_only_the_edges_import_the_outside() -> None:
    for path in CORE.rglob("*.py"):
        foreign = {name.partition(".")[0] for name in imports(path)} - set(sys.stdlib_module_names) - {"atelier"}
        allowed = set().union(*(OUTSIDE.get(part, set()) for part in (*path.parts, path.stem)))
        assert foreign <= allowed or "adapters" in path.parts, f"{path}: imports {foreign}"
        assert not foreign & {"boto3", "functions"}, f"{path}: imports {foreign}"
        assert ("PIL" in foreign) <= (path.name == "pillow.py" or "drawing" in path.parts), path


def test_a_provider_is_one_short_module() -> None:
    modules = {kind.name: sys.modules[kind.__module__] for kind in KINDS.values()}
    assert len(set(modules.values())) == len(KINDS), "two providers share a module"
    for module in (*modules.values(), sys.modules[OpenAIShaped.__module__]):
        lines = len(Path(str(module.__file__)).read_text(encoding="utf-8").splitlines())
        assert lines <= MAX_PROVIDER_LINES, f"{module.__file__}: {lines} lines; move what providers share out of it"


def test_no_test_has_a_name_over_60_characters() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        long = [name for name in names if name.startswith("test_") and len(name) > 60]
        assert not long, f"{path}: shorten {long}"
