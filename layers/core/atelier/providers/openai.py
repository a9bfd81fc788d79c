"""OpenAI's image models: synchronous, with a bearer key. Source: platform.openai.com, the Images API.

It is the provider whose shape openai_shaped.py has. Older models answer with links that last an hour. An answer tells
how many tokens it took, and so what it cost: the image models of 2026 have the same prices of tokens.
"""

from collections.abc import Mapping

from atelier.catalog.gateway import Gateway
from atelier.outbound.http_client import HttpClient
from atelier.providers.openai_shaped import OpenAIShaped

URL = "https://api.openai.com"
DOLLARS_A_TOKEN = {
    "usage.input_tokens_details.text_tokens": 5e-6,
    "usage.input_tokens_details.image_tokens": 8e-6,
    "usage.output_tokens": 30e-6,
}


class OpenAI(OpenAIShaped):
    """Calls `/v1/images/generations`, or `/v1/images/edits` where the client gave pictures."""

    name = "openai"
    inputs = frozenset(
        {
            "prompt", "n", "size", "quality", "background", "moderation", "output_format", "output_compression",
            "input_fidelity",
        }
    )  # fmt: skip
    gateway = Gateway(name=name, url=f"{URL}/v1", inputs=inputs, cost=DOLLARS_A_TOKEN)

    def __init__(self, http: HttpClient, urls: Mapping[str, str]) -> None:
        super().__init__(http, urls.get(self.name, URL).rstrip("/") + "/v1")
