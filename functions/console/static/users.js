// Users: their credits, their ledger, and the secret that signs their webhooks.

import { admin } from "./api.js";
import { button, emptyState, errorState, heading, icon, load, panel, table, toast } from "./components.js";
import { formDialog, openDialog, secretRow } from "./dialog.js";
import { el, fill, userText } from "./dom.js";
import { field, integerInput, readInteger, textInput } from "./form.js";
import { badge, day, moment, number, plural } from "./format.js";
import { SearchedList } from "./searched-list.js";

/**
 * @param {HTMLElement} page
 * @param {Visit} visit
 */
export default function show(page, { signal }) {
  const list = new SearchedList("users", (part) => userTable(part, done), signal);
  const create = button([icon("plus"), "New user"], () => createUser().then(done), { variant: "primary" });
  const done = async (/** @type {boolean} */ changed) => {
    if (!changed) return;
    await list.refresh();
    if (document.activeElement === document.body) create.focus();
  };
  page.append(
    heading("Users", "A user has credits, API keys, and a secret that signs the webhooks.", create),
    ...list.node,
  );
  list.refresh();
}

/**
 * @param {import("./searched-list.js").Part} part
 * @param {(changed: boolean) => void} done
 */
function userTable({ data, partial }, done) {
  /** @type {User[]} */
  const users = data;
  if (users.length === 0) return emptyState("No users yet", "Create one here, or with a first API key.");
  const rows = users.map((user) => {
    const { email } = user;
    const name = userText(user.name || email, "span", { class: "clamp two" });
    const metered = user.credits !== null && user.credits !== undefined;
    return [
      el(
        "div",
        { class: "name" },
        el("a", { href: `#/users/${encodeURIComponent(user.id)}` }, name),
        user.name && userText(email, "span", { class: "muted" }),
      ),
      user.disabledAt ? badge("disabled") : user.plan ? userText(user.plan) : el("span", { class: "muted" }, "–"),
      balance(user),
      day(user.createdAt),
      [
        metered && button("Top up", () => topUp(user).then(done), { variant: "small", name: `Top up ${email}` }),
        button("Ledger", () => openLedger(user), { variant: "small", name: `Ledger of ${email}` }),
        button("Webhook secret", () => openSecret(user), { variant: "small", name: `Webhook secret of ${email}` }),
      ],
    ];
  });
  const columns = ["User", "Plan", "Credits", "Since", ""];
  return panel(
    "All users",
    { variant: "flush", note: `${number(users.length)}${partial ? "+" : ""}` },
    table("Users", columns, rows),
  );
}

/** @param {User} user */
export function balance({ credits }) {
  if (credits === null || credits === undefined) return el("span", { class: "muted" }, "unmetered");
  return credits > 0 ? el("span", { class: "amount" }, number(credits)) : badge("dead", number(credits));
}

async function createUser() {
  const fields = [
    field("email", "E-mail", { control: textInput({ type: "email", maxlength: 254 }) }),
    field("name", "Name", { control: textInput({ maxlength: 100 }), optional: true }),
    field("plan", "Plan", {
      control: textInput({ maxlength: 50 }),
      optional: true,
      hint: "A label, such as “studio”.",
    }),
    field("credits", "Credits", {
      control: integerInput({ min: 0 }),
      optional: true,
      hint: "Empty: unmetered, nothing is charged.",
      read: readInteger("credits", 0),
    }),
  ];
  const send = (/** @type {any} */ values) => admin("POST", "users", { body: { credits: null, ...values } });
  const created = await formDialog("New user", fields, { action: "Create the user", send });
  if (created) toast("The user is created.");
  return Boolean(created);
}

/** @param {User} user */
export async function topUp(user) {
  const fields = [
    field("amount", "Credits", { control: integerInput(), read: readInteger("amount") }),
    field("note", "Note", {
      control: textInput({ maxlength: 200 }),
      optional: true,
      hint: "Shown in the ledger: an invoice, a reason.",
    }),
  ];
  /** @type {User | null} */
  const updated = await formDialog("Top up", fields, {
    action: "Add the credits",
    intro: userText(`${user.email} has ${plural(user.credits ?? 0, "credit")}.`),
    send: (body) => admin("POST", `users/${encodeURIComponent(user.id)}/credits`, { body }),
  });
  if (updated) toast(`${updated.email} has ${plural(updated.credits ?? 0, "credit")} now.`);
  return Boolean(updated);
}

/** @param {User} user */
export function openLedger(user) {
  const build = (/** @type {() => void} */ close) => {
    const list = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Entries" });
    const get = () => admin("GET", `users/${encodeURIComponent(user.id)}/ledger`);
    load(list, "the ledger", get, ({ data }) => ledgerTable(user, data));
    const done = button("Close", () => close(), { variant: "primary" });
    return [userText(user.email, "p", { class: "muted" }), list, el("div", { class: "dialog-actions" }, done)];
  };
  return openDialog("Ledger", build, { variant: "wide" });
}

/**
 * @param {User} user
 * @param {LedgerEntry[]} entries
 */
function ledgerTable(user, entries) {
  if (entries.length === 0) return emptyState("No entries yet", "Charges, refunds and top-ups appear here.");
  const rows = entries.map((entry) => {
    const id = entry.generationId;
    const sign = entry.kind === "charge" ? "−" : "+";
    return [
      moment(entry.createdAt),
      entry.kind,
      el("span", { class: "amount" }, `${sign}${number(Math.abs(entry.amount))}`),
      id
        ? el("a", { href: `#/generations/${encodeURIComponent(id)}` }, "a generation")
        : userText(entry.note || "–", "span", { class: "muted" }),
    ];
  });
  return table(`Ledger of ${user.email}`, ["When", "Entry", "Credits", "For"], rows);
}

/** @param {User} user */
export function openSecret(user) {
  const path = `users/${encodeURIComponent(user.id)}/webhook-secret`;
  const rows = el("div", { class: "stack-small" });
  const reveal = button("Show the secret", async () => {
    reveal.disabled = true;
    try {
      fill(rows, secretRows(await admin("GET", path)));
    } catch (error) {
      fill(rows, errorState(error));
    }
  });
  const rotate = async () => {
    const rotated = await formDialog("Rotate the secret", [], {
      action: "Create the new secret",
      intro:
        "A new secret takes over within a minute. The old one signs beside it for 24 hours, " +
        "so that the receiver can change in that time.",
      send: () => admin("POST", `${path}/rotate`),
    });
    if (!rotated) return;
    fill(rows, secretRows(rotated));
    toast("The secret is rotated; the old one signs for another 24 hours.");
  };
  fill(rows, reveal);
  return openDialog("Webhook secret", (close) => [
    el(
      "p",
      {},
      "Signs the webhooks of ",
      userText(user.email),
      " by Standard Webhooks. Anyone who has it can forge them.",
    ),
    rows,
    el(
      "div",
      { class: "dialog-actions" },
      button("Rotate", rotate),
      button("Close", () => close(), { variant: "primary" }),
    ),
  ]);
}

/** @param {WebhookSecret} secrets */
function secretRows({ secret: current, retired }) {
  const older = retired.map((one) =>
    el(
      "div",
      {},
      el("p", { class: "muted" }, "Also signs until ", moment(one.signsUntil)),
      secretRow(one.secret, "Older secret"),
    ),
  );
  return [secretRow(current), older];
}
