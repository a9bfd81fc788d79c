// The overview: how many generations, how well, how fast, at what price, and what is stuck.

import { admin } from "./api.js";
import { barChart, ring } from "./bar-chart.js";
import { emptyState, heading, linkButton, load, panel } from "./components.js";
import { el, userText } from "./dom.js";
import { ago, duration, number, percent, plural } from "./format.js";
import { thumbnail } from "./images.js";
import { SERIES } from "./usage-panel.js";

const PERIODS = [7, 14, 30];

/**
 * @param {HTMLElement} page
 * @param {Visit} visit
 */
export default function show(page, { query, signal }) {
  const days = PERIODS.find((period) => String(period) === query.get("days")) ?? 14;
  const links = PERIODS.map((period) =>
    el("a", { href: `#/overview?days=${period}`, "aria-current": period === days ? "true" : null }, `${period} days`),
  );
  const periods = el("div", { class: "segments", role: "group", "aria-label": "Period" }, links);
  const figures = el("div", { class: "stack" });
  const latest = el("div", {});
  page.append(
    heading(
      "Overview",
      `What was finished in the last ${days} days, in UTC. Deleted generations stay counted.`,
      periods,
    ),
    figures,
    latest,
  );
  load(figures, "the figures", () => admin("GET", `overview?days=${days}`, { signal }), summary);
  load(latest, "the latest images", () => admin("GET", "generations?limit=6", { signal }), row, "tiles");
}

/** @param {Overview} overview */
function summary(overview) {
  const total = (/** @type {"success" | "error" | "cancelled"} */ kind) =>
    overview.days.reduce((sum, day) => sum + day[kind], 0);
  const [success, error, cancelled] = [total("success"), total("error"), total("cancelled")];
  const count = success + error + cancelled;
  const { successRate: rate, averageSeconds: average, deadLetters: dead, inProgress } = overview;
  const failures = error > 0 ? `${plural(error, "failure")} of ${number(success + error)}` : "no failures";
  const legend = [
    ["success", "Succeeded", success],
    ["error", "Failed", error],
    ["cancelled", "Cancelled", cancelled],
  ].map(([kind, label, sum]) => el("li", { class: kind }, label, el("b", {}, number(Number(sum)))));
  return [
    el(
      "div",
      { class: "figures" },
      figure("Success rate", rate === null ? "–" : percent(rate), failures, ring(rate)),
      figure("Average time", average === null ? "–" : duration(average), "from request to result"),
      figure("Credits spent", number(overview.creditsSpent), plural(count, "generation")),
      figure("In progress", number(inProgress), inProgress > 0 ? "right now" : "nothing is waiting"),
      figure("Dead letters", number(dead), dead > 0 ? "need attention" : "nothing is stuck", lamp(dead === 0)),
    ),
    panel(
      "Generations per day",
      { actions: el("ul", { class: "legend" }, legend) },
      count > 0 ? barChart(overview.days, SERIES, "generations") : noGenerations(),
    ),
  ];
}

const noGenerations = () =>
  emptyState(
    "No generations in these days",
    "Create the first image in the playground.",
    linkButton("#/playground", "Open the playground", "primary"),
  );

/**
 * @param {string} label
 * @param {string} value
 * @param {string} note
 * @param {Node | null} drawing
 */
function figure(label, value, note, drawing = null) {
  return el(
    "div",
    { class: "figure" },
    el("div", {}, el("h2", {}, label), el("p", { class: "value" }, value), el("p", { class: "muted" }, note)),
    drawing,
  );
}

/** @param {boolean} good */
const lamp = (good) => el("span", { class: `lamp ${good ? "good" : "bad"}`, "aria-hidden": "true" });

/** @param {Page<OperatorGeneration>} page */
function row({ data }) {
  if (data.length === 0) return [];
  const tiles = data.map((one) =>
    el(
      "li",
      {},
      el(
        "a",
        { href: `#/generations/${encodeURIComponent(one.id)}`, class: "tile" },
        el("div", { class: "image-frame" }, thumbnail(one)),
        userText(one.payload?.prompt ?? one.model, "span", { class: "clamp one" }),
        el("span", { class: "muted" }, ago(one.createdAt)),
      ),
    ),
  );
  const all = el("a", { href: "#/generations" }, "All generations");
  return panel("Latest", { actions: all }, el("ul", { class: "row" }, tiles));
}
