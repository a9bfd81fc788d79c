"""Pixels: what comes from outside is decoded and written anew, so that nothing but the picture is kept.

No content makes a process that sanitises it, or makes a thumbnail of it, larger than 300 MB.
"""

import contextlib
import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from PIL import ExifTags, ImageChops, ImageCms
from PIL import Image as Pillow
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from atelier.errors import InvalidImageError
from atelier.images.image import EncodedImage, sniff
from atelier.images.mask import differs, write_mask
from atelier.images.metadata_stripper import MAX_METADATA_BYTES, is_lossless_webp, strip_metadata
from atelier.images.output import JPEG, OPAQUE, PNG, TRANSPARENT, Output

THUMBNAIL_PIXELS = 512
RUN_LENGTHS = 3
"""zlib's strategy Z_RLE: a PNG's filtered rows hold few longer matches, and looking for them takes most of the time."""
MAX_SIDE = 16_384
"""Pixels; Pillow keeps a pointer and padding for each row, which is most of a picture that is a pixel wide."""
Pillow.MAX_IMAGE_PIXELS = None  # LIMITS are lower


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a picture of a kind may be, by what Pillow needs for its pixels beside 22 MB, and the content twice."""

    format: str
    max_bytes: int
    max_pixels: int


LIMITS = {
    "image/png": Limits("PNG", 50 * 1024**2, 5_000 * 4_000),  # 8 bytes a pixel, to turn it
    "image/jpeg": Limits("JPEG", 25 * 1024**2, 4_096 * 4_096),  # 12 bytes a pixel, to decode a progressive one of CMYK
    "image/webp": Limits("WebP", 16 * 1024**2, 3_840 * 2_160),  # 30 bytes a pixel, to encode it without loss
}

_TURNS = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
"""How to bring a picture of an EXIF orientation upright."""


def sanitise(content: bytes, *, with_thumbnail: bool = False) -> EncodedImage:
    """Return the same picture written anew in its own format; InvalidImageError where it is none that we keep.

    It is upright as its EXIF says, and in sRGB where it has a colour profile of RGB; of an animation it is the first
    frame. PNGs and lossless WebPs keep their pixels, JPEGs their quality. A thumbnail is made of the same pixels.
    """
    limits = _limits(content)
    if len(content) > limits.max_bytes:
        raise InvalidImageError(f"it is larger than a {limits.format} may be, {limits.max_bytes // 1024**2} MB")
    with _refusing_what_breaks():
        picture = _open(content, limits)
        options = _options(picture, content)
        picture.load()
        if picture.format == "WEBP":
            picture = picture.copy()  # without the decoder, which keeps three copies
        picture = _in_srgb(_upright(picture))  # without what it was before
        image = _write(picture, **options)
        return replace(image, thumbnail=_write_small(picture)) if with_thumbnail else image


def thumbnail(content: bytes) -> EncodedImage:
    """Make a small WebP of a picture, at most 512 pixels a side; InvalidImageError as sanitise()."""
    limits = _limits(content)
    with _refusing_what_breaks():
        return _write_small(_open(content, limits))


def convert(image: EncodedImage, output: Output) -> tuple[EncodedImage, tuple[str, ...]]:
    """Return a picture that this stack wrote as a client wants it, and notes for the client.

    Where it is to be transparent and nothing of it is, its background becomes so. A picture that is too large for a
    format keeps its own.
    """
    own, notes = image.content_type.removeprefix("image/"), []
    form = output.format or own
    if output.background == TRANSPARENT and form == JPEG:
        form = PNG
    limit = LIMITS[f"image/{form}"].max_pixels
    if form != own and image.width * image.height > limit:
        notes.append(f"The picture is a {own}: a {form} may have {limit / 1e6:.1f} million pixels here.")
        form = own
    if form == own and output.background is None and (output.quality is None or form == PNG):
        return image, tuple(notes)
    from atelier.providers.sketch.drawing import editing  # which few pictures need

    picture = _eight_bits(_open(image.content, _limits(image.content)))
    picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    if output.background == TRANSPARENT and form != JPEG and not _is_transparent(picture):
        picture = editing.remove_background(picture)
        notes.append("This stack made the background transparent, as far as it is plain.")
    background = OPAQUE if output.background == OPAQUE else "auto"
    written = editing.encode(picture, form, background=background, quality=output.quality)
    return EncodedImage(written, f"image/{form}", *picture.size), tuple(notes)


def _is_transparent(picture: Pillow.Image) -> bool:
    return picture.mode == "RGBA" and picture.getchannel("A").getextrema() != (255, 255)


def read_mask(content: bytes, *, size: tuple[int, int]) -> EncodedImage:
    """Return a mask as it is stored (images/mask.py): white where a picture of this size, in pixels, is to be changed.

    A mask says so by what is transparent or, where nothing is, by what is white. InvalidImageError as sanitise(), and
    where it is not of that size.
    """
    limits = _limits(content)
    with _refusing_what_breaks():
        picture = _upright(_open(content, limits))
        if picture.size != size:
            raise InvalidImageError(differs(picture.size, size))
        area = _white(picture)
        return EncodedImage(write_mask(*size, area.tobytes()), "image/png", *size)


def _white(picture: Pillow.Image) -> Pillow.Image:
    """Return what a mask marks, in white."""
    if picture.has_transparency_data:
        alpha = picture.convert("RGBA").getchannel("A")
        if alpha.getextrema() != (255, 255):
            return ImageChops.invert(alpha)
    return _eight_bits(picture).convert("L")


def _eight_bits(picture: Pillow.Image) -> Pillow.Image:
    """Return a picture of 16 bits with 8, since convert() alone makes all of it white."""
    return picture.point(lambda value: value * (1 / 256)).convert("L") if picture.mode == "I;16" else picture


def _write_small(picture: Pillow.Image) -> EncodedImage:
    """Shrink a picture where it is, and write it as a WebP."""
    picture = _eight_bits(picture)
    if picture.mode in ("1", "P") or "transparency" in picture.info:
        picture = _plain(picture)
    picture.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))  # a JPEG that is not decoded yet never is at its full size
    picture.load()  # if it was small already
    return _write(_plain(_in_srgb(_upright(picture))), format="WEBP", quality=80)


def _limits(content: bytes) -> Limits:
    limits = LIMITS.get(sniff(content) or "")
    if limits is None:
        raise InvalidImageError("it is not a PNG, JPEG or WebP picture")
    return limits


def _open(content: bytes, limits: Limits) -> Pillow.Image:
    """Open a picture, of which nothing is decoded yet."""
    picture = Pillow.open(io.BytesIO(strip_metadata(content)), formats=(limits.format.upper(),))
    if picture.width * picture.height > limits.max_pixels:
        most = limits.max_pixels / 1_000_000
        raise InvalidImageError(f"it has more pixels than a {limits.format} may have, {most:.1f} million")
    if max(picture.size) > MAX_SIDE:
        raise InvalidImageError(f"it has a side of more than {MAX_SIDE} pixels")
    if picture.mode == "P" and picture.palette is None:
        raise InvalidImageError("it is damaged: it has no palette")
    return picture


def _options(picture: Pillow.Image, content: bytes) -> dict[str, Any]:
    """Say how to write a picture that was opened from such content."""
    if isinstance(picture, JpegImageFile):
        kept = {"qtables": picture.quantization, "subsampling": max(get_sampling(picture), 0)}
        return {"format": "JPEG"} | (kept if 0 in picture.quantization else {"quality": 95})
    if picture.format == "PNG":
        return {"format": "PNG", "compress_type": RUN_LENGTHS}
    if picture.mode == "RGBA" or is_lossless_webp(content):  # lossy transparency needs 40 bytes a pixel
        return {"format": "WEBP", "lossless": True, "quality": 50, "method": 0}
    return {"format": "WEBP", "quality": 95, "method": 2}


def _upright(picture: Pillow.Image) -> Pillow.Image:
    try:
        turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except (SyntaxError, struct.error):
        return picture  # as a browser shows it, which cannot read such EXIF either
    return picture.transpose(turn) if turn is not None else picture


def _in_srgb(picture: Pillow.Image) -> Pillow.Image:
    """Turn the colours into sRGB, so that the profile, somebody else's bytes, need not be kept."""
    profile = picture.info.pop("icc_profile", None)
    if not profile or not _is_matrix_profile(profile) or picture.mode not in ("RGB", "RGBA", "P"):
        return picture
    if picture.mode == "P" or "transparency" in picture.info:
        picture = _plain(picture)
    with contextlib.suppress(ImageCms.PyCMSError):
        ImageCms.profileToProfile(picture, io.BytesIO(profile), ImageCms.createProfile("sRGB"), inPlace=True)
    return picture


def _is_matrix_profile(profile: bytes) -> bool:
    """Tell a colour profile that is a matrix and three curves, as those of RGB pictures are, from one with tables.

    A table is allocated as large as it says that it is: littlecms takes 490 MB for a profile of 2 KB.
    """
    tags = {profile[start : start + 3] for start in range(132, len(profile), 12)}
    return len(profile) <= MAX_METADATA_BYTES and not tags & {b"A2B", b"D2B"}


def _plain(picture: Pillow.Image) -> Pillow.Image:
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _write(picture: Pillow.Image, **options: Any) -> EncodedImage:
    picture.info = {name: value for name, value in picture.info.items() if name == "transparency"}
    written = io.BytesIO()
    picture.save(written, **options)
    return EncodedImage(written.getvalue(), f"image/{options['format'].lower()}", picture.width, picture.height)


@contextlib.contextmanager
def _refusing_what_breaks() -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, SyntaxError, IndexError, struct.error) as exc:
        raise InvalidImageError("it is damaged, or not a whole picture") from exc
