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

/** Fill a region anew in the place where it is read: what was folded out stays so, and the focus stays on its element. */
export function refill(region, ...children) {
  const open = [...region.querySelectorAll("details[open]")].map(({ id }) => id);
  const held = region.contains(document.activeElement) ? document.activeElement.id : "";
  fill(region, ...children);
  const again = (id) => (id ? region.querySelector(`#${CSS.escape(id)}`) : null);
  open.forEach((id) => again(id)?.setAttribute("open", ""));
  again(held)?.focus({ preventScroll: true });
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
