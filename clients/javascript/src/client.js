import { ApiError, AtelierError, GenerationFailedError, UnavailableError, WaitTimeoutError } from "./errors.js";

/** @typedef {import("./models.js").Account} Account */
/** @typedef {import("./models.js").File} File */
/** @typedef {import("./models.js").Generation} Generation */
/** @typedef {import("./models.js").Model} Model */
/** @typedef {import("./models.js").Page} Page */
/** @typedef {import("./models.js").Status} Status */

/**
 * @typedef {object} Options
 * @property {string} baseUrl The API's base URL, to which `/generate` is appended.
 * @property {string} [apiKey] Without it only the catalog can be read.
 * @property {number} [maxRetries] How often a request is repeated, 4 by default.
 * @property {number} [requestTimeout] Milliseconds for one HTTP request, 60,000 by default.
 * @property {typeof globalThis.fetch} [fetch]
 * @property {(milliseconds: number) => Promise<unknown>} [sleep]
 */

/**
 * @typedef {object} Waiting
 * @property {number} [timeout] Milliseconds to wait for the end, 600,000 by default.
 * @property {string} [idempotencyKey] The same key and request are the same generation, also from another process.
 */

/**
 * @typedef {object} Send
 * @property {Record<string, string>} [headers]
 * @property {string | Uint8Array} [body]
 * @property {string} [idempotencyKey]
 * @property {boolean} [goneIsDone] A 404 to a retry means that an earlier attempt succeeded.
 */

/** The API's gateway ends a call after 29 seconds. */
const LONGEST_WAIT_SECONDS = 25;
const LONGEST_RETRY_AFTER = 60_000;
const [FIRST_BACKOFF, LONGEST_BACKOFF] = [500, 8_000];
const [FIRST_POLL, LONGEST_POLL] = [500, 3_000];
const DEFAULT_TIMEOUT = 600_000;
const RETRIED = new Set([408, 429, 500, 502, 503, 504]);
const FOREIGN = "The answer is not that of an Atelier API; check the base URL.";

/**
 * A client of one Atelier API, for one API key.
 *
 * Each call retries lost connections, timeouts, 429 and 5xx. Generations are requested under an Idempotency-Key, so a
 * retry never makes or charges a second one. Every call may reject with ApiError.
 */
export class Atelier {
  #base;
  #headers;
  #maxRetries;
  #requestTimeout;
  #fetch;
  #sleep;

  /** @param {Options} options */
  constructor({ baseUrl, apiKey, maxRetries = 4, requestTimeout = 60_000, fetch = fetched, sleep = pause }) {
    if (!/^https?:\/\//.test(baseUrl ?? "")) {
      throw new AtelierError(`The base URL must start with https:// or http://: ${baseUrl}`);
    }
    if (apiKey !== undefined && !/^[!-~]+$/.test(apiKey.trim())) {
      throw new AtelierError("The API key must be printable ASCII characters.");
    }
    this.#base = baseUrl.replace(/\/+$/, "");
    /** @type {Record<string, string>} */
    this.#headers = { Accept: "application/json", ...(apiKey && { Authorization: apiKey.trim() }) };
    this.#maxRetries = maxRetries;
    this.#requestTimeout = requestTimeout;
    this.#fetch = fetch;
    this.#sleep = sleep;
  }

  /**
   * Request a generation, wait for its end and return it. Rejects with GenerationFailedError where it ends without a
   * picture, and with WaitTimeoutError after `timeout` milliseconds.
   *
   * @param {string} model
   * @param {Record<string, unknown>} input
   * @param {Waiting} [options]
   * @returns {Promise<Generation>}
   */
  async run(model, input, { timeout = DEFAULT_TIMEOUT, idempotencyKey } = {}) {
    const until = Date.now() + timeout;
    const wait = Math.min(LONGEST_WAIT_SECONDS, Math.floor(timeout / 1000));
    const generation = await this.#create(model, input, { wait, idempotencyKey });
    return this.#ended(generation, until, timeout);
  }

  /**
   * Request a generation and return it at once; a `webhook` is called at its end, or at the events listed.
   *
   * @param {string} model
   * @param {Record<string, unknown>} input
   * @param {{ webhook?: string, webhookEvents?: Status[], idempotencyKey?: string }} [options]
   * @returns {Promise<Generation>}
   */
  async submit(model, input, { webhook, webhookEvents, idempotencyKey } = {}) {
    return this.#create(model, input, { wait: 0, webhook, webhookEvents, idempotencyKey });
  }

  /**
   * Do as `run`, and call `onUpdate` with the generation at each status that is seen.
   *
   * @param {string} model
   * @param {Record<string, unknown>} input
   * @param {Waiting & { onUpdate: (generation: Generation) => unknown }} options
   * @returns {Promise<Generation>}
   */
  async subscribe(model, input, { onUpdate, timeout = DEFAULT_TIMEOUT, idempotencyKey }) {
    const until = Date.now() + timeout;
    const generation = await this.#create(model, input, { wait: 0, idempotencyKey });
    return this.#ended(generation, until, timeout, onUpdate);
  }

  /**
   * Wait for the end of a generation; rejects as `run` does.
   *
   * @param {string} id
   * @param {{ timeout?: number, onUpdate?: (generation: Generation) => unknown }} [options]
   * @returns {Promise<Generation>}
   */
  async wait(id, { timeout = DEFAULT_TIMEOUT, onUpdate } = {}) {
    const until = Date.now() + timeout;
    return this.#ended(await this.#seen(id, until), until, timeout, onUpdate);
  }

  /**
   * Read a generation; an outage is no reason to give up before the deadline.
   *
   * @param {string} id
   * @param {number} until
   * @returns {Promise<Generation>}
   */
  async #seen(id, until) {
    for (;;) {
      try {
        return await this.get(id);
      } catch (error) {
        if (!(error instanceof UnavailableError) || Date.now() + LONGEST_POLL > until) throw error;
        await this.#sleep(LONGEST_POLL);
      }
    }
  }

  /** Read a generation as it stands. @param {string} id @returns {Promise<Generation>} */
  async get(id) {
    return generationOf(await this.#request("GET", path("generations", id)));
  }

  /**
   * List your generations, newest first; go on with `pagination.nextCursor`.
   *
   * @param {{ limit?: number, cursor?: string, status?: Status }} [options]
   * @returns {Promise<Page>}
   */
  async generations({ limit = 20, cursor = "", status } = {}) {
    const query = new URLSearchParams({ limit: String(limit), cursor, ...(status && { status }) });
    return this.#request("GET", `generations?${query}`);
  }

  /** Cancel a generation, as far as it still can be. @param {string} id @returns {Promise<Generation>} */
  async cancel(id) {
    return generationOf(await this.#request("POST", path("generations", id, "cancel")));
  }

  /** Delete a generation that has ended, and its pictures. @param {string} id @returns {Promise<void>} */
  async delete(id) {
    await this.#request("DELETE", path("generations", id), { goneIsDone: true });
  }

  /**
   * Get the pictures of a generation; the key is not sent to where they are.
   *
   * @param {Generation} generation
   * @returns {Promise<Blob[]>}
   */
  async download(generation) {
    if (generation.status !== "success" || !generation.output) throw new GenerationFailedError(generation);
    const urls = generation.outputs?.length ? generation.outputs.map((picture) => picture.url) : [generation.output];
    const pictures = [];
    for (const url of urls) pictures.push(await this.#answered(url, {}, (response) => response.blob()));
    return pictures;
  }

  /**
   * Store a picture of at most 4 MB to work from; a transient one is deleted after a day.
   *
   * @param {Uint8Array} content
   * @param {{ name?: string, transient?: boolean }} [options]
   * @returns {Promise<File>}
   */
  async upload(content, { name, transient = false } = {}) {
    const headers = { "Content-Type": "application/octet-stream", ...(name && { "X-Filename": encodeURIComponent(name) }) };
    return this.#request("POST", transient ? "files?transient=true" : "files", { headers, body: content });
  }

  /** List the models of the catalog; this needs no key. @returns {Promise<Model[]>} */
  async models() {
    const document = await this.#request("GET", "models");
    if (!Array.isArray(document?.data)) throw new ApiError(FOREIGN);
    return document.data;
  }

  /** Read the owner of the key, and the credits left. @returns {Promise<Account>} */
  async account() {
    return this.#request("GET", "account");
  }

  /**
   * Every attempt sends the same bytes under the same Idempotency-Key, so at most one generation is made.
   *
   * @param {string} model
   * @param {Record<string, unknown>} input
   * @param {{ wait: number, webhook?: string, webhookEvents?: Status[], idempotencyKey?: string }} options
   * @returns {Promise<Generation>}
   */
  async #create(model, input, { wait, webhook, webhookEvents, idempotencyKey = crypto.randomUUID() }) {
    if (!/^[ -~]{1,255}$/.test(idempotencyKey)) {
      throw new ApiError("The idempotency key must be 1 to 255 printable ASCII characters.");
    }
    const headers = {
      "Content-Type": "application/json",
      "Idempotency-Key": idempotencyKey,
      Prefer: wait ? `wait=${wait}` : "respond-async",
    };
    const body = JSON.stringify({ model, input, webhook, webhook_events: webhookEvents });
    return generationOf(await this.#request("POST", "generate", { headers, body, idempotencyKey }));
  }

  /**
   * Read the generation, ever less often, until it has ended.
   *
   * @param {Generation} generation
   * @param {number} until
   * @param {number} timeout
   * @param {(generation: Generation) => unknown} [onUpdate]
   * @returns {Promise<Generation>}
   */
  async #ended(generation, until, timeout, onUpdate) {
    /** @type {Status | undefined} */
    let seen;
    for (let wait = FIRST_POLL; ; wait = Math.min(wait * 1.5, LONGEST_POLL)) {
      if (onUpdate && generation.status !== seen) {
        seen = generation.status;
        await onUpdate(generation);
      }
      if (generation.status === "success") return generation;
      if (generation.status === "error") throw new GenerationFailedError(generation);
      if (Date.now() + wait > until) throw new WaitTimeoutError(generation, timeout);
      await this.#sleep(wait);
      try {
        generation = await this.get(generation.id);
      } catch (error) {
        // The generation goes on; only the deadline ends the wait.
        if (!(error instanceof UnavailableError)) throw error;
      }
    }
  }

  /**
   * Send a request until it is answered, and return the JSON of the answer; null where there is no body.
   *
   * @param {string} method
   * @param {string} target
   * @param {Send} [options]
   * @returns {Promise<any>}
   */
  async #request(method, target, { headers, body, idempotencyKey, goneIsDone = false } = {}) {
    /** @type {RequestInit} */
    const init = { method, headers: { ...this.#headers, ...headers }, body: /** @type {BodyInit} */ (body), redirect: "manual" };
    try {
      return await this.#answered(`${this.#base}/${target}`, init, readJson, goneIsDone);
    } catch (error) {
      if (error instanceof ApiError) error.idempotencyKey = idempotencyKey;
      throw error;
    }
  }

  /**
   * Repeat a request until it succeeds and its body is read; rejects with ApiError where it is refused, or when no retry
   * is left.
   *
   * @template T
   * @param {string} url
   * @param {RequestInit} init
   * @param {(response: Response) => Promise<T>} read
   * @param {boolean} [goneIsDone]
   * @returns {Promise<T>}
   */
  async #answered(url, init, read, goneIsDone = false) {
    for (let attempt = 0; ; attempt += 1) {
      let failure;
      let wait = Math.min(FIRST_BACKOFF * 2 ** attempt, LONGEST_BACKOFF) * (0.5 + 0.5 * Math.random());
      try {
        const response = await this.#fetch(url, { ...init, signal: AbortSignal.timeout(this.#requestTimeout) });
        if (response.ok) return await read(response);
        if (goneIsDone && attempt && response.status === 404) return /** @type {T} */ (null);
        failure = await refusal(response);
        wait = Math.max(wait, retryAfter(response));
      } catch (error) {
        if (error instanceof ApiError) throw error;
        failure = new UnavailableError(`No answer from the server (${reason(error)}); try again.`, { cause: error });
      }
      if (!(failure instanceof UnavailableError) || attempt >= this.#maxRetries || wait > LONGEST_RETRY_AFTER) {
        throw failure;
      }
      await this.#sleep(wait);
    }
  }
}

/** @param {Response} response */
async function readJson(response) {
  if (response.status === 204) return null;
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(FOREIGN, { status: response.status });
  }
}

/** @param {Response} response @returns {Promise<ApiError>} */
async function refusal(response) {
  /** @type {any} */
  const document = await response.json().catch(() => null);
  const Kind = RETRIED.has(response.status) ? UnavailableError : ApiError;
  return new Kind(String(document?.message ?? `HTTP ${response.status} ${response.statusText}`.trim()), {
    status: response.status,
    errors: Array.isArray(document?.errors) ? document.errors : [],
  });
}

/** @param {Response} response @returns {number} */
function retryAfter(response) {
  const text = response.headers.get("Retry-After") ?? "";
  return /^[0-9]+$/.test(text) ? Number(text) * 1000 : 0;
}

/** @param {any} document @returns {Generation} */
function generationOf(document) {
  if (typeof document?.id !== "string" || typeof document.status !== "string") throw new ApiError(FOREIGN);
  return document;
}

/** @param {string[]} parts */
function path(...parts) {
  return parts.map(encodeURIComponent).join("/");
}

/** @param {unknown} error @returns {string} */
function reason(error) {
  const cause = error instanceof Error ? /** @type {any} */ (error.cause) : undefined;
  return String(cause?.code ?? (error instanceof Error ? error.name : error));
}

/** Call fetch as a function: browsers refuse it as a method of another object. @type {typeof globalThis.fetch} */
function fetched(...request) {
  return globalThis.fetch(...request);
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
