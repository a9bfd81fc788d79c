// Formats numbers, times and states.

import { el } from "./dom.js";

const NUMBER = new Intl.NumberFormat();
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const EITHER = new Intl.ListFormat("en", { type: "disjunction" });
/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** @param {number} value */
export const number = (value) => NUMBER.format(value);

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/** @param {number} share */
export const percent = (share) => `${share === 1 ? 100 : (share * 100).toFixed(share < 0.1 || share > 0.9 ? 1 : 0)} %`;

/**
 * Name alternatives: "a, b or c".
 * @param {string[]} names
 */
export const either = (names) => EITHER.format(names);

/** @param {number} value */
export const credits = (value) => (value === 0 ? "free" : plural(value, "credit"));

/**
 * Format an amount of US dollars, with more digits where it is small.
 * @param {number} value
 */
export const dollars = (value) =>
  `${value < 0 ? "−" : ""}$${Math.abs(value).toFixed(value !== 0 && Math.abs(value) < 1 ? 4 : 2)}`;

/**
 * Format a size in bytes.
 * @param {number} count
 */
export function bytes(count) {
  if (count < 1000) return plural(count, "byte");
  return count < 1_000_000 ? `${number(Math.round(count / 1000))} KB` : `${(count / 1_000_000).toFixed(1)} MB`;
}

/**
 * Name the format of an image by its media type.
 * @param {string} type
 */
export const imageFormat = (type) => type.replace(/^image\//, "").toUpperCase();

/**
 * Format a duration in seconds.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/**
 * @param {string} iso
 * @param {string} text
 */
const time = (iso, text) => el("time", { datetime: iso, title: EXACT.format(new Date(iso)) }, text);

/**
 * Show a moment relative to now, and exactly on hover.
 * @param {string} iso
 */
export function ago(iso) {
  const seconds = (new Date(iso).getTime() - Date.now()) / 1000;
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return time(iso, Math.abs(seconds) < 10 ? "just now" : RELATIVE.format(Math.round(seconds / length), unit));
}

/**
 * Show a moment to the minute.
 * @param {string} iso
 */
export const moment = (iso) => time(iso, MOMENT.format(new Date(iso)));

/**
 * Show the time of day of a moment.
 * @param {string} iso
 */
export const clock = (iso) => time(iso, CLOCK.format(new Date(iso)));

/**
 * Show the day of a moment, and the moment on hover.
 * @param {string} iso
 */
export const day = (iso) => time(iso, DAY.format(new Date(iso)));

/** @type {Record<string, string>} */
const BADGE_COLORS = {
  success: "good",
  delivered: "good",
  active: "good",
  error: "bad",
  dead: "bad",
  revoked: "bad",
  disabled: "bad",
  cancelled: "idle",
  expired: "idle",
  pending: "busy",
  processing: "busy",
  uploading: "busy",
  expiring: "busy",
  retrying: "busy",
};

/**
 * Show a state as a word with its colour.
 * @param {string} state
 * @param {string} text
 */
export const badge = (state, text = state) => el("span", { class: `badge ${BADGE_COLORS[state] ?? "idle"}` }, text);

/** @param {string} status */
export const finished = (status) => !["pending", "processing", "uploading"].includes(status);

/**
 * Put a generation's prompt into an alternative text.
 * @param {Generation} generation
 */
export function altText(generation) {
  const prompt = String(generation.payload?.prompt ?? "no prompt");
  return `Image of: ${prompt.length > 200 ? `${prompt.slice(0, 200)}…` : prompt}`;
}
