// What several views show: headings, tables, figures, and the states of having nothing, waiting and failing.

import { el, fill, svg, words } from "./dom.js";
import { fileUrl } from "./api.js";
import { badge, bytes, kind } from "./format.js";

const ICONS = {
  overview: "M3.5 16.5v-5M8 16.5v-9M12.5 16.5v-6M17 16.5v-12",
  playground: "M11.5 4.5 15.5 8.5 8 16H4v-4zM9.5 6.5l4 4M13 16h4",
  generations: "M3.5 4.5h13v11h-13zM3.5 13l3.5-3.5 3 3 2.5-2.5 4 4M12.5 7.5h.01",
  keys: "M10.5 9.5 17 3M14.5 5.5l2 2M11.5 13a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0z",
  users: "M12.5 16v-1.5a3 3 0 0 0-3-3h-4a3 3 0 0 0-3 3V16M7.5 8.5a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4zM17.5 16v-1.5a3 3 0 0 0-2.2-2.9M12.8 3.2a2.7 2.7 0 0 1 0 5.2",
  providers: "M7.5 3v4M12.5 3v4M5 7h10v2.5a5 5 0 0 1-10 0zM10 14.5V17",
  out: "M8 16.5H4.5v-13H8M12.5 13.5 16 10l-3.5-3.5M16 10H8",
  copy: "M7.5 7.5h9v9h-9zM4.5 12.5h-1v-9h9v1",
  done: "M4 10.5 8 14.5 16 6",
  plus: "M10 4v12M4 10h12",
  back: "M12 4.5 6.5 10l5.5 5.5",
  empty: "M3.5 5.5h13v9h-13zM7 17.5h6M10 14.5v3",
  warning: "M10 3.5 17.5 16h-15zM10 8.5v3.5M10 14h.01",
};

/** Draw one of the icons; it says nothing to a screen reader. */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: ICONS[name] }),
  );
}

/** Draw the mark. */
export function mark() {
  return svg(
    "svg",
    { class: "mark", viewBox: "0 0 32 32", "aria-hidden": "true", focusable: "false" },
    svg("path", { class: "easel", d: "M16 4v4M11.7 20.5 7.5 28M20.3 20.5 24.5 28M16 20.5V26" }),
    svg("rect", { class: "canvas", x: 7.5, y: 8, width: 17, height: 12.5, rx: 1.5 }),
    svg("circle", { class: "sun", cx: 12.5, cy: 12.3, r: 1.7 }),
    svg("path", { class: "hills", d: "m9.5 18.5 4.3-3.8 2.7 2.1 3.3-4.3 2.7 6z" }),
  );
}

/** Make a button; its label may be an icon and words. */
export function button(label, onclick, { look = "", name = null, type = "button", ...attributes } = {}) {
  return el("button", { type, class: `button ${look}`.trim(), "aria-label": name, ...attributes, onclick }, label);
}

/** Make a button that copies what `text` returns, and says so. */
export function copyButton(text, label = "Copy") {
  const caption = el("span", { "aria-live": "polite" }, label);
  const said = button([icon("copy"), caption], async () => {
    let outcome = "Copied";
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      outcome = "Select it and copy by hand";
    }
    fill(caption, outcome);
    setTimeout(() => fill(caption, label), 2500);
  }, { look: "small" });
  return said;
}

/** Head a view: what it is, one line about it, and what can be done. */
export function heading(title, about = null, ...actions) {
  return el(
    "header",
    { class: "heading" },
    el("div", {}, el("h1", { tabindex: "-1" }, title), about && el("p", { class: "quiet" }, about)),
    actions.length > 0 && el("div", { class: "actions" }, actions),
  );
}

/** Frame a part of a view under a heading of its own. */
export function panel(title, { actions = null, look = "", note = null } = {}, ...children) {
  return el(
    "section",
    { class: `panel ${look}`.trim() },
    el("header", { class: "panel-head" }, el("h2", {}, title), note && el("p", { class: "quiet" }, note), actions),
    children,
  );
}

/** List facts: pairs of a name and what there is to show; a missing one is left out. */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined);
  return el("dl", { class: "facts" }, known.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

/** Make a table that turns into cards on a phone; its roles stand even when its display does not say table. */
export function table(caption, columns, rows) {
  const head = columns.map((name) => el("th", { scope: "col", role: "columnheader" }, name || el("span", { class: "unseen" }, "Actions")));
  const line = (cells) => el(
    "tr",
    { role: "row" },
    cells.map((cell, at) => el("td", { role: "cell", "data-label": columns[at], class: columns[at] ? null : "row-actions" }, cell)),
  );
  return el(
    "table",
    { role: "table" },
    el("caption", { class: "unseen" }, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, head)),
    el("tbody", { role: "rowgroup" }, rows.map(line)),
  );
}

/** Say that there is nothing yet, and what to do about it. */
export function nothing(title, advice, ...actions) {
  return el("div", { class: "state" }, icon("empty"), el("p", { class: "state-title" }, title), el("p", { class: "quiet" }, advice), actions);
}

/** Say that something failed, and let it be tried again. */
export function failure(error, retry = null) {
  return el(
    "div",
    { class: "state", role: "alert" },
    icon("warning"),
    el("p", { class: "state-title" }, "That did not work"),
    words(error.message, "p", { class: "quiet" }),
    retry && button("Try again", retry),
  );
}

/** Hold the place of what is on its way. */
export function loading(what, look = "lines") {
  const bars = Array.from({ length: look === "tiles" ? 8 : 4 }, () => el("div", { class: "bone" }));
  return el("div", { class: `loading ${look}`, role: "status" }, el("span", { class: "unseen" }, `Loading ${what}…`), bars);
}

/** Show a generation's picture, or why there is none. */
export function picture(generation, { large = false } = {}) {
  const source = fileUrl(large ? generation.output : generation.thumbnail ?? generation.output);
  if (!source || generation.type !== "image") {
    return el("div", { class: "no-picture" }, badge(generation.status), generation.error && words(generation.error, "p"));
  }
  return image(source, large ? describe(generation) : "", large ? "eager" : "lazy");
}

/** Show all pictures of a generation, each with what it is; or why there is none. */
export function pictures(generation) {
  const all = generation.outputs ?? [];
  if (all.length === 0) return el("div", { class: "frame-picture large" }, picture(generation, { large: true }));
  return el("ul", { class: all.length > 1 ? "hung several" : "hung" }, all.map((output, at) => {
    const source = fileUrl(output.url);
    const name = all.length > 1 ? `${describe(generation)} (${at + 1} of ${all.length})` : describe(generation);
    return el(
      "li",
      {},
      el("div", { class: "frame-picture large" }, el("a", { href: source, target: "_blank", rel: "noopener" }, image(source, name, "eager"))),
      el("p", { class: "caption quiet" }, [`${output.width} × ${output.height}`, kind(output.contentType), bytes(output.size)].join(" · ")),
    );
  }));
}

/** Show a stored picture, or that it cannot be had any more. */
export function image(source, alt, loading = "lazy") {
  const shown = el("img", {
    alt,
    loading,
    decoding: "async",
    onerror: () => shown.replaceWith(el("div", { class: "no-picture" }, el("p", {}, "The picture cannot be had."))),
  });
  shown.src = source;
  return shown;
}

/** Put a generation's input into words, for an alternative text. */
export function describe(generation) {
  const prompt = String(generation.payload?.prompt ?? "no prompt");
  return `Picture made from: ${prompt.length > 200 ? `${prompt.slice(0, 200)}…` : prompt}`;
}

/** Show a document as indented JSON, in a frame that scrolls by keyboard too. */
export function code(document, name) {
  const text = typeof document === "string" ? document : JSON.stringify(document, null, 2);
  return el("pre", { class: "code", dir: "ltr", tabindex: "0", role: "region", "aria-label": name }, el("code", {}, text));
}

/** Tell something for a moment at the edge of the page. */
export function notice(text, look = "good") {
  const said = el("p", { class: `notice ${look}`, dir: "auto" }, text);
  document.getElementById("notices").append(said);
  setTimeout(() => said.remove(), look === "bad" ? 10_000 : 5_000);
}

/** Fill a region with what `get` brings: what is on its way first, and a failure with another try. */
export async function load(region, what, get, build, look = "lines") {
  if (!region.hasChildNodes()) fill(region, loading(what, look));
  region.setAttribute("aria-busy", "true");
  try {
    fill(region, build(await get()));
  } catch (error) {
    if (error.name === "AbortError" || error.status === 401) return;
    fill(region, failure(error, () => load(fill(region), what, get, build, look)));
  } finally {
    region.removeAttribute("aria-busy");
  }
}
