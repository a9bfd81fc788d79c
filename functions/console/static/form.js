// Form fields, and forms whose errors appear beside their fields.

import { ApiError } from "./api.js";
import { button, messageOf } from "./components.js";
import { el, fill, userText } from "./dom.js";

let made = 0;

/** Values that cannot be sent as they are. */
export class InvalidFieldsError extends Error {
  /** @param {FieldProblem[]} errors */
  constructor(errors) {
    super("Some fields need a correction.");
    this.errors = errors;
  }
}

/**
 * Make a form of fields; an error that belongs to no field appears above the buttons.
 * @param {(FormField | FieldGroup)[]} fields
 * @param {{ action: string, send: (values: any) => Promise<unknown>, cancel?: (() => void) | null }} options
 */
export function form(fields, { action, send, cancel = null }) {
  const problem = el("p", { class: "error", role: "alert" });
  const submit = button(action, null, { variant: "primary", type: "submit" });
  const dismiss = cancel && button("Cancel", cancel);
  const flat = fields.flatMap((one) => ("fields" in one ? one.fields : [one]));
  const setBusy = (/** @type {boolean} */ busy) => {
    if (busy) node.setAttribute("aria-busy", "true");
    else node.removeAttribute("aria-busy");
    for (const one of [submit, dismiss]) if (one) one.disabled = busy;
  };
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    clearErrors(flat, problem);
    try {
      const values = readFields(flat);
      setBusy(true);
      await send(values);
    } catch (error) {
      setBusy(false);
      showErrors(flat, problem, error);
    }
    setBusy(false);
  };
  const node = el(
    "form",
    { novalidate: true, onsubmit, oninput: () => fill(problem) },
    fields.map((one) => one.node),
    problem,
    el("div", { class: "dialog-actions" }, dismiss, submit),
  );
  return node;
}

/**
 * Group fields that few need in a closed disclosure.
 * @param {string} title
 * @param {FormField[]} fields
 * @returns {FieldGroup & { node: HTMLDetailsElement }}
 */
export function fieldGroup(title, fields) {
  const body = el(
    "div",
    {},
    fields.map((one) => one.node),
  );
  return { fields, node: el("details", { class: "more" }, el("summary", {}, title), body) };
}

/**
 * Make a field: its name in the request, its label and control, and how its value is read. Its error disappears when
 * its value changes.
 * @param {string} name
 * @param {string} label
 * @param {{ control: FormControl, hint?: Child, optional?: boolean, read?: (control: any) => any }} options
 * @returns {FormField}
 */
export function field(name, label, { control, hint = null, optional = false, read = readText }) {
  const id = `field-${(made += 1)}`;
  const hintId = hint ? `${id}-hint` : null;
  const error = el("p", { class: "error", id: `${id}-error` });
  const checkbox = control.type === "checkbox";
  const required = !optional && !checkbox;
  control.id = id;
  control.setAttribute("aria-describedby", [hintId, error.id].filter(Boolean).join(" "));
  if (required) control.setAttribute("aria-required", "true");
  const mark = optional && el("span", { class: "optional" }, " optional");
  const caption = el("label", { for: id }, el("span", { dir: "auto" }, label), mark);
  const advice = hint && el("p", { class: "hint", id: hintId, dir: "auto" }, hint);
  const setError = (/** @type {string | null} */ message) => {
    fill(error, message);
    if (message) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  };
  control.addEventListener("input", () => setError(null));
  const node = checkbox
    ? el("div", { class: "field check" }, control, el("div", {}, caption, advice, error))
    : el("div", { class: "field" }, caption, control, advice, error);
  const readField = () => {
    const value = read(control);
    const missing = value === undefined && required;
    if (missing) throw new InvalidFieldsError([{ field: name, message: "Fill in this field." }]);
    return value;
  };
  return { name, control, node, setError, read: readField };
}

/**
 * Make a set of checkboxes, read as a list.
 * @param {string} name
 * @param {string} label
 * @param {string[]} options
 * @param {{ hint?: string | null, chosen?: string[] }} settings
 * @returns {FormField}
 */
export function choices(name, label, options, { hint = null, chosen = [] } = {}) {
  const boxes = options.map((value) => el("input", { type: "checkbox", value, checked: chosen.includes(value) }));
  const error = el("p", { class: "error" });
  const labels = boxes.map((box) => el("label", {}, box, userText(box.value)));
  const node = el(
    "fieldset",
    { class: "field", oninput: () => fill(error) },
    el("legend", {}, label),
    hint && el("p", { class: "hint" }, hint),
    el("div", { class: "choices" }, labels),
    error,
  );
  return {
    name,
    node,
    control: /** @type {HTMLInputElement} */ (boxes[0]),
    setError: (message) => fill(error, message),
    read: () => {
      const ticked = boxes.filter((box) => box.checked).map((box) => box.value);
      return ticked.length > 0 ? ticked : undefined;
    },
  };
}

/**
 * Make a text input.
 * @param {Record<string, unknown>} attributes
 */
export const textInput = (attributes = {}) => el("input", { autocomplete: "off", ...attributes });

/**
 * Make an input for a whole number.
 * @param {Record<string, unknown>} attributes
 */
export const integerInput = (attributes = {}) =>
  el("input", { type: "number", min: 1, step: 1, inputmode: "numeric", ...attributes });

/**
 * Make a select of pairs of a value and its label.
 * @param {[string, string][]} options
 * @param {Record<string, unknown>} attributes
 */
export const select = (options, attributes = {}) =>
  el(
    "select",
    attributes,
    options.map(([value, label]) => el("option", { value, dir: "auto" }, label)),
  );

/**
 * Return a reader of a whole number, or of nothing.
 * @param {string} name
 * @param {number} least
 */
export const readInteger =
  (name, least = 1) =>
  (/** @type {HTMLInputElement} */ input) => {
    const text = input.value.trim();
    if (text === "" && !input.validity.badInput) return undefined;
    if (!/^\d+$/.test(text) || Number(text) < least) {
      throw new InvalidFieldsError([{ field: name, message: `Enter a whole number of ${least} or more.` }]);
    }
    return Number(text);
  };

/**
 * Show each error beside its field, and those of no field in `problem`; the first field with an error gets the focus.
 * @param {FormField[]} fields
 * @param {HTMLElement} problem
 * @param {unknown} error
 */
export function showErrors(fields, problem, error) {
  const errors = error instanceof ApiError || error instanceof InvalidFieldsError ? error.errors : [];
  /** @type {FormField | null} */
  let first = null;
  const other = [];
  for (const { field: path, message } of errors) {
    const one = fields.find(({ name }) => path === name || path.startsWith(`${name}.`));
    if (!one) {
      other.push(`${path}: ${message}`);
      continue;
    }
    one.node.closest("details")?.setAttribute("open", "");
    one.setError(message);
    first ??= one;
  }
  fill(problem, first && other.length === 0 ? null : other.length > 0 ? other.join("\n") : messageWithRetry(error));
  first?.control?.focus();
}

/**
 * Remove all errors that are shown.
 * @param {FormField[]} fields
 * @param {HTMLElement} problem
 */
export function clearErrors(fields, problem) {
  fill(problem);
  fields.forEach((one) => one.setError(null));
}

/** @param {unknown} error */
function messageWithRetry(error) {
  const seconds = error instanceof ApiError ? error.retryAfter : null;
  return messageOf(error) + (seconds ? ` Try again in ${seconds} s.` : "");
}

/** @param {FormControl} control */
function readText(control) {
  return control.value.trim() || undefined;
}

/** @param {FormField[]} fields */
function readFields(fields) {
  /** @type {Record<string, unknown>} */
  const values = {};
  const errors = [];
  for (const one of fields) {
    try {
      const value = one.read();
      if (value !== undefined) values[one.name] = value;
    } catch (error) {
      if (!(error instanceof InvalidFieldsError)) throw error;
      errors.push(...error.errors);
    }
  }
  if (errors.length > 0) throw new InvalidFieldsError(errors);
  return values;
}
