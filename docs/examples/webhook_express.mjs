import express from "express";

import { verifyWebhook } from "atelier-client";

const app = express();
const seen = new Set(); // in production, a table with a unique key

// The raw body: one that express.json() has parsed cannot be verified.
app.post("/webhook", express.raw({ type: "application/json", limit: "1mb" }), async (request, response) => {
  let generation;
  try {
    generation = await verifyWebhook(request.body, request.headers, process.env.WEBHOOK_SECRET);
  } catch (error) {
    response.status(401).send(error.message);
    return;
  }
  const id = request.get("webhook-id");
  if (!seen.has(id)) {
    seen.add(id); // it may come more than once
    console.log(generation.id, generation.status, generation.output);
  }
  response.sendStatus(204);
});

app.listen(Number(process.env.PORT ?? 3000), "127.0.0.1");
