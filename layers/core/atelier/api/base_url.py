"""Where clients reach the API."""


def resolve_public_url(public_url: str, *, api_id: str, region: str) -> str:
    """Fill the API's id and region into the stack's public URL (a custom domain's URL has no place for them)."""
    return public_url.replace("{api_id}", api_id).replace("{region}", region).rstrip("/")
