// Budgets: the form's fields, and how much of one is spent.

import { el } from "./dom.js";
import { field, integerInput, readInteger } from "./form.js";
import { number } from "./format.js";

/**
 * Make the fields of a budget.
 * @param {{ budgetPerDay: number | null, budgetPerMonth: number | null } | null} current
 */
export function budgetFields(current = null) {
  return [
    field("budgetPerDay", "Budget per day", {
      control: integerInput({ value: current?.budgetPerDay ?? "" }),
      optional: true,
      hint: "In credits, by UTC days. Empty: no limit.",
      read: readInteger("budgetPerDay"),
    }),
    field("budgetPerMonth", "Budget per month", {
      control: integerInput({ value: current?.budgetPerMonth ?? "" }),
      optional: true,
      hint: "A warning is published to SNS at 80 %.",
      read: readInteger("budgetPerMonth"),
    }),
  ];
}

/**
 * Show what is spent, and of which budget.
 * @param {number} spent
 * @param {number | null} limit
 */
export function spending(spent, limit) {
  if (limit === null) return `${number(spent)} credits`;
  const share = Math.min(1, spent / limit);
  const look = share >= 1 ? "bad" : share >= 0.8 ? "busy" : "good";
  const meter = el("span", { class: `meter ${look}`, "aria-hidden": "true" }, el("span", { "data-share": share }));
  /** @type {HTMLElement | null} */ (meter.firstElementChild)?.style.setProperty("width", `${share * 100}%`);
  return el("span", { class: "spending" }, `${number(spent)} of ${number(limit)} credits`, meter);
}
