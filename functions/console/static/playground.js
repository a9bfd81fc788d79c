// The playground: asks for a generation exactly as a client would, and shows each thing that comes back.

import { admin, base, client, models } from "./api.js";
import { album } from "./album.js";
import { FieldFault, field, more, showErrors } from "./dialogs.js";
import { el, fill, words } from "./dom.js";
import { credits, duration, either, finished } from "./format.js";
import { keyring } from "./keyring.js";
import { button, code, copyButton, facts, heading, icon, load, nothing, panel, pictures } from "./parts.js";

const WAY = ["pending", "processing", "uploading", "success"];
const LOOK_AGAIN_MS = 300;
const LOOK_AGAIN_AT_MOST_MS = 3_000;
const PATIENCE = 10; // looks in a row that may fail before we give up on a generation that goes on without us

export default function show(page, { signal }) {
  const region = el("div", {});
  page.append(heading("Playground", "One request, as a client sends it."), region);
  const get = () => Promise.all([models(signal), admin("GET", "providers", { signal })]);
  load(region, "the models", get, ([all, { data: providers }]) => (all.length > 0
    ? bench(all, providers, signal)
    : nothing("No model", "The catalog of this stack is empty.")));
}

function bench(all, providers, signal) {
  const offered = [...all].sort((one, other) => Number(other.available ?? true) - Number(one.available ?? true));
  const inputs = el("div", { class: "stack-small" });
  const about = el("p", { class: "hint", dir: "auto" });
  const price = el("p", { class: "hint" });
  const said = el("p", { class: "error", role: "alert" });
  const shown = el("div", { class: "easel-place" });
  const request = el("div", {});
  const model = field("model", "Model", {
    control: el("select", {}, offered.map(({ slug, name, available }) => el("option", { value: slug, disabled: available === false }, available === false ? `${name}: ${wanting(slug, providers)}` : name))),
  });
  const unset = offered.filter(({ available }) => available === false).length;
  const key = field("key", "API key", {
    control: el("input", { type: "password", autocomplete: "off", spellcheck: "false", value: keyring.get(), oninput: ({ target }) => keyring.hold(target.value.trim()) }),
    hint: keyring.get() ? "It is held in memory only, and forgotten when you leave this page." : "Paste one, or make one under API keys. It is forgotten when you leave this page.",
  });
  let fields = [];
  const chosen = () => offered.find(({ slug }) => slug === model.control.value) ?? offered[0];
  const shape = () => {
    const { inputSchema, description } = chosen();
    const before = Object.fromEntries(fields.map((one) => [one.name, one]));
    fields = fieldsOf(inputSchema, write);
    for (const one of fields) takeOver(before[one.name], one);
    const plain = fields.filter((one) => one.needed || one.album);
    const rare = fields.filter((one) => !plain.includes(one));
    fill(about, description);
    fill(inputs, plain.map((one) => one.node), rare.length > 0 && more("More settings", rare).node);
    write();
  };
  let command = "";
  const write = () => {
    exclude(fields);
    const asked = body();
    fill(price, priced(chosen().cost, asked.input.num_images));
    command = curl(asked);
    fill(request, code(curl(brief(asked)), "The same request with curl"));
  };
  const body = ({ strict = false } = {}) => ({ model: chosen().slug, input: read(fields, strict) });
  const generate = button("Generate", null, { look: "primary large", type: "submit" });
  model.node.querySelector("select").after(about, unset > 0 && el("p", { class: "hint" }, "What is greyed out waits for its ", el("a", { href: "#/providers" }, "provider"), "."));
  model.control.addEventListener("change", shape);
  const form = el(
    "form",
    {
      novalidate: true,
      oninput: write,
      onsubmit: async (event) => {
        event.preventDefault();
        const named = [key, ...fields.map((one) => ({ ...one, name: `input.${one.name}` })), model];
        named.forEach((one) => one.fault(null));
        fill(said);
        generate.disabled = true;
        try {
          await run(keyOf(key), body({ strict: true }), chosen(), shown, signal);
        } catch (error) {
          if (error.name === "AbortError") return;
          fill(shown, canvas());
          const fault = error.status === 401 ? Object.assign(error, { errors: [{ field: "key", message: error.message }] }) : error;
          showErrors(named, said, fault);
        } finally {
          generate.disabled = false;
        }
      },
    },
    key.node,
    model.node,
    inputs,
    said,
    price,
    generate,
  );
  fill(shown, canvas());
  shape();
  return el(
    "div",
    { class: "bench" },
    panel("Request", {}, form),
    el(
      "div",
      { class: "stack" },
      panel("Result", {}, shown),
      panel("The same with curl", { actions: copyButton(() => command) }, request,
        el("p", { class: "hint" }, "It waits up to 25 s for the result; this page asks with ", el("code", {}, "Prefer: respond-async"), " and looks again.")),
    ),
  );
}

/** Say what is to be set so that a model is available. */
function wanting(slug, providers) {
  const serving = providers.filter(({ models: served }) => served.includes(slug));
  const keys = serving.filter(({ needsKey }) => needsKey).map(({ name }) => name);
  const others = serving.filter(({ needsKey }) => !needsKey).map(({ name }) => name);
  const ways = [keys.length > 0 && `set a key of ${either(keys)}`, others.length > 0 && `set up ${either(others)}`];
  return ways.filter(Boolean).join(", or ") || "nobody serves it";
}

function priced(cost, count = 1) {
  if (cost === undefined || cost === null) return null;
  if (cost === 0) return "Costs nothing.";
  return count > 1 ? `Costs ${credits(cost * count)}: ${cost} for each of ${count} pictures.` : `Costs ${credits(cost)}.`;
}

/** Carry what was filled in for one model over to the field of the same name of another. */
function takeOver(before, after) {
  if (!before || before.control.tagName !== after.control.tagName) return;
  if (after.control.options && ![...after.control.options].some(({ value }) => value === before.control.value)) return;
  after.control.value = before.control.value;
  if (before.album && after.album) after.album.take(before.album.chosen());
}

/** Leave out each field that cannot stand beside one that is filled in, and say so. */
function exclude(fields) {
  for (const one of fields) {
    const against = fields.filter((other) => (one.about.excludes ?? []).includes(other.name) && other.control.value !== "");
    one.control.disabled = against.length > 0;
    fill(one.left, against.length > 0 && `Left out: ${against.map(({ label }) => label).join(" and ")} ${against.length > 1 ? "say" : "says"} it.`);
  }
}

/** Shorten the pictures in a request for reading; as data URLs they are all letters. */
function brief(asked) {
  return JSON.parse(JSON.stringify(asked, (_, value) => (typeof value === "string" && value.startsWith("data:image/") ? `${value.slice(0, value.indexOf(",") + 1)}…` : value)));
}

function canvas() {
  return el("div", { class: "canvas-empty" }, icon("playground"), el("p", {}, "The picture will hang here."));
}

function keyOf(key) {
  const text = key.control.value.trim();
  if (!text) throw new FieldFault("key", "Paste an API key first.");
  return text;
}

/** Send the request, and show each status until the generation is finished. */
async function run(key, body, model, shown, signal) {
  const started = performance.now();
  const passed = () => (performance.now() - started) / 1000;
  const steps = new Map();
  const way = el("ol", { class: "way" });
  const told = el("p", { class: "unseen", role: "status" });
  const clock = el("span", { class: "clock", "aria-hidden": "true" });
  const place = el("div", { class: "frame-picture large waiting" });
  const outcome = el("div", {});
  fill(shown, told, el("div", { class: "way-line" }, way, clock), place, outcome);
  shown.parentElement.scrollIntoView({ block: "nearest" });
  const tick = setInterval(() => fill(clock, duration(passed())), 100);
  const step = ({ status }) => {
    if (steps.has(status)) return;
    steps.set(status, passed());
    fill(told, `The generation is ${status}.`);
    fill(way, stations(steps, status));
  };
  try {
    let one = await client("POST", "generate", { key, body, signal, headers: { Prefer: "respond-async" } });
    step(one);
    for (let wait = LOOK_AGAIN_MS; !finished(one.status); wait = Math.min(wait * 1.15, LOOK_AGAIN_AT_MOST_MS)) {
      await pause(wait, signal);
      one = await look(key, one.id, signal);
      step(one);
    }
    clearInterval(tick);
    const took = passed();
    clock.remove();
    place.classList.remove("waiting");
    place.replaceWith(pictures(one));
    const provider = one.attempts?.at(-1)?.provider;
    const each = provider === "sketch" ? 0 : model.cost;
    fill(outcome, facts([
      ["Time", duration(took)],
      ["Made by", one.status === "success" && provider ? words(provider) : null],
      ["Cost", one.status === "success" && typeof each === "number" ? credits(each * (body.input.num_images ?? 1)) : null],
      ["Generation", el("a", { href: `#/generations/${encodeURIComponent(one.id)}` }, "Show all about it")],
    ]));
  } finally {
    clearInterval(tick);
  }
}

/** Read a generation; what is only for now (too many requests, no network) is tried again. */
async function look(key, id, signal) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await client("GET", `generations/${encodeURIComponent(id)}`, { key, signal });
    } catch (error) {
      const passing = error.status === 0 || error.status === 429 || error.status >= 500;
      if (!passing || tries === PATIENCE) throw error;
      await pause((Number(error.retryAfter) || 2) * 1000, signal);
    }
  }
}

function stations(steps, now) {
  const way = finished(now) && now !== "success" ? [...WAY.slice(0, -1).filter((status) => steps.has(status)), now] : WAY;
  return way.map((status) => {
    const at = steps.get(status);
    const done = status === now && finished(status) ? status : way.indexOf(status) < way.indexOf(now) ? "passed" : status === now ? "now" : "ahead";
    return el("li", { class: done, "aria-current": status === now ? "step" : null }, el("span", {}, status), at !== undefined && el("span", { class: "quiet" }, duration(at)));
  });
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("The view was left.", "AbortError"));
    }, { once: true });
  });
}

/** Make a form's fields from a model's input schema; `changed` is called where pictures are chosen. */
function fieldsOf(schema, changed) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, about]) => {
    const needed = required.has(name) || (about.optional === false && about.default === undefined);
    const label = about.label ?? name;
    const made = field(name, label, { control: controlOf(about), hint: hintOf(about), optional: !needed, read: (control) => control.value });
    const left = el("p", { class: "hint" });
    const chosen = about.fileType === "image" ? album(label, (message) => made.fault(message), changed) : null;
    made.node.append(...[chosen?.node, left].filter(Boolean));
    return { ...made, needed, about, label, left, album: chosen };
  });
}

function controlOf(about) {
  const options = about.options ?? about.enum?.map((value) => ({ label: String(value), value }));
  const preset = about.default === undefined ? null : String(about.default);
  if (options) {
    return el("select", {}, preset === null && el("option", { value: "" }, "–"), options.map(({ label, value }) => el("option", { value: String(value), selected: String(value) === preset }, label)));
  }
  if (about.type === "boolean") {
    return el("select", {}, [["", preset === null ? "–" : `as it is (${preset})`], ["true", "Yes"], ["false", "No"]].map(([value, label]) => el("option", { value }, label)));
  }
  if (about.type === "integer" || about.type === "number") {
    return el("input", { type: "number", min: about.minimum, max: about.maximum, step: about.type === "integer" ? 1 : "any", placeholder: preset, inputmode: about.type === "integer" ? "numeric" : "decimal" });
  }
  if (about.inputType === "textarea" || about.type === "array" || about.type === "object") {
    return el("textarea", { rows: about.fileType ? 2 : 4, dir: "auto", placeholder: preset });
  }
  return el("input", { type: "text", dir: "auto", placeholder: preset, autocomplete: "off" });
}

function hintOf(about) {
  const kind = { array: "One a line.", object: "As JSON." }[about.type];
  const { minimum, maximum } = about;
  const range = minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}.` : null;
  return [about.description, kind, range].filter(Boolean).join(" ") || null;
}

/** Read the input; where `strict`, a value that cannot be sent or is missing is an error. */
function read(fields, strict) {
  const input = {};
  const faults = [];
  for (const { name, control, about, needed, album: chosen } of fields) {
    const path = `input.${name}`;
    const pictures = chosen?.urls() ?? [];
    if (control.disabled) continue;
    if (pictures.length > 0) input[name] = [...valueOf(about, control.value), ...pictures];
    else if (control.validity?.badInput) faults.push({ field: path, message: "This is no number." });
    else if (["", String(about.default)].includes(control.value)) needed && faults.push({ field: path, message: "This is needed." });
    else {
      try {
        input[name] = valueOf(about, control.value);
      } catch {
        faults.push({ field: path, message: "This is not JSON." });
      }
    }
  }
  if (strict && faults.length > 0) throw Object.assign(new FieldFault("", "Some fields need another look."), { errors: faults });
  return input;
}

function valueOf(about, text) {
  if (about.enum || about.options) {
    const values = about.options?.map(({ value }) => value) ?? about.enum;
    return values.find((value) => String(value) === text);
  }
  switch (about.type) {
    case "integer": case "number": return Number(text);
    case "boolean": return text === "true";
    case "array": return text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => (["integer", "number"].includes(about.items?.type) ? Number(line) : line));
    case "object": return JSON.parse(text);
    default: return text;
  }
}

/** Write the request as a shell command; the key's place is marked, not filled. */
function curl(body) {
  const json = JSON.stringify(body, null, 2);
  return [
    `curl '${base.href}generate'`,
    "  --header 'Authorization: YOUR_API_KEY'",
    "  --header 'Content-Type: application/json'",
    `  --data '${json.replaceAll("'", "'\\''")}'`,
  ].join(" \\\n");
}
