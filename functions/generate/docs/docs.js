// Shows this stack's OpenAPI document; asks nobody but this stack.
const docs = document.getElementById("docs");

// What Swagger UI leaves without a name that can be read out.
const NAMES = {
  "#servers": "Server",
  ".examples-select-element": "Example",
  ".content-type": "Media type",
  ".body-param__text": "Body",
  ".close-modal": "Close",
  ".parameters select": "Value",
};

new MutationObserver(() => {
  for (const [selector, name] of Object.entries(NAMES)) {
    for (const element of docs.querySelectorAll(`${selector}:not([aria-label])`)) element.setAttribute("aria-label", name);
  }
  for (const element of docs.querySelectorAll("pre.example:not([tabindex])")) element.tabIndex = 0;
}).observe(docs, { childList: true, subtree: true });

// Without deepLinking, which puts links into buttons.
window.SwaggerUIBundle({
  url: new URL("../openapi.json", import.meta.url).href,
  domNode: docs,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
});
