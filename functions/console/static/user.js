// One user: credits, budget, keys and usage.

import { admin, listAll } from "./api.js";
import { keyTable } from "./api-keys.js";
import { budgetFields, spending } from "./budget.js";
import { backLink, button, emptyState, facts, heading, load, panel, toast } from "./components.js";
import { confirmDialog, formDialog } from "./dialog.js";
import { el, userText } from "./dom.js";
import { field, textInput } from "./form.js";
import { badge, day, number } from "./format.js";
import { usagePanel } from "./usage-panel.js";
import { balance, openLedger, openSecret, topUp } from "./users.js";

/**
 * @param {HTMLElement} page
 * @param {Visit} visit
 */
export default function show(page, { id, signal }) {
  const region = el("div", { class: "stack" });
  const path = `users/${encodeURIComponent(id ?? "")}`;
  const get = async () => {
    const [user, keys] = await Promise.all([
      admin("GET", path, { signal }),
      listAll("keys", { text: id ?? "", signal }),
    ]);
    return { user, keys: keys.data.filter((/** @type {ApiKey} */ key) => key.userId === id) };
  };
  const refresh = () => load(region, "the user", get, ({ user, keys }) => detail(user, keys, again, signal));
  const again = (/** @type {unknown} */ changed) => changed && refresh();
  page.append(backLink("#/users", "Users"), region);
  refresh();
}

/**
 * @param {User} user
 * @param {ApiKey[]} keys
 * @param {(changed: unknown) => void} again
 * @param {AbortSignal} signal
 */
function detail(user, keys, again, signal) {
  const metered = user.credits !== null && user.credits !== undefined;
  const generations = `#/generations?user=${encodeURIComponent(user.id)}`;
  return [
    heading(
      userText(user.name || user.email),
      userText(user.email),
      button("Edit", () => editUser(user).then(again)),
      metered && button("Top up", () => topUp(user).then(again)),
      button("Ledger", () => openLedger(user)),
      button("Webhook secret", () => openSecret(user)),
      button(user.disabledAt ? "Enable" : "Disable", () => toggleUser(user).then(again), {
        variant: user.disabledAt ? "" : "danger-text",
      }),
      button("Delete", () => deleteUser(user), { variant: "danger-text" }),
    ),
    panel(
      "Facts",
      { actions: el("a", { href: generations }, "Generations") },
      facts([
        ["State", badge(user.disabledAt ? "disabled" : "active")],
        ["Plan", user.plan && userText(user.plan)],
        ["Credits", balance(user)],
        ["Today", spending(user.spentToday ?? 0, user.budgetPerDay)],
        ["This month", spending(user.spentThisMonth ?? 0, user.budgetPerMonth)],
        ["Since", day(user.createdAt)],
      ]),
    ),
    panel(
      "API keys",
      { variant: "flush", note: number(keys.length) },
      keys.length > 0
        ? keyTable(`Keys of ${user.email}`, keys, null, true)
        : emptyState("No keys yet", "Create one under API keys."),
    ),
    usagePanel({ days: 30, user: user.id }, signal, ["keyName", "model", "provider", "date"]),
  ];
}

/** @param {User} user */
async function editUser(user) {
  const fields = [
    field("name", "Name", { control: textInput({ maxlength: 100, value: user.name }) }),
    field("plan", "Plan", { control: textInput({ maxlength: 50, value: user.plan ?? "" }) }),
    ...budgetFields(user),
  ];
  const path = `users/${encodeURIComponent(user.id)}`;
  const cleared = { budgetPerDay: null, budgetPerMonth: null };
  const send = (/** @type {object} */ values) => admin("PATCH", path, { body: { ...cleared, ...values } });
  const changed = await formDialog(`Edit ${user.email}`, fields, { action: "Save", send });
  if (changed) toast("The user is changed.");
  return Boolean(changed);
}

/** @param {User} user */
async function toggleUser(user) {
  const path = `users/${encodeURIComponent(user.id)}`;
  const disabled = !user.disabledAt;
  const act = () => admin("PATCH", path, { body: { disabled } });
  if (!disabled) {
    await act();
    toast("The user is enabled.");
    return true;
  }
  const text = `All API keys of ${user.email} are refused until you enable the user again.`;
  const done = await confirmDialog("Disable this user?", text, { action: "Disable", act });
  if (done) toast("The user is disabled.");
  return Boolean(done);
}

/** @param {User} user */
async function deleteUser({ id, email }) {
  const text =
    `The API keys of ${email} are revoked, and name and address are removed for good. ` +
    "Generations and the ledger stay until they expire.";
  const act = () => admin("DELETE", `users/${encodeURIComponent(id)}`);
  if (!(await confirmDialog("Delete this user?", text, { action: "Delete", act }))) return;
  toast("The user is deleted.");
  location.hash = "#/users";
}
