import os
from pathlib import Path

from atelier_client import Atelier

with Atelier(os.environ["API"], os.environ["API_KEY"]) as atelier:
    generation = atelier.run("sketch", {"prompt": "a lighthouse at dawn", "width": 512, "height": 512})
    (picture,) = atelier.download(generation)

Path("picture.png").write_bytes(picture.content)
print(generation.id, generation.status, generation.output)
