// The form of a model's input, made from its input schema.

import { el, fill } from "./dom.js";
import { InvalidFieldsError, field } from "./form.js";
import { imagePicker } from "./image-picker.js";

/**
 * @typedef {FormField & {
 *   schema: FieldSchema, label: string, required: boolean, exclusion: HTMLElement,
 *   images: import("./image-picker.js").ImagePicker | null,
 * }} InputField
 */

/**
 * Make a field for everything that a model takes; `changed` runs when other images are chosen.
 * @param {InputSchema} schema
 * @param {() => void} changed
 * @returns {InputField[]}
 */
export function inputFields(schema, changed) {
  const required = new Set(schema.required ?? []);
  /** @type {InputField[]} */
  const fields = [];
  for (const [name, one] of Object.entries(schema.properties ?? {})) {
    if (name === "model" && !one.enum && !one.options) continue; // a free sub-model is no choice of a form
    const needed = required.has(name) || (one.optional === false && one.default === undefined);
    const others = () => fields.filter((other) => other.name !== name).flatMap(({ images }) => images?.chosen() ?? []);
    fields.push(inputField(name, one, needed, changed, others));
  }
  return fields;
}

/**
 * Carry what was filled in for one model over to the field of the same name of another; a default is the model's own.
 * @param {InputField | undefined} before
 * @param {InputField} after
 */
export function carryOver(before, after) {
  if (!before || before.control.tagName !== after.control.tagName) return;
  if (before.control.value !== String(before.schema.default)) setValue(after, before.control.value);
  if (before.images && after.images) {
    const chosen = before.images.chosen();
    after.images.take(after.schema.type === "array" ? chosen : chosen.slice(0, 1));
  }
}

/**
 * Fill in a value that the field can hold.
 * @param {InputField} one
 * @param {string} value
 */
export function setValue({ control }, value) {
  if (control instanceof HTMLSelectElement && ![...control.options].some((option) => option.value === value)) return;
  control.value = value;
}

/**
 * Disable each field that another filled-in field excludes, and say why.
 * @param {InputField[]} fields
 */
export function applyExclusions(fields) {
  for (const one of fields) {
    const excluded = one.schema.excludes ?? [];
    const against = fields.filter((other) => excluded.includes(other.name) && other.control.value !== "");
    one.control.disabled = against.length > 0;
    const names = against.map(({ label }) => label).join(" and ");
    fill(one.exclusion, against.length > 0 && `Not sent: ${names} ${against.length > 1 ? "replace" : "replaces"} it.`);
  }
}

/**
 * Read the input; where `strict`, a value that is missing or cannot be sent raises InvalidFieldsError.
 * @param {InputField[]} fields
 * @param {boolean} strict
 */
export function readInput(fields, strict) {
  /** @type {Record<string, any>} */
  const input = {};
  const errors = [];
  for (const one of fields) {
    const result = readField(one);
    if (result.error) errors.push({ field: `input.${one.name}`, message: result.error });
    else if (result.value !== undefined) input[one.name] = result.value;
  }
  if (strict && errors.length > 0) throw new InvalidFieldsError(errors);
  return input;
}

/**
 * Shorten the images in a request for reading: as data URLs they are very long.
 * @param {GenerationRequest} request
 * @returns {GenerationRequest}
 */
export function withShortImages(request) {
  return JSON.parse(JSON.stringify(request, (_, value) => (isDataUrl(value) ? `${value.split(",")[0]},…` : value)));
}

/** @param {unknown} value */
const isDataUrl = (value) => typeof value === "string" && value.startsWith("data:image/");

/**
 * @param {string} name
 * @param {FieldSchema} schema
 * @param {boolean} required
 * @param {() => void} changed
 * @param {() => import("./image-picker.js").PickedImage[]} others the images that other fields hold
 * @returns {InputField}
 */
function inputField(name, schema, required, changed, others) {
  const label = schema.label ?? name;
  const made = field(name, label, {
    control: controlOf(schema),
    hint: hintOf(schema),
    optional: !required,
    read: (control) => control.value,
  });
  const exclusion = el("p", { class: "hint exclusion" });
  const multiple = schema.type === "array" && schema.maxItems !== 1;
  const images = schema.fileType === "image" ? imagePicker(label, made.setError, changed, { multiple, others }) : null;
  if (images) made.node.append(images.node);
  made.node.append(exclusion);
  return { ...made, schema, label, required, exclusion, images };
}

/** @param {FieldSchema} schema */
function isNumeric(schema) {
  return schema.type === "int" || schema.type === "number";
}

/**
 * @param {FieldSchema} schema
 * @returns {FormControl}
 */
function controlOf(schema) {
  const preset = schema.default === undefined ? null : String(schema.default);
  const options = optionsOf(schema);
  if (options) {
    const none = preset === null && el("option", { value: "" }, "–");
    const all = options.map(({ label, value }) =>
      el("option", { value: String(value), selected: String(value) === preset }, label),
    );
    return el("select", {}, none, all);
  }
  if (schema.type === "boolean") {
    const unset = el("option", { value: "" }, preset === null ? "–" : `default (${preset})`);
    return el("select", {}, unset, el("option", { value: "true" }, "Yes"), el("option", { value: "false" }, "No"));
  }
  if (isNumeric(schema)) {
    const whole = schema.type === "int";
    const { minimum: min, maximum: max } = schema;
    const mode = { step: whole ? 1 : "any", inputmode: whole ? "numeric" : "decimal" };
    return el("input", { type: "number", min, max, placeholder: preset, ...mode });
  }
  if (schema.inputType === "textarea" || schema.type === "array" || schema.type === "object") {
    return el("textarea", { rows: schema.fileType ? 2 : 4, dir: "auto", placeholder: preset });
  }
  return el("input", { type: "text", dir: "auto", placeholder: preset, autocomplete: "off" });
}

/** @param {FieldSchema} schema */
const optionsOf = (schema) => schema.options ?? schema.enum?.map((value) => ({ label: String(value), value }));

/** @param {FieldSchema} schema */
function hintOf(schema) {
  const several = schema.type === "array" && schema.maxItems !== 1;
  const format = several ? "One per line." : schema.type === "object" ? "As JSON." : null;
  const { minimum, maximum } = schema;
  const range = minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}.` : null;
  return [schema.description, format, range].filter(Boolean).join(" ") || null;
}

/**
 * @param {InputField} one
 * @returns {{ value?: any, error?: string }}
 */
function readField({ control, schema, required, images }) {
  if (control.disabled) return {};
  const urls = images?.urls() ?? [];
  if (urls.length > 0 && schema.type !== "array") return { value: urls[0] };
  if (urls.length > 0) return { value: [...parse(schema, control.value), ...urls] };
  if (control.validity.badInput) return { error: "Enter a number." };
  if (control.value === "" || control.value === String(schema.default)) {
    return required && control.value === "" ? { error: "Fill in this field." } : {};
  }
  try {
    return { value: parse(schema, control.value) };
  } catch {
    return { error: "Enter valid JSON." };
  }
}

/**
 * @param {FieldSchema} schema
 * @param {string} text
 */
function parse(schema, text) {
  const options = optionsOf(schema);
  if (options) return options.find(({ value }) => String(value) === text)?.value;
  if (isNumeric(schema)) return Number(text);
  if (schema.type === "boolean") return text === "true";
  if (schema.type === "object") return JSON.parse(text);
  if (schema.type !== "array") return text;
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter(Boolean).map((line) => (schema.items && isNumeric(schema.items) ? Number(line) : line));
}
