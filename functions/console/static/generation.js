// One generation: what was asked for, what came of it, how it went, and who was told.

import { admin, fileUrl } from "./api.js";
import { confirm } from "./dialogs.js";
import { el, fill, words } from "./dom.js";
import { ago, badge, clock, credits, duration, finished, moment, number } from "./format.js";
import { button, code, copyButton, facts, failure, heading, icon, loading, notice, panel, picture } from "./parts.js";

const LOOK_AGAIN_MS = 2_000;

export default function show(page, { id, signal }) {
  const path = `generations/${encodeURIComponent(id)}`;
  const body = el("div", { class: "stack" }, loading("the generation"));
  const actions = el("div", { class: "actions" });
  const status = el("p", { class: "unseen", role: "status" });
  const back = el("a", { class: "back", href: "#/generations" }, icon("back"), "Generations");
  page.append(back, heading("Generation", el("code", {}, id), actions), status, body);
  const emails = admin("GET", "users", { signal }).then(({ data }) => new Map(data.map((user) => [user.id, user.email])), () => new Map());
  let seen = "";
  const look = async () => {
    try {
      const one = await admin("GET", path, { signal });
      const now = JSON.stringify(one);
      if (now !== seen) {
        fill(status, `The generation is ${one.status}.`);
        fill(actions, changes(one, path, look));
        fill(body, sheet(one, path, look, await emails));
      }
      seen = now;
      const waiting = !finished(one.status) || (one.deliveries ?? []).some(({ status: told }) => told === "pending");
      if (waiting) setTimeout(() => signal.aborted || look(), finished(one.status) ? 2 * LOOK_AGAIN_MS : LOOK_AGAIN_MS);
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
    const stopped = await confirm("Cancel this generation?", "It ends without a picture.", { action: "Cancel the generation", act: () => admin("POST", `${path}/cancel`) });
    if (stopped) look();
  });
  return finished(one.status) ? erase : one.status === "pending" ? cancel : [];
}

function sheet(one, path, look, emails) {
  return el(
    "div",
    { class: "sheet" },
    el(
      "div",
      { class: "stack" },
      el("div", { class: "frame-picture large" }, linked(one)),
      one.error && el("div", { class: "callout bad" }, icon("warning"), words(one.error, "p")),
      panel("Input", {}, input(one.payload ?? {})),
      deliveries(one, path, look),
      announcement(one),
    ),
    el("div", { class: "stack" }, panel("Facts", {}, about(one, emails)), timeline(one), attempts(one)),
  );
}

function linked(one) {
  const source = fileUrl(one.output);
  return source ? el("a", { href: source, target: "_blank", rel: "noopener" }, picture(one, { large: true })) : picture(one, { large: true });
}

function about(one, emails) {
  const seconds = one.finishedAt ? (new Date(one.finishedAt) - new Date(one.createdAt)) / 1000 : null;
  return facts([
    ["Status", badge(one.status)],
    ["Model", words(one.model)],
    ["Provider", one.provider && words(one.provider)],
    ["Cost", one.cost === null || one.cost === undefined ? null : credits(one.cost)],
    ["Time", seconds === null ? null : duration(seconds)],
    ["Asked", moment(one.createdAt)],
    ["User", el("a", { href: `#/generations?user=${encodeURIComponent(one.userId)}` }, words(emails.get(one.userId) ?? one.userId))],
  ]);
}

function input(payload) {
  return el("dl", { class: "input" }, Object.entries(payload).map(([name, value]) => {
    const long = typeof value === "string" && value.length > 600;
    const text = words(typeof value === "string" ? value : JSON.stringify(value), "div", { class: long ? "scroll" : "", ...(long ? { tabindex: "0", role: "region", "aria-label": name } : {}) });
    return el("div", { class: typeof value === "number" || typeof value === "boolean" ? null : "broad" }, el("dt", {}, words(name)), el("dd", {}, text));
  }));
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
    {},
    el("div", { class: "line" }, words(attempt.provider, "strong"), ago(attempt.at)),
    Object.entries(attempt)
      .filter(([name, value]) => !["provider", "at"].includes(name) && value !== null && value !== "")
      .map(([name, value]) => el("p", { class: "quiet" }, `${spelled(name)}: `, name === "duration" ? duration(value / 1000) : words(typeof value === "object" ? JSON.stringify(value) : value))),
  ))));
}

function spelled(name) {
  return name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
}

function deliveries(one, path, look) {
  const list = one.deliveries ?? [];
  const again = button("Redeliver", async () => {
    again.disabled = true;
    try {
      await admin("POST", `${path}/redeliver`);
      notice("It is on its way again.");
      look();
    } catch (error) {
      if (error.status !== 401) notice(error.message, "bad");
      again.disabled = false;
    }
  }, { look: "small" });
  if (list.length === 0) return panel("Webhook", {}, el("p", { class: "quiet" }, "None was asked for, or there is nothing to tell yet."));
  return panel("Webhook", { actions: finished(one.status) && again }, list.map((delivery) => el(
    "article",
    { class: "delivery" },
    el("div", { class: "line" }, badge(delivery.status), words(delivery.url, "code")),
    el("ol", { class: "attempts" }, (delivery.attempts ?? []).map((attempt) => {
      const fine = attempt.statusCode >= 200 && attempt.statusCode < 300;
      return el(
        "li",
        { class: fine ? "good" : "bad" },
        el("div", { class: "line" }, el("strong", {}, attempt.statusCode ?? "no answer"), el("span", { class: "quiet" }, duration(attempt.duration / 1000)), ago(attempt.at)),
        attempt.reason && words(attempt.reason, "p", { class: "quiet" }),
      );
    })),
    delivery.nextAttemptAt && el("p", { class: "quiet" }, "Next attempt ", ago(delivery.nextAttemptAt), "."),
  )));
}

function announcement(one) {
  if (!one.announcement) return panel("SNS message", {}, el("p", { class: "quiet" }, "Published when the generation is finished."));
  const text = JSON.stringify(one.announcement, null, 2);
  return panel("SNS message", { actions: copyButton(() => text) }, code(text, "SNS message"));
}
