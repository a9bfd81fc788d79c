// Users: who they are, what they may still spend, and what they have spent it on.

import { admin } from "./api.js";
import { ask, field, open, secretLine } from "./dialogs.js";
import { el, fill, words } from "./dom.js";
import { badge, day, moment, number, plural } from "./format.js";
import { whole } from "./keys.js";
import { button, failure, heading, icon, load, nothing, notice, panel, table } from "./parts.js";

export default function show(page, { signal }) {
  const list = el("div", {});
  const refresh = () => load(list, "the users", () => admin("GET", "users", { signal }), ({ data }) => roster(data, done));
  const create = button([icon("plus"), "New user"], () => createUser().then(done), { look: "primary" });
  const done = async (changed) => {
    if (!changed) return;
    await refresh();
    if (document.activeElement === document.body) create.focus();
  };
  page.append(heading("Users", "Each user has credits, keys, and a secret that signs their webhooks.", create), list);
  refresh();
}

function roster(users, done) {
  if (users.length === 0) return nothing("No user yet", "Make one here, or with their first key.");
  const columns = ["User", "Plan", "Credits", "Since", ""];
  return panel("Everybody", { look: "flush", note: number(users.length) }, table("Users", columns, users.map((user) => [
    el("div", { class: "name" }, words(user.name || user.email, "span", { class: "clamp two" }), user.name && words(user.email, "span", { class: "quiet" })),
    user.plan ? words(user.plan) : el("span", { class: "quiet" }, "–"),
    balance(user),
    day(user.createdAt),
    [
      user.credits !== null && user.credits !== undefined && button("Top up", () => topUp(user).then(done), { look: "small", name: `Top up ${user.email}` }),
      button("Ledger", () => ledger(user), { look: "small", name: `Ledger of ${user.email}` }),
      button("Webhook secret", () => secret(user), { look: "small", name: `Webhook secret of ${user.email}` }),
    ],
  ])));
}

function balance({ credits }) {
  if (credits === null || credits === undefined) return el("span", { class: "quiet" }, "unmetered");
  return credits > 0 ? el("span", { class: "amount" }, number(credits)) : badge("dead", number(credits));
}

async function createUser() {
  const made = await ask("New user", [
    field("email", "E-mail", { control: el("input", { type: "email", maxlength: 254, autocomplete: "off" }) }),
    field("name", "Name", { control: el("input", { maxlength: 100, autocomplete: "off" }), optional: true }),
    field("plan", "Plan", { control: el("input", { maxlength: 50, autocomplete: "off" }), optional: true, hint: "A word of yours, such as “studio”." }),
    field("credits", "Credits", { control: el("input", { type: "number", min: 0, step: 1, inputmode: "numeric" }), optional: true, hint: "Empty: unmetered, nothing is charged.", read: (input) => (input.value.trim() === "0" ? 0 : whole("credits")(input)) }),
  ], { action: "Make the user", send: (values) => admin("POST", "users", { body: { credits: null, ...values } }) });
  if (made) notice("The user is made.");
  return Boolean(made);
}

async function topUp(user) {
  const topped = await ask("Top up", [
    field("amount", "Credits", { control: el("input", { type: "number", min: 1, step: 1, inputmode: "numeric" }), read: whole("amount") }),
    field("note", "Note", { control: el("input", { maxlength: 200, autocomplete: "off" }), optional: true, hint: "Stands in the ledger: an invoice, a reason." }),
  ], {
    action: "Add the credits",
    intro: words(`${user.email} has ${plural(user.credits, "credit")}.`),
    send: (body) => admin("POST", `users/${encodeURIComponent(user.id)}/credits`, { body }),
  });
  if (topped) notice(`${topped.email} has ${plural(topped.credits, "credit")} now.`);
  return Boolean(topped);
}

function ledger(user) {
  return open("Ledger", (close) => {
    const list = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Entries" });
    load(list, "the ledger", () => admin("GET", `users/${encodeURIComponent(user.id)}/ledger`), ({ data }) => (data.length > 0
      ? table(`Ledger of ${user.email}`, ["When", "What", "Credits", "For"], data.map((entry) => [
        moment(entry.createdAt),
        entry.kind,
        el("span", { class: "amount" }, `${entry.kind === "charge" ? "−" : "+"}${number(Math.abs(entry.amount))}`),
        entry.generationId
          ? el("a", { href: `#/generations/${encodeURIComponent(entry.generationId)}` }, "a generation")
          : words(entry.note || "–", "span", { class: "quiet" }),
      ]))
      : nothing("No entry yet", "Charges, refunds and top-ups will stand here.")));
    return [words(user.email, "p", { class: "quiet" }), list, el("div", { class: "dialog-actions" }, button("Close", () => close(), { look: "primary" }))];
  }, { look: "wide" });
}

function secret(user) {
  const path = `users/${encodeURIComponent(user.id)}/webhook-secret`;
  return open("Webhook secret", (close) => {
    const lines = el("div", { class: "stack-small" });
    const reveal = button("Show the secret", async () => {
      reveal.disabled = true;
      try {
        fill(lines, secretLines(await admin("GET", path)));
      } catch (error) {
        fill(lines, failure(error));
      }
    });
    const rotate = async () => {
      const rotated = await ask("Rotate the secret", [], {
        action: "Make the new secret",
        intro: "A new secret takes over within a minute. The old one signs beside it for 24 hours, so that the receiver can change in that time.",
        send: () => admin("POST", `${path}/rotate`),
      });
      if (!rotated) return;
      fill(lines, secretLines(rotated));
      notice("The secret is rotated; the old one signs for 24 hours more.");
    };
    fill(lines, reveal);
    return [
      el("p", {}, "Signs the webhooks of ", words(user.email), ", as Standard Webhooks has it. Whoever knows it can forge them."),
      lines,
      el("div", { class: "dialog-actions" }, button("Rotate", rotate), button("Close", () => close(), { look: "primary" })),
    ];
  });
}

function secretLines({ secret, retired }) {
  const older = retired.map((one) => el(
    "div",
    {},
    el("p", { class: "quiet" }, "Signs as well until ", moment(one.signsUntil)),
    secretLine(one.secret, "Older secret"),
  ));
  return [secretLine(secret), older];
}
