// One generation: its images, its input, its timeline, its provider attempts and its deliveries.

import { admin, fileUrl, isHandledElsewhere } from "./api.js";
import { backLink, button, callout, code, copyButton, errorState, facts, heading, icon } from "./components.js";
import { linkButton, messageOf, panel, skeleton, toast } from "./components.js";
import { confirmDialog } from "./dialog.js";
import { el, fill, update, userText } from "./dom.js";
import { ago, badge, clock, credits, duration, finished, moment, number, plural } from "./format.js";
import { image, imageFacts, outputs } from "./images.js";

const POLL_MS = 2_000;
const DELIVERY_POLL_MS = 4_000;
const SHORT_INPUT = 14; // characters of an input that needs no row of its own

/**
 * @typedef {object} Context
 * @property {string} path of the generation's admin routes
 * @property {() => Promise<void>} refresh
 */

/**
 * @param {HTMLElement} page
 * @param {Visit} visit
 */
export default function show(page, { id, signal }) {
  const path = `generations/${encodeURIComponent(id ?? "")}`;
  const head = el("div", {}, heading("Generation", el("code", {}, id)));
  const body = el("div", { class: "stack" }, skeleton("the generation"));
  const status = el("p", { class: "visually-hidden", role: "status" });
  page.append(backLink("#/generations", "Generations"), head, status, body);
  let seen = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let next;
  const refresh = async () => {
    clearTimeout(next);
    try {
      /** @type {GenerationDetail} */
      const one = await admin("GET", path, { signal });
      const now = JSON.stringify(one);
      if (now !== seen) {
        const context = { path, refresh };
        fill(status, stopping(one) ? "The generation is being cancelled." : `The generation is ${one.status}.`);
        update(head, header(one, context));
        update(body, detail(one, context));
      }
      seen = now;
      const waiting = !finished(one.status) || one.deliveries.some((delivery) => delivery.status === "pending");
      const wait = finished(one.status) ? DELIVERY_POLL_MS : POLL_MS;
      if (waiting && !signal.aborted) next = setTimeout(refresh, wait);
    } catch (error) {
      if (isHandledElsewhere(error)) return;
      fill(head, heading("Generation", el("code", {}, id)));
      fill(body, errorState(error, refresh));
    }
  };
  refresh();
}

/**
 * @param {GenerationDetail} one
 * @param {Context} context
 */
function header(one, context) {
  const prompt = one.payload?.prompt;
  const title = prompt ? userText(prompt, "span", { class: "clamp two" }) : "Generation";
  const id = [el("code", { class: "id" }, one.id), copyButton(() => one.id, "Copy ID")];
  return heading(title, el("span", { class: "line centred" }, id), actions(one, context));
}

/**
 * @param {GenerationDetail} one
 * @param {Context} context
 */
function actions(one, { path, refresh }) {
  const edit = linkButton(`#/playground?from=${encodeURIComponent(one.id)}`, [
    icon("playground"),
    "Edit in playground",
  ]);
  const erase = async () => {
    const text = "Its images, its deliveries and its record are removed for good. Links to the images stop working.";
    const act = () => admin("DELETE", path);
    if (!(await confirmDialog("Delete this generation?", text, { action: "Delete", act }))) return;
    toast("The generation is deleted.");
    location.hash = "#/generations";
  };
  const cancel = async () => {
    const price =
      one.status === "pending"
        ? "Its credits are refunded."
        : "The provider is asked to stop; the credits are refunded where it has charged nothing yet.";
    const act = () => admin("POST", `${path}/cancel`);
    const options = { action: "Cancel the generation", act };
    if (await confirmDialog("Cancel this generation?", `It ends without an image. ${price}`, options)) refresh();
  };
  if (finished(one.status)) return [edit, button("Delete", erase, { variant: "danger-text", id: "delete" })];
  if (one.status === "uploading" || stopping(one)) return [edit];
  return [edit, button("Cancel", cancel, { id: "cancel", name: "Cancel this generation" })];
}

/** @param {GenerationDetail} one */
const stopping = (one) => Boolean(one.cancelledAt) && !finished(one.status);

/**
 * @param {GenerationDetail} one
 * @param {Context} context
 */
function detail(one, context) {
  const stoppingNote = `It is being cancelled: ${one.provider} is asked to stop.`;
  return el(
    "div",
    { class: "detail" },
    el(
      "div",
      { class: "stack" },
      one.error ? callout(one.error, "bad") : outputs(one),
      one.notes.map((note) => callout(note)),
      stopping(one) && callout(stoppingNote),
    ),
    el("div", { class: "stack side-panels" }, panel("Facts", {}, about(one)), timeline(one), attempts(one)),
    el(
      "div",
      { class: "stack" },
      panel("Input", {}, input(one.payload ?? {}, one.inputs)),
      deliveries(one, context),
      announcement(one),
    ),
  );
}

/** @param {GenerationDetail} one */
function about(one) {
  const created = new Date(one.createdAt).getTime();
  const seconds = one.finishedAt ? (new Date(one.finishedAt).getTime() - created) / 1000 : null;
  const refunded = one.cost && one.refunded ? ", refunded" : "";
  const email = userText(one.userEmail ?? one.userId);
  return facts([
    ["Status", badge(one.status)],
    ["Model", userText(one.model)],
    ["Provider", one.provider && userText(one.provider)],
    ["Cost", one.cost === null || one.cost === undefined ? null : `${credits(one.cost)}${refunded}`],
    ["Time", seconds === null ? null : duration(seconds)],
    ["Requested", moment(one.createdAt)],
    ["User", el("a", { href: `#/users/${encodeURIComponent(one.userId)}` }, email)],
    ["API key", el("a", { href: `#/keys/${encodeURIComponent(one.keyId)}` }, userText(one.keyName ?? one.keyId))],
  ]);
}

/**
 * @param {Record<string, any>} payload
 * @param {StoredImage[]} stored
 */
function input(payload, stored) {
  const rows = Object.entries(payload).map(([name, value]) => {
    if (name === "image_urls" && Array.isArray(value)) return inputImages(name, value, stored);
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const scrolls = text.length > 600 ? { class: "scroll", tabindex: "0", role: "region", "aria-label": name } : {};
    const wide = text.length > SHORT_INPUT ? "wide" : null;
    return el("div", { class: wide }, el("dt", {}, userText(name)), el("dd", {}, userText(text, "div", scrolls)));
  });
  return el("dl", { class: "input" }, rows);
}

/**
 * List the client's images: a stored one is shown, another is named by its URL only.
 * @param {string} name
 * @param {string[]} urls
 * @param {StoredImage[]} stored
 */
function inputImages(name, urls, stored) {
  const items = urls.map((url, at) => {
    const known = stored[at];
    const source = known && fileUrl(known.url);
    const link = { class: "image-frame", href: source, target: "_blank", rel: "noopener" };
    return el(
      "li",
      {},
      source && el("a", link, image(source, `Input image ${at + 1}`)),
      el(
        "div",
        {},
        userText(url, "p", { class: "clamp two" }),
        source && el("p", { class: "muted" }, imageFacts(known)),
      ),
    );
  });
  return el(
    "div",
    { class: "wide" },
    el("dt", {}, userText(name)),
    el("dd", {}, el("ul", { class: "sources" }, items)),
  );
}

/** @param {GenerationDetail} one */
function timeline(one) {
  const start = new Date(one.timeline[0]?.at ?? one.createdAt).getTime();
  const items = one.timeline.map(({ status, at }, index) => {
    const last = index === one.timeline.length - 1;
    const since = `+ ${duration((new Date(at).getTime() - start) / 1000)}`;
    return el(
      "li",
      { class: last && !finished(status) ? `${status} now` : status },
      el("span", { class: "state-name" }, status),
      el("span", { class: "muted" }, index === 0 ? clock(at) : since),
    );
  });
  return panel("Timeline", {}, el("ol", { class: "timeline" }, items));
}

/** @param {GenerationDetail} one */
function attempts(one) {
  const list = one.attempts ?? [];
  if (list.length === 0) return null;
  const items = list.map((attempt) => {
    const running = attempt.duration === null;
    const took = attempt.duration === null ? "in progress" : duration(attempt.duration / 1000);
    const { model } = attempt;
    return el(
      "li",
      { class: attempt.error ? "bad" : running ? "busy" : "good" },
      el(
        "div",
        { class: "line" },
        userText(attempt.provider, "strong"),
        el("span", { class: "muted" }, took),
        ago(attempt.at),
      ),
      model && model !== attempt.provider && el("p", { class: "muted" }, userText(model, "code")),
      attempt.error && userText(attempt.error, "p"),
    );
  });
  return panel("Provider attempts", { note: number(list.length) }, el("ol", { class: "attempts" }, items));
}

/**
 * @param {GenerationDetail} one
 * @param {Context} context
 */
function deliveries(one, context) {
  const list = one.deliveries;
  const any = list.length > 0;
  const offerAll = list.length > 1 || (!any && one.webhook && finished(one.status));
  const all = offerAll && redeliverButton(context, null, any ? "Redeliver all" : "Deliver now");
  return panel(
    "Webhook",
    { actions: all },
    any ? list.map((delivery) => deliveryItem(delivery, context)) : noDelivery(one),
  );
}

/**
 * @param {GenerationDetail} one
 * @returns {Child}
 */
function noDelivery(one) {
  if (!one.webhook) return el("p", { class: "muted" }, "The request named no webhook.");
  const events = `It subscribes to ${one.webhookEvents.join(", ")}; nothing has happened yet that it subscribes to.`;
  return [userText(one.webhook, "code"), el("p", { class: "muted" }, events)];
}

/**
 * @param {Delivery} delivery
 * @param {Context} context
 */
function deliveryItem(delivery, context) {
  const { event, status } = delivery;
  const tries = delivery.attempts ?? [];
  const retrying = status === "pending" && tries.length > 0;
  return el(
    "article",
    { class: "delivery", "aria-label": `Delivery of ${event}` },
    el(
      "div",
      { class: "line" },
      el("h3", {}, event),
      badge(retrying ? "retrying" : status),
      redeliverButton(context, event, "Redeliver"),
    ),
    userText(delivery.url, "code"),
    delivery.reason && callout(delivery.reason, "bad"),
    el(
      "ol",
      { class: "attempts" },
      tries.map((attempt, at) => deliveryAttempt(attempt, `${event}-${at + 1}`)),
    ),
    status === "pending" && el("p", { class: "muted" }, nextAttempt(delivery.nextAttemptAt)),
  );
}

/**
 * @param {string | null} at
 * @returns {Child}
 */
function nextAttempt(at) {
  if (!at) return "An attempt is in progress.";
  const future = new Date(at).getTime() > Date.now();
  return future ? ["Next attempt ", ago(at), ", at ", clock(at), "."] : "The next attempt is due.";
}

/**
 * @param {DeliveryAttempt} attempt
 * @param {string} name
 */
function deliveryAttempt(attempt, name) {
  const { statusCode } = attempt;
  const good = statusCode !== null && statusCode >= 200 && statusCode < 300;
  const size = attempt.answer && el("span", { class: "muted" }, ` ${plural(attempt.answer.length, "character")}`);
  return el(
    "li",
    { class: good ? "good" : "bad" },
    el(
      "div",
      { class: "line" },
      el("strong", {}, statusCode ?? "no response"),
      el("span", { class: "muted" }, duration(attempt.duration / 1000)),
      ago(attempt.at),
    ),
    attempt.reason && userText(attempt.reason, "p", { class: "muted" }),
    attempt.answer &&
      el(
        "details",
        { class: "response", id: `response-${name}` },
        el("summary", {}, "Response body", size),
        code(attempt.answer, `Response to ${name}`),
      ),
  );
}

/**
 * Make the button that sends an event again, or all events.
 * @param {Context} context
 * @param {string | null} event
 * @param {string} label
 */
function redeliverButton({ path, refresh }, event, label) {
  const id = `redeliver-${event ?? "all"}`;
  const redeliver = async () => {
    made.disabled = true;
    try {
      await admin("POST", `${path}/redeliver`, { body: event ? { event } : {} });
      toast("The webhook is queued again.");
    } catch (error) {
      if (isHandledElsewhere(error)) return;
      toast(messageOf(error), "bad");
    }
    made.disabled = false;
    await refresh();
    if (document.activeElement === document.body) document.getElementById(id)?.focus({ preventScroll: true });
  };
  const made = button(label, redeliver, { variant: "small", id, name: event && `${label} ${event}` });
  return made;
}

/** @param {GenerationDetail} one */
function announcement(one) {
  if (!one.announcement) {
    return panel("SNS message", {}, el("p", { class: "muted" }, "Published when the generation is finished."));
  }
  const text = JSON.stringify(one.announcement, null, 2);
  return panel("SNS message", { actions: copyButton(() => text) }, code(text, "SNS message"));
}
