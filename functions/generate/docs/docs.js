// Shows this stack's OpenAPI document; asks nobody but this stack.
window.SwaggerUIBundle({
  url: new URL("../openapi.json", import.meta.url).href,
  domNode: document.getElementById("docs"),
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
});
