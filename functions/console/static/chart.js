// Draws the overview's figures as SVG, and tells a screen reader the same.

import { el, fill, svg } from "./dom.js";
import { number, percent } from "./format.js";

const HEIGHT = 240;
const EDGE = { top: 12, right: 4, bottom: 26, left: 38 };
const HALF_LABEL = 22; // the last day's would else end outside
const KINDS = ["success", "error", "other"];
const SHORT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
const LONG = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeZone: "UTC" });

/** Draw a share of a whole as a ring. */
export function ring(share) {
  const around = 2 * Math.PI * 20;
  return svg(
    "svg",
    { class: "ring", viewBox: "0 0 48 48", role: "img", "aria-label": share === null ? "No share yet" : percent(share) },
    svg("circle", { class: share === null || share === 1 ? "rest none" : "rest", cx: 24, cy: 24, r: 20 }),
    share !== null && svg("circle", {
      class: "share", cx: 24, cy: 24, r: 20, transform: "rotate(-90 24 24)",
      "stroke-dasharray": `${around * share} ${around}`,
    }),
  );
}

/** Draw the days as stacked bars which fit the width they are given. */
export function bars(days) {
  const canvas = svg("svg", { class: "bars", role: "img", "aria-label": summary(days), height: HEIGHT });
  const readout = el("p", { class: "readout quiet", "aria-hidden": "true" });
  const box = el("div", { class: "chart" }, canvas, readout, spoken(days));
  let width = 0;
  new ResizeObserver(([entry]) => {
    const now = Math.round(entry.contentRect.width);
    if (now === width || now === 0) return;
    width = now;
    fill(canvas, drawing(days, width, (text) => fill(readout, text)));
    canvas.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  }).observe(box);
  return box;
}

function drawing(days, width, say) {
  const { step, top } = scale(Math.max(1, ...days.map(total)));
  const inner = { width: width - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
  const y = (value) => EDGE.top + inner.height * (1 - value / top);
  const slot = inner.width / days.length;
  const bar = Math.min(44, Math.max(4, slot * 0.62));
  const every = Math.max(1, Math.ceil(58 / slot));
  const lines = [];
  for (let value = 0; value <= top; value += step) {
    lines.push(
      svg("line", { class: value === 0 ? "axis" : "rule", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }),
      svg("text", { class: "tick", x: EDGE.left - 8, y: y(value) + 4, "text-anchor": "end" }, number(value)),
    );
  }
  const columns = days.map((day, at) => {
    const x = EDGE.left + slot * at + (slot - bar) / 2;
    let below = 0;
    const parts = KINDS.filter((kind) => day[kind] > 0).map((kind, index, shown) => {
      const [from, to] = [y(below), y((below += day[kind]))];
      const gap = index > 0 ? 1.5 : 0;
      return svg("path", { class: kind, d: block(x, to, bar, Math.max(1, from - to - gap), index === shown.length - 1 ? 3 : 0) });
    });
    const label = (days.length - 1 - at) % every === 0;
    return svg(
      "g",
      { class: "column", onpointerenter: () => say(told(day)), onpointerleave: () => say(null) },
      svg("rect", { class: "reach", x: EDGE.left + slot * at, y: EDGE.top, width: slot, height: inner.height }),
      parts,
      label && svg("text", { class: "tick", x: Math.min(x + bar / 2, width - HALF_LABEL), y: HEIGHT - 6, "text-anchor": "middle" }, SHORT.format(new Date(day.date))),
    );
  });
  return [lines, columns];
}

/** Outline a block whose upper corners are round. */
function block(x, y, width, height, radius) {
  const r = Math.min(radius, height, width / 2);
  return `M${x} ${y + height}v${r - height}q0 ${-r} ${r} ${-r}h${width - 2 * r}q${r} 0 ${r} ${r}v${height - r}z`;
}

/** Choose a step of 1, 2 or 5 times a power of ten, and a top that is a whole number of steps. */
function scale(most) {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough));
  return { step, top: Math.ceil(most / step) * step };
}

const total = (day) => day.success + day.error + day.other;

const told = (day) => `${LONG.format(new Date(day.date))}: ${number(day.success)} made, ${number(day.error)} failed, ${number(day.other)} under way`;

function summary(days) {
  const best = days.reduce((most, day) => (total(day) > total(most) ? day : most), days[0]);
  const sum = days.reduce((all, day) => all + total(day), 0);
  return `Bars of ${number(sum)} generations over ${days.length} days; the most on ${LONG.format(new Date(best.date))}, ${number(total(best))}.`;
}

function spoken(days) {
  return el("ul", { class: "unseen" }, days.filter((day) => total(day) > 0).map((day) => el("li", {}, told(day))));
}
