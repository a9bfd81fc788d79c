// Images from this computer, sent in the request itself as data URLs.

import { button } from "./components.js";
import { el, fill } from "./dom.js";
import { bytes } from "./format.js";

const TYPES = ["image/png", "image/jpeg", "image/webp"];
const MAX_TOTAL_BYTES = 180_000; // a request holds 256 KB, and a data URL is longer than its image by a third

/** @typedef {{ name: string, size: number, url: string }} PickedImage */
/** @typedef {ReturnType<typeof imagePicker>} ImagePicker */

/**
 * Make a place to choose images, or, where not `multiple`, one; `setError` gets what is wrong with one, `changed` runs
 * when others are chosen. Together with what `others` of the request's pickers hold they must fit into it.
 * @param {string} label
 * @param {(message: string | null) => void} setError
 * @param {() => void} changed
 * @param {{ multiple: boolean, others: () => PickedImage[] }} options
 */
export function imagePicker(label, setError, changed, { multiple, others }) {
  /** @type {PickedImage[]} */
  let chosen = [];
  const list = el("ul", { class: "picked-images" });
  const input = el("input", { type: "file", accept: TYPES.join(), multiple, hidden: true });
  const choose = button("Choose a file", () => input.click(), { variant: "small", name: `Choose a file for ${label}` });
  const show = () => {
    fill(list, chosen.map(item));
    changed();
  };
  const item = (/** @type {PickedImage} */ one, /** @type {number} */ at) => {
    const remove = () => {
      chosen = chosen.filter((other) => other !== one);
      show();
      choose.focus();
    };
    const options = { variant: "small", name: multiple ? `Remove image ${at + 1}` : `Remove ${label}` };
    return el("li", {}, el("img", { src: one.url, alt: one.name }), button("Remove", remove, options));
  };
  input.addEventListener("change", async () => {
    const files = [...(input.files ?? [])];
    input.value = "";
    const kept = multiple ? chosen : [];
    const problem = problemWith(files, [...kept, ...others()]);
    setError(problem);
    if (problem) return;
    chosen = [...kept, ...(await Promise.all(files.map(readImage)))];
    show();
  });
  return {
    node: el("div", { class: "image-picker" }, list, choose, input),
    urls: () => chosen.map(({ url }) => url),
    chosen: () => chosen,
    /** @param {PickedImage[]} images */
    take: (images) => {
      chosen = images;
      show();
    },
  };
}

/**
 * @param {File[]} files
 * @param {PickedImage[]} chosen
 */
function problemWith(files, chosen) {
  const total = [...chosen, ...files].reduce((sum, { size }) => sum + size, 0);
  const wrong = files.find(({ type }) => !TYPES.includes(type));
  if (wrong) return `“${wrong.name}” is no PNG, JPEG or WebP. Choose another file.`;
  if (total <= MAX_TOTAL_BYTES) return null;
  return (
    `The chosen images have ${bytes(total)} together; the limit is ${bytes(MAX_TOTAL_BYTES)}. ` +
    "Upload large ones with POST /files, and enter their URLs here."
  );
}

/**
 * @param {File} file
 * @returns {Promise<PickedImage>}
 */
function readImage(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ name: file.name, size: file.size, url: String(reader.result) });
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
