// The page: the session, the frame around the views, and the view that the address names.

import { resume, signOut, statusOf } from "./api.js";
import { button, emptyState, errorState, heading, icon, linkButton, logo, messageOf, toast } from "./components.js";
import { el, fill } from "./dom.js";
import { playgroundKey } from "./playground-key.js";
import { signInPage } from "./sign-in.js";

/** @typedef {{ default: (page: HTMLElement, visit: Visit) => void }} View */

/** @type {Record<string, { title: string, module: () => Promise<View>, detail?: () => Promise<View> }>} */
const VIEWS = {
  overview: { title: "Overview", module: () => import("./overview.js") },
  usage: { title: "Usage", module: () => import("./usage.js") },
  playground: { title: "Playground", module: () => import("./playground.js") },
  generations: {
    title: "Generations",
    module: () => import("./generations.js"),
    detail: () => import("./generation.js"),
  },
  deliveries: { title: "Deliveries", module: () => import("./deliveries.js") },
  keys: { title: "API keys", module: () => import("./api-keys.js"), detail: () => import("./api-key.js") },
  users: { title: "Users", module: () => import("./users.js"), detail: () => import("./user.js") },
  providers: { title: "Providers", module: () => import("./providers.js") },
};

const app = /** @type {HTMLElement} */ (document.getElementById("app"));
/** @type {HTMLElement | null} null while nobody is signed in */
let main = null;
let leaving = new AbortController();

function buildFrame() {
  const links = Object.entries(VIEWS).map(([name, { title }]) =>
    el("a", { href: `#/${name}`, "data-view": name }, icon(name), el("span", {}, title)),
  );
  const content = el("main", { id: "main", tabindex: "-1" });
  const skip = (/** @type {Event} */ event) => {
    event.preventDefault();
    content.focus();
  };
  const side = el(
    "header",
    { class: "side" },
    el("a", { class: "brand", href: "#/overview" }, logo(), el("span", {}, "Atelier")),
    el("nav", { "aria-label": "Console" }, links),
    button([icon("out"), el("span", {}, "Sign out")], leave, { variant: "plain sign-out" }),
  );
  main = content;
  fill(
    app,
    el("a", { class: "skip", href: "#main", onclick: skip }, "Skip to the content"),
    el("div", { class: "frame" }, side, content),
  );
}

/** Read the address: `#/view/id?query`; the view is null where there is none of the name. */
function route() {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/");
  const [name, id, ...rest] = parts.map((part) => decoded(part) ?? part);
  const malformed = parts.some((part) => decoded(part) === null);
  const view = Object.hasOwn(VIEWS, name || "overview") ? VIEWS[name || "overview"] : null;
  const known = view && rest.length === 0 && !malformed && (!id || view.detail) ? view : null;
  return { name: name || "overview", view: known, id: id || null, query: new URLSearchParams(query) };
}

/**
 * Decode a part of the address; null where it is malformed.
 * @param {string} part
 */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** @type {View["default"]} */
const notFound = (page) =>
  page.append(
    heading("Not found", "The console has no page at this address."),
    emptyState("There is no such page", "Choose one in the menu.", linkButton("#/overview", "Open the overview")),
  );

/** @param {string} name */
function markCurrent(name) {
  for (const link of app.querySelectorAll("nav a")) {
    if (link instanceof HTMLElement && link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

const closeDialogs = () => document.querySelectorAll("dialog").forEach((dialog) => dialog.close());

async function show({ arriving = false } = {}) {
  if (!main) return;
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { name, view, id, query } = route();
  markCurrent(name);
  closeDialogs();
  document.title = `${view?.title ?? "Not found"} · Atelier`;
  const page = el("div", { class: "page" });
  try {
    const { default: build } = view ? await (id && view.detail ? view.detail() : view.module()) : { default: notFound };
    if (signal.aborted) return;
    fill(main, page);
    build(page, { id, query, signal });
  } catch (error) {
    fill(
      main,
      errorState(error, () => show()),
    );
  }
  window.scrollTo(0, 0);
  if (!arriving) page.querySelector("h1")?.focus({ preventScroll: true });
}

async function leave() {
  await playgroundKey.revoke();
  try {
    await signOut();
  } catch (error) {
    if (statusOf(error) !== 401) {
      toast(`You are still signed in. ${messageOf(error)}`, "bad");
      return;
    }
  }
  showSignIn("You are signed out.");
}

/** @param {string | null} message */
function showSignIn(message = null) {
  leaving.abort();
  main = null;
  playgroundKey.forget();
  closeDialogs();
  document.title = "Sign in · Atelier";
  signInPage(app, message, () => {
    enter();
    main?.focus({ preventScroll: true });
  });
}

function enter() {
  buildFrame();
  show({ arriving: true });
}

async function start() {
  try {
    if (await resume()) enter();
    else showSignIn();
  } catch (error) {
    fill(app, el("main", { class: "boot" }, errorState(error, start)));
  }
}

window.addEventListener("hashchange", () => show());
window.addEventListener("session-ended", () => main && showSignIn("Your session has ended. Sign in again."));
window.addEventListener("pagehide", () => playgroundKey.revoke());
start();
