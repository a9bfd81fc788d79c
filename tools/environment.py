"""Make a virtual environment from a requirements file, and show the progress; it needs nothing but Python itself.

python3 -m tools.environment .venv requirements/dev.txt
"""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

NEWS = re.compile(r"(Collecting|Requirement already satisfied:) |Installing collected packages|Building wheel")
REPORT_SECONDS = 10


def make(folder: Path, requirements: Path) -> None:
    """Make the environment anew; SystemExit with the end of what venv or pip said where that fails."""
    started = time.monotonic()
    print(f"> Installing {requirements} into {folder}", flush=True)
    if folder.is_symlink():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)  # one that another Python made, or that was not finished
    venv = [sys.executable, "-m", "venv", str(folder)]
    made = subprocess.run(venv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if made.returncode:
        raise SystemExit(f"{made.stdout}Cannot make {folder} with {sys.executable}; mend the cause and run make again.")
    pip: list[str | Path] = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    command = [*pip, "install", "--requirement", requirements]
    wanted = sum(bool(re.match(r"[A-Za-z0-9]", line)) for line in requirements.read_text().splitlines())
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        _follow(process, wanted, said)
    if process.returncode:
        raise SystemExit("".join(said[-15:]) + f"Cannot install {requirements}; mend the cause and run make again.")
    print(f"    {time.monotonic() - started:.0f} s", flush=True)


def _follow(process: "subprocess.Popen[str]", wanted: int, said: list[str]) -> None:
    """Read what pip says, and count the packages: on one line of a terminal, or every few seconds elsewhere."""
    collected, shown = 0, time.monotonic()
    for line in process.stdout or ():
        said.append(line)
        if not (found := NEWS.match(line.strip())):
            continue
        collected += bool(found[1])
        text = f"    {collected} of {wanted} packages" if found[1] else f"    {line.strip().split(': ')[0].lower()}"
        if sys.stdout.isatty():
            print(f"\r\033[K{text[:78]}", end="", flush=True)
        elif time.monotonic() - shown > REPORT_SECONDS:
            print(text[:78], flush=True)
            shown = time.monotonic()
    if sys.stdout.isatty():
        print("\r\033[K", end="", flush=True)


if __name__ == "__main__":
    try:
        make(Path(sys.argv[1]), Path(sys.argv[2]))
    except KeyboardInterrupt:
        print("\nInterrupted; run make again to go on.", file=sys.stderr)
        sys.exit(130)
