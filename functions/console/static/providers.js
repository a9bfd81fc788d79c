// Providers: which are configured, and which models each serves. A key goes in here, and is never shown.

import { admin } from "./api.js";
import { button, heading, load, panel, table, toast } from "./components.js";
import { confirmDialog, formDialog } from "./dialog.js";
import { el, userText } from "./dom.js";
import { field } from "./form.js";
import { badge, plural } from "./format.js";

/**
 * @param {HTMLElement} page
 * @param {Visit} visit
 */
export default function show(page, { signal }) {
  const list = el("div", {});
  const get = () => admin("GET", "providers", { signal });
  const refresh = () => load(list, "the providers", get, ({ data }) => providerTable(data, done));
  const done = async (/** @type {boolean} */ changed) => {
    if (!changed) return;
    await refresh();
    if (document.activeElement === document.body) page.querySelector("h1")?.focus();
  };
  const about = "A model is available when one of its providers is configured. Keys are stored, and never shown.";
  page.append(heading("Providers", about), list);
  refresh();
}

/**
 * @param {Provider[]} providers
 * @param {(changed: boolean) => void} done
 */
function providerTable(providers, done) {
  const held = providers.filter((one) => one.set).length;
  const note = held > 0 ? `${plural(held, "key")} set` : "no key set";
  const rows = providers.map((one) => [userText(one.name), keyState(one), served(one), keyButtons(one, done)]);
  const columns = ["Provider", "Key", "Models", ""];
  return panel("All providers", { variant: "flush", note }, table("Providers", columns, rows));
}

/**
 * @param {Provider} provider
 * @param {(changed: boolean) => void} done
 */
function keyButtons(provider, done) {
  const { name, set } = provider;
  const verb = set ? "Replace" : "Set";
  const setName = `${verb} the key of ${name}`;
  const unsetOptions = { variant: "small danger-text", name: `Unset the key of ${name}` };
  return [
    set !== null && button(`${verb} key`, () => setKey(provider).then(done), { variant: "small", name: setName }),
    set && button("Unset", () => unsetKey(provider).then(done), unsetOptions),
  ];
}

/**
 * List the models of a provider; a slug is not broken at its hyphens.
 * @param {Provider} provider
 */
function served({ models }) {
  if (models.length === 0) return el("span", { class: "muted" }, "–");
  const items = models.map((slug) => el("li", {}, userText(slug)));
  return el("ul", { class: "slugs muted" }, items);
}

/** @param {Provider} provider */
function keyState({ needsKey, set }) {
  if (!needsKey && !set) return el("span", { class: "muted" }, "not needed");
  return el("div", { class: "badges" }, set ? badge("active", "set") : badge("unset", "not set"));
}

/** @param {Provider} provider */
async function setKey({ name }) {
  const key = field("key", "Key", {
    control: el("input", { type: "password", maxlength: 4096, autocomplete: "off", spellcheck: "false" }),
    hint: "Stored in Secrets Manager and not shown again. All functions use it within five minutes.",
  });
  const send = (/** @type {any} */ body) => admin("POST", `providers/${encodeURIComponent(name)}`, { body });
  const stored = await formDialog(`Key of ${name}`, [key], { action: "Set the key", send });
  if (stored) toast(`The key of ${name} is set.`);
  return Boolean(stored);
}

/** @param {Provider} provider */
async function unsetKey({ name }) {
  const text = "Within five minutes no request goes there any more. Jobs in progress there cannot be fetched.";
  const act = () => admin("DELETE", `providers/${encodeURIComponent(name)}`);
  const gone = await confirmDialog(`Unset the key of ${name}?`, text, { action: "Unset", act });
  if (gone) toast(`The key of ${name} is unset.`);
  return Boolean(gone);
}
