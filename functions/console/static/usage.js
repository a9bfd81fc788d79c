// Usage of all users: generations, their outcomes and their credits, by day, user, key, model and provider.

import { heading, icon } from "./components.js";
import { el } from "./dom.js";
import { PERIODS, csvUrl, usagePanel } from "./usage-panel.js";

/**
 * @param {HTMLElement} page
 * @param {Visit} visit
 */
export default function show(page, { query, signal }) {
  const days = PERIODS.find((period) => String(period) === query.get("days")) ?? 30;
  const links = PERIODS.map((period) =>
    el("a", { href: `#/usage?days=${period}`, "aria-current": period === days ? "true" : null }, `${period} days`),
  );
  const csv = el("a", { class: "button", href: csvUrl({ days }), download: "usage.csv" }, icon("download"), "CSV");
  const periods = el("div", { class: "segments", role: "group", "aria-label": "Period" }, links);
  const about = "What was finished in these days, in UTC. Deleted generations stay counted.";
  page.append(
    heading("Usage", about, periods, csv),
    usagePanel({ days }, signal, ["userEmail", "keyName", "model", "provider", "date"]),
  );
}
