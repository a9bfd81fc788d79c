"""Simulators of providers that speak OpenAI's Images API with differences: xAI, OpenRouter, Together and Recraft."""

import base64
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from PIL import Image

from tests.simulators.server import Job, Reply, Request
from tests.simulators.synchronous import SynchronousSimulator


class GatewaySimulator(SynchronousSimulator):
    """Takes `POST {base}{generations}` and `{edits}`, and nothing that its provider does not know."""

    base = "/v1"
    generations = "/images/generations"
    edits = "/images/generations"
    check = "/models"
    known: frozenset[str]
    picture_field = ""

    @property
    def urls(self) -> Mapping[str, str]:
        """Its one address, with the version."""
        return {self.name: self.url + self.base}

    def respond(self, request: Request) -> Reply | None:
        """Answer a call."""
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return self.refusal(401, "Incorrect API key provided.")
        if (request.method, request.path) == ("GET", self.base + self.check):
            return Reply(200, {"data": []})
        document = request.document
        edits = self.picture_field in document
        path = self.path(document)
        if (request.method, request.path) != ("POST", self.base + path):
            return self.refusal(404, "Not found")
        if strange := set(document) - self.known - {"model", "prompt", "n", self.picture_field}:
            return self.refusal(400, f"unknown parameters: {sorted(strange)}")
        if edits and not self.takes(document[self.picture_field]):
            return self.refusal(422, "the pictures cannot be read")
        if fault := self.fault(document):
            return self.refusal(400, fault)
        return self.answer(str(document.get("model")), document, document.get("prompt"))

    def path(self, document: Mapping[str, Any]) -> str:
        """Return where a call must go."""
        return self.edits if self.picture_field in document else self.generations

    def takes(self, pictures: Any) -> bool:
        """Tell whether pictures are in the provider's form."""
        return False

    def fault(self, document: Mapping[str, Any]) -> str | None:
        """Say what else is wrong with a call."""
        return None

    def success(self, job: Job) -> Reply:
        """Send the pictures in base64."""
        return Reply(200, {"created": 0, "data": [{"b64_json": picture} for picture in self.drawn(job)]})

    def unsafe(self, job: Job) -> Reply:
        """Refuse it as OpenAI does."""
        error = {"message": "Your request was rejected.", "code": "content_policy_violation"}
        return Reply(400, {"error": error})

    def failed(self, job: Job) -> Reply:
        """Answer without a picture."""
        return Reply(200, {"created": 0, "data": []})

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error."""
        return Reply(status, {"error": {"message": words}})


class XaiSimulator(GatewaySimulator):
    """Tells what a filter took out by `respect_moderation`, and the cost in ticks, 10^10 a dollar."""

    name = "xai"
    edits = "/images/edits"
    known = frozenset({"aspect_ratio", "resolution", "quality", "response_format"})
    picture_field = "images"
    ticks = 200_000_000

    def takes(self, pictures: Any) -> bool:
        """Take objects with a data URL."""
        return all(set(one) == {"url", "type"} and one["url"].startswith("data:image/") for one in pictures)

    def success(self, job: Job) -> Reply:
        """Send the pictures with the cost."""
        data = [{"b64_json": one, "revised_prompt": "", "respect_moderation": True} for one in self.drawn(job)]
        return Reply(200, {"data": data, "usage": {"cost_in_usd_ticks": self.ticks * len(data)}})

    def unsafe(self, job: Job) -> Reply:
        """Say that the filter took the pictures out, with a 200."""
        return Reply(200, {"data": [{"url": "", "respect_moderation": False}] * self.wanted(job)})

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error."""
        return Reply(status, {"code": "Client specified an invalid argument", "error": words})


class OpenRouterSimulator(GatewaySimulator):
    """Takes references beside the prompt, and tells the cost in dollars."""

    name = "openrouter"
    base = "/api/v1"
    generations = edits = "/images"
    check = "/key"
    known = frozenset({"aspect_ratio", "resolution", "seed", "quality"})
    picture_field = "input_references"

    def takes(self, pictures: Any) -> bool:
        """Take objects as in chat completions."""
        return all(one["type"] == "image_url" and one["image_url"]["url"].startswith("data:") for one in pictures)

    def success(self, job: Job) -> Reply:
        """Send the pictures with the cost."""
        data = [{"b64_json": picture, "media_type": "image/png"} for picture in self.drawn(job)]
        return Reply(200, {"created": 0, "data": data, "usage": {"cost": 0.04 * len(data)}})

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error, whose code is a number."""
        return Reply(status, {"error": {"code": status, "message": words}})


class TogetherSimulator(GatewaySimulator):
    """Takes sides in pixels, and wants base64 by another name."""

    name = "together"
    known = frozenset({"width", "height", "steps", "seed", "response_format"})
    picture_field = "reference_images"

    def takes(self, pictures: Any) -> bool:
        """Take data URLs."""
        return all(one.startswith("data:") for one in pictures)

    def success(self, job: Job) -> Reply:
        """Send the pictures as they were asked for."""
        if job.input.get("response_format") == "base64":
            return super().success(job)
        return Reply(200, {"data": [{"index": n, "url": url} for n, url in enumerate(self.pictures(job))]})


class RecraftSimulator(GatewaySimulator):
    """Answers with URLs where it is not asked for base64, and tells the cost in units, 1000 a dollar."""

    name = "recraft"
    edits = "/images/imageToImage"
    inpaint = "/images/inpaint"
    check = "/users/me"
    known = frozenset({"style", "size", "response_format", "strength", "mask_url"})
    picture_field = "image_url"

    def path(self, document: Mapping[str, Any]) -> str:
        """Tell a call with a mask from one without."""
        return self.inpaint if "mask_url" in document else super().path(document)

    def takes(self, pictures: Any) -> bool:
        """Take one data URL."""
        return isinstance(pictures, str) and pictures.startswith("data:image/")

    def fault(self, document: Mapping[str, Any]) -> str | None:
        """Refuse fields of another call, a missing strength, and masks that are not black and white."""
        path = self.path(document)
        if ("strength" in document) != (path == self.edits) or ("size" in document and path != self.generations):
            return "a strength goes with imageToImage, and a size with generations"
        if path == self.inpaint:
            mask = Image.open(BytesIO(base64.b64decode(document["mask_url"].partition(",")[2])))
            picture = Image.open(BytesIO(base64.b64decode(document["image_url"].partition(",")[2])))
            if mask.mode != "L" or mask.size != picture.size or not set(mask.tobytes()) <= {0, 255}:
                return "the mask must be of the picture's size, and each of its pixels 0 or 255"
        return None

    def success(self, job: Job) -> Reply:
        """Send the pictures as they were asked for."""
        if job.input.get("response_format") == "b64_json":
            data = [{"image_id": job.id, "b64_json": picture} for picture in self.drawn(job)]
        else:
            data = [{"image_id": job.id, "url": url} for url in self.pictures(job)]
        return Reply(200, {"created": 0, "credits": 40 * len(data), "data": data})

    def refusal(self, status: int, words: str) -> Reply:
        """Make an error."""
        return Reply(status, {"code": "invalid_request_parameter", "message": words})


GATEWAYS = (XaiSimulator, OpenRouterSimulator, TogetherSimulator, RecraftSimulator)
