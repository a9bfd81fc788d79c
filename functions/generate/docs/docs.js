// Shows this stack's OpenAPI document with Swagger UI; it asks no other server.

/** @typedef {(options: object) => void} SwaggerUIBundle */

const docs = /** @type {HTMLElement} */ (document.getElementById("docs"));

// Elements to which Swagger UI gives no accessible name.
const NAMES = {
  "#servers": "Server",
  ".examples-select-element": "Example",
  ".content-type": "Media type",
  ".body-param__text": "Body",
  ".close-modal": "Close",
  ".parameters select": "Value",
};

// Roles and levels that it gives wrong: a second `main` inside this page's, and headings without a first level.
/** @type {[string, Record<string, string>][]} */
const MENDED = [
  ["main", { role: "group", "aria-label": "Operations" }],
  ["hgroup.main > .title", { role: "heading", "aria-level": "1" }],
  ["h3.opblock-tag", { role: "heading", "aria-level": "2" }],
  ["section.models h4", { role: "heading", "aria-level": "2" }],
  ["pre", { tabindex: "0" }],
];

/** Add what Swagger UI leaves out, to elements that have just come. */
function mend() {
  for (const [selector, name] of Object.entries(NAMES)) {
    for (const element of docs.querySelectorAll(`${selector}:not([aria-label])`)) {
      element.setAttribute("aria-label", name);
    }
  }
  for (const [selector, attributes] of MENDED) {
    for (const [name, value] of Object.entries(attributes)) {
      for (const element of docs.querySelectorAll(`${selector}:not([${name}])`)) element.setAttribute(name, value);
    }
  }
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const applyScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", applyScheme);
applyScheme();

new MutationObserver(mend).observe(docs, { childList: true, subtree: true });

const { SwaggerUIBundle } = /** @type {Window & typeof globalThis & { SwaggerUIBundle: SwaggerUIBundle }} */ (window);

// Without deepLinking, which puts links into buttons.
SwaggerUIBundle({
  url: new URL("../openapi.json", import.meta.url).href,
  domNode: docs,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
});
