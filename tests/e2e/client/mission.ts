// The mission's request, by a client that was generated from the API's description: waiting, by webhook, and refused.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { generate, readGeneration, type GenerateRequest, type Notification } from "./client";
import { client } from "./client/client.gen";

const request: GenerateRequest = {
  model: "playground-v2",
  input: { prompt: "Astronaut in a jungle, cold color palette, muted colors, detailed, 8k" },
};

/** Ask with a webhook, and return what it was told, once its signature is verified. */
async function told(secret: string): Promise<Notification> {
  const receiver = createServer();
  const verified = new Promise<Notification>((resolve, reject) => {
    receiver.on("request", async (incoming, answer) => {
      const parts: Buffer[] = [];
      for await (const part of incoming) parts.push(part);
      answer.writeHead(204).end();
      try {
        const headers = incoming.headers as Record<string, string>;
        resolve(new Webhook(secret).verify(Buffer.concat(parts), headers) as Notification);
      } catch (error) {
        reject(error);
      }
    });
  });
  await new Promise<void>((listening) => receiver.listen(0, "127.0.0.1", listening));
  const { port } = receiver.address() as AddressInfo;
  await generate({ body: { ...request, webhook: `http://127.0.0.1:${port}/webhook` }, throwOnError: true });
  const notification = await verified;
  receiver.close();
  return notification;
}

async function main(key: string, secret: string): Promise<void> {
  client.setConfig({ auth: key });
  const { data: waited } = await generate({ body: request, throwOnError: true });
  const { data: read } = await readGeneration({ path: { id: waited.id }, throwOnError: true });
  const { error: refused } = await generate({ body: { ...request, model: "no-such-model" } });
  console.log(JSON.stringify({ waited, read, told: await told(secret), refused }));
}

const { API_KEY = "", WEBHOOK_SECRET = "" } = process.env;
void main(API_KEY, WEBHOOK_SECRET);
