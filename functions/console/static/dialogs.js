// Dialogs, and forms whose errors stand beside their fields.

import { el, fill, words } from "./dom.js";
import { button, copyButton, icon } from "./parts.js";

let made = 0;

/** Open a dialog; it resolves with what `close` is called with, or null where it is dismissed. */
export function open(title, build, { look = "", dismissible = true } = {}) {
  return new Promise((resolve) => {
    const id = `dialog-${(made += 1)}`;
    let result = null;
    const close = (value = null) => {
      result = value;
      dialog.close();
    };
    const held = () => !dismissible || dialog.querySelector("[aria-busy]") !== null; // nobody closes it on an answer
    const dialog = el(
      "dialog",
      {
        class: look,
        "aria-labelledby": id,
        oncancel: (event) => held() && event.preventDefault(),
        onkeydown: (event) => event.key === "Escape" && held() && event.preventDefault(),
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
    (dialog.querySelector("[autofocus], input:not([type=checkbox]), textarea, select") ?? dialog.querySelector("h2")).focus();
  });
}

/** Ask before something that cannot be undone; `act` runs while the dialog is open, and its failure stands in it. */
export function confirm(title, text, { action, act }) {
  return open(title, (close) => {
    const said = el("p", { class: "error", role: "alert" });
    const yes = button(action, async () => {
      yes.disabled = true;
      try {
        close((await act()) ?? true);
      } catch (error) {
        fill(said, error.message);
        yes.disabled = false;
      }
    }, { look: "danger" });
    return [words(text, "p"), said, el("div", { class: "dialog-actions" }, button("Cancel", () => close(null), { autofocus: true }), yes)];
  });
}

/** Show a secret that is never shown again; it closes only on 'I saved it'. */
export function showOnce(title, text, secret, note) {
  return open(title, (close) => [
    el("p", {}, text),
    secretLine(secret),
    el("p", { class: "callout" }, icon("warning"), el("span", {}, note)),
    el("div", { class: "dialog-actions" }, button("I saved it", () => close(true), { look: "primary" })),
  ], { dismissible: false });
}

/** Show a secret with a button that copies it. */
export function secretLine(secret, name = "Secret") {
  return el(
    "div",
    { class: "secret" },
    el("input", { class: "mono", readonly: true, value: secret, "aria-label": name, spellcheck: "false", autocomplete: "off", onfocus: (event) => event.target.select() }),
    copyButton(() => secret),
  );
}

/** Ask for values; `send` gets them, and the errors it throws stand beside their fields. */
export function ask(title, fields, { action, send, intro = null }) {
  return open(title, (close) => [
    intro && el("p", { class: "quiet" }, intro),
    form(fields, { action, send: async (values) => close(await send(values)), cancel: () => close(null) }),
  ]);
}

/** Make a form of fields; what has no field of its own stands above the buttons. */
export function form(fields, { action, send, cancel = null }) {
  const said = el("p", { class: "error", role: "alert" });
  const submit = button(action, null, { look: "primary", type: "submit" });
  const dismiss = cancel && button("Cancel", cancel);
  const wait = (node, waiting) => {
    if (waiting) node.setAttribute("aria-busy", "true");
    else node.removeAttribute("aria-busy");
    [submit, dismiss].forEach((one) => one && (one.disabled = waiting));
  };
  const flat = fields.flatMap((one) => one.fields ?? [one]);
  return el(
    "form",
    {
      novalidate: true,
      onsubmit: async (event) => {
        event.preventDefault();
        fill(said);
        flat.forEach((one) => one.fault(null));
        let values;
        try {
          values = collect(flat);
        } catch (error) {
          return showErrors(flat, said, error);
        }
        wait(event.target, true);
        try {
          await send(values);
        } catch (error) {
          wait(event.target, false);
          showErrors(flat, said, error);
        }
        wait(event.target, false);
      },
    },
    fields.map((one) => one.node),
    said,
    el("div", { class: "dialog-actions" }, dismiss, submit),
  );
}

/** Group fields that few need, folded. */
export function more(title, fields) {
  return { fields, node: el("details", { class: "more" }, el("summary", {}, title), el("div", {}, fields.map((one) => one.node))) };
}

/** A field: its name in the request, its label and control, and how its value is read. */
export function field(name, label, { control, hint = null, optional = false, read = (input) => input.value.trim() || undefined }) {
  const id = `field-${(made += 1)}`;
  const hintId = hint ? `${id}-hint` : null;
  const error = el("p", { class: "error", id: `${id}-error` });
  const box = control.type === "checkbox";
  control.id = id;
  control.setAttribute("aria-describedby", [hintId, `${id}-error`].filter(Boolean).join(" "));
  if (!optional && !box) control.setAttribute("aria-required", "true");
  const caption = el("label", { for: id }, el("span", { dir: "auto" }, label), optional && el("span", { class: "optional" }, " optional"));
  const advice = hint && el("p", { class: "hint", id: hintId, dir: "auto" }, hint);
  return {
    name,
    control,
    read: () => {
      const value = read(control);
      if (value === undefined && !optional && !box) throw new FieldFault(name, "This is needed.");
      return value;
    },
    fault: (message) => {
      fill(error, message);
      if (message) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    },
    node: el("div", { class: box ? "field check" : "field" }, box ? [control, el("div", {}, caption, advice, error)] : [caption, control, advice, error]),
  };
}

/** A set of boxes to tick, read as a list. */
export function choices(name, label, options, { hint = null, chosen = [] } = {}) {
  const boxes = options.map((option) => el("input", { type: "checkbox", value: option, checked: chosen.includes(option) }));
  const error = el("p", { class: "error" });
  return {
    name,
    control: boxes[0],
    read: () => {
      const ticked = boxes.filter((box) => box.checked).map((box) => box.value);
      return ticked.length > 0 ? ticked : undefined;
    },
    fault: (message) => fill(error, message),
    node: el(
      "fieldset",
      { class: "field" },
      el("legend", {}, label),
      hint && el("p", { class: "hint" }, hint),
      el("div", { class: "choices" }, boxes.map((box, at) => el("label", {}, box, words(options[at])))),
      error,
    ),
  };
}

/** A value that cannot be sent. */
export class FieldFault extends Error {
  constructor(name, message) {
    super(message);
    this.errors = [{ field: name, message }];
  }
}

function collect(fields) {
  const values = {};
  const faults = [];
  for (const one of fields) {
    try {
      const value = one.read();
      if (value !== undefined) values[one.name] = value;
    } catch (error) {
      if (!(error instanceof FieldFault)) throw error;
      faults.push(...error.errors);
    }
  }
  if (faults.length > 0) throw Object.assign(new FieldFault("", "Some fields need another look."), { errors: faults });
  return values;
}

/** Put each error beside its field, and what is left in `said`; the first field at fault gets the focus. */
export function showErrors(fields, said, error) {
  const left = [];
  let first = null;
  for (const { field: path, message } of error.errors ?? []) {
    const one = fields.find(({ name }) => path === name || path.startsWith(`${name}.`));
    if (!one) {
      left.push(`${path}: ${message}`);
      continue;
    }
    one.node.closest("details")?.setAttribute("open", "");
    one.fault(message);
    first ??= one;
  }
  const wait = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
  fill(said, (left.length > 0 ? left.join("\n") : error.message) + wait);
  first?.control?.focus();
}
