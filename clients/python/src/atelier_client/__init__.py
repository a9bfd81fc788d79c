"""A client of an Atelier image-generation API: `Atelier` and `AsyncAtelier`, and `verify_webhook` for receivers."""

from atelier_client.client import AsyncAtelier, Atelier
from atelier_client.errors import (
    ApiError,
    AtelierError,
    GenerationFailedError,
    UnavailableError,
    WaitTimeoutError,
    WebhookVerificationError,
)
from atelier_client.flows import Download
from atelier_client.models import Account, FieldError, File, Generation, Model, Page, Picture, Status
from atelier_client.webhooks import verify_webhook

__all__ = [
    "Account",
    "ApiError",
    "AsyncAtelier",
    "Atelier",
    "AtelierError",
    "Download",
    "FieldError",
    "File",
    "Generation",
    "GenerationFailedError",
    "Model",
    "Page",
    "Picture",
    "Status",
    "UnavailableError",
    "WaitTimeoutError",
    "WebhookVerificationError",
    "verify_webhook",
]
