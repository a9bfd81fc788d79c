import sys
import time
from pathlib import Path

import requests

client = requests.Session()
client.headers["Authorization"] = "YOUR_API_KEY"
request = {"model": "sketch", "input": {"prompt": "a lighthouse at dawn", "width": 512, "height": 512}}

answer = client.post("https://HOST/api/generate", json=request, timeout=60)
answer.raise_for_status()
generation = answer.json()
while generation["status"] not in ("success", "error"):  # it takes longer than a call may last
    time.sleep(2)
    generation = client.get(answer.headers["Location"], timeout=60).json()

if generation["error"]:
    sys.exit(generation["error"])
picture = requests.get(generation["output"], timeout=60)
picture.raise_for_status()
Path("picture.png").write_bytes(picture.content)
