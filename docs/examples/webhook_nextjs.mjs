// app/api/webhook/route.js
import { verifyWebhook } from "atelier-client";

const seen = new Set(); // in production, a table with a unique key

export async function POST(request) {
  let generation;
  try {
    generation = await verifyWebhook(await request.text(), request.headers, process.env.WEBHOOK_SECRET);
  } catch (error) {
    return new Response(error.message, { status: 401 });
  }
  const id = request.headers.get("webhook-id");
  if (!seen.has(id)) {
    seen.add(id); // it may come more than once
    console.log(generation.id, generation.status, generation.output);
  }
  return new Response(null, { status: 204 });
}
