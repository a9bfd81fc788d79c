// The parts that views share: headings, buttons, panels, tables, and the states of being empty, loading and failed.

import { statusOf, isHandledElsewhere } from "./api.js";
import { el, fill, svg, userText } from "./dom.js";

/** @type {Record<string, string>} */
const ICONS = {
  overview: "M3.5 16.5v-5M8 16.5v-9M12.5 16.5v-6M17 16.5v-12",
  usage: "M4 3.5v13h13M7.5 12.5l3-3.5 2.5 2 3.5-5",
  playground: "M11.5 4.5 15.5 8.5 8 16H4v-4zM9.5 6.5l4 4M13 16h4",
  generations: "M3.5 4.5h13v11h-13zM3.5 13l3.5-3.5 3 3 2.5-2.5 4 4M12.5 7.5h.01",
  deliveries: "M17 3.5 9 11.5M17 3.5l-5 13-3-5-5.5-3z",
  keys: "M10.5 9.5 17 3M14.5 5.5l2 2M11.5 13a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0z",
  users:
    "M12.5 16v-1.5a3 3 0 0 0-3-3h-4a3 3 0 0 0-3 3V16M7.5 8.5a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4z" +
    "M17.5 16v-1.5a3 3 0 0 0-2.2-2.9M12.8 3.2a2.7 2.7 0 0 1 0 5.2",
  providers: "M7.5 3v4M12.5 3v4M5 7h10v2.5a5 5 0 0 1-10 0zM10 14.5V17",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  out: "M8 16.5H4.5v-13H8M12.5 13.5 16 10l-3.5-3.5M16 10H8",
  copy: "M7.5 7.5h9v9h-9zM4.5 12.5h-1v-9h9v1",
  download: "M10 3.5v9M6 9l4 4 4-4M4 16.5h12",
  done: "M4 10.5 8 14.5 16 6",
  plus: "M10 4v12M4 10h12",
  back: "M12 4.5 6.5 10l5.5 5.5",
  empty: "M3.5 5.5h13v9h-13zM7 17.5h6M10 14.5v3",
  warning: "M10 3.5 17.5 16h-15zM10 8.5v3.5M10 14h.01",
};

/**
 * Draw an icon, hidden from screen readers.
 * @param {string} name
 */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: ICONS[name] }),
  );
}

/** Draw the logo. */
export function logo() {
  return svg(
    "svg",
    { class: "logo", viewBox: "0 0 32 32", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: "M16 4v4M11.7 20.5 7.5 28M20.3 20.5 24.5 28M16 20.5V26" }),
    svg("rect", { class: "canvas", x: 7.5, y: 8, width: 17, height: 12.5, rx: 1.5 }),
    svg("circle", { class: "sun", cx: 12.5, cy: 12.3, r: 1.7 }),
    svg("path", { class: "hills", d: "m9.5 18.5 4.3-3.8 2.7 2.1 3.3-4.3 2.7 6z" }),
  );
}

/**
 * Make a button; `name` is what a screen reader says where the label alone is not enough.
 * @param {Child} label
 * @param {((event: MouseEvent) => unknown) | null} onclick
 * @param {{ variant?: string, name?: string | null, type?: string, [attribute: string]: unknown }} options
 */
export function button(label, onclick, { variant = "", name = null, type = "button", ...attributes } = {}) {
  return el("button", { type, class: `button ${variant}`.trim(), "aria-label": name, ...attributes, onclick }, label);
}

/**
 * Make a link that looks like a button.
 * @param {string} href
 * @param {Child} label
 * @param {string} variant
 */
export const linkButton = (href, label, variant = "") => el("a", { class: `button ${variant}`.trim(), href }, label);

/**
 * Make a button that copies what `text` returns, and reports the outcome.
 * @param {() => string} text
 * @param {string} label
 * @param {string | null} name
 */
export function copyButton(text, label = "Copy", name = null) {
  const caption = el("span", { "aria-live": "polite" }, label);
  const copy = async () => {
    let outcome = "Copied";
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      outcome = "Select the text and copy it by hand";
    }
    fill(caption, outcome);
    setTimeout(() => fill(caption, label), 2500);
  };
  return button([icon("copy"), caption], copy, { variant: "small", name });
}

/**
 * Make a view's header: its title, one line about it, and its actions.
 * @param {Child} title
 * @param {Child} about
 * @param {...Child} actions
 */
export function heading(title, about = null, ...actions) {
  return el(
    "header",
    { class: "heading" },
    el("div", {}, el("h1", { tabindex: "-1" }, title), about ? el("p", { class: "muted" }, about) : null),
    actions.length > 0 && el("div", { class: "actions" }, actions),
  );
}

/**
 * Make a link back to a list.
 * @param {string} href
 * @param {string} label
 */
export const backLink = (href, label) => el("a", { class: "back", href }, icon("back"), label);

/**
 * Frame a part of a view under its own heading.
 * @param {string} title
 * @param {{ actions?: Child, variant?: string, note?: Child }} options
 * @param {...Child} children
 */
export function panel(title, { actions = null, variant = "", note = null } = {}, ...children) {
  return el(
    "section",
    { class: `panel ${variant}`.trim() },
    el("header", { class: "panel-head" }, el("h2", {}, title), note && el("p", { class: "muted" }, note), actions),
    children,
  );
}

/**
 * Show a remark beside an icon; a failure in its colour.
 * @param {string} text
 * @param {"" | "bad"} variant
 */
export const callout = (text, variant = "") =>
  el("div", { class: `callout ${variant}`.trim() }, icon("warning"), userText(text, "p"));

/**
 * List facts: pairs of a name and a value; a pair without a value is left out.
 * @param {[string, Child][]} pairs
 */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined);
  const rows = known.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));
  return el("dl", { class: "facts" }, rows);
}

/**
 * Make a table that becomes a list of cards where it is too wide; its roles hold even when CSS changes its display.
 * @param {string} caption
 * @param {string[]} columns names; an empty one holds the row's buttons
 * @param {Child[][]} rows
 */
export function table(caption, columns, rows) {
  const head = columns.map((name) =>
    el("th", { scope: "col", role: "columnheader" }, name || el("span", { class: "visually-hidden" }, "Actions")),
  );
  const cell = (/** @type {Child} */ content, /** @type {number} */ at) =>
    columns[at]
      ? el("td", { role: "cell", "data-label": columns[at] }, content)
      : el("td", { role: "cell", class: "row-actions" }, el("div", { class: "row-buttons" }, content));
  const body = rows.map((cells) => el("tr", { role: "row" }, cells.map(cell)));
  const made = el(
    "table",
    { role: "table" },
    el("caption", { class: "visually-hidden" }, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)),
    el("tbody", { role: "rowgroup" }, body),
  );
  const frame = el("div", { class: "table" }, made);
  tables.observe(frame);
  return frame;
}

/** Shows the rows of each table as cards while its columns do not fit. */
const tables = new ResizeObserver((entries) =>
  requestAnimationFrame(() => entries.forEach(({ target }) => fit(target))),
);

/** @param {Element} frame of a table */
function fit(frame) {
  frame.classList.remove("cards");
  frame.classList.toggle("cards", frame.scrollWidth > frame.clientWidth);
}

/**
 * Say that there is nothing yet, and what to do about it.
 * @param {string} title
 * @param {string} advice
 * @param {...Child} actions
 */
export function emptyState(title, advice, ...actions) {
  return el(
    "div",
    { class: "state" },
    icon("empty"),
    el("p", { class: "state-title" }, title),
    el("p", { class: "muted" }, advice),
    actions,
  );
}

/**
 * Report a failure; one that another try could mend offers it.
 * @param {unknown} error
 * @param {(() => unknown) | null} retry
 */
export function errorState(error, retry = null) {
  const status = statusOf(error);
  const final = status !== null && status >= 400 && status < 500 && status !== 429;
  return el(
    "div",
    { class: "state", role: "alert" },
    icon(status === 404 ? "empty" : "warning"),
    el("p", { class: "state-title" }, status === 404 ? "Not found" : "That did not work"),
    userText(messageOf(error), "p", { class: "muted" }),
    retry && !final && button("Try again", retry),
  );
}

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * Show where content will appear while it loads.
 * @param {string} what
 * @param {"lines" | "tiles"} variant
 */
export function skeleton(what, variant = "lines") {
  const rows = Array.from({ length: variant === "tiles" ? 8 : 4 }, () => el("div", { class: "skeleton" }));
  const status = el("span", { class: "visually-hidden" }, `Loading ${what}…`);
  return el("div", { class: `loading ${variant}`, role: "status" }, status, rows);
}

/**
 * Show a document as indented JSON or text, in a frame that also scrolls by keyboard.
 * @param {unknown} content
 * @param {string} name
 */
export function code(content, name) {
  const text = typeof content === "string" ? content : JSON.stringify(content, null, 2);
  const attributes = { class: "code", dir: "ltr", tabindex: "0", role: "region", "aria-label": name };
  return el("pre", attributes, el("code", {}, text));
}

/**
 * Show a message at the edge of the page for some seconds.
 * @param {string} text
 * @param {"good" | "bad"} variant
 */
export function toast(text, variant = "good") {
  const message = el("p", { class: `toast ${variant}`, dir: "auto" }, text);
  document.getElementById("toasts")?.append(message);
  setTimeout(() => message.remove(), variant === "bad" ? 10_000 : 5_000);
}

/**
 * Fill a region with what `get` returns: a skeleton first, and where it fails the error with another try.
 * @template T
 * @param {Element} region
 * @param {string} what
 * @param {() => Promise<T>} get
 * @param {(result: T) => Child} build
 * @param {"lines" | "tiles"} variant
 */
export async function load(region, what, get, build, variant = "lines") {
  if (!region.hasChildNodes()) fill(region, skeleton(what, variant));
  region.setAttribute("aria-busy", "true");
  try {
    fill(region, build(await get()));
  } catch (error) {
    if (isHandledElsewhere(error)) return;
    fill(
      region,
      errorState(error, () => load(fill(region), what, get, build, variant)),
    );
  } finally {
    region.removeAttribute("aria-busy");
  }
}
