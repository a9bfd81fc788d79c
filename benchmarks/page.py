"""Puts a benchmark's result into a page of docs/, between two comments that name it."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"


def put(page: str, name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- end of name -->`; ValueError where they are missing."""
    path = DOCS / page
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    content = path.read_text(encoding="utf-8")
    before, after = content.index(begin), content.index(end)
    path.write_text(f"{content[:before]}{begin}\n{text}\n{content[after:]}", encoding="utf-8")


def read(page: str, name: str) -> str:
    """Return what stands between the comments."""
    content = (DOCS / page).read_text(encoding="utf-8")
    return content.partition(f"<!-- {name} -->")[2].partition(f"<!-- end of {name} -->")[0]


def machine() -> str:
    """Name the day and the machine's class."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = next(
        (line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name")), "?"
    )
    version = ".".join(map(str, sys.version_info[:2]))
    day = datetime.now(UTC).date().isoformat()
    return f"Measured on {day}: {os.cpu_count()} processors ({model}), Python {version}, load {os.getloadavg()[0]:.0f}."
