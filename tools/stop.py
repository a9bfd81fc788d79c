"""`make stop`: end the local stack's emulator. Any Python 3 runs this, without an environment.

The stack's data and keys stay in .local, and `make run` goes on with them.
"""

import json
import os
import shutil
import signal
import sys
import time
import urllib.request
from pathlib import Path

EMULATOR_FILE = Path(__file__).resolve().parent.parent / ".local" / "emulator.json"
PATIENCE_SECONDS = 30


def stop(emulator_file: Path) -> str:
    """End the emulator that the file names, and say what was done."""
    try:
        emulator = json.loads(emulator_file.read_text())
    except FileNotFoundError:
        return "The stack is not up."
    if not _answers(emulator["endpoint"]):  # its process id may be another's by now
        emulator_file.unlink()
        return "The stack is not up any more."
    end(emulator["pid"])
    shutil.rmtree(emulator.get("scratch", ""), ignore_errors=True)  # an older release names none
    emulator_file.unlink()
    return "The stack is down. `make run` goes on with its data and keys, in .local; `make clean` deletes them."


def end(pid: int) -> None:
    """End a process and its group: by a request, which lets it save what it holds, then by force."""
    try:
        os.killpg(pid, signal.SIGTERM)
        for _ in range(PATIENCE_SECONDS * 10):
            if not _alive(pid):
                return
            time.sleep(0.1)
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _alive(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG) != (0, 0):
            return False
    except ChildProcessError:  # started by an earlier command
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(endpoint + "/_ministack/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    print(stop(EMULATOR_FILE))
    sys.exit(0)
