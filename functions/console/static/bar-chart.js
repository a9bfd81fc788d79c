// Bar and ring charts as SVG, with the same content for screen readers.

import { el, fill, svg } from "./dom.js";
import { number, percent } from "./format.js";

const HEIGHT = 240;
const MARGIN = { top: 12, right: 4, bottom: 26, left: 46 };
const HALF_LABEL = 22; // keeps the last day's label inside the drawing
const SHORT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const LONG = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeZone: "UTC" });

/** @typedef {{ key: string, label: string }} Series the name of a value in each day, and what it counts */
/** @typedef {Record<string, any> & { date: string }} Day a day in UTC */

/**
 * Draw a share of a whole as a ring.
 * @param {number | null} share
 */
export function ring(share) {
  const around = 2 * Math.PI * 20;
  const whole = share === null || share === 1;
  return svg(
    "svg",
    {
      class: "ring",
      viewBox: "0 0 48 48",
      role: "img",
      "aria-label": share === null ? "No share yet" : percent(share),
    },
    svg("circle", { class: whole ? "rest none" : "rest", cx: 24, cy: 24, r: 20 }),
    share !== null &&
      svg("circle", {
        class: "share",
        cx: 24,
        cy: 24,
        r: 20,
        transform: "rotate(-90 24 24)",
        "stroke-dasharray": `${around * share} ${around}`,
      }),
  );
}

/**
 * Draw days as stacked bars that fit the width they get.
 * @param {Day[]} days
 * @param {Series[]} series from the bottom up
 * @param {string} what the plural of what is counted
 */
export function barChart(days, series, what) {
  const canvas = svg("svg", { class: "bars", role: "img", "aria-label": summary(days, series, what), height: HEIGHT });
  const readout = el("p", { class: "readout muted", "aria-hidden": "true" });
  const spoken = days.filter((day) => total(day, series) > 0).map((day) => el("li", {}, describe(day, series)));
  const box = el("div", { class: "chart" }, canvas, readout, el("ul", { class: "visually-hidden" }, spoken));
  let width = 0;
  new ResizeObserver(([entry]) => {
    const now = Math.round(entry?.contentRect.width ?? 0);
    if (now === width || now === 0) return;
    width = now;
    fill(
      canvas,
      drawing(days, series, width, (text) => fill(readout, text)),
    );
    canvas.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  }).observe(box);
  return box;
}

/**
 * @param {Day[]} days
 * @param {Series[]} series
 * @param {number} width
 * @param {(text: string | null) => void} say
 */
function drawing(days, series, width, say) {
  const { step, top } = scale(Math.max(1, ...days.map((day) => total(day, series))));
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const y = (/** @type {number} */ value) => MARGIN.top + inner.height * (1 - value / top);
  const slot = inner.width / days.length;
  const bar = Math.min(44, Math.max(4, slot * 0.62));
  const every = Math.max(1, Math.ceil(58 / slot));
  const columns = days.map((day, at) => {
    const left = MARGIN.left + slot * at;
    const x = left + (slot - bar) / 2;
    const labelled = (days.length - 1 - at) % every === 0;
    const label = {
      class: "tick",
      x: Math.min(x + bar / 2, width - HALF_LABEL),
      y: HEIGHT - 6,
      "text-anchor": "middle",
    };
    return svg(
      "g",
      { class: "column", onpointerenter: () => say(describe(day, series)), onpointerleave: () => say(null) },
      svg("rect", { class: "reach", x: left, y: MARGIN.top, width: slot, height: inner.height }),
      stack(day, series, x, bar, y),
      labelled && svg("text", label, SHORT.format(new Date(day.date))),
    );
  });
  return [gridLines(step, top, width, y), columns];
}

/**
 * @param {Day} day
 * @param {Series[]} series
 * @param {number} x
 * @param {number} width
 * @param {(value: number) => number} y
 */
function stack(day, series, x, width, y) {
  let below = 0;
  const shown = series.filter(({ key }) => day[key] > 0);
  return shown.map(({ key }, at) => {
    const bottom = y(below);
    below += day[key];
    const top = y(below);
    const gap = at > 0 ? 1.5 : 0;
    const radius = at === shown.length - 1 ? 3 : 0;
    return svg("path", { class: key, d: block(x, top, width, Math.max(1, bottom - top - gap), radius) });
  });
}

/**
 * @param {number} step
 * @param {number} top
 * @param {number} width
 * @param {(value: number) => number} y
 */
function gridLines(step, top, width, y) {
  const lines = [];
  for (let value = 0; value <= top; value += step) {
    const line = { x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) };
    const tick = { class: "tick", x: MARGIN.left - 8, y: y(value) + 4, "text-anchor": "end" };
    lines.push(svg("line", { class: value === 0 ? "axis" : "rule", ...line }), svg("text", tick, number(value)));
  }
  return lines;
}

/**
 * Outline a block with round upper corners.
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 * @param {number} radius
 */
function block(x, y, width, height, radius) {
  const r = Math.min(radius, height, width / 2);
  return `M${x} ${y + height}v${r - height}q0 ${-r} ${r} ${-r}h${width - 2 * r}q${r} 0 ${r} ${r}v${height - r}z`;
}

/**
 * Choose a step of 1, 2 or 5 times a power of ten, and a top that is a whole number of steps.
 * @param {number} most
 */
function scale(most) {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5].map((times) => times * power).find((size) => size >= rough) ?? 10 * power);
  return { step, top: Math.ceil(most / step) * step };
}

/**
 * @param {Day} day
 * @param {Series[]} series
 * @returns {number}
 */
const total = (day, series) => series.reduce((sum, { key }) => sum + day[key], 0);

/**
 * @param {Day} day
 * @param {Series[]} series
 */
const describe = (day, series) =>
  `${LONG.format(new Date(day.date))}: ${series.map(({ key, label }) => `${number(day[key])} ${label}`).join(", ")}`;

/**
 * @param {Day[]} days
 * @param {Series[]} series
 * @param {string} what
 */
function summary(days, series, what) {
  const sum = days.reduce((all, day) => all + total(day, series), 0);
  const best = days.reduce((most, day) => (total(day, series) > total(most, series) ? day : most));
  const most = `the most on ${LONG.format(new Date(best.date))}, ${number(total(best, series))}`;
  return `Bars of ${number(sum)} ${what} over ${days.length} days in UTC; ${most}.`;
}
