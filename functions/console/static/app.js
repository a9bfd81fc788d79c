// Starts the page: the session, the frame around the views, and which view the address asks for.

import { resume, signOut } from "./api.js";
import { el, fill } from "./dom.js";
import { button, failure, icon, mark, notice } from "./parts.js";
import { keyring } from "./keyring.js";
import { signInView } from "./signin.js";

const VIEWS = {
  overview: { title: "Overview", module: () => import("./overview.js") },
  playground: { title: "Playground", module: () => import("./playground.js") },
  generations: { title: "Generations", module: () => import("./generations.js"), one: () => import("./generation.js") },
  keys: { title: "API keys", module: () => import("./keys.js") },
  users: { title: "Users", module: () => import("./users.js") },
  providers: { title: "Providers", module: () => import("./providers.js") },
};

const app = document.getElementById("app");
let main = null; // null while nobody is signed in
let leaving = new AbortController();

function frame() {
  const links = Object.entries(VIEWS).map(([name, { title }]) =>
    el("a", { href: `#/${name}`, "data-view": name }, icon(name), el("span", {}, title)));
  main = el("main", { id: "main", tabindex: "-1" });
  fill(
    app,
    el("a", {
      class: "skip",
      href: "#main",
      onclick: (event) => {
        event.preventDefault();
        main.focus();
      },
    }, "Skip to the content"),
    el(
      "div",
      { class: "frame" },
      el(
        "header",
        { class: "side" },
        el("a", { class: "brand", href: "#/overview" }, mark(), el("span", {}, "Atelier")),
        el("nav", { "aria-label": "Console" }, links),
        button([icon("out"), el("span", {}, "Sign out")], leave, { look: "plain sign-out" }),
      ),
      main,
    ),
  );
}

async function show({ arriving = false } = {}) {
  if (!main) return;
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, id] = path.split("/");
  const view = VIEWS[name] ?? VIEWS.overview;
  for (const link of app.querySelectorAll("nav a")) {
    if (VIEWS[link.dataset.view] === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
  document.title = `${view.title} · Atelier`;
  const page = el("div", { class: "page" });
  try {
    const { default: build } = await (id && view.one ? view.one() : view.module());
    if (signal.aborted) return;
    fill(main, page);
    build(page, { id: id ? decodeURIComponent(id) : null, query: new URLSearchParams(query), signal });
  } catch (error) {
    fill(main, failure(error, () => show()));
  }
  window.scrollTo(0, 0);
  if (!arriving) page.querySelector("h1")?.focus({ preventScroll: true });
}

async function leave() {
  try {
    await signOut();
  } catch (error) {
    if (error.status !== 401) return notice(`You are still signed in. ${error.message}`, "bad");
  }
  askIn("You are signed out.");
}

function askIn(said = null) {
  leaving.abort();
  main = null;
  keyring.forget();
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
  document.title = "Sign in · Atelier";
  signInView(app, said, () => {
    enter();
    main.focus({ preventScroll: true });
  });
}

function enter() {
  frame();
  return show({ arriving: true });
}

async function start() {
  try {
    if (await resume()) enter();
    else askIn();
  } catch (error) {
    fill(app, el("main", { class: "boot" }, failure(error, start)));
  }
}

window.addEventListener("hashchange", () => show());
window.addEventListener("session-ended", () => main && askIn("Your session has ended. Sign in again."));
window.addEventListener("pagehide", () => keyring.forget());
start();
