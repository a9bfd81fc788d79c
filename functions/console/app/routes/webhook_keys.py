"""The public keys that verify webhooks, which anyone may read."""

from aws_lambda_powertools.event_handler.api_gateway import Response

from atelier.adapters import ed25519
from atelier.adapters.lambda_.router import Router, answer
from atelier.standard_webhooks import derive_seed, public_key_text

from ..dependencies import dependencies

router = Router()


@router.get("/.well-known/webhook-keys")
def webhook_keys() -> Response[str]:
    """List the public keys that verify webhooks' asymmetric signatures."""
    key = ed25519.public_key(derive_seed(dependencies().signing_key()))
    return answer(200, {"keys": [public_key_text(key)]}, {"Cache-Control": "public, max-age=3600"})
