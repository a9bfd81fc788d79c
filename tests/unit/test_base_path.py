"""A custom domain's base path is no part of a route."""

import json
from pathlib import Path
from typing import Any

import pytest

from atelier.adapters.lambda_.router import strip_base_path

EVENT = json.loads((Path(__file__).parents[2] / "events" / "generate.json").read_text())
DOMAIN, OWN = "images.example.com", EVENT["requestContext"]["domainName"]


def stripped(public_url: str, domain: str, path: str) -> Any:
    event = {**EVENT, "path": path, "requestContext": {**EVENT["requestContext"], "domainName": domain}}
    return strip_base_path(event, public_url)["path"]


@pytest.mark.parametrize(
    ("public_url", "domain", "path", "route"),
    [
        (f"https://{DOMAIN}/api", DOMAIN, "/api/models", "/models"),
        (f"https://{DOMAIN}/v1/", DOMAIN, "/v1/v1/images", "/v1/images"),
        (f"https://{DOMAIN}/api", DOMAIN, "/api", "/"),
        (f"https://{DOMAIN}/v1", OWN, "/v1/images", "/v1/images"),  # by the API's own URL, which goes on to work
        (f"https://{DOMAIN}/api", DOMAIN, "/apiary/models", "/apiary/models"),
        (f"https://{DOMAIN}", DOMAIN, "/models", "/models"),
        ("https://{api_id}.execute-api.us-east-1.amazonaws.com/api", OWN, "/models", "/models"),
    ],
)
def test_only_a_request_by_the_domain_has_a_base_path(public_url: str, domain: str, path: str, route: str) -> None:
    assert stripped(public_url, domain, path) == route


def test_the_event_itself_stays_as_it_was() -> None:
    before = json.dumps(EVENT)
    stripped(f"https://{DOMAIN}/api", DOMAIN, "/api/models")
    assert json.dumps(EVENT) == before
