"""Who may import whom, and what an import may do."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from atelier import errors

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers" / "core"
MODULES = sorted((LAYER / "atelier").rglob("*.py"))
ADAPTERS = [path for path in MODULES if "adapters" in path.parts]
DRAWING = [path for path in MODULES if "drawing" in path.parts]
OBSERVABILITY = LAYER / "atelier" / "observability.py"
DOMAIN = [path for path in MODULES if path not in (*ADAPTERS, *DRAWING, OBSERVABILITY)]
FUNCTIONS = sorted((ROOT / "functions").glob("*/app.py"))
WITHOUT_PILLOW = {"generate", "webhook", "notify", "deliver", "reconcile", "console"}
STANDARD = frozenset(sys.stdlib_module_names)


def label(path: Path) -> str:
    """Name a file in a test's id."""
    return str(path.relative_to(ROOT))


def module(path: Path) -> str:
    """Name a file as Python does."""
    return ".".join(path.relative_to(LAYER).with_suffix("").parts).removesuffix(".__init__")


def tree(path: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Name whatever a file imports, anywhere in it; a relative import is one of its own package."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = path.relative_to(ROOT / "layers" / "core").parent.parts if node.level else ()
            start = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
            yield start
            yield from (f"{start}.{alias.name}" for alias in node.names)


def roots(path: Path) -> set[str]:
    """Name the distributions that a file imports, without the standard library."""
    return {name.partition(".")[0] for name in imports(path)} - STANDARD


def run(script: str) -> str:
    """Run a script with our code, no environment, and no network; return what it prints."""
    guard = (
        "import sys\n"
        "def guard(event, args):\n"
        "    if event.startswith(('socket.', 'subprocess.', 'os.system', 'os.posix_spawn')):\n"
        "        raise RuntimeError(event)\n"
        f"sys.path[:0] = [{str(ROOT)!r}, {str(LAYER)!r}]\n"
        "sys.addaudithook(guard)\n"
    )
    command = [sys.executable, "-I", "-c", guard + script]
    result = subprocess.run(command, env={}, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_there_is_something_to_look_at() -> None:
    assert len(DOMAIN) > 20
    assert len(ADAPTERS) > 8
    assert len(FUNCTIONS) == 8
    assert LAYER / "atelier" / "steps" / "dispatch.py" in DOMAIN
    assert LAYER / "atelier" / "providers" / "sketch.py" in DOMAIN


@pytest.mark.parametrize("path", DOMAIN, ids=label)
def test_the_domain_imports_nothing_but_itself(path: Path) -> None:
    assert roots(path) <= {"atelier"}
    assert not [name for name in imports(path) if name.startswith(("atelier.adapters", "atelier.observability"))]


@pytest.mark.parametrize("path", DRAWING, ids=label)
def test_the_drawing_imports_nothing_but_pillow(path: Path) -> None:
    assert roots(path) <= {"atelier", "PIL"}
    assert all(name.startswith("atelier.drawing") for name in imports(path) if name.startswith("atelier"))


def test_the_logs_import_nothing_but_powertools() -> None:
    assert roots(OBSERVABILITY) == {"atelier", "aws_lambda_powertools"}


@pytest.mark.parametrize("path", ADAPTERS, ids=label)
def test_an_adapter_imports_no_function_and_pillow_is_for_imaging(path: Path) -> None:
    assert "functions" not in roots(path)
    assert "boto3" not in roots(path)
    assert ("PIL" in roots(path)) is (path.name == "imaging.py")


@pytest.mark.parametrize("path", FUNCTIONS, ids=label)
def test_a_function_is_an_adapter_with_a_handler(path: Path) -> None:
    handlers = [node for node in tree(path).body if isinstance(node, ast.FunctionDef) and node.name == "handler"]
    assert [[argument.arg for argument in node.args.args] for node in handlers] == [["event", "context"]]
    assert roots(path) <= {"atelier", "aws_lambda_powertools"}
    assert "os" not in set(imports(path))


@pytest.mark.parametrize("path", [*MODULES, *FUNCTIONS], ids=label)
def test_only_the_settings_know_the_environment(path: Path) -> None:
    names = {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)} | set(imports(path))
    touched = names & {"environ", "environb", "getenv", "os.environ", "os.getenv", "putenv"}
    assert touched == ({"environ"} if path.name == "settings.py" and path not in DRAWING else set())


@pytest.mark.parametrize("path", MODULES, ids=label)
def test_whatever_is_public_has_a_docstring(path: Path) -> None:
    def overload(node: ast.ClassDef | ast.FunctionDef) -> bool:
        return any(isinstance(item, ast.Name) and item.id == "overload" for item in node.decorator_list)

    def missing(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
        for child in node.body:
            if isinstance(child, ast.ClassDef | ast.FunctionDef) and not child.name.startswith("_"):
                if ast.get_docstring(child) is None and not overload(child):
                    yield prefix + child.name
                if isinstance(child, ast.ClassDef):
                    yield from missing(child, f"{prefix}{child.name}.")

    assert ast.get_docstring(tree(path))
    assert list(missing(tree(path), "")) == []


def test_every_error_is_drawn_in_the_tree() -> None:
    def below(kind: type[errors.AtelierError]) -> set[str]:
        return {kind.__name__}.union(*(below(child) for child in kind.__subclasses__()))

    drawn = (errors.__doc__ or "").split()
    assert [name for name in sorted(below(errors.AtelierError)) if name not in drawn] == []


def test_importing_the_domain_reads_no_environment() -> None:
    names = [module(path) for path in DOMAIN]
    script = (
        "import importlib, os\n"
        "reads = []\n"
        "class Recorder(dict):\n"
        "    def __getitem__(self, key):\n"
        "        reads.append(key)\n"
        "        return super().__getitem__(key)\n"
        "    def get(self, key, default=None):\n"
        "        reads.append(key)\n"
        "        return super().get(key, default)\n"
        "    def __contains__(self, key):\n"
        "        reads.append(key)\n"
        "        return super().__contains__(key)\n"
        "os.environ = Recorder()\n"
        "os.getenv('CONTROL')\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        "print(reads)\n"
    )
    assert run(script) == "['CONTROL']"


def test_importing_functions_needs_no_environment_and_no_network_and_most_need_no_pillow() -> None:
    light = [f"functions.{name}.app" for name in sorted(WITHOUT_PILLOW)]
    heavy = [f"functions.{path.parent.name}.app" for path in FUNCTIONS if path.parent.name not in WITHOUT_PILLOW]
    script = (
        "import importlib\n"
        "sys.modules['PIL'] = None\n"
        f"done = [importlib.import_module(name).__name__ for name in {light!r}]\n"
        "del sys.modules['PIL']\n"
        f"done += [importlib.import_module(name).__name__ for name in {heavy!r}]\n"
        "assert 'boto3' not in sys.modules\n"
        "print(len(done))\n"
    )
    assert run(script) == str(len(FUNCTIONS))
