"""Stability's models on Amazon Bedrock: synchronous, with the function's own role. Source: the Bedrock user guide.

Called: InvokeModel, which adapters/bedrock.py makes and whose errors it sorts, with the client's picture and mask in
base64; it answers with pictures in base64, and for each a reason where there is none. Calls back, polled, cancelled:
never. GetFoundationModelAvailability, which is free, tells whether the account may invoke a listed model.
The client's fault: ValidationException, and a reason of the content filter. Passes: throttling, quotas, 5xx, no
connection, and a reason of the model's own. Unknown: no answer once the request was sent, a model's timeout, an answer
without a picture.
"""

import base64
import json
from collections.abc import Iterable

from atelier.errors import ProviderBusyError, ProviderCredentialsError, ProviderRejectedError
from atelier.providers import http_responses
from atelier.providers.ports import ModelAccess, ModelInvoker
from atelier.providers.provider import GENERATING, Job, Outcome
from atelier.providers.stability import with_mode
from atelier.providers.synchronous import Synchronous, finished, listed, only_picture


class Bedrock(Synchronous):
    """Invokes a Stability model by its id, or its inference profile's."""

    name = "bedrock"
    needs_key = False
    takes_key = False
    needs_listing = True
    inputs = frozenset(
        {
            "prompt", "negative_prompt", "aspect_ratio", "seed", "output_format", "strength", "left", "right", "up",
            "down", "creativity", "grow_mask",
        }
    )  # fmt: skip

    def __init__(self, models: ModelInvoker, access: ModelAccess | None = None, arns: Iterable[str] = ()) -> None:
        self._models = models
        self._access = access
        self._arns = arns

    def check(self, key: str | None) -> None:
        """Ask whether each listed model may be invoked; dispatch, which has no `access`, asks nothing.

        ProviderCredentialsError where no model is listed.
        """
        if self._access is None:
            return
        models = sorted({_foundation_model(arn) for arn in self._arns})
        if not models:
            raise ProviderCredentialsError(
                f"The provider {self.name} may invoke no model; list the models' ARNs in BedrockModelArns."
            )
        for model in models:
            self._access.check(model)

    def submit(self, job: Job) -> Outcome:
        """Ask for the picture, and wait for it."""
        body = with_mode(job) if job.tool in GENERATING else dict(job.input)
        for name, image in (("image", only_picture(self.name, job)), ("mask", job.mask)):
            if image:
                body[name] = base64.b64encode(image.content).decode()
        answer = http_responses.document(self._models.invoke(job.model, json.dumps(body).encode()))
        match listed(answer.get("finish_reasons")):
            case [str(reason), *_] if reason.startswith("Filter reason"):
                raise ProviderRejectedError(http_responses.moderation(self.name, reason))
            case [str(reason), *_]:
                raise ProviderBusyError(http_responses.failure(self.name, reason))
        return finished(self.name, listed(answer.get("images")))


def _foundation_model(arn: str) -> str:
    """Name the model of an ARN; an inference profile's id is its model's, after the name of its regions."""
    name = arn.rpartition("/")[2]
    return name.partition(".")[2] if ":inference-profile/" in arn else name
