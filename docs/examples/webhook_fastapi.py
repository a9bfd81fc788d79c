import os

from fastapi import FastAPI, HTTPException, Request

from atelier_client import WebhookVerificationError, verify_webhook

app = FastAPI()
seen: set[str] = set()  # in production, a table with a unique key


@app.post("/webhook", status_code=204)
async def webhook(request: Request) -> None:
    """Take a webhook of Atelier; run it with `uvicorn webhook_fastapi:app`."""
    try:
        generation = verify_webhook(await request.body(), request.headers, os.environ["WEBHOOK_SECRET"])
    except WebhookVerificationError as exc:
        raise HTTPException(401, str(exc)) from exc
    if (webhook_id := request.headers["webhook-id"]) not in seen:  # it may come more than once
        seen.add(webhook_id)
        print(generation.id, generation.status, generation.output, flush=True)
