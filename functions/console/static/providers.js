// Providers: who makes the pictures, and whether the stack holds a key of theirs. A key goes in here, and never comes back.

import { admin } from "./api.js";
import { ask, confirm, field } from "./dialogs.js";
import { el, words } from "./dom.js";
import { badge, plural } from "./format.js";
import { button, heading, load, notice, panel, table } from "./parts.js";

export default function show(page, { signal }) {
  const list = el("div", {});
  const refresh = () => load(list, "the providers", () => admin("GET", "providers", { signal }), ({ data }) => roster(data, done));
  const done = async (changed) => {
    if (!changed) return;
    await refresh();
    if (document.activeElement === document.body) page.querySelector("h1").focus();
  };
  page.append(heading("Providers", "A model is available where one of its providers is set up. The stack keeps the keys, and shows them to nobody."), list);
  refresh();
}

function roster(providers, done) {
  const columns = ["Provider", "Key", "Models", ""];
  const held = providers.filter((one) => one.set).length;
  const note = held > 0 ? `${plural(held, "key")} set` : "no key set";
  return panel("Everybody", { look: "flush", note }, table("Providers", columns, providers.map((one) => [
    words(one.name),
    state(one),
    served(one),
    [
      one.set !== null && button(one.set ? "Replace key" : "Set key", () => setKey(one).then(done), { look: "small", name: `${one.set ? "Replace" : "Set"} the key of ${one.name}` }),
      one.set && button("Unset", () => unsetKey(one).then(done), { look: "small danger-text", name: `Unset the key of ${one.name}` }),
    ],
  ])));
}

/** List the models of a provider; a slug is not broken at its hyphens. */
function served({ models }) {
  if (models.length === 0) return el("span", { class: "quiet" }, "–");
  return el("ul", { class: "slugs quiet" }, models.map((slug) => words(slug, "li")));
}

function state({ needsKey, set }) {
  if (!needsKey && !set) return el("span", { class: "quiet" }, "not needed");
  return el("div", { class: "badges" }, set ? badge("active", "set") : badge("unset", "not set"));
}

async function setKey({ name }) {
  const kept = await ask(`Key of ${name}`, [
    field("key", "Key", {
      control: el("input", { type: "password", maxlength: 4096, autocomplete: "off", spellcheck: "false" }),
      hint: "It is kept in Secrets Manager, and is not shown again. All functions know it within five minutes.",
    }),
  ], { action: "Set the key", send: (body) => admin("POST", `providers/${encodeURIComponent(name)}`, { body }) });
  if (kept) notice(`The key of ${name} is set.`);
  return Boolean(kept);
}

async function unsetKey({ name }) {
  const gone = await confirm(`Unset the key of ${name}?`, "Within five minutes nothing goes there any more. Jobs that are under way there cannot be fetched.", {
    action: "Unset",
    act: () => admin("DELETE", `providers/${encodeURIComponent(name)}`),
  });
  if (gone) notice(`The key of ${name} is unset.`);
  return Boolean(gone);
}
