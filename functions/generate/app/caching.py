"""The Cache-Control of the API's answers."""

OWN = "private, no-cache"
"""A user's own documents: only the client may keep a copy, and asks each time whether it is still good."""

CATALOG = "public, max-age=60"
"""The catalog: anyone may keep a copy for a minute."""
