"""Importing reads no environment, reaches no network and loads no Pillow; handlers and errors have their form."""

import ast
import subprocess
import sys
from pathlib import Path

from atelier import errors
from tests.unit.test_architecture import CORE, imports

ROOT = Path(__file__).parents[2]
LAYER = ROOT / "layers" / "core"
FUNCTIONS = sorted(path.name for path in (ROOT / "functions").iterdir() if path.is_dir())
LATE = {"PIL", "asyncio", "boto3", "cryptography", "httpcore", "httpx"}
"""What no cold start may wait for."""


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


def test_importing_the_rooms_reads_no_environment() -> None:
    paths = [path.relative_to(LAYER).with_suffix("") for path in (LAYER / "atelier").rglob("*.py")]
    names = [".".join(path.parts) for path in paths if not {"adapters", "drawing", "logging"} & set(path.parts)]
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
    assert len(names) > 60
    assert run(script) == "['CONTROL']"


def test_importing_functions_needs_no_environment() -> None:
    modules = [f"functions.{name}.app" for name in FUNCTIONS]
    script = (
        "import importlib\n"
        "sys.modules['PIL'] = None\n"
        f"done = [importlib.import_module(name).__name__ for name in {modules!r}]\n"
        f"loaded = {LATE!r} & {{name.partition('.')[0] for name in sys.modules}}\n"
        "assert loaded == {'PIL'}, loaded\n"
        "print(len(done))\n"
    )
    assert run(script) == str(len(FUNCTIONS))


def test_functions_are_adapters_with_a_handler() -> None:
    for folder in (ROOT / "functions").iterdir():
        paths = [*folder.rglob("*.py")]
        main = next(path for path in paths if path.relative_to(folder).as_posix() in ("app.py", "app/__init__.py"))
        functions = [node for node in ast.parse(main.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
        handlers = [node for node in functions if node.name == "handler"]
        assert [ast.unparse(node.args) for node in handlers] == ["event: dict[str, Any], context: Any"], folder
        foreign = {name.partition(".")[0] for path in paths for name in imports(path)} - set(sys.stdlib_module_names)
        assert foreign == {"atelier"}, f"{folder} imports {foreign}"


def test_only_the_settings_read_the_environment() -> None:
    for path in [*CORE.rglob("*.py"), *(ROOT / "functions").rglob("*.py")]:
        tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        names = {node.attr for node in tree if isinstance(node, ast.Attribute)} | set(imports(path))
        touched = names & {"environ", "environb", "getenv", "os.environ", "os.getenv", "putenv"}
        assert touched == ({"environ"} if path == CORE / "settings.py" else set()), path


def test_every_error_is_drawn_in_the_tree() -> None:
    def below(kind: type[errors.AtelierError]) -> set[str]:
        return {kind.__name__}.union(*(below(child) for child in kind.__subclasses__()))

    assert below(errors.AtelierError) <= set((errors.__doc__ or "").split())
