// Writes numbers, times and states as people read them.

import { el } from "./dom.js";

const NUMBER = new Intl.NumberFormat();
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const EITHER = new Intl.ListFormat("en", { type: "disjunction" });
const UNITS = [["year", 31_536_000], ["month", 2_592_000], ["week", 604_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]];

export const number = (value) => NUMBER.format(value);

export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

export const percent = (share) => `${share === 1 ? 100 : (share * 100).toFixed(share < 0.1 || share > 0.9 ? 1 : 0)} %`;

/** Name several of which one is enough. */
export const either = (names) => EITHER.format(names);

export const credits = (value) => (value === 0 ? "free" : plural(value, "credit"));

/** Write a size in bytes as it is told. */
export function bytes(count) {
  if (count < 1000) return plural(count, "byte");
  return count < 1_000_000 ? `${number(Math.round(count / 1000))} KB` : `${(count / 1_000_000).toFixed(1)} MB`;
}

/** Write a media type as its pictures are called. */
export const kind = (type) => type.replace(/^image\//, "").toUpperCase();

/** Write a duration in seconds as briefly as it can be read. */
export function duration(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** Show a moment relative to now, and exactly on hover. */
export function ago(iso) {
  const seconds = (new Date(iso) - Date.now()) / 1000;
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  const text = Math.abs(seconds) < 10 ? "just now" : RELATIVE.format(Math.round(seconds / length), unit);
  return el("time", { datetime: iso, title: EXACT.format(new Date(iso)) }, text);
}

/** Show a moment to the minute. */
export const moment = (iso) => el("time", { datetime: iso, title: EXACT.format(new Date(iso)) }, MOMENT.format(new Date(iso)));

/** Show the time of day of a moment. */
export const clock = (iso) => el("time", { datetime: iso, title: EXACT.format(new Date(iso)) }, CLOCK.format(new Date(iso)));

/** Show the day of a moment, and the moment on hover. */
export const day = (iso) => el("time", { datetime: iso, title: EXACT.format(new Date(iso)) }, DAY.format(new Date(iso)));

const LOOKS = {
  success: "good", delivered: "good", active: "good",
  error: "bad", dead: "bad", revoked: "bad", cancelled: "idle", expired: "idle",
  pending: "busy", processing: "busy", uploading: "busy", expiring: "busy",
};

/** Show a state as a word with its colour. */
export const badge = (state, text = state) => el("span", { class: `badge ${LOOKS[state] ?? "idle"}` }, text);

export const finished = (status) => !["pending", "processing", "uploading"].includes(status);
