"""The cookie that carries the console's session."""

from urllib.parse import urlsplit

from atelier.accounts.session import LIFETIME

COOKIE = "atelier_console"


def cookie_of(header: str | None) -> str | None:
    """Find the console's cookie in a Cookie header."""
    for part in (header or "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return None


def set_cookie(sealed: str, console_url: str) -> str:
    """Write a Set-Cookie header for the browser, which sends it back to the console only and shows it to no script."""
    return _cookie(sealed, console_url, LIFETIME // 1_000)


def clear_cookie(console_url: str) -> str:
    """Write a Set-Cookie header that makes the browser forget the session."""
    return _cookie("", console_url, 0)


def _cookie(value: str, console_url: str, seconds: int) -> str:
    url = urlsplit(console_url)
    secure = "" if url.scheme == "http" else "; Secure"
    return f"{COOKIE}={value}; Max-Age={seconds}; Path={url.path}; HttpOnly; SameSite=Strict{secure}"
