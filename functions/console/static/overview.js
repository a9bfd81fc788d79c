// The overview: what was made, how well, how fast, at what price, and what is stuck.

import { admin } from "./api.js";
import { bars, ring } from "./chart.js";
import { el, words } from "./dom.js";
import { ago, duration, number, percent, plural } from "./format.js";
import { heading, load, nothing, panel, picture } from "./parts.js";

const SPANS = [7, 14, 30];

export default function show(page, { query, signal }) {
  const days = SPANS.find((span) => String(span) === query.get("days")) ?? 14;
  const spans = el(
    "div",
    { class: "segments", role: "group", "aria-label": "Period" },
    SPANS.map((span) => el("a", { href: `#/overview?days=${span}`, "aria-current": span === days ? "true" : null }, `${span} days`)),
  );
  const numbers = el("div", { class: "stack" });
  const latest = el("div", {});
  page.append(heading("Overview", `The last ${days} days of everybody's generations.`, spans), numbers, latest);
  load(numbers, "the numbers", () => admin("GET", `overview?days=${days}`, { signal }), drawn);
  load(latest, "the latest pictures", () => admin("GET", "generations?limit=6", { signal }), strip, "tiles");
}

function drawn(seen) {
  const total = (kind) => seen.days.reduce((sum, day) => sum + day[kind], 0);
  const [success, error, other] = ["success", "error", "other"].map(total);
  const count = success + error + other;
  const rate = seen.successRate;
  const stuck = seen.deadLetters;
  return [
    el(
      "div",
      { class: "figures" },
      figure("Success rate", rate === null ? "–" : percent(rate), error > 0 ? `${plural(error, "failure")} of ${number(success + error)}` : "nothing failed", ring(rate)),
      figure("Median time", seen.medianSeconds === null ? "–" : duration(seen.medianSeconds), "from asked to finished"),
      figure("Credits spent", number(seen.creditsSpent), plural(count, "generation")),
      figure("Dead letters", number(stuck), stuck > 0 ? "wait to be looked at" : "nothing is stuck", lamp(stuck === 0)),
    ),
    panel(
      "Generations a day",
      {
        actions: el(
          "ul",
          { class: "legend" },
          [["success", "Success", success], ["error", "Error", error], ["other", "Under way", other]].map(([kind, label, sum]) =>
            el("li", { class: kind }, label, el("b", {}, number(sum)))),
        ),
      },
      count > 0 ? bars(seen.days) : nothing("Nothing was made in these days", "Make the first picture in the playground.", el("a", { class: "button primary", href: "#/playground" }, "Open the playground")),
    ),
  ];
}

function figure(label, value, note, drawing = null) {
  return el(
    "div",
    { class: "figure" },
    el("div", {}, el("h2", {}, label), el("p", { class: "value" }, value), el("p", { class: "quiet" }, note)),
    drawing,
  );
}

function lamp(fine) {
  return el("span", { class: `lamp ${fine ? "good" : "bad"}`, "aria-hidden": "true" });
}

function strip({ data }) {
  if (data.length === 0) return [];
  return panel(
    "Latest",
    { actions: el("a", { href: "#/generations" }, "All generations") },
    el(
      "ul",
      { class: "strip" },
      data.map((one) => el(
        "li",
        {},
        el(
          "a",
          { href: `#/generations/${encodeURIComponent(one.id)}`, class: "tile" },
          el("div", { class: "frame-picture" }, picture(one)),
          words(one.payload?.prompt ?? one.model, "span", { class: "clamp one" }),
          el("span", { class: "quiet" }, ago(one.createdAt)),
        ),
      )),
    ),
  );
}
