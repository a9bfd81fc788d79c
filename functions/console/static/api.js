// HTTP calls: to the console's routes with the session, and to the public API with a client's key.

/** The URL of the API, with a final slash; the page is `console` beneath it. */
export const base = new URL(".", location.href.split("#")[0]);

/** Whether the stack runs on this machine. */
export const local = ["127.0.0.1", "localhost", "[::1]"].includes(base.hostname);

/**
 * The token that changes need beside the cookie: another site can send the cookie, but cannot read this.
 * @type {string | null}
 */
let csrf = null;

/**
 * @typedef {object} Options
 * @property {unknown} [body]
 * @property {AbortSignal} [signal]
 * @property {Record<string, string>} [headers]
 * @property {string} [key] a client's API key
 * @property {boolean} [keepalive] whether the request outlives the page
 */

/** A response that is not a success. */
export class ApiError extends Error {
  /**
   * @param {number} status the HTTP status, or 0 without a response
   * @param {string} message
   * @param {FieldProblem[]} errors
   * @param {string | null} retryAfter seconds, as the server wrote them
   */
  constructor(status, message, errors = [], retryAfter = null) {
    super(message);
    this.status = status;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }
}

/**
 * Return the HTTP status of an error; 0 where there was no response, null where it is no error of the API.
 * @param {unknown} error
 */
export const statusOf = (error) => (error instanceof ApiError ? error.status : null);

/**
 * Tell whether an error only says that the view was left or the session ended: both are shown elsewhere.
 * @param {unknown} error
 */
export const isHandledElsewhere = (error) =>
  (error instanceof DOMException && error.name === "AbortError") || statusOf(error) === 401;

/**
 * Open a session with the console's secret.
 * @param {string} secret
 */
export async function signIn(secret) {
  ({ csrf } = await request("POST", "console/session", { body: { secret } }));
}

/** Resume the session of an earlier visit; false where there is none. */
export async function resume() {
  try {
    ({ csrf } = await request("GET", "console/session"));
    return true;
  } catch (error) {
    if (statusOf(error) === 401) return false;
    throw error;
  }
}

/** End the session, here and on the server. */
export async function signOut() {
  await request("DELETE", "console/session", { headers: csrfHeader() });
  csrf = null;
}

/**
 * Call an admin route; where the session has ended, the whole page gets the event `session-ended`.
 * @param {string} method
 * @param {string} path
 * @param {Options} options
 */
export async function admin(method, path, { body, signal, keepalive } = {}) {
  try {
    const headers = method === "GET" ? {} : csrfHeader();
    return await request(method, `console/admin/${path}`, { body, signal, headers, keepalive });
  } catch (error) {
    if (statusOf(error) === 401) window.dispatchEvent(new Event("session-ended"));
    throw error;
  }
}

/** @typedef {{ text?: string, cursor?: string | null, limit?: number, signal?: AbortSignal }} Search */

/**
 * List users or keys, the newest first: the part that begins at the cursor, of those in which the text is found.
 * The server may stop looking before it has found one; this goes on until one is found or none is left.
 * @param {"users" | "keys"} path
 * @param {Search} search
 * @returns {Promise<{ data: any[], cursor: string | null }>} what is found, and where the next part begins
 */
export async function find(path, { text = "", cursor = null, limit, signal } = {}) {
  const page = await admin("GET", `${path}?${query({ q: text, cursor, limit })}`, { signal });
  const next = page.pagination?.nextCursor ?? null;
  if (page.data.length > 0 || next === null) return { data: page.data, cursor: next };
  return find(path, { text, cursor: next, limit, signal });
}

/**
 * List all users or keys in which a text is found.
 * @param {"users" | "keys"} path
 * @param {Search} search
 * @returns {Promise<{ data: any[] }>}
 */
export async function listAll(path, search = {}) {
  const data = [];
  let { cursor = null } = search;
  do {
    const part = await find(path, { ...search, cursor });
    data.push(...part.data);
    cursor = part.cursor;
  } while (cursor !== null);
  return { data };
}

/**
 * Call the public API with a client's key, or without one.
 * @param {string} method
 * @param {string} path
 * @param {Options} options
 */
export function client(method, path, { key, body, signal, headers = {} } = {}) {
  const sent = key ? { Authorization: key, ...headers } : headers;
  return request(method, path, { body, signal, headers: sent, credentials: "omit" });
}

/**
 * List the models that clients can request.
 * @param {AbortSignal} [signal]
 * @returns {Promise<Model[]>}
 */
export async function models(signal) {
  return (await client("GET", "models", { signal })).data;
}

/**
 * List the tools that clients can use.
 * @param {AbortSignal} [signal]
 * @returns {Promise<Tool[]>}
 */
export async function tools(signal) {
  return (await client("GET", "tools", { signal })).data;
}

/**
 * Return a tool with its models.
 * @param {string} slug
 * @param {AbortSignal} [signal]
 * @returns {Promise<ToolDetail>}
 */
export function tool(slug, signal) {
  return client("GET", `tools/${encodeURIComponent(slug)}`, { signal });
}

/**
 * Return the URL of a stored file on this page's own origin, whatever name the API gives itself.
 * @param {unknown} url
 */
export function fileUrl(url) {
  const at = typeof url === "string" ? url.indexOf("/files/") : -1;
  return at < 0 ? null : new URL(String(url).slice(at + 1), base).href;
}

/**
 * Write a query string, without what is empty.
 * @param {Record<string, string | number | null | undefined>} values
 */
export function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}

/** @returns {Record<string, string>} */
function csrfHeader() {
  return csrf ? { "X-CSRF-Token": csrf } : {};
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Options & { credentials?: RequestCredentials }} options
 * @returns {Promise<any>}
 */
async function request(method, path, options = {}) {
  const { body, signal, headers = {}, credentials = "same-origin", keepalive = false } = options;
  let response;
  try {
    response = await fetch(new URL(path, base), {
      method,
      signal,
      credentials,
      keepalive,
      cache: "no-store",
      headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "The stack cannot be reached. Check the connection, then try again.");
  }
  const document = await response.json().catch(() => null);
  if (response.ok) return document;
  const message = document?.message ?? `The stack answered ${response.status}. Try again in a moment.`;
  throw new ApiError(response.status, message, document?.errors ?? [], response.headers.get("Retry-After"));
}
