"""Memory: no picture makes its decoding take more than 300 MB, in a process of its own and with all that it imports."""

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

from PIL import Image as Pillow

from atelier.adapters.pillow import LIMITS
from tests.unit.pictures import a_picture, png_chunk, webp_chunk, webp_of, write
from tests.unit.test_imaging import BOMB_PROFILE, FORMATS, JPEG, PNG, TOO_LARGE, WEBP, after_png_header, exif

LAYER = Path(__file__).parents[2] / "layers" / "core"

MEASURE = """
import json, pathlib, re, sys
sys.path.insert(0, sys.argv[1])
from atelier.adapters.pillow import sanitise, thumbnail
from atelier.errors import InvalidImageError
found = {}
for path in map(pathlib.Path, sys.argv[2:]):
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    try:
        picture = sanitise(path.read_bytes())
        small = thumbnail(picture.content)
        outcome = f"{picture.width} x {picture.height}, {small.width} x {small.height}"
        picture = small = None
    except InvalidImageError as exc:
        outcome = str(exc)
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())
    found[path.name] = (outcome, int(peak[1]) * 1024 // 1_000_000)
print(json.dumps(found))
"""


def noise(mode: str, size: tuple[int, int]) -> Pillow.Image:
    return Pillow.frombytes(mode, size, os.urandom(size[0] * size[1] * len(mode)))


def largest(kind: str, width: int) -> tuple[int, int]:
    return width, LIMITS[FORMATS[kind]].max_pixels // width


def longest(kind: str, content: bytes) -> bytes:
    return content.ljust(LIMITS[FORMATS[kind]].max_bytes, b"\0")


def heavy() -> dict[str, tuple[bytes, str]]:
    """Write what costs the most memory, each with a word of what should come of it."""
    texts = png_chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(b"a" * 1_000_000 + "🎨".encode())) * 64
    turned = Pillow.new("RGBA", largest("PNG", 5_000))
    turned.paste(noise("RGBA", (5_000, 1_200)), (0, 0))
    progressive = Pillow.new("CMYK", largest("JPEG", 4_096), "red")
    transparent = Pillow.new("RGB", largest("WEBP", 3_840), "red")
    transparent.putalpha(noise("L", transparent.size))
    lossless = write(a_picture(), "WEBP", lossless=True)
    return {
        "a PNG of 25 MB": (write(noise("RGB", (2_900, 2_900)), "PNG", compress_level=0), "2900 x 2900, 512 x 512"),
        "the largest PNG, turned": (
            longest("PNG", write(turned, "PNG", compress_level=1, exif=exif(6))),
            "4000 x 5000, 410 x 512",
        ),
        "the largest JPEG, progressive": (
            longest("JPEG", write(progressive, "JPEG", progressive=True, exif=exif(6))),
            "4096 x 4096, 512 x 512",
        ),
        "the largest WebP, transparent": (
            longest("WEBP", write(transparent, "WEBP", quality=0, method=0)),
            "3840 x 2160, 512 x 288",
        ),
        "a bomb of PNG": (TOO_LARGE["a bomb"], "more pixels"),
        "a bomb of RGBA": (TOO_LARGE["64 megapixels of RGBA"], "more pixels"),
        "a bomb of JPEG": (TOO_LARGE["the largest jpeg"], "more pixels"),
        "a bomb of WebP": (TOO_LARGE["the largest webp"], "more pixels"),
        "a bomb of WebP frames": (
            webp_of(
                webp_chunk(b"VP8X", b"\x02\0\0\0" + b"\xff\x3f\0" * 2)
                + webp_chunk(b"ANIM", bytes(6))
                + webp_chunk(b"ANMF", bytes(6) + b"\x2f\0\0\x1f\0\0" + bytes(4) + lossless[12:])
            ),
            "more pixels",
        ),
        "a bomb of pixels behind the picture": (
            PNG[:-12] + png_chunk(b"IDAT", zlib.compress(bytes(100_000_000), 1)) + PNG[-12:],
            "48 x 32, 48 x 32",
        ),
        "texts of PNG that unpack": (after_png_header(PNG, texts), "48 x 32, 48 x 32"),
        "a text of PNG": (after_png_header(PNG, png_chunk(b"tEXt", bytes(48_000_000))), "48 x 32, 48 x 32"),
        "chunks of PNG": (after_png_header(PNG, png_chunk(b"aaAa", b"") * 4_000_000), "parts"),
        "segments of JPEG": (JPEG[:2] + b"\xff\xe1\0\2" * 6_000_000 + JPEG[2:], "parts"),
        "chunks of WebP": (webp_of(WEBP[12:] + webp_chunk(b"aaaa", b"") * 2_000_000), "parts"),
        "a table of colours": (write(a_picture(), "PNG", icc_profile=BOMB_PROFILE), "48 x 32, 48 x 32"),
    }


def test_no_picture_takes_more_than_300_mb(tmp_path: Path) -> None:
    expected = {}
    for name, (content, outcome) in heavy().items():
        tmp_path.joinpath(name).write_bytes(content)
        expected[name] = outcome
    command = [sys.executable, "-I", "-c", MEASURE, str(LAYER), *(str(tmp_path / name) for name in expected)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, tuple[str, int]] = json.loads(run.stdout)
    assert found.keys() == expected.keys()
    assert {name: outcome for name, (outcome, _) in found.items() if expected[name] not in outcome} == {}
    assert {name: peak for name, (_, peak) in found.items() if peak > 300} == {}
