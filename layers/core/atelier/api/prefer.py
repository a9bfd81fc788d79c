"""The Prefer header (RFC 7240)."""

import re

_WAIT = re.compile(r"wait\s*=\s*\"?(\d{1,6})\"?")


def parse_wait(prefer: str | None, *, webhook: str | None, limit: int) -> tuple[int, str | None]:
    """Read a Prefer header: how many seconds to wait, and the preference that was applied.

    Both together mean to wait that long, and then to answer that it goes on (RFC 7240, section 4.3).
    """
    preferences = [item.partition(";")[0].strip().lower() for item in (prefer or "").split(",")]
    for preference in preferences:
        if match := _WAIT.fullmatch(preference):
            seconds = min(int(match[1]), limit)
            return seconds, f"wait={seconds}"
    if "respond-async" in preferences:
        return 0, "respond-async"
    return (0 if webhook else limit), None
