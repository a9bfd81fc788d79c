// Signing in with the console's secret.

import { signIn } from "./api.js";
import { el, fill } from "./dom.js";
import { field, form } from "./dialogs.js";
import { mark } from "./parts.js";

// Password managers keep a secret under a name.
const ACCOUNT = { fault: () => {}, read: () => undefined, node: el("input", { name: "username", value: "console", autocomplete: "username", hidden: true }) };

/** Ask for the secret, and call `enter` where it is right. */
export function signInView(app, said, enter) {
  const secret = field("secret", "Console secret", {
    control: el("input", { type: "password", autocomplete: "current-password", spellcheck: "false" }),
  });
  fill(
    app,
    el(
      "main",
      { class: "sign-in" },
      el(
        "div",
        { class: "sign-in-card" },
        mark(),
        el("h1", {}, "Atelier"),
        el("p", { class: "quiet" }, "The management console of this stack."),
        said && el("p", { class: "callout", role: "status" }, said),
        form([secret, ACCOUNT], {
          action: "Sign in",
          send: async (values) => {
            await signIn(values.secret);
            enter();
          },
        }),
        el("p", { class: "hint" }, "The secret stands in AWS Secrets Manager, under the stack's ", el("code", {}, "ConsoleSecretArn"), " output."),
      ),
    ),
  );
  secret.control.focus();
}
