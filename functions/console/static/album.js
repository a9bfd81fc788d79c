// Pictures from this computer, which go along in the request itself as data URLs.

import { el, fill } from "./dom.js";
import { bytes } from "./format.js";
import { button } from "./parts.js";

const KINDS = ["image/png", "image/jpeg", "image/webp"];
const MOST_BYTES = 180_000; // all together: a request holds 256 KB, and in a data URL a picture is longer by a third

/** Make a place to choose pictures; `fault` is told what is wrong with one, or null, and `changed` that others are chosen. */
export function album(label, fault, changed) {
  let chosen = [];
  const list = el("ul", { class: "album" });
  const input = el("input", { type: "file", accept: KINDS.join(), multiple: true, hidden: true, onchange: () => add([...input.files]) });
  const choose = button("Choose a file", () => input.click(), { look: "small", name: `Choose a file for ${label}` });
  const show = () => {
    fill(list, chosen.map((one, at) => el(
      "li",
      {},
      el("img", { src: one.url, alt: one.name }),
      button("Remove", () => {
        chosen = chosen.filter((other) => other !== one);
        show();
        choose.focus();
      }, { look: "small", name: `Remove picture ${at + 1}` }),
    )));
    changed();
  };
  const add = async (files) => {
    fault(null);
    const total = [...chosen, ...files].reduce((sum, { size }) => sum + size, 0);
    const strange = files.find(({ type }) => !KINDS.includes(type));
    input.value = "";
    if (strange) return fault(`“${strange.name}” is no PNG, JPEG or WebP.`);
    if (total > MOST_BYTES) return fault(`Chosen pictures may have ${bytes(MOST_BYTES)} together, and these have ${bytes(total)}. Upload large ones with POST /files, and write their URLs here.`);
    const read = await Promise.all(files.map(async (file) => ({ name: file.name, size: file.size, url: await dataUrl(file) })));
    chosen = [...chosen, ...read];
    show();
  };
  return {
    node: el("div", { class: "album-place" }, list, choose, input),
    urls: () => chosen.map(({ url }) => url),
    chosen: () => chosen,
    take: (others) => {
      chosen = others;
      show();
    },
  };
}

function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
