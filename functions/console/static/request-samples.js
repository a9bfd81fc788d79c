// The request of the playground as code, in several languages; the key's place is marked, not filled.

import { base } from "./api.js";
import { code, copyButton, panel } from "./components.js";
import { el, fill } from "./dom.js";
import { withShortImages } from "./input-form.js";

/** @typedef {{ name: string, write: (request: GenerationRequest) => string }} Language */
/** @type {Language} */
const CURL = { name: "curl", write: curl };
/** @type {Language} */
const OPENAI = { name: "OpenAI", write: openai }; // it has no calls for tools
const LANGUAGES = [CURL, { name: "Python", write: python }, { name: "JavaScript", write: javascript }, OPENAI];

/** Make the panel; `show` writes the samples of a request. */
export function requestSamples() {
  let language = CURL;
  /** @type {GenerationRequest | null} */
  let request = null;
  const sample = el("div", { role: "tabpanel", id: "sample" });
  const write = () => {
    if (!request) return;
    const offered = request.tool ? LANGUAGES.filter((one) => one !== OPENAI) : LANGUAGES;
    if (!offered.includes(language)) language = CURL;
    fill(sample, code(language.write(withShortImages(request)), `The same request with ${language.name}`));
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab.textContent === language.name));
      tab.hidden = !offered.some(({ name }) => name === tab.textContent);
    }
  };
  const tabs = LANGUAGES.map((one) => {
    const choose = () => {
      language = one;
      write();
    };
    return el("button", { type: "button", role: "tab", "aria-controls": "sample", onclick: choose }, one.name);
  });
  const copy = copyButton(() => (request ? language.write(request) : ""));
  const list = el("div", { class: "segments", role: "tablist", "aria-label": "Language" }, tabs);
  const hint = el(
    "p",
    { class: "hint" },
    "It waits up to 25 s for the result; this page sends ",
    el("code", {}, "Prefer: respond-async"),
    " and polls.",
  );
  return {
    node: panel("The same request as code", { actions: [list, copy] }, sample, hint),
    /** @param {GenerationRequest} shown */
    show: (shown) => {
      request = shown;
      write();
    },
  };
}

/**
 * Return where a request goes; a tool's call answers at once unless it asks to wait.
 * @param {GenerationRequest} request
 */
const pathOf = (request) => (request.tool ? "run" : "generate");

/** @param {GenerationRequest} request */
function curl(request) {
  const json = JSON.stringify(request, null, 2).replaceAll("\n", "\n  ");
  return [
    `curl '${base.href}${pathOf(request)}'`,
    "  --header 'Authorization: YOUR_API_KEY'",
    ...(request.tool ? ["  --header 'Prefer: wait=25'"] : []),
    "  --header 'Content-Type: application/json'",
    `  --data '${json.replaceAll("'", "'\\''")}'`,
  ].join(" \\\n");
}

/** @param {GenerationRequest} request */
function python(request) {
  return `import httpx

response = httpx.post(
    "${base.href}${pathOf(request)}",
    headers={"Authorization": "YOUR_API_KEY"${request.tool ? ', "Prefer": "wait=25"' : ""}},
    json=${pythonLiteral(request, 1)},
    timeout=60,
)
response.raise_for_status()
print(response.json()["output"])
`;
}

/**
 * Write the request for OpenAI's SDK: what its method does not know goes into `extra_body`.
 * @param {GenerationRequest} request
 */
function openai({ model, input }) {
  const { prompt = "", num_images: count, width, height, ...others } = input;
  const size = width && height ? `${width}x${height}` : undefined;
  const more = size ? others : { ...others, ...(width && { width }), ...(height && { height }) };
  delete more.model; // OpenAI's word for the model itself
  const lines = [
    `model=${JSON.stringify(model)}`,
    `prompt=${JSON.stringify(prompt)}`,
    count !== undefined && `n=${count}`,
    size && `size="${size}"`,
    'response_format="url"',
    Object.keys(more).length > 0 && `extra_body=${pythonLiteral(more, 1)}`,
  ];
  return `from openai import OpenAI

client = OpenAI(base_url="${base.href}v1", api_key="YOUR_API_KEY")
result = client.images.generate(
${lines
  .filter(Boolean)
  .map((line) => `    ${line},\n`)
  .join("")})
print(result.data[0].url)
`;
}

/** @param {GenerationRequest} request */
function javascript(request) {
  const wait = request.tool ? ', Prefer: "wait=25"' : "";
  return `const response = await fetch("${base.href}${pathOf(request)}", {
  method: "POST",
  headers: { Authorization: "YOUR_API_KEY", "Content-Type": "application/json"${wait} },
  body: JSON.stringify(${JSON.stringify(request, null, 2).replaceAll("\n", "\n  ")}),
});
if (!response.ok) throw new Error(await response.text());
console.log((await response.json()).output);
`;
}

/**
 * Write a JSON value as Python does.
 * @param {unknown} value
 * @param {number} level of indentation
 * @returns {string}
 */
function pythonLiteral(value, level) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const list = Array.isArray(value);
  const items = list
    ? value.map((item) => pythonLiteral(item, level + 1))
    : Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${pythonLiteral(item, level + 1)}`);
  const [open, close] = list ? "[]" : "{}";
  if (items.length === 0) return `${open}${close}`;
  const indent = "    ".repeat(level + 1);
  return `${open}\n${items.map((item) => `${indent}${item},\n`).join("")}${"    ".repeat(level)}${close}`;
}
