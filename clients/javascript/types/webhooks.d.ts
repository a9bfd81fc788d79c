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
export function verifyWebhook(body: string | Uint8Array | ArrayBuffer, headers: HeadersLike, secret: string, { tolerance, now }?: {
    tolerance?: number;
    now?: () => number;
}): Promise<Generation>;
export type Generation = import("./models.js").Generation;
export type HeadersLike = {
    get(name: string): string | null;
} | Record<string, string | string[] | undefined>;
