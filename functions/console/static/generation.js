// One generation: what was asked for, what came of it, how it went, and who was told.

import { admin, fileUrl } from "./api.js";
import { confirm } from "./dialogs.js";
import { el, fill, refill, words } from "./dom.js";
import { ago, badge, bytes, clock, credits, duration, finished, kind, moment, number, plural } from "./format.js";
import { button, code, copyButton, facts, failure, heading, icon, image, loading, notice, panel, pictures } from "./parts.js";

const LOOK_AGAIN_MS = 2_000;
const SHORT = 14; // characters of an input that needs no line of its own

export default function show(page, { id, signal }) {
  const path = `generations/${encodeURIComponent(id)}`;
  const body = el("div", { class: "stack" }, loading("the generation"));
  const actions = el("div", { class: "actions" });
  const status = el("p", { class: "unseen", role: "status" });
  const back = el("a", { class: "back", href: "#/generations" }, icon("back"), "Generations");
  page.append(back, heading("Generation", el("code", {}, id), actions), status, body);
  const emails = admin("GET", "users", { signal }).then(({ data }) => new Map(data.map((user) => [user.id, user.email])), () => new Map());
  let seen = "";
  let next = null;
  const look = async () => {
    clearTimeout(next);
    try {
      const one = await admin("GET", path, { signal });
      const now = JSON.stringify(one);
      if (now !== seen) {
        fill(status, stopping(one) ? "The generation is being cancelled." : `The generation is ${one.status}.`);
        fill(actions, changes(one, path, look));
        refill(body, sheet(one, path, look, await emails));
      }
      seen = now;
      const waiting = !finished(one.status) || (one.deliveries ?? []).some(({ status: told }) => told === "pending");
      if (waiting) next = setTimeout(() => signal.aborted || look(), finished(one.status) ? 2 * LOOK_AGAIN_MS : LOOK_AGAIN_MS);
    } catch (error) {
      if (error.name === "AbortError" || error.status === 401) return;
      fill(actions);
      fill(body, failure(error, look));
    }
  };
  look();
}

function changes(one, path, look) {
  const erase = button("Delete", async () => {
    const gone = await confirm("Delete this generation?", "Its pictures, its deliveries and its row are removed for good. Links to the pictures stop working.", {
      action: "Delete",
      act: () => admin("DELETE", path),
    });
    if (!gone) return;
    notice("The generation is deleted.");
    location.hash = "#/generations";
  }, { look: "danger-text" });
  const cancel = button("Cancel it", async () => {
    const price = one.status === "pending" ? "Its credits are given back." : "Its provider is asked to stop; the credits are given back where that had cost nothing yet.";
    const stopped = await confirm("Cancel this generation?", `It ends without a picture. ${price}`, { action: "Cancel the generation", act: () => admin("POST", `${path}/cancel`) });
    if (stopped) look();
  });
  if (finished(one.status)) return erase;
  return one.status === "uploading" || stopping(one) ? [] : cancel;
}

function stopping(one) {
  return Boolean(one.cancelledAt) && !finished(one.status);
}

function sheet(one, path, look, emails) {
  return el(
    "div",
    { class: "sheet" },
    el(
      "div",
      { class: "stack" },
      pictures(one),
      one.error && el("div", { class: "callout bad" }, icon("warning"), words(one.error, "p")),
      (one.notes ?? []).map((note) => el("div", { class: "callout" }, icon("warning"), words(note, "p"))),
      stopping(one) && el("div", { class: "callout" }, icon("warning"), words(`It is being cancelled: ${one.provider} is asked to stop.`, "p")),
      panel("Input", {}, input(one.payload ?? {}, one.inputs ?? [])),
      deliveries(one, path, look),
      announcement(one),
    ),
    el("div", { class: "stack" }, panel("Facts", {}, about(one, emails)), timeline(one), attempts(one)),
  );
}

function about(one, emails) {
  const seconds = one.finishedAt ? (new Date(one.finishedAt) - new Date(one.createdAt)) / 1000 : null;
  return facts([
    ["Status", badge(one.status)],
    ["Model", words(one.model)],
    ["Provider", one.provider && words(one.provider)],
    ["Cost", one.cost === null || one.cost === undefined ? null : `${credits(one.cost)}${one.cost > 0 && one.refunded ? ", given back" : ""}`],
    ["Time", seconds === null ? null : duration(seconds)],
    ["Asked", moment(one.createdAt)],
    ["User", el("a", { href: `#/generations?user=${encodeURIComponent(one.userId)}` }, words(emails.get(one.userId) ?? one.userId))],
  ]);
}

function input(payload, stored) {
  return el("dl", { class: "input" }, Object.entries(payload).map(([name, value]) => {
    if (name === "image_urls" && Array.isArray(value)) return sources(name, value, stored);
    const long = typeof value === "string" && value.length > 600;
    const text = words(typeof value === "string" ? value : JSON.stringify(value), "div", { class: long ? "scroll" : "", ...(long ? { tabindex: "0", role: "region", "aria-label": name } : {}) });
    return el("div", { class: String(value).length <= SHORT ? null : "broad" }, el("dt", {}, words(name)), el("dd", {}, text));
  }));
}

/** List the client's pictures: those that are stored here are shown, of the others there is the URL only. */
function sources(name, urls, stored) {
  return el("div", { class: "broad" }, el("dt", {}, words(name)), el("dd", {}, el("ul", { class: "sources" }, urls.map((url, at) => {
    const here = stored[at] && fileUrl(stored[at].url);
    return el(
      "li",
      {},
      here && el("a", { class: "frame-picture", href: here, target: "_blank", rel: "noopener" }, image(here, `Input picture ${at + 1}`)),
      el("div", {}, words(url, "p", { class: "clamp two" }), here && el("p", { class: "quiet" }, [`${stored[at].width} × ${stored[at].height}`, kind(stored[at].contentType), bytes(stored[at].size)].join(" · "))),
    );
  }))));
}

function timeline(one) {
  const states = one.timeline ?? [];
  const start = states.length > 0 ? new Date(states[0].at) : null;
  return panel("Timeline", {}, el("ol", { class: "timeline" }, states.map(({ status, at }, index) => el(
    "li",
    { class: index === states.length - 1 && !finished(status) ? `${status} now` : status },
    el("span", { class: "state-name" }, status),
    el("span", { class: "quiet" }, index === 0 ? clock(at) : `+ ${duration((new Date(at) - start) / 1000)}`),
  ))));
}

function attempts(one) {
  const list = one.attempts ?? [];
  if (list.length === 0) return null;
  return panel("Provider attempts", { note: number(list.length) }, el("ol", { class: "attempts" }, list.map((attempt) => el(
    "li",
    { class: attempt.error ? "bad" : attempt.duration === null ? "busy" : "good" },
    el("div", { class: "line" }, words(attempt.provider, "strong"), el("span", { class: "quiet" }, attempt.duration === null ? "at work" : duration(attempt.duration / 1000)), ago(attempt.at)),
    attempt.model && attempt.model !== attempt.provider && el("p", { class: "quiet" }, words(attempt.model, "code")),
    attempt.error && words(attempt.error, "p"),
  ))));
}

function deliveries(one, path, look) {
  const list = one.deliveries ?? [];
  const all = list.length > 1 || (list.length === 0 && one.webhook && finished(one.status));
  return panel("Webhook", { actions: all && again(path, look, null, list.length > 0 ? "Redeliver all" : "Deliver it now") }, list.length > 0
    ? list.map((delivery) => told(delivery, path, look))
    : one.webhook
      ? [words(one.webhook, "code"), el("p", { class: "quiet" }, `It asked to be told of ${one.webhookEvents.join(", ")}; there is nothing to tell yet.`)]
      : el("p", { class: "quiet" }, "None was asked for."));
}

function told(delivery, path, look) {
  const { event, status } = delivery;
  return el(
    "article",
    { class: "delivery", "aria-label": `Delivery of ${event}` },
    el("div", { class: "line" }, el("h3", {}, event), badge(status), again(path, look, event, "Redeliver")),
    words(delivery.url, "code"),
    delivery.reason && el("div", { class: "callout bad" }, icon("warning"), words(delivery.reason, "p")),
    el("ol", { class: "attempts" }, (delivery.attempts ?? []).map((attempt, at) => tried(attempt, `${event}-${at + 1}`))),
    status === "pending" && el("p", { class: "quiet" }, ...coming(delivery.nextAttemptAt)),
  );
}

function coming(at) {
  if (!at) return ["An attempt is under way."];
  return new Date(at) > Date.now() ? ["Next attempt ", ago(at), "."] : ["The next attempt is due."];
}

function tried(attempt, name) {
  const fine = attempt.statusCode >= 200 && attempt.statusCode < 300;
  return el(
    "li",
    { class: fine ? "good" : "bad" },
    el("div", { class: "line" }, el("strong", {}, attempt.statusCode ?? "no answer"), el("span", { class: "quiet" }, duration(attempt.duration / 1000)), ago(attempt.at)),
    attempt.reason && words(attempt.reason, "p", { class: "quiet" }),
    attempt.answer && el(
      "details",
      { class: "answer", id: `answer-${name}` },
      el("summary", {}, "What it answered", el("span", { class: "quiet" }, ` ${plural(attempt.answer.length, "character")}`)),
      code(attempt.answer, `Answer to ${name}`),
    ),
  );
}

/** Make the button that tells a webhook again: of an event, or of all. */
function again(path, look, event, label) {
  const id = `again-${event ?? "all"}`;
  const made = button(label, async () => {
    made.disabled = true;
    try {
      await admin("POST", `${path}/redeliver`, { body: event ? { event } : {} });
      notice("It is on its way again.");
    } catch (error) {
      if (error.status === 401) return;
      notice(error.message, "bad");
    }
    made.disabled = false;
    await look();
    if (document.activeElement === document.body) document.getElementById(id)?.focus({ preventScroll: true });
  }, { look: "small", id, name: event && `${label} ${event}` });
  return made;
}

function announcement(one) {
  if (!one.announcement) return panel("SNS message", {}, el("p", { class: "quiet" }, "Published when the generation is finished."));
  const text = JSON.stringify(one.announcement, null, 2);
  return panel("SNS message", { actions: copyButton(() => text) }, code(text, "SNS message"));
}
