// Providers: which are configured, which models each serves, and what went wrong last. No key is ever shown.

import { admin, isHandledElsewhere } from "./api.js";
import { button, heading, load, messageOf, panel, table, toast } from "./components.js";
import { confirmDialog, formDialog } from "./dialog.js";
import { el, userText } from "./dom.js";
import { field } from "./form.js";
import { ago, badge, plural } from "./format.js";

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
  const configured = providers.filter((one) => one.configured).length;
  const note = `${configured} of ${plural(providers.length, "provider")} configured`;
  const rows = providers.map((one) => [userText(one.name), state(one), health(one), served(one), buttons(one, done)]);
  const columns = ["Provider", "State", "Last error", "Models", ""];
  return panel("All providers", { variant: "flush", note }, table("Providers", columns, rows));
}

/** @param {Provider} provider */
function state({ configured, needsKey, parameter, set }) {
  const unset = parameter && !configured ? `set it in ${parameter}` : "no key needed";
  const key = set ? "key set" : needsKey ? "no key set" : unset;
  return el(
    "div",
    { class: "when" },
    badge(configured ? "active" : "unset", configured ? "configured" : "not configured"),
    el("span", { class: "muted" }, key),
  );
}

/**
 * Show the last error, and whether the provider gets no requests because of errors.
 * @param {Provider} provider
 */
function health({ breaker, probeAt, lastError, lastErrorAt }) {
  if (!lastError || !lastErrorAt) return el("span", { class: "muted" }, breaker === "open" ? "failing" : "none");
  const paused = breaker === "open" && badge("dead", "paused");
  const next = breaker === "open" && probeAt && new Date(probeAt).getTime() > Date.now();
  return el(
    "div",
    { class: "health" },
    el("div", { class: "badges" }, paused, next && el("span", { class: "muted" }, "next attempt ", ago(probeAt))),
    userText(lastError, "span", { class: "clamp two" }),
    el("span", { class: "muted" }, ago(lastErrorAt)),
  );
}

/**
 * @param {Provider} provider
 * @param {(changed: boolean) => void} done
 */
function buttons(provider, done) {
  const { name, set, testable } = provider;
  const verb = set ? "Replace" : "Set";
  const setName = `${verb} the key of ${name}`;
  const unsetOptions = { variant: "small danger-text", name: `Unset the key of ${name}` };
  return [
    testable && button("Test", (event) => test(provider, event), { variant: "small", name: `Test ${name}` }),
    set !== null && button(`${verb} key`, () => setKey(provider).then(done), { variant: "small", name: setName }),
    set && button("Unset", () => unsetKey(provider).then(done), unsetOptions),
  ];
}

/**
 * List the models of a provider; a slug is not broken at its hyphens.
 * @param {Provider} provider
 */
function served({ models, endings }) {
  if (models.length === 0) return el("span", { class: "muted" }, "–");
  const items = models.map((slug) => el("li", {}, userText(slug), ending(endings, slug)));
  return el("ul", { class: "slugs muted" }, items);
}

/**
 * Say when a model ends at its provider, if that is soon, or was.
 * @param {Provider["endings"]} endings
 * @param {string} slug
 */
function ending(endings, slug) {
  const found = endings.find((one) => one.model === slug);
  if (!found) return null;
  const words = found.ended ? `ended on ${found.ends}` : `ends on ${found.ends}`;
  return el("span", { title: found.name }, " ", badge(found.ended ? "dead" : "unset", words));
}

/**
 * Make the provider's free call, and say how it went.
 * @param {Provider} provider
 * @param {MouseEvent | null} event
 */
async function test({ name }, event = null) {
  const pressed = event?.currentTarget;
  if (pressed instanceof HTMLButtonElement) pressed.disabled = true;
  try {
    /** @type {ProviderTest} */
    const { accepted, message } = await admin("POST", `providers/${encodeURIComponent(name)}/test`);
    toast(accepted ? `${name} accepts this stack.` : String(message), accepted ? "good" : "bad");
  } catch (error) {
    if (!isHandledElsewhere(error)) toast(messageOf(error), "bad");
  }
  if (pressed instanceof HTMLButtonElement) pressed.disabled = false;
}

/** @param {Provider} provider */
async function setKey(provider) {
  const { name } = provider;
  const key = field("key", "Key", {
    control: el("input", { type: "password", maxlength: 4096, autocomplete: "off", spellcheck: "false" }),
    hint: "Stored in Secrets Manager and not shown again. All functions use it within five minutes.",
  });
  const send = (/** @type {any} */ body) => admin("POST", `providers/${encodeURIComponent(name)}`, { body });
  const stored = await formDialog(`Key of ${name}`, [key], { action: "Set the key", send });
  if (!stored) return false;
  toast(`The key of ${name} is set.`);
  await test(provider);
  return true;
}

/** @param {Provider} provider */
async function unsetKey({ name }) {
  const text = "Within five minutes no request goes there any more. Jobs in progress there cannot be fetched.";
  const act = () => admin("DELETE", `providers/${encodeURIComponent(name)}`);
  const gone = await confirmDialog(`Unset the key of ${name}?`, text, { action: "Unset", act });
  if (gone) toast(`The key of ${name} is unset.`);
  return Boolean(gone);
}
