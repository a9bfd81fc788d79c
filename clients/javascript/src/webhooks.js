/**
 * Verification of webhooks: Standard Webhooks, symmetric signatures. It needs nothing but WebCrypto, so it also runs in
 * edge runtimes.
 *
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

import { WebhookVerificationError } from "./errors.js";

/** @typedef {import("./models.js").Generation} Generation */
/** @typedef {{ get(name: string): string | null } | Record<string, string | string[] | undefined>} HeadersLike */

const TOLERANCE_SECONDS = 300;

/**
 * Return the generation that a webhook reports; reject with WebhookVerificationError where it cannot be trusted.
 *
 * A webhook may come more than once: drop a `webhook-id` that you have seen.
 *
 * @param {string | Uint8Array | ArrayBuffer} body The raw body, before any parser has touched it.
 * @param {HeadersLike} headers Of `Request`, or of Node's `IncomingMessage`.
 * @param {string} secret The user's secret, `whsec_…`.
 * @param {{ tolerance?: number, now?: () => number }} [options] `tolerance` in seconds; `now` in milliseconds.
 * @returns {Promise<Generation>}
 */
export async function verifyWebhook(body, headers, secret, { tolerance = TOLERANCE_SECONDS, now = Date.now } = {}) {
  const content = bytes(body);
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  if (!id || !/^[0-9]{1,12}$/.test(timestamp)) {
    throw new WebhookVerificationError("The webhook-id or webhook-timestamp header is missing or malformed.");
  }
  if (Math.abs(now() / 1000 - Number(timestamp)) > tolerance) {
    throw new WebhookVerificationError("The webhook is too old, or this clock is wrong.");
  }
  const head = new TextEncoder().encode(`${id}.${timestamp}.`);
  const message = new Uint8Array(head.length + content.length);
  message.set(head);
  message.set(content, head.length);
  const key = await crypto.subtle.importKey("raw", secretBytes(secret), { name: "HMAC", hash: "SHA-256" }, false, [
    "verify",
  ]);
  for (const part of header(headers, "webhook-signature").split(/\s+/)) {
    const [version, text = ""] = part.split(",");
    const signature = version === "v1" ? decoded(text) : null;
    // WebCrypto compares in constant time.
    if (signature && (await crypto.subtle.verify("HMAC", key, signature, message))) return generation(content);
  }
  throw new WebhookVerificationError("No signature of the webhook matches the secret.");
}

/** @param {HeadersLike} headers @param {string} name @returns {string} */
function header(headers, name) {
  if (typeof headers.get === "function") return headers.get(name) ?? "";
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof found === "string" ? found : "";
}

/** @param {string | Uint8Array | ArrayBuffer} body @returns {Uint8Array} */
function bytes(body) {
  if (typeof body === "string") return new TextEncoder().encode(body);
  if (body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  throw new WebhookVerificationError("The body must be the raw text or bytes: verify it before it is parsed.");
}

/** @param {string} secret */
function secretBytes(secret) {
  const key = decoded(secret.trim().replace(/^whsec_/, ""));
  if (!key?.length) throw new WebhookVerificationError("The secret must be whsec_ and base64.");
  return key;
}

/** @param {string} text */
function decoded(text) {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

/** @param {Uint8Array} content @returns {Generation} */
function generation(content) {
  try {
    const document = JSON.parse(new TextDecoder().decode(content));
    if (typeof document?.id === "string" && typeof document.status === "string") return document;
  } catch {
    // It is no JSON: said below.
  }
  throw new WebhookVerificationError("The webhook's body does not describe a generation.");
}
