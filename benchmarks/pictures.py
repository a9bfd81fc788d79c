"""Times what pictures cost: storing a PNG of four megapixels, against Pillow's own decoding and encoding, and a sketch.

.venv/bin/python -m benchmarks.pictures [--rounds 3]
"""

import argparse
import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "core")]

from atelier.adapters.pillow import sanitise, thumbnail  # noqa: E402
from atelier.providers.sketch.drawing import draw  # noqa: E402

SIDE = 2_048
PROMPTS = ("Astronaut in a jungle, cold color palette, muted colors, detailed, 8k", "A lighthouse by the sea at sunset")


def photograph() -> bytes:
    """Paint a picture that compresses as badly as a photograph, and write it as Pillow does by default."""
    gradient = Image.linear_gradient("L").resize((SIDE, SIDE))
    noise = [Image.effect_noise((SIDE, SIDE), 24) for _ in range(3)]
    bands = [Image.blend(gradient.rotate(90 * turn), grain, 0.3) for turn, grain in enumerate(noise)]
    return written(Image.merge("RGB", bands))


def written(picture: Image.Image) -> bytes:
    """Encode a picture at Pillow's default settings."""
    output = io.BytesIO()
    picture.save(output, "PNG")
    return output.getvalue()


def milliseconds(rounds: int, run: Callable[[], object]) -> float:
    """Return the least CPU time of so many runs."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        times.append((time.process_time() - start) * 1_000)
    return min(times)


def main() -> int:
    """Measure, and print a line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    content = photograph()
    pillow = milliseconds(rounds, lambda: written(Image.open(io.BytesIO(content))))
    stored = milliseconds(rounds, lambda: sanitise(content, with_thumbnail=True))
    size = len(sanitise(content).content) / len(content)
    print(f"Pillow decodes and encodes {SIDE} x {SIDE} pixels in {pillow:.0f} ms of CPU")
    print(f"stored with a thumbnail: {stored:.0f} ms, {stored / pillow:.2f}x, {size:.3f} times the bytes")
    for prompt in PROMPTS:
        sketched = milliseconds(rounds, lambda: thumbnail(draw(prompt, width=SIDE, height=SIDE)))  # noqa: B023
        print(f"sketched with a thumbnail: {sketched:.0f} ms, {prompt}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
