// One API key: its limits, its state and its usage.

import { admin, models } from "./api.js";
import { keyChanges, keyState, revokeKey, rotateKey } from "./api-keys.js";
import { backLink, button, facts, heading, load, panel, toast } from "./components.js";
import { confirmDialog } from "./dialog.js";
import { budgetFields, spending } from "./budget.js";
import { formDialog } from "./dialog.js";
import { el, userText } from "./dom.js";
import { badge, ago, day, moment, number } from "./format.js";
import { usagePanel } from "./usage-panel.js";

/**
 * @param {HTMLElement} page
 * @param {Visit} visit
 */
export default function show(page, { id, signal }) {
  const region = el("div", { class: "stack" });
  const path = `keys/${encodeURIComponent(id ?? "")}`;
  const refresh = () =>
    load(
      region,
      "the key",
      () => admin("GET", path, { signal }),
      (key) => detail(key, again, signal),
    );
  const again = (/** @type {unknown} */ changed) => changed && refresh();
  page.append(backLink("#/keys", "API keys"), region);
  refresh();
}

/**
 * @param {ApiKey} key
 * @param {(changed: unknown) => void} again
 * @param {AbortSignal} signal
 */
function detail(key, again, signal) {
  const ended = ["revoked", "expired"].includes(keyState(key));
  const buttons = ended
    ? []
    : [
        button("Edit", () => editKey(key).then(again)),
        button("Rotate", () => rotateKey(key).then(again)),
        button(key.disabledAt ? "Enable" : "Disable", () => toggleKey(key).then(again)),
        button("Revoke", () => revokeKey(key).then(again), { variant: "danger-text" }),
      ];
  return [
    heading(userText(key.name), el("code", {}, `${key.prefix}…`), ...buttons),
    panel("Facts", {}, keyFacts(key)),
    usagePanel({ days: 30, key: key.id }, signal, ["model", "provider", "date"]),
  ];
}

/** @param {ApiKey} key */
function keyFacts(key) {
  const limit = key.requestsPerMinute;
  const user = el("a", { href: `#/users/${encodeURIComponent(key.userId)}` }, userText(key.userEmail));
  return facts([
    ["State", badge(keyState(key))],
    ["User", key.userDisabledAt ? [user, " ", badge("disabled", "user disabled")] : user],
    ["Allowed", (key.scopes ?? []).join(", ")],
    ["Models", key.models ? userText(key.models.join(", ")) : "all"],
    ["Requests", limit ? `${number(limit)} per minute` : "the stack's own limit"],
    ["Today", spending(key.spentToday ?? 0, key.budgetPerDay)],
    ["This month", spending(key.spentThisMonth ?? 0, key.budgetPerMonth)],
    ["Last used", key.lastUsedAt ? ago(key.lastUsedAt) : "never"],
    ["Created", day(key.createdAt)],
    ["Expires", key.expiresAt ? moment(key.expiresAt) : null],
  ]);
}

/** @param {ApiKey} key */
async function editKey(key) {
  const slugs = await models().then(
    (all) => all.map(({ slug }) => slug),
    () => [],
  );
  const path = `keys/${encodeURIComponent(key.id)}`;
  const fields = [...keyChanges(key, slugs), ...budgetFields(key)];
  const cleared = { requestsPerMinute: null, models: null, expiresAt: null, budgetPerDay: null, budgetPerMonth: null };
  const send = (/** @type {object} */ values) => admin("PATCH", path, { body: { ...cleared, ...values } });
  const changed = await formDialog(`Edit “${key.name}”`, fields, { action: "Save", send });
  if (changed) toast("The key is changed.");
  return Boolean(changed);
}

/** @param {ApiKey} key */
async function toggleKey(key) {
  const path = `keys/${encodeURIComponent(key.id)}`;
  const disabled = !key.disabledAt;
  const act = () => admin("PATCH", path, { body: { disabled } });
  if (!disabled) {
    await act();
    toast("The key is enabled.");
    return true;
  }
  const text = `Requests with “${key.name}” are refused until you enable it again.`;
  const done = await confirmDialog("Disable this key?", text, { action: "Disable", act });
  if (done) toast("The key is disabled.");
  return Boolean(done);
}
