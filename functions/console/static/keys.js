// API keys: who holds one, what it may do, and their whole life from made to revoked.

import { admin, models } from "./api.js";
import { ask, choices, confirm, field, FieldFault, more, showOnce } from "./dialogs.js";
import { el, words } from "./dom.js";
import { ago, badge, day, number } from "./format.js";
import { keyring } from "./keyring.js";
import { button, heading, icon, load, nothing, notice, panel, table } from "./parts.js";

const SCOPES = ["generate", "read"];
const OVERLAPS = [["86400", "For a day more"], ["3600", "For an hour more"], ["604800", "For a week more"], ["0", "It ends at once"]];

export default function show(page, { signal }) {
  const list = el("div", { class: "stack" });
  const refresh = () => load(list, "the keys", () => admin("GET", "keys", { signal }), (answer) => shelves(answer.data, actions));
  const create = button([icon("plus"), "New key"], () => createKey(signal).then(done), { look: "primary" });
  const done = async (changed) => {
    if (!changed) return;
    await refresh();
    if (document.activeElement === document.body) create.focus();
  };
  const actions = { rotate: (key) => rotateKey(key).then(done), revoke: (key) => revokeKey(key).then(done), create };
  page.append(heading("API keys", "A key is shown once, when it is made; the stack keeps only its fingerprint.", create), list);
  refresh();
}

function shelves(keys, actions) {
  if (keys.length === 0) return nothing("No key yet", "A client needs one to ask for pictures.");
  const live = keys.filter((key) => !["revoked", "expired"].includes(state(key)));
  const gone = keys.filter((key) => !live.includes(key));
  return [
    live.length > 0
      ? panel("In use", { look: "flush", note: number(live.length) }, shelf("Keys in use", live, actions))
      : nothing("No key is in use", "All keys are revoked or expired."),
    gone.length > 0 && el(
      "details",
      { class: "panel flush fold", open: live.length === 0 },
      el("summary", {}, el("h2", {}, "Revoked and expired"), el("span", { class: "quiet" }, number(gone.length))),
      shelf("Revoked and expired keys", gone, null),
    ),
  ];
}

function shelf(caption, keys, actions) {
  const columns = ["Key", "User", "Allowed", "Last used", "State", ...(actions ? [""] : [])];
  return table(caption, columns, keys.map((key) => [
    el("div", { class: "name" }, words(key.name, "span", { class: "clamp two" }), el("code", { class: "quiet" }, `${key.prefix}…`)),
    words(key.userEmail),
    limits(key),
    el("div", { class: "when" }, key.lastUsedAt ? ago(key.lastUsedAt) : "never", el("span", { class: "quiet" }, "made ", day(key.createdAt))),
    el("div", { class: "badges" }, badge(state(key)), ends(key)),
    ...(actions ? [[
      button("Rotate", () => actions.rotate(key), { look: "small", name: `Rotate ${key.name}` }),
      button("Revoke", () => actions.revoke(key), { look: "small danger-text", name: `Revoke ${key.name}` }),
    ]] : []),
  ]));
}

function state(key) {
  if (key.revokedAt) return "revoked";
  if (!key.expiresAt) return "active";
  return new Date(key.expiresAt) <= Date.now() ? "expired" : "expiring";
}

function ends(key) {
  const when = key.revokedAt ?? key.expiresAt;
  return when && el("span", { class: "quiet" }, ago(when));
}

function limits(key) {
  const scopes = key.scopes ?? SCOPES;
  return el(
    "div",
    { class: "limits" },
    el("span", {}, scopes.length === SCOPES.length ? "generate, read" : `${scopes.join(", ")} only`),
    key.test && badge("test", "test key"),
    key.requestsPerMinute && el("span", { class: "quiet" }, `${number(key.requestsPerMinute)} a minute`),
    key.models && words(key.models.join(", "), "span", { class: "quiet" }),
  );
}

async function createKey(signal) {
  const [users, slugs] = await Promise.all([
    admin("GET", "users", { signal }).then(({ data }) => data, () => []),
    models(signal).then((all) => all.map(({ slug }) => slug), () => []),
  ]);
  const people = el("datalist", { id: "people" }, users.map((user) => el("option", { value: user.email })));
  const user = field("user", "User", {
    control: el("input", { type: "email", list: "people", autocomplete: "off", maxlength: 254 }),
    hint: "An e-mail address; a new one makes a user.",
  });
  user.node.append(people);
  const made = await ask("New API key", [
    field("name", "Name", { control: el("input", { maxlength: 100, autocomplete: "off" }), hint: "Where it will be used: “website”, “Ana’s laptop”." }),
    user,
    field("test", "Test key", { control: el("input", { type: "checkbox" }), hint: "Always drawn by sketch, free of charge.", read: (box) => box.checked || undefined }),
    more("Limits", [
      choices("scopes", "Allowed", SCOPES, { chosen: SCOPES }),
      field("requestsPerMinute", "Requests a minute", { control: el("input", { type: "number", min: 1, step: 1, inputmode: "numeric" }), optional: true, hint: "Empty: the stack's own limit.", read: whole("requestsPerMinute") }),
      field("expiresAt", "Ends", { control: el("input", { type: "datetime-local" }), optional: true, read: (input) => (input.value ? new Date(input.value).toISOString() : undefined) }),
      ...(slugs.length > 0 ? [choices("models", "Models", slugs, { hint: "None ticked: all of them." })] : []),
    ]),
  ], { action: "Make the key", send: (values) => admin("POST", "keys", { body: withoutDefaults(values) }) });
  if (!made) return false;
  await shown("Here is the key", made);
  return true;
}

/** Read a whole number, or nothing. */
export function whole(name) {
  return (input) => {
    if (input.value.trim() === "" && !input.validity.badInput) return undefined;
    if (!/^\d+$/.test(input.value.trim()) || Number(input.value) < 1) throw new FieldFault(name, "A whole number, 1 or more.");
    return Number(input.value);
  };
}

function withoutDefaults({ scopes, ...values }) {
  if (!scopes) throw new FieldFault("scopes", "Tick at least one.");
  return scopes.length === SCOPES.length ? values : { ...values, scopes };
}

async function shown(title, made) {
  keyring.hold(made.key);
  await showOnce(title, "Copy it now, and put it where its user will find it.", made.key, "It is shown this once. The playground holds it until you leave this page.");
}

async function rotateKey(key) {
  const made = await ask(`Rotate “${key.name}”`, [
    field("overlapSeconds", "The old key works", { control: el("select", {}, OVERLAPS.map(([value, label]) => el("option", { value }, label))), read: (select) => Number(select.value) }),
  ], {
    action: "Make the new key",
    intro: "A new key with the same name and limits takes over; the old one ends by itself.",
    send: (body) => admin("POST", `keys/${encodeURIComponent(key.id)}/rotate`, { body }),
  });
  if (!made) return false;
  await shown("Here is the new key", made);
  return true;
}

async function revokeKey(key) {
  const gone = await confirm("Revoke this key?", `“${key.name}” of ${key.userEmail} is refused from now on. This cannot be undone.`, {
    action: "Revoke",
    act: () => admin("DELETE", `keys/${encodeURIComponent(key.id)}`),
  });
  if (gone) notice("The key is revoked.");
  return Boolean(gone);
}
