/** The client against an API that loses requests and answers. Run it with `node --test`. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";

import {
  ApiError,
  Atelier,
  AtelierError,
  GenerationFailedError,
  UnavailableError,
  WaitTimeoutError,
  WebhookVerificationError,
  verifyWebhook,
} from "atelier-client";

const [BASE, KEY, FILES] = ["https://api.example/api", "atl_live_secret", "https://files.example"];
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const DOCUMENT = {
  id: "gen_1",
  status: "success",
  output: `${FILES}/0.png`,
  error: null,
  model: "sketch",
  type: "image",
  payload: { prompt: "a fox" },
};
const FAULTS = ["lost", "unanswered", "cut", "refused", "gateway", "limited"];

/** An API with the real one's idempotency; `faults` befall its requests in turn, and a job ends after some `looks`. */
class Api {
  requests = [];
  made = new Map();
  deleted = new Set();
  slept = 0;

  constructor({ faults = [], looks = 1, fails = false, retryAfter = "1" } = {}) {
    Object.assign(this, { faults: [...faults], looks, fails, retryAfter });
  }

  client(options = {}) {
    return new Atelier({
      baseUrl: BASE,
      apiKey: KEY,
      fetch: (url, init) => this.fetch(url, init),
      sleep: async (milliseconds) => {
        this.slept += milliseconds;
      },
      ...options,
    });
  }

  async fetch(url, init) {
    this.requests.push({ url, ...init });
    const fault = this.faults.shift();
    if (fault === "lost") throw new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } });
    if (fault === "refused") return Response.json({ message: "Try again." }, { status: 503 });
    if (fault === "limited") {
      return Response.json({ message: "Slow down." }, { status: 429, headers: { "Retry-After": this.retryAfter } });
    }
    const answer = this.answer(url, init);
    if (fault === "unanswered") throw new DOMException("no answer", "TimeoutError");
    if (fault === "gateway") return new Response("<html>", { status: 504 });
    if (fault === "cut") return new Response(broken(), { status: 200 });
    return answer;
  }

  answer(url, { method = "GET", headers = {}, body }) {
    const path = url.replace(`${BASE}/`, "");
    if (path === "generate") {
      const key = headers["Idempotency-Key"];
      if (!this.made.has(key)) this.made.set(key, { id: `gen_${this.made.size + 1}`, body });
      const made = this.made.get(key);
      if (made.body !== body) return Response.json({ message: "The key stands for another request." }, { status: 422 });
      if (!JSON.parse(body).input.prompt) {
        const errors = [{ field: "input.prompt", message: "Must be given.", code: "required" }];
        return Response.json({ message: "Invalid.", errors }, { status: 400 });
      }
      return Response.json(this.document(made.id), { status: 202 });
    }
    if (method === "DELETE") {
      if (this.deleted.has(path)) return Response.json({ message: "There is no such generation." }, { status: 404 });
      this.deleted.add(path);
      return new Response(null, { status: 204 });
    }
    if (path.startsWith("generations/")) {
      this.looks -= 1;
      return Response.json(this.document(path.split("/")[1]));
    }
    if (path.startsWith("generations?")) return Response.json({ data: [DOCUMENT], pagination: { nextCursor: "gen_1" } });
    if (path === "models") return Response.json({ data: [{ slug: "sketch" }] });
    if (path === DOCUMENT.output) return new Response("PNG", { headers: { "Content-Type": "image/png" } });
    if (path.startsWith("files")) return Response.json({ id: "f", url: `${FILES}/f`, size: body.length }, { status: 201 });
    return Response.json({ message: "no such path" }, { status: 404 });
  }

  document(id) {
    const ended = this.looks <= 0 ? (this.fails ? "error" : "success") : "processing";
    const error = ended === "error" ? "The provider refused." : null;
    return { ...DOCUMENT, id, status: ended, error, output: ended === "success" ? DOCUMENT.output : null };
  }
}

/** A body that breaks off. */
function broken() {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"id": "gen_'));
      controller.error(new TypeError("terminated"));
    },
  });
}

test("run waits for the end", async () => {
  const api = new Api({ looks: 3 });
  const generation = await api.client().run("sketch", { prompt: "a fox" });

  assert.equal(generation.output, DOCUMENT.output);
  const [first] = api.requests;
  assert.equal(first.headers.Authorization, KEY);
  assert.equal(first.headers.Prefer, "wait=25");
  assert.deepEqual(JSON.parse(first.body), { model: "sketch", input: { prompt: "a fox" } });
});

test("submit returns at once", async () => {
  const api = new Api({ looks: 9 });
  const options = { webhook: "https://me.example/hook", webhookEvents: ["success"] };
  const generation = await api.client().submit("sketch", { prompt: "a fox" }, options);

  assert.equal(generation.status, "processing");
  assert.equal(api.requests.length, 1);
  assert.equal(api.requests[0].headers.Prefer, "respond-async");
  const body = JSON.parse(api.requests[0].body);
  assert.deepEqual([body.webhook, body.webhook_events], ["https://me.example/hook", ["success"]]);
});

test("subscribe reports each status once", async () => {
  const seen = [];
  await new Api({ looks: 4 }).client().subscribe("sketch", { prompt: "a fox" }, { onUpdate: ({ status }) => seen.push(status) });

  assert.deepEqual(seen, ["processing", "success"]);
});

test("a wait outlasts an outage", async () => {
  const api = new Api({ faults: Array(7).fill("refused") });
  assert.equal((await api.client().wait("gen_1")).status, "success");
  await assert.rejects(new Api({ faults: Array(99).fill("lost") }).client().wait("gen_1", { timeout: 0 }), UnavailableError);
});

test("a generation that fails is an error", async () => {
  await assert.rejects(new Api({ fails: true }).client().run("sketch", { prompt: "a fox" }), (error) => {
    assert.ok(error instanceof GenerationFailedError);
    assert.match(error.message, /The provider refused/);
    return error.generation.status === "error";
  });
});

test("a wait ends at its time", async () => {
  const client = new Api({ looks: 1e9 }).client({ sleep: (wait) => new Promise((done) => setTimeout(done, wait / 100)) });

  await assert.rejects(client.run("sketch", { prompt: "a fox" }, { timeout: 600 }), WaitTimeoutError);
});

test("no fault makes a second generation", async () => {
  for (let number = 0; number < 6 ** 3; number += 1) {
    const faults = [0, 1, 2].map((place) => FAULTS[Math.floor(number / 6 ** place) % 6]);
    const api = new Api({ faults });
    const generation = await api.client().run("sketch", { prompt: "a fox" });
    assert.equal(generation.status, "success", faults.join());
    assert.equal(api.made.size, 1, faults.join());
  }
});

test("after all retries the same key goes on", async () => {
  for (const fault of FAULTS) {
    const api = new Api({ faults: Array(5).fill(fault) });
    const failure = await api.client().run("sketch", { prompt: "a fox" }).catch((error) => error);
    assert.ok(failure instanceof UnavailableError, fault);
    assert.equal(api.requests.length, 5);
    await api.client().run("sketch", { prompt: "a fox" }, { idempotencyKey: failure.idempotencyKey });
    assert.equal(api.made.size, 1, fault);
  }
});

test("two calls are two generations", async () => {
  const api = new Api();
  await api.client().run("sketch", { prompt: "a fox" });
  await api.client().run("sketch", { prompt: "a fox" });

  assert.equal(api.made.size, 2);
});

test("a refusal is not repeated", async () => {
  const api = new Api();
  const failure = await api.client().run("sketch", {}).catch((error) => error);

  assert.ok(failure instanceof ApiError && !(failure instanceof UnavailableError));
  assert.deepEqual([failure.status, failure.errors[0].code, api.requests.length], [400, "required", 1]);
});

test("Retry-After is kept", async () => {
  const api = new Api({ faults: ["limited"], retryAfter: "17" });
  await api.client().get("gen_1");
  assert.equal(api.slept, 17_000);

  const patient = new Api({ faults: ["limited"], retryAfter: "3600" });
  await assert.rejects(patient.client().get("gen_1"), UnavailableError);
  assert.equal(patient.slept, 0);
});

test("what an earlier attempt deleted is deleted", async () => {
  await new Api({ faults: ["unanswered"] }).client().delete("gen_1");

  const api = new Api();
  await api.client().delete("gen_1");
  await assert.rejects(api.client().delete("gen_1"), /no such generation/);
});

test("pictures are fetched without the key", async () => {
  const api = new Api({ faults: ["cut"] });
  const [picture] = await api.client().download(DOCUMENT);

  assert.equal(await picture.text(), "PNG");
  assert.ok(api.requests.every((request) => request.headers === undefined));
});

test("the other calls", async () => {
  const api = new Api();
  const client = api.client();

  assert.equal((await client.models())[0].slug, "sketch");
  assert.equal((await client.generations({ status: "success" })).pagination.nextCursor, "gen_1");
  assert.equal((await client.upload(new Uint8Array(3), { name: "größe.png", transient: true })).size, 3);
  assert.ok(api.requests[1].url.endsWith("?limit=20&cursor=&status=success"));
  assert.ok(api.requests[2].url.endsWith("/files?transient=true"));
  await assert.rejects(client.account(), /no such path/);
});

test("another server is noticed", async () => {
  for (const content of ["<html>", "[]", "{}", '"text"', "null"]) {
    const client = new Api().client({ fetch: async () => new Response(content) });
    await assert.rejects(client.get("gen_1"), /not that of an Atelier API/, content);
    await assert.rejects(client.models(), /not that of an Atelier API/, content);
  }
});

test("what cannot be sent is refused at once", async () => {
  assert.throws(() => new Atelier({ baseUrl: "api.example" }), AtelierError);
  for (const apiKey of ["schlüssel", "a\nb", " "]) assert.throws(() => new Atelier({ baseUrl: BASE, apiKey }), AtelierError);
  const api = new Api();
  for (const idempotencyKey of ["", "ä", "a\nb", "k".repeat(256)]) {
    await assert.rejects(api.client().run("sketch", {}, { idempotencyKey }), /idempotency key/);
  }
  assert.equal(api.requests.length, 0);
});

// ---- Webhooks -------------------------------------------------------------------------------------------------------

function signed(body, { age = 0, secret = SECRET } = {}) {
  const timestamp = String(Math.floor(Date.now() / 1000) - age);
  const key = Buffer.from(secret.slice(6), "base64");
  const signature = createHmac("sha256", key).update(`msg_1.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": "msg_1", "webhook-timestamp": timestamp, "webhook-signature": `v1a,x v1,${signature}` };
}

test("a webhook is verified", async () => {
  const body = JSON.stringify(DOCUMENT);
  for (const form of [body, Buffer.from(body), new TextEncoder().encode(body).buffer]) {
    for (const headers of [signed(body), new Headers(signed(body))]) {
      assert.deepEqual(await verifyWebhook(form, headers, SECRET), DOCUMENT);
    }
  }
});

test("a webhook that cannot be trusted is refused", async () => {
  const body = JSON.stringify(DOCUMENT);
  const good = signed(body);
  const cases = {
    "another body": [`${body} `, good, SECRET],
    "another secret": [body, good, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
    "too old": [body, signed(body, { age: 301 }), SECRET],
    "from the future": [body, signed(body, { age: -330 }), SECRET],
    "no JSON": ["{", signed("{"), SECRET],
    "no generation": ["[]", signed("[]"), SECRET],
    "a parsed body": [DOCUMENT, good, SECRET],
    "no secret": [body, good, "whsec_"],
    "a malformed secret": [body, good, "whsec_ä"],
    "another id": [body, { ...good, "webhook-id": "msg_2" }, SECRET],
    "no time": [body, { ...good, "webhook-timestamp": "soon" }, SECRET],
    "an endless time": [body, { ...good, "webhook-timestamp": "9".repeat(400) }, SECRET],
    "no signature": [body, { ...good, "webhook-signature": "" }, SECRET],
    "malformed signatures": [body, { ...good, "webhook-signature": "v1 v1,ä v1,=== ," }, SECRET],
    "another version": [body, { ...good, "webhook-signature": good["webhook-signature"].replace("v1,", "v2,") }, SECRET],
    "two signatures": [body, { ...good, "webhook-signature": [good["webhook-signature"], ""] }, SECRET],
    "no headers": [body, {}, SECRET],
  };
  for (const [what, [content, headers, secret]] of Object.entries(cases)) {
    await assert.rejects(verifyWebhook(content, headers, secret), WebhookVerificationError, what);
  }
});
