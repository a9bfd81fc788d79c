// Speaks HTTP: to the console's routes as the owner, and to the public API as a client with a key.

/** Where the API is reached, with a final slash; the page is `console` beneath it. */
export const base = new URL(".", location.href.split("#")[0]);

let csrf = null; // changes need it beside the cookie; another site can send the cookie, but cannot read this

/** An answer that is not a success. */
export class ApiError extends Error {
  constructor(status, message, errors = [], retryAfter = null) {
    super(message);
    this.status = status;
    this.errors = errors;
    this.retryAfter = retryAfter;
  }
}

/** Open a session with the console's secret. */
export async function signIn(secret) {
  ({ csrf } = await request("POST", "console/session", { body: { secret } }));
}

/** Take up the session of an earlier visit; false where there is none. */
export async function resume() {
  try {
    ({ csrf } = await request("GET", "console/session"));
    return true;
  } catch (error) {
    if (error.status === 401) return false;
    throw error;
  }
}

/** End the session, here and on the server. */
export async function signOut() {
  await request("DELETE", "console/session", { headers: proof() });
  csrf = null;
}

/** Call an admin route; a session that has ended is told to the whole page. */
export async function admin(method, path, { body, signal } = {}) {
  try {
    return await request(method, `console/admin/${path}`, { body, signal, headers: method === "GET" ? {} : proof() });
  } catch (error) {
    if (error.status === 401) window.dispatchEvent(new Event("session-ended"));
    throw error;
  }
}

/** Call the public API with a client's key, or without one. */
export function client(method, path, { key, body, signal, headers = {} } = {}) {
  const authorization = key ? { Authorization: key } : {};
  return request(method, path, { body, signal, headers: { ...authorization, ...headers }, credentials: "omit" });
}

/** List the models that clients can ask for. */
export async function models(signal) {
  return (await client("GET", "models", { signal })).data;
}

/** Where this page gets a stored file: from its own origin, whatever name the API gives itself. */
export function fileUrl(url) {
  const at = typeof url === "string" ? url.indexOf("/files/") : -1;
  return at < 0 ? null : new URL(url.slice(at + 1), base).href;
}

function proof() {
  return csrf ? { "X-CSRF-Token": csrf } : {};
}

async function request(method, path, { body, signal, headers = {}, credentials = "same-origin" } = {}) {
  let response;
  try {
    response = await fetch(new URL(path, base), {
      method,
      signal,
      credentials,
      cache: "no-store",
      headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The stack cannot be reached. Look at the connection, and try again.");
  }
  const document = await response.json().catch(() => null);
  if (response.ok) return document;
  const message = document?.message ?? `The stack answered ${response.status}. Try again in a moment.`;
  throw new ApiError(response.status, message, document?.errors ?? [], response.headers.get("Retry-After"));
}
