"""The API of AUTOMATIC1111's Stable Diffusion web UI: its requests read into ours, and our pictures written its way.

Source: the server's own /docs. Pictures are base64 there, and what steers its own software only is ignored.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from atelier.api.blocking_reply import ReadFile, ReplyBody
from atelier.api.error_document import ErrorDocument
from atelier.api.fields import summary
from atelier.api.generation_request import check_input, check_size
from atelier.api.size import fitted
from atelier.catalog.model import Catalog, Model
from atelier.errors import FieldError, GenerationFailedError, InvalidRequestError, RequestError, UnsafeContentError
from atelier.generations.accept import GenerationRequest
from atelier.generations.model import Generation, Status
from atelier.images.file_urls import FIELD as IMAGE_URLS
from atelier.images.file_urls import MASK
from atelier.outbound.url_policy import UrlPolicy
from atelier.providers.provider import EDIT_IMAGE

DIALECT = "automatic1111"
RANDOM = -1
"""The seed that means none."""
_NAMES = {"num_images": "batch_size", IMAGE_URLS: "init_images", MASK: "mask"}
SAMPLERS = [{"name": "Euler", "aliases": ["euler"], "options": {}}]
SCHEDULERS = [
    {"name": "automatic", "label": "Automatic", "aliases": None, "default_rho": -1, "need_inner_model": False}
]
UPSCALERS = [{"name": "None", "model_name": None, "model_path": None, "model_url": None, "scale": 4}]
PROGRESS = {
    "progress": 0.0,
    "eta_relative": 0.0,
    "state": {
        "skipped": False,
        "interrupted": False,
        "job": "",
        "job_count": 0,
        "sampling_step": 0,
        "sampling_steps": 0,
    },
    "current_image": None,
    "textinfo": None,
}
"""Each request waits for its own pictures; there is no one job whose progress could be told."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures within a request's body."""

    images: tuple[bytes, ...] = ()
    mask: bytes | None = None


def parse_pictures(document: Mapping[str, Any]) -> Pictures:
    """Take the pictures out of the body of `POST /sdapi/v1/img2img`: base64, or data URLs."""
    given = document.get("init_images")
    if not isinstance(given, list) or not given:
        raise _invalid([FieldError("init_images", "Must be a list of pictures in base64.", "required")])
    images = tuple(_content(text, f"init_images.{number}") for number, text in enumerate(given))
    mask = document.get("mask")
    return Pictures(images, None if mask is None else _content(mask, "mask"))


def parse_request(
    document: Mapping[str, Any], urls: tuple[str, ...], mask: str | None, catalog: Catalog, policy: UrlPolicy
) -> GenerationRequest:
    """Read a request, with the URLs at which its pictures are to be stored; raises RequestError."""
    model = _model(document, catalog, edit=bool(urls))
    known = model.input["properties"]
    errors: list[FieldError] = []
    values: dict[str, Any] = {"prompt": document.get("prompt")} if "prompt" in known else {}
    if document.get("negative_prompt") not in (None, "") and "negative_prompt" in known:
        values["negative_prompt"] = document["negative_prompt"]
    if (seed := document.get("seed", RANDOM)) not in (RANDOM, None) and "seed" in known:
        values["seed"] = seed
    width, height = (_whole(document, name, 512, 16_384, errors) for name in ("width", "height"))
    if "width" in document or "height" in document:
        values |= fitted(width, height, known)
    count = _whole(document, "batch_size", 1, 100, errors) * _whole(document, "n_iter", 1, 100, errors)
    if count > 1 and "num_images" in known:
        values["num_images"] = count
    elif count > 1:
        errors.append(FieldError("batch_size", f"{model.slug} makes one picture a request.", "too_large"))
    values |= _pictures(model, urls, mask, errors)
    if mask and document.get("inpainting_mask_invert"):
        message = "Must be 0: a mask is white where the picture is to be changed; send it so."
        errors.append(FieldError("inpainting_mask_invert", message, "invalid"))
    errors += [replace(error, field=_named(error.field)) for error in check_input(model, values, policy)]
    if errors:
        raise _invalid(errors)
    check_size(values)
    return GenerationRequest(model=model, input=values, webhook=None)


def _pictures(model: Model, urls: tuple[str, ...], mask: str | None, errors: list[FieldError]) -> dict[str, Any]:
    given = {name: value for name, value in ((IMAGE_URLS, list(urls)), (MASK, mask)) if value}
    known = {name: value for name, value in given.items() if name in model.input["properties"]}
    unknown = [_NAMES[name] for name in given if name not in known]
    errors += [FieldError(name, f"{model.slug} takes no {name}.", "invalid") for name in unknown]
    return known


def _model(document: Mapping[str, Any], catalog: Catalog, *, edit: bool) -> Model:
    """Return the checkpoint that the request names, or the first model that can do what it asks for."""
    settings = document.get("override_settings")
    wanted = settings.get("sd_model_checkpoint") if isinstance(settings, dict) else None
    if isinstance(wanted, str) and wanted:
        return catalog.model(wanted, EDIT_IMAGE if edit else None)
    return default_model(catalog, edit=edit)


def default_model(catalog: Catalog, *, edit: bool = False) -> Model:
    """Return the first model, or the first that takes pictures."""
    models = list(catalog.models.values())
    found = next((model for model in models if not edit or IMAGE_URLS in model.input["properties"]), models[0])
    return catalog.model(found.slug, EDIT_IMAGE if edit else None)


def _whole(document: Mapping[str, Any], name: str, default: int, most: int, errors: list[FieldError]) -> int:
    value = document.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        errors.append(FieldError(name, f"Must be a whole number from 1 to {most}.", "invalid"))
        return default
    return value


def _content(text: Any, name: str) -> bytes:
    encoded = text.partition(",")[2] if isinstance(text, str) and text.startswith("data:") else text
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (ValueError, AttributeError) as exc:
        raise _invalid([FieldError(name, "Must be a picture in base64.", "invalid")]) from exc


def _named(field: str) -> str:
    name, dot, rest = field.removeprefix("input.").partition(".")
    return f"{_NAMES.get(name, name)}{dot}{rest}"


def _invalid(errors: list[FieldError]) -> InvalidRequestError:
    return InvalidRequestError(summary(errors), errors)


# ---- Answers


@dataclass(frozen=True, slots=True)
class PicturesReply:
    """The pictures in base64, without the head of a data URL."""

    def query(self) -> Mapping[str, str]:
        """Write it as the query of a URL."""
        return {"as": DIALECT}

    def pending(self, generation: Generation, base_url: str) -> dict[str, Any]:
        """Describe a generation that is not finished."""
        return {"id": generation.id, "status": generation.status.value}

    def finished(self, generation: Generation, base_url: str, read: ReadFile) -> ReplyBody:
        """Write the pictures; raises GenerationFailedError where there are none."""
        if generation.status is not Status.SUCCESS:
            kind = UnsafeContentError if generation.unsafe else GenerationFailedError
            raise kind(generation.error or "No picture was made.")
        size = sum(4 * output.size // 3 + 10_000 for output in generation.outputs)
        return ReplyBody("application/json", size, _written(generation, read))


def _written(generation: Generation, read: ReadFile) -> Iterator[bytes]:
    yield b'{"images": ['
    for number, output in enumerate(generation.outputs):
        yield b', "' if number else b'"'
        yield base64.b64encode(b"".join(read(output.key)))
        yield b'"'
    parameters = {
        **{
            _NAMES.get(name, name): value
            for name, value in generation.payload.items()
            if name not in (IMAGE_URLS, MASK)
        },
        "override_settings": {"sd_model_checkpoint": generation.model},
    }
    seed = generation.payload.get("seed", RANDOM)
    prompt, first = generation.payload.get("prompt", ""), generation.outputs[0]
    text = f"{prompt}\nSeed: {seed}, Size: {first.width}x{first.height}, Model: {generation.model}"
    info = {
        "prompt": prompt,
        "negative_prompt": generation.payload.get("negative_prompt", ""),
        "seed": seed,
        "all_prompts": [prompt] * len(generation.outputs),
        "all_seeds": [seed + number if seed != RANDOM else seed for number in range(len(generation.outputs))],
        "width": first.width,
        "height": first.height,
        "sd_model_name": generation.model,
        "infotexts": [text] * len(generation.outputs),
    }
    yield b"], " + json.dumps({"parameters": parameters, "info": json.dumps(info)})[1:].encode()


def options_document(model: Model) -> dict[str, Any]:
    """Describe the settings, of which there is one: the model that is meant where a request names none."""
    return {"sd_model_checkpoint": model.slug, "samples_format": "png"}


def models_document(models: Iterable[Model]) -> list[dict[str, Any]]:
    """List models as checkpoints."""
    return [
        {
            "title": model.slug,
            "model_name": model.slug,
            "hash": None,
            "sha256": None,
            "filename": model.slug,
            "config": None,
        }
        for model in models
    ]


def describe_error(exc: RequestError) -> ErrorDocument:
    """Write an error as that server does."""
    document = {
        "error": type(exc).__name__.removesuffix("Error"),
        "detail": exc.message,
        "body": "",
        "errors": "; ".join(f"{error.field}: {error.message}" for error in exc.errors),
    }
    return ErrorDocument(exc.status, document)
