// The progress of one request: each status with its time, then the images, or why there are none.

import { client, isHandledElsewhere, statusOf, ApiError } from "./api.js";
import { button, callout, errorState, facts } from "./components.js";
import { el, fill, userText } from "./dom.js";
import { credits, duration, finished } from "./format.js";
import { outputs } from "./images.js";

const STATUSES = ["pending", "processing", "uploading", "success"];
const FIRST_POLL_MS = 300;
const LONGEST_POLL_MS = 3_000;
const MAX_FAILED_POLLS = 10; // in a row, before the page stops asking; the generation itself goes on

/** @typedef {{ key: string, body: GenerationRequest, model: Model, signal: AbortSignal }} Request */

/** What is shown of one request. */
export class Progress {
  /** @param {HTMLElement} region */
  constructor(region) {
    this.region = region;
    this.started = performance.now();
    /** @type {Map<string, number>} */
    this.times = new Map();
    this.steps = el("ol", { class: "steps" });
    this.announcement = el("p", { class: "visually-hidden", role: "status" });
    this.clock = el("span", { class: "clock", "aria-hidden": "true" });
    this.image = el("div", { class: "image-frame large waiting" });
    this.outcome = el("div", {});
    const line = el("div", { class: "steps-line" }, this.steps, this.clock);
    fill(region, this.announcement, line, this.image, this.outcome);
    region.parentElement?.scrollIntoView({ block: "nearest" });
  }

  seconds() {
    return (performance.now() - this.started) / 1000;
  }

  /**
   * Send a request, and show each status until the generation is finished. A request whose response was lost can be
   * sent again without a second charge, by its idempotency key. Errors before acceptance are thrown.
   * @param {Request} request
   */
  async run(request) {
    const { key, body, signal } = request;
    const headers = { Prefer: "respond-async", "Idempotency-Key": crypto.randomUUID() };
    const send = () => client("POST", body.tool ? "run" : "generate", { key, body, signal, headers });
    await this.tick(async () => {
      const one = await retried(send, signal, 3);
      this.link(one);
      await this.follow(one, request);
    });
  }

  /**
   * @param {Generation} one
   * @param {Request} request
   */
  async follow(one, request) {
    const path = `generations/${encodeURIComponent(one.id)}`;
    const get = () => client("GET", path, { key: request.key, signal: request.signal });
    try {
      this.step(one.status);
      let now = one;
      for (let wait = FIRST_POLL_MS; !finished(now.status); wait = Math.min(wait * 1.15, LONGEST_POLL_MS)) {
        await pause(wait, request.signal);
        now = await retried(get, request.signal, MAX_FAILED_POLLS);
        this.step(now.status);
      }
      this.finish(now, request);
    } catch (error) {
      if (isHandledElsewhere(error)) throw error;
      this.lost(one, error, () => this.tick(() => this.follow(one, request)));
    }
  }

  /** @param {() => Promise<void>} work */
  async tick(work) {
    const timer = setInterval(() => fill(this.clock, duration(this.seconds())), 100);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
  }

  /** @param {string} status */
  step(status) {
    if (this.times.has(status)) return;
    this.times.set(status, this.seconds());
    fill(this.announcement, `The generation is ${status}.`);
    fill(this.steps, stepItems(this.times, status));
  }

  /** @param {Generation} one */
  link(one) {
    fill(this.outcome, facts([["Generation", generationLink(one)]]));
  }

  /**
   * @param {Generation} one
   * @param {Request} request
   */
  finish(one, { body, model }) {
    this.clock.remove();
    this.image.replaceWith(one.error ? callout(one.error, "bad") : outputs(one));
    const provider = one.attempts?.at(-1)?.provider;
    const made = one.status === "success";
    const each = provider === "sketch" ? 0 : model.cost;
    const cost = made && typeof each === "number" ? credits(each * (body.input.num_images ?? 1)) : null;
    fill(
      this.outcome,
      facts([
        ["Time", duration(this.seconds())],
        ["Provider", made && provider ? userText(provider) : null],
        ["Cost", cost],
        ["Generation", generationLink(one)],
      ]),
    );
  }

  /**
   * Say that the page lost sight of the generation, which goes on.
   * @param {Generation} one
   * @param {unknown} error
   * @param {() => Promise<void>} again
   */
  lost(one, error, again) {
    const look = button("Check again", () => {
      this.link(one);
      again();
    });
    fill(
      this.outcome,
      errorState(error),
      el("p", { class: "line centred" }, "The generation continues. ", generationLink(one), look),
    );
  }
}

/** @param {Generation} one */
const generationLink = (one) => el("a", { href: `#/generations/${encodeURIComponent(one.id)}` }, "Open the generation");

/**
 * Call again what failed for a moment only: no network, too many requests, a server's error.
 * @param {() => Promise<Generation>} call
 * @param {AbortSignal} signal
 * @param {number} times
 */
async function retried(call, signal, times) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      const status = statusOf(error);
      const passing = status === 0 || status === 429 || (status !== null && status >= 500);
      if (!passing || tries === times) throw error;
      const seconds = error instanceof ApiError ? Number(error.retryAfter) : 0;
      await pause((seconds || 2) * 1000, signal);
    }
  }
}

/**
 * @param {Map<string, number>} times
 * @param {string} now
 */
function stepItems(times, now) {
  const failed = finished(now) && now !== "success";
  const way = failed ? [...STATUSES.slice(0, -1).filter((status) => times.has(status)), now] : STATUSES;
  const position = way.indexOf(now);
  return way.map((status, at) => {
    const time = times.get(status);
    const current = status === now;
    const look = current ? (finished(status) ? status : "now") : at < position ? "passed" : "ahead";
    return el(
      "li",
      { class: look, "aria-current": current ? "step" : null },
      el("span", {}, status),
      time !== undefined && el("span", { class: "muted" }, duration(time)),
    );
  });
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("The view was left.", "AbortError"));
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}
