"""Measures outages in simulated time: a provider that refuses or hangs, and a webhook's host that is down for days.

The real use cases run on stores in memory (`tests/simulation/outages.py`); reconcile comes each minute.

    .venv/bin/python benchmarks/outages.py [--deliveries 1500] [--write]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "core")]

from atelier.clock import HOUR, MINUTE, SECOND  # noqa: E402
from atelier.generations.model import Status  # noqa: E402
from atelier.webhooks.schedule import MAX_AGE  # noqa: E402
from benchmarks import page  # noqa: E402
from tests.simulation.outages import Generating, Webhooks  # noqa: E402
from tests.unit.fakes import NOW  # noqa: E402

FOR_GOOD = 1_000 * HOUR


def provider_row(what: str, room: Generating, minutes: int) -> str:
    """Let some minutes pass, and tell what became of the generations."""
    room.run(minutes)
    waited, runs = room.waited(), sorted(room.runs.values())
    done = room.statuses()[Status.SUCCESS]
    cells = [what, f"{done} of {len(room.all)}", _span(waited, SECOND, "s"), str(runs[-1]), str(room.outage.called)]
    return "| " + " | ".join(cells) + " |"


def providers() -> str:
    """Write the table of providers' outages."""
    rows = [
        provider_row("answers 503 for good, 40 wait", Generating(40, down=FOR_GOOD, hangs=False), 12),
        provider_row("answers 503 for good, 500 wait", Generating(500, down=FOR_GOOD, hangs=False), 12),
        provider_row("answers 503 for five minutes, 40 wait", Generating(40, down=5 * MINUTE, hangs=False), 12),
        provider_row(
            "takes jobs and hangs for 30 s, calls back after 50 s, 40 wait",
            Generating(40, down=FOR_GOOD, hangs=True, work=50 * SECOND), 12,
        ),
        provider_row(
            "answers 503 for good, another serves the model, 100 wait",
            Generating(100, down=FOR_GOOD, hangs=False, model="shared"), 2,
        ),
    ]  # fmt: skip
    return "\n".join(["| the provider | pictures | told after | runs each, at most | calls that may cost |",
                      "|---|---|---|---|---|", *rows])  # fmt: skip


def receivers(count: int) -> str:
    """Write the table of a host that is down for good."""
    webhooks = Webhooks(count, down=FOR_GOOD)
    webhooks.timeline.run(NOW + MAX_AGE + HOUR)
    last = sorted(times[-1] - int(name[:12], 16) for name, times in webhooks.host.attempts.items())
    rows = {
        "deliveries, one each second": str(count),
        "attempts each": _span(sorted(map(len, webhooks.host.attempts.values())), 1, ""),
        "the last attempt after": _span(last, HOUR, "h"),
        "given up after": _span(sorted(webhooks.ended.values()), HOUR, "h"),
        "runs each": _span(sorted(webhooks.runs.values()), 1, ""),
    }
    return "\n".join(["| | least, median, most |", "|---|---|", *(f"| {name} | {it} |" for name, it in rows.items())])


def _span(values: Sequence[int], unit: int, name: str) -> str:
    """Write the least, the median and the greatest of sorted values; nothing where there are none."""
    if not values:
        return ""
    shown = [f"{value / unit:.1f}" if unit > SECOND else f"{value / unit:.0f}" for value in
             (values[0], values[len(values) // 2], values[-1])]  # fmt: skip
    return f"{', '.join(shown)} {name}".strip()


def main() -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--deliveries", type=int, default=1_500)
    parser.add_argument("--write", action="store_true", help="put the results into docs/reliability.md")
    arguments = parser.parse_args()
    for name, found in {"providers": providers(), "receivers": receivers(arguments.deliveries)}.items():
        text = f"{found}\n\n{page.machine()}"
        print(text, flush=True)
        if arguments.write:
            page.put("reliability.md", name, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
