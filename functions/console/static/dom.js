// Builds elements. Text is always a text node: nothing in this folder parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Record<string, any>} Attributes */

/**
 * Make an element. An attribute that is a function becomes an event listener; null, undefined and false leave one out.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} attributes
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  populate(element, attributes, children);
  return element;
}

/**
 * Make an element of a drawing.
 * @param {string} tag
 * @param {Attributes} attributes
 * @param {...Child} children
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  populate(element, attributes, children);
  return element;
}

/**
 * Show text that somebody else wrote: as it is, in its own direction.
 * @template {keyof HTMLElementTagNameMap} [T="span"]
 * @param {unknown} value
 * @param {T} [tag]
 * @param {Attributes} attributes
 */
export function userText(value, tag, attributes = {}) {
  const classes = `user-text ${attributes.class ?? ""}`.trim();
  return el(tag ?? "span", { dir: "auto", ...attributes, class: classes }, String(value ?? ""));
}

/**
 * Replace what an element holds.
 * @template {Element} T
 * @param {T} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...nodes(children));
  return parent;
}

/**
 * Replace what a region holds while somebody reads it: open details stay open, and the focus stays on its element.
 * @param {Element} region
 * @param {...Child} children
 */
export function update(region, ...children) {
  const open = [...region.querySelectorAll("details[open]")].map(({ id }) => id);
  const focused = region.contains(document.activeElement) ? document.activeElement?.id : "";
  fill(region, ...children);
  /** @param {string | undefined} id @returns {HTMLElement | null} */
  const find = (id) => (id ? region.querySelector(`#${CSS.escape(id)}`) : null);
  open.forEach((id) => find(id)?.setAttribute("open", ""));
  find(focused)?.focus({ preventScroll: true });
}

/**
 * @param {Element} element
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
function populate(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else if (name === "value") /** @type {HTMLInputElement} */ (element).value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
}

/**
 * @param {Child[]} children
 * @returns {Node[]}
 */
function nodes(children) {
  /** @type {any[]} */
  const nested = children;
  /** @type {Exclude<Child, Child[]>[]} */
  const flat = nested.flat(20);
  return flat
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}
