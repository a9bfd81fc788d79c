"""Pictures in terminals that can show them: Kitty's protocol, and iTerm2's.

https://sw.kovidgoyal.net/kitty/graphics-protocol/ and https://iterm2.com/documentation-images.html
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CHUNK = 4096
_COLUMNS = 40


def encoder(environment: Mapping[str, str]) -> Callable[[bytes, str], str] | None:
    """Choose how the terminal that this environment describes takes a picture; None where it takes none."""
    program, terminal = environment.get("TERM_PROGRAM", ""), environment.get("TERM", "")
    if "TMUX" in environment or terminal.startswith("screen"):
        return None  # neither protocol passes unless the multiplexer is set up for it
    if "KITTY_WINDOW_ID" in environment or terminal in ("xterm-kitty", "xterm-ghostty"):
        return kitty
    return iterm if program in ("iTerm.app", "WezTerm") else None


def kitty(content: bytes, content_type: str) -> str:
    """Encode a PNG for Kitty and its kin; the protocol has no other format of files."""
    if content_type != "image/png":
        return ""
    data = base64.b64encode(content).decode()
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    parts = []
    for number, chunk in enumerate(chunks):
        head = f"a=T,f=100,c={_COLUMNS}," if number == 0 else ""
        parts.append(f"\x1b_G{head}m={int(number < len(chunks) - 1)};{chunk}\x1b\\")
    return "".join(parts)


def iterm(content: bytes, content_type: str) -> str:
    """Encode a picture of any kind for iTerm2 and WezTerm."""
    del content_type
    data = base64.b64encode(content).decode()
    return f"\x1b]1337;File=inline=1;size={len(content)};width={_COLUMNS}:{data}\a"
