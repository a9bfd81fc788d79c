// Usage over some days: a chart per day, and totals by user, key, model or provider.

import { admin, base, query } from "./api.js";
import { barChart } from "./bar-chart.js";
import { emptyState, load, panel, table } from "./components.js";
import { el, fill, userText } from "./dom.js";
import { select } from "./form.js";
import { dollars, duration, number, percent } from "./format.js";

export const PERIODS = [7, 30, 90];
export const SERIES = [
  { key: "success", label: "succeeded", title: "Succeeded" },
  { key: "error", label: "failed", title: "Failed" },
  { key: "cancelled", label: "cancelled", title: "Cancelled" },
];
const DAY_MS = 86_400_000;
/** @type {[keyof UsageRow, string][]} */
const DIMENSIONS = [
  ["userEmail", "User"],
  ["keyName", "API key"],
  ["model", "Model"],
  ["provider", "Provider"],
  ["date", "Day (UTC)"],
];

/** @typedef {{ days: number, user?: string | null, key?: string | null }} UsageFilter */

/**
 * Write the query string of a usage request: the last days in UTC, today included.
 * @param {UsageFilter} filter
 */
export function usageQuery({ days, user, key }) {
  const day = (/** @type {number} */ ago) => new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10);
  return query({ from: day(days - 1), to: day(0), user, key });
}

/**
 * Return the address of the same usage as CSV.
 * @param {UsageFilter} filter
 */
export const csvUrl = (filter) => new URL(`console/admin/usage?${usageQuery(filter)}&format=csv`, base).href;

/**
 * Make the panels of some days' usage.
 * @param {UsageFilter} filter
 * @param {AbortSignal} signal
 * @param {(keyof UsageRow)[]} dimensions by which the totals can be grouped
 */
export function usagePanel(filter, signal, dimensions) {
  const region = el("div", { class: "stack" });
  const get = () => admin("GET", `usage?${usageQuery(filter)}`, { signal });
  load(region, "the usage", get, (answer) => panels(answer, dimensions));
  return region;
}

/**
 * @param {UsageAnswer} answer
 * @param {(keyof UsageRow)[]} dimensions
 */
function panels({ data, from, to }, dimensions) {
  if (data.length === 0) {
    return panel("Usage", {}, emptyState("No usage in these days", "Every finished generation is counted here."));
  }
  const options = DIMENSIONS.filter(([name]) => dimensions.includes(name));
  const totals = el("div", {});
  const group = select(
    options.map(([name, label]) => [name, `By ${inSentence(label)}`]),
    { "aria-label": "Group by", class: "compact" },
  );
  const show = () => {
    const dimension = options.find(([name]) => name === group.value) ?? options[0];
    if (dimension) fill(totals, totalsTable(data, ...dimension));
  };
  group.addEventListener("change", show);
  show();
  return [
    panel("Generations per day", { actions: legend(data) }, barChart(byDay(data, from, to), SERIES, "generations")),
    panel("Totals", { variant: "flush", actions: group }, totals),
  ];
}

/** @param {UsageRow[]} rows */
function legend(rows) {
  const total = sum(rows);
  const items = SERIES.map(({ key, title }) => {
    const count = total[/** @type {"success" | "error" | "cancelled"} */ (key)];
    return el("li", { class: key }, title, el("b", {}, number(count)));
  });
  return el("ul", { class: "legend" }, items);
}

/**
 * Count each day, those without usage too.
 * @param {UsageRow[]} rows
 * @param {string} from
 * @param {string} to
 */
function byDay(rows, from, to) {
  const days = [];
  for (let at = Date.parse(from); at <= Date.parse(to); at += DAY_MS) {
    const date = new Date(at).toISOString().slice(0, 10);
    days.push({ date, ...sum(rows.filter((row) => row.date === date)) });
  }
  return days;
}

/**
 * @param {UsageRow[]} rows
 * @param {keyof UsageRow} dimension
 * @param {string} label
 */
function totalsTable(rows, dimension, label) {
  /** @type {Map<string, UsageRow[]>} */
  const groups = new Map();
  for (const row of rows) {
    const name = String(row[dimension] ?? "–");
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  const sorted = [...groups].map(([name, members]) => ({ name, ...sum(members) }));
  if (dimension === "date") sorted.sort((one, other) => other.name.localeCompare(one.name));
  else sorted.sort((one, other) => other.credits - one.credits || other.success - one.success);
  const amount = (/** @type {Child} */ value) => el("span", { class: "amount" }, value);
  const body = sorted.map((one) => {
    const ended = one.success + one.error;
    return [
      userText(one.name),
      amount(number(one.success)),
      amount(number(one.error)),
      amount(number(one.cancelled)),
      amount(ended > 0 ? percent(one.success / ended) : "–"),
      amount(one.success > 0 ? duration(one.seconds / one.success) : "–"),
      amount(number(one.credits)),
      amount(one.providerDollars > 0 ? dollars(one.providerDollars) : "–"),
      amount(one.credits > 0 || one.providerDollars > 0 ? dollars(one.marginDollars) : "–"),
    ];
  });
  const columns = [
    label,
    "Succeeded",
    "Failed",
    "Cancelled",
    "Success rate",
    "Average time",
    "Credits",
    "Provider price",
    "Margin",
  ];
  return table(`Usage by ${inSentence(label)}`, columns, body);
}

/**
 * Write a label for the middle of a sentence: "API key" keeps its capitals.
 * @param {string} label
 */
const inSentence = (label) => (label.startsWith("API") ? label : `${label[0]?.toLowerCase()}${label.slice(1)}`);

/** @param {UsageRow[]} rows */
function sum(rows) {
  const total = { success: 0, error: 0, cancelled: 0, credits: 0, seconds: 0, providerDollars: 0, marginDollars: 0 };
  for (const row of rows) {
    for (const name of /** @type {(keyof typeof total)[]} */ (Object.keys(total))) total[name] += row[name];
  }
  return total;
}
