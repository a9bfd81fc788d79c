// The sign-in page.

import { local, signIn } from "./api.js";
import { logo } from "./components.js";
import { el, fill } from "./dom.js";
import { field, form } from "./form.js";

/**
 * Ask for the console's secret, and call `enter` where it is right.
 * @param {HTMLElement} app
 * @param {string | null} message
 * @param {() => void} enter
 */
export function signInPage(app, message, enter) {
  const secret = field("secret", "Console secret", {
    control: el("input", { type: "password", autocomplete: "current-password", spellcheck: "false" }),
  });
  const send = async (/** @type {{ secret: string }} */ values) => {
    await signIn(values.secret);
    enter();
  };
  const card = el(
    "div",
    { class: "sign-in-card" },
    logo(),
    el("h1", {}, "Atelier"),
    el("p", { class: "muted" }, "The management console of this stack."),
    message && el("p", { class: "callout", role: "status" }, message),
    form([secret, accountName()], { action: "Sign in", send }),
    el("p", { class: "hint" }, whereTheSecretIs()),
  );
  fill(app, el("main", { class: "sign-in" }, card));
  secret.control.focus();
}

/**
 * Make a hidden field with a name for the account, under which password managers store the secret.
 * @returns {FormField}
 */
function accountName() {
  const control = el("input", { name: "username", value: "console", autocomplete: "username", hidden: true });
  return { name: "username", control, node: control, setError: () => {}, read: () => undefined };
}

/** @returns {Child} */
function whereTheSecretIs() {
  if (local) {
    return [
      "This stack is local: the secret is ",
      el("code", {}, "admin_secret"),
      " in ",
      el("code", {}, ".local/stack.json"),
      ".",
    ];
  }
  return ["The secret is in AWS Secrets Manager, under the stack's output ", el("code", {}, "ConsoleSecretArn"), "."];
}
