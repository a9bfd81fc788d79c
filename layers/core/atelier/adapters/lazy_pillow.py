"""Pillow's adapter, imported at its first use: a run that only asks a provider for a picture needs none."""

from atelier.images.image import EncodedImage
from atelier.images.output import Output


def sanitise(content: bytes, *, with_thumbnail: bool = False) -> EncodedImage:
    """Write a picture anew, as pillow.sanitise() does."""
    from atelier.adapters import pillow

    return pillow.sanitise(content, with_thumbnail=with_thumbnail)


def thumbnail(content: bytes) -> EncodedImage:
    """Make a small picture, as pillow.thumbnail() does."""
    from atelier.adapters import pillow

    return pillow.thumbnail(content)


def read_mask(content: bytes, *, size: tuple[int, int]) -> EncodedImage:
    """Return a mask as it is stored, as pillow.read_mask() does."""
    from atelier.adapters import pillow

    return pillow.read_mask(content, size=size)


def convert(image: EncodedImage, output: Output) -> tuple[EncodedImage, tuple[str, ...]]:
    """Return a picture as a client wants it, as pillow.convert() does."""
    from atelier.adapters import pillow

    return pillow.convert(image, output)
