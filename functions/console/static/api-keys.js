// API keys: create, rotate and revoke them.

import { admin, find, models } from "./api.js";
import { budgetFields } from "./budget.js";
import { button, emptyState, heading, icon, panel, table, toast } from "./components.js";
import { confirmDialog, formDialog, secretDialog } from "./dialog.js";
import { el, userText } from "./dom.js";
import {
  InvalidFieldsError,
  choices,
  field,
  fieldGroup,
  integerInput,
  readInteger,
  select,
  textInput,
} from "./form.js";
import { ago, badge, day, number } from "./format.js";
import { SearchedList } from "./searched-list.js";

const SCOPES = ["generate", "read"];
const SUGGESTIONS = 100; // users that a new key's form offers; another is typed
const SOON_MS = 30 * 86_400_000; // a key that ends later counts as active
/** @type {[string, string][]} seconds, and how long that is */
const OVERLAPS = [
  ["86400", "For another day"],
  ["3600", "For another hour"],
  ["604800", "For another week"],
  ["0", "It ends at once"],
];

/** @typedef {{ rotate: (key: ApiKey) => void, revoke: (key: ApiKey) => void }} Actions */

/**
 * @param {HTMLElement} page
 * @param {Visit} visit
 */
export default function show(page, { signal }) {
  const list = new SearchedList("keys", (part) => tables(part, actions), signal);
  const create = button([icon("plus"), "New key"], () => createKey(signal).then(done), { variant: "primary" });
  const done = async (/** @type {boolean} */ changed) => {
    if (!changed) return;
    await list.refresh();
    if (document.activeElement === document.body) create.focus();
  };
  const actions = {
    rotate: (/** @type {ApiKey} */ key) => rotateKey(key).then(done),
    revoke: (/** @type {ApiKey} */ key) => revokeKey(key).then(done),
  };
  page.append(
    heading("API keys", "A key is shown once, when it is created; the stack stores only its digest.", create),
    ...list.node,
  );
  list.refresh();
}

/**
 * @param {import("./searched-list.js").Part} part
 * @param {Actions} actions
 */
function tables({ data, searched, partial }, actions) {
  /** @type {ApiKey[]} */
  const keys = data;
  const count = (/** @type {ApiKey[]} */ some) => `${number(some.length)}${partial ? "+" : ""}`;
  if (keys.length === 0) return emptyState("No keys yet", "A client needs a key to request images.");
  const live = keys.filter((key) => !["revoked", "expired"].includes(keyState(key)));
  const ended = keys.filter((key) => !live.includes(key));
  return [
    live.length > 0
      ? panel("In use", { variant: "flush", note: count(live) }, keyTable("Keys in use", live, actions))
      : emptyState("No key is in use", "All keys are revoked or expired."),
    ended.length > 0 &&
      el(
        "details",
        { class: "panel flush fold", open: searched || live.length === 0 },
        el("summary", {}, el("h2", {}, "Revoked and expired"), el("span", { class: "muted" }, count(ended))),
        keyTable("Revoked and expired keys", ended, null),
      ),
  ];
}

/**
 * @param {string} caption
 * @param {ApiKey[]} keys
 * @param {Actions | null} actions
 * @param {boolean} ofOneUser whether the keys' user goes without saying
 */
export function keyTable(caption, keys, actions, ofOneUser = false) {
  const user = ofOneUser ? [] : ["User"];
  const columns = ["Key", ...user, "Allowed", "Last used", "State", ...(actions ? [""] : [])];
  const rows = keys.map((key) => {
    const name = el(
      "a",
      { href: `#/keys/${encodeURIComponent(key.id)}` },
      userText(key.name, "span", { class: "clamp two" }),
    );
    const created = el("span", { class: "muted" }, "created ", day(key.createdAt));
    const buttons = actions && [
      button("Rotate", () => actions.rotate(key), { variant: "small", name: `Rotate ${key.name}` }),
      button("Revoke", () => actions.revoke(key), { variant: "small danger-text", name: `Revoke ${key.name}` }),
    ];
    return [
      el("div", { class: "name" }, name, el("code", { class: "muted" }, `${key.prefix}…`)),
      ...(ofOneUser ? [] : [el("a", { href: `#/users/${encodeURIComponent(key.userId)}` }, userText(key.userEmail))]),
      limits(key),
      el("div", { class: "when" }, key.lastUsedAt ? ago(key.lastUsedAt) : "never", created),
      el("div", { class: "badges" }, badge(keyState(key)), endOf(key)),
      ...(buttons ? [buttons] : []),
    ];
  });
  return table(caption, columns, rows);
}

/** @param {ApiKey} key */
export function keyState(key) {
  if (key.revokedAt) return "revoked";
  if (key.disabledAt || key.userDisabledAt) return "disabled";
  if (!key.expiresAt) return "active";
  const left = new Date(key.expiresAt).getTime() - Date.now();
  return left <= 0 ? "expired" : left < SOON_MS ? "expiring" : "active";
}

/** @param {ApiKey} key */
function endOf(key) {
  if (key.revokedAt) return el("span", { class: "muted" }, ago(key.revokedAt));
  const { expiresAt } = key;
  const ahead = expiresAt && keyState(key) === "active";
  return expiresAt && el("span", { class: "muted" }, ahead && "expires ", ago(expiresAt));
}

/** @param {ApiKey} key */
function limits(key) {
  const scopes = key.scopes ?? SCOPES;
  return el(
    "div",
    { class: "limits" },
    el("span", {}, scopes.length === SCOPES.length ? "generate, read" : `${scopes.join(", ")} only`),
    key.test && badge("test", "test key"),
    key.requestsPerMinute && el("span", { class: "muted" }, `${number(key.requestsPerMinute)} per minute`),
    key.models && userText(key.models.join(", "), "span", { class: "muted" }),
  );
}

/** @param {AbortSignal} signal */
async function createKey(signal) {
  const [users, slugs] = await Promise.all([
    find("users", { limit: SUGGESTIONS, signal }).then(
      ({ data }) => /** @type {User[]} */ (data),
      () => [],
    ),
    models(signal).then(
      (all) => all.map(({ slug }) => slug),
      () => [],
    ),
  ]);
  const user = field("user", "User", {
    control: textInput({ type: "email", list: "emails", maxlength: 254 }),
    hint: "An e-mail address; a new one creates a user.",
  });
  const emails = users.map(({ email }) => el("option", { value: email }));
  user.node.append(el("datalist", { id: "emails" }, emails));
  const send = (/** @type {any} */ values) => admin("POST", "keys", { body: withoutDefaults(values) });
  const options = { action: "Create the key", send };
  const budget = fieldGroup("Budget", budgetFields());
  const fields = [nameField(), user, testField(), limitFields(slugs), budget];
  const created = await formDialog("New API key", fields, options);
  if (!created) return false;
  await showKey("Your new key", created);
  return true;
}

const nameField = () =>
  field("name", "Name", {
    control: textInput({ maxlength: 100 }),
    hint: "Where the key is used: “website”, “Ana’s laptop”.",
  });

const testField = () =>
  field("test", "Test key", {
    control: el("input", { type: "checkbox" }),
    hint: "Its images are drawn by sketch and cost nothing.",
    read: (box) => box.checked || undefined,
  });

/**
 * Make the fields that can be changed of a key.
 * @param {ApiKey} key
 * @param {string[]} slugs
 */
export function keyChanges(key, slugs) {
  const name = field("name", "Name", { control: textInput({ maxlength: 100, value: key.name }) });
  return [name, ...limitFields(slugs, key).fields];
}

/**
 * @param {string[]} slugs
 * @param {ApiKey | null} key
 */
function limitFields(slugs, key = null) {
  const perMinute = field("requestsPerMinute", "Requests per minute", {
    control: integerInput({ value: key?.requestsPerMinute ?? "" }),
    optional: true,
    hint: "Empty: the stack's own limit.",
    read: readInteger("requestsPerMinute"),
  });
  const expiry = field("expiresAt", "Expires", {
    control: el("input", { type: "datetime-local", value: localTime(key?.expiresAt) }),
    optional: true,
    read: (input) => (input.value ? new Date(input.value).toISOString() : undefined),
  });
  const scopes = choices("scopes", "Allowed", SCOPES, { chosen: key?.scopes ?? SCOPES });
  const chosen = key?.models ?? [];
  const allowed = choices("models", "Models", slugs, { hint: "None ticked: all models.", chosen });
  return fieldGroup("Limits", [scopes, perMinute, expiry, ...(slugs.length > 0 ? [allowed] : [])]);
}

/**
 * Write a moment as an input for local time takes it.
 * @param {string | null | undefined} iso
 */
function localTime(iso) {
  if (!iso) return "";
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** @param {any} values */
function withoutDefaults({ scopes, ...values }) {
  if (!scopes) throw new InvalidFieldsError([{ field: "scopes", message: "Tick at least one." }]);
  return scopes.length === SCOPES.length ? values : { ...values, scopes };
}

/**
 * @param {string} title
 * @param {{ key: string }} created
 */
async function showKey(title, created) {
  const text = "Copy it now, and store it where its user finds it.";
  await secretDialog(title, text, created.key, "The key is not shown again.");
}

/** @param {ApiKey} key */
export async function rotateKey(key) {
  const overlap = field("overlapSeconds", "The old key works", {
    control: select(OVERLAPS),
    read: (control) => Number(control.value),
  });
  const created = await formDialog(`Rotate “${key.name}”`, [overlap], {
    action: "Create the new key",
    intro: "A new key with the same name and limits replaces this one, which then expires.",
    send: (body) => admin("POST", `keys/${encodeURIComponent(key.id)}/rotate`, { body }),
  });
  if (!created) return false;
  await showKey("Your new key", created);
  return true;
}

/** @param {ApiKey} key */
export async function revokeKey(key) {
  const text = `“${key.name}” of ${key.userEmail} is refused from now on. This cannot be undone.`;
  const act = () => admin("DELETE", `keys/${encodeURIComponent(key.id)}`);
  const revoked = await confirmDialog("Revoke this key?", text, { action: "Revoke", act });
  if (revoked) toast("The key is revoked.");
  return Boolean(revoked);
}
