"""Clients' pictures in a request to a provider: as files of a form, or as data URLs in a document."""

import base64
from dataclasses import replace

from atelier.catalog.gateway import Sent
from atelier.images.mask import with_alpha
from atelier.providers.provider import InputImage, Job


def files(field: str, job: Job) -> list[tuple[str, InputImage]]:
    """Name the files of a form; a mask is transparent there where the first picture is to be changed."""
    found = [(field, image) for image in job.images]
    if job.mask:
        found.append(("mask", replace(job.mask, content=with_alpha(job.mask.content))))
    return found


def document(sent: Sent, images: tuple[InputImage, ...]) -> object:
    """Write pictures, of which there must be one, as a document has them."""
    urls = [f"data:{image.content_type};base64,{base64.b64encode(image.content).decode()}" for image in images]
    match sent:
        case Sent.URL:
            return urls[0]
        case Sent.OBJECTS:
            return [{"url": url, "type": "image_url"} for url in urls]
        case Sent.REFERENCES:
            return [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return urls
