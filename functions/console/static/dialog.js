// Modal dialogs: confirmations, forms, and secrets that are shown once.

import { button, copyButton, icon, messageOf } from "./components.js";
import { el, fill, userText } from "./dom.js";
import { form } from "./form.js";

let opened = 0;

/**
 * Open a dialog; it resolves with the value that `close` gets, or null where it is dismissed.
 * @param {string} title
 * @param {(close: (value?: any) => void) => Child} build
 * @param {{ variant?: string, dismissible?: boolean }} options
 * @returns {Promise<any>}
 */
export function openDialog(title, build, { variant = "", dismissible = true } = {}) {
  return new Promise((resolve) => {
    const id = `dialog-${(opened += 1)}`;
    /** @type {any} */
    let result = null;
    const close = (/** @type {any} */ value = null) => {
      result = value;
      dialog.close();
    };
    const locked = () => !dismissible || dialog.querySelector("[aria-busy]") !== null; // a response is on its way
    const dialog = el(
      "dialog",
      {
        class: variant,
        "aria-labelledby": id,
        oncancel: (/** @type {Event} */ event) => locked() && event.preventDefault(),
        onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && locked() && event.preventDefault(),
        onclose: () => {
          dialog.remove();
          resolve(result);
        },
      },
      el("h2", { id, tabindex: "-1" }, title),
      build(close),
    );
    document.body.append(dialog);
    dialog.showModal();
    /** @type {HTMLElement | null} */
    const first = dialog.querySelector("[autofocus], input:not([type=checkbox]), textarea, select");
    (first ?? dialog.querySelector("h2"))?.focus();
  });
}

/**
 * Ask before an action that cannot be undone; `act` runs while the dialog is open, which shows its failure.
 * @param {string} title
 * @param {string} text
 * @param {{ action: string, act: () => Promise<unknown> }} options
 */
export function confirmDialog(title, text, { action, act }) {
  return openDialog(title, (close) => {
    const problem = el("p", { class: "error", role: "alert" });
    const run = async () => {
      yes.disabled = true;
      try {
        close((await act()) ?? true);
      } catch (error) {
        fill(problem, messageOf(error));
        yes.disabled = false;
      }
    };
    const yes = button(action, run, { variant: "danger" });
    const no = button("Cancel", () => close(null), { autofocus: true });
    return [userText(text, "p"), problem, el("div", { class: "dialog-actions" }, no, yes)];
  });
}

/**
 * Show a secret that is never shown again; only 'I saved it' closes the dialog.
 * @param {string} title
 * @param {string} text
 * @param {string} secret
 * @param {string} note
 */
export function secretDialog(title, text, secret, note) {
  const build = (/** @type {(value?: any) => void} */ close) => [
    el("p", {}, text),
    secretRow(secret),
    el("p", { class: "callout" }, icon("warning"), el("span", {}, note)),
    el(
      "div",
      { class: "dialog-actions" },
      button("I saved it", () => close(true), { variant: "primary" }),
    ),
  ];
  return openDialog(title, build, { dismissible: false });
}

/**
 * Show a secret beside a button that copies it.
 * @param {string} secret
 * @param {string} name
 */
export function secretRow(secret, name = "Secret") {
  const input = el("input", {
    class: "mono",
    readonly: true,
    value: secret,
    "aria-label": name,
    spellcheck: "false",
    autocomplete: "off",
    onfocus: (/** @type {Event} */ event) => /** @type {HTMLInputElement} */ (event.target).select(),
  });
  return el(
    "div",
    { class: "secret" },
    input,
    copyButton(() => secret),
  );
}

/**
 * Ask for values; `send` gets them, and the errors that it throws appear beside their fields.
 * @param {string} title
 * @param {(FormField | FieldGroup)[]} fields
 * @param {{ action: string, send: (values: any) => Promise<unknown>, intro?: Child }} options
 */
export function formDialog(title, fields, { action, send, intro = null }) {
  return openDialog(title, (close) => [
    intro && el("p", { class: "muted" }, intro),
    form(fields, { action, send: async (values) => close((await send(values)) ?? true), cancel: () => close(null) }),
  ]);
}
