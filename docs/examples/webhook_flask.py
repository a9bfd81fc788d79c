import os

from flask import Flask, abort, request

from atelier_client import WebhookVerificationError, verify_webhook

app = Flask(__name__)
seen: set[str] = set()  # in production, a table with a unique key


@app.post("/webhook")
def webhook() -> tuple[str, int]:
    """Take a webhook of Atelier; run it with `flask --app webhook_flask run`."""
    try:
        generation = verify_webhook(request.get_data(), dict(request.headers), os.environ["WEBHOOK_SECRET"])
    except WebhookVerificationError as exc:
        abort(401, str(exc))
    if (webhook_id := request.headers["webhook-id"]) not in seen:  # it may come more than once
        seen.add(webhook_id)
        print(generation.id, generation.status, generation.output, flush=True)
    return "", 204
