"""Clients' pictures in a request to a provider: as files of a form, or as data URLs in a document."""

import base64
from dataclasses import replace

from atelier.catalog.gateway import Sent
from atelier.images.mask import black_and_white, with_alpha
from atelier.providers.provider import InputImage, Job


def files(field: str, job: Job) -> list[tuple[str, InputImage]]:
    """Name the files of a form; a mask is transparent there where the first picture is to be changed."""
    found = [(field, image) for image in job.images]
    if job.mask:
        found.append(("mask", replace(job.mask, content=with_alpha(job.mask.content))))
    return found


def document(sent: Sent, images: tuple[InputImage, ...]) -> object:
    """Write pictures, of which there must be one, as a document has them."""
    urls = [_data_url(image) for image in images]
    match sent:
        case Sent.URL:
            return urls[0]
        case Sent.OBJECTS:
            return [{"url": url, "type": "image_url"} for url in urls]
        case Sent.REFERENCES:
            return [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return urls


def mask(image: InputImage) -> str:
    """Write a mask as a data URL of a picture in black and white, which is white where the first is to be changed."""
    return _data_url(replace(image, content=black_and_white(image.content)))


def _data_url(image: InputImage) -> str:
    return f"data:{image.content_type};base64,{base64.b64encode(image.content).decode()}"
