// Lints the JavaScript of the console and of the API documentation; `make check` runs it from the repository's root.
const js = require("@eslint/js");
const globals = require("globals");

module.exports = [
  js.configs.recommended,
  {
    files: ["functions/**/*.js"],
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      complexity: ["error", 15],
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "max-len": ["error", 120],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "no-implicit-coercion": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Build nodes with el(); nothing here parses HTML." },
        { property: "outerHTML", message: "Build nodes with el(); nothing here parses HTML." },
      ],
      "no-shadow": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
];
