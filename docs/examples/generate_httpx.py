import httpx

answer = httpx.post(
    "https://HOST/api/generate",
    headers={"Authorization": "YOUR_API_KEY"},
    json={
        "model": "playground-v2",
        "input": {"prompt": "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k"},
        "webhook": "https://your-server.com/api/webhook",
    },
    timeout=60,
)
answer.raise_for_status()
generation = answer.json()
print(generation["id"], generation["status"])
