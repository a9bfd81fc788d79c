// Builds elements. Text is always a text node: nothing in this folder parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element; an attribute that is a function is an event's listener, and null or false leaves one out. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Make an element of a drawing. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** Show words that somebody else wrote: as they are, in their own direction. */
export function words(value, tag = "span", attributes = {}) {
  return el(tag, { dir: "auto", ...attributes, class: `words ${attributes.class ?? ""}`.trim() }, String(value ?? ""));
}

/** Put children in the place of what an element holds. */
export function fill(parent, ...children) {
  parent.replaceChildren(...nodes(children));
  return parent;
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}
