// Stored images: one in a grid, or all outputs of a generation.

import { fileUrl } from "./api.js";
import { icon } from "./components.js";
import { el, userText } from "./dom.js";
import { altText, badge, bytes, imageFormat } from "./format.js";

/**
 * Show a generation's thumbnail, or why there is none.
 * @param {Generation} generation
 */
export function thumbnail(generation) {
  const source = fileUrl(generation.thumbnail ?? generation.output);
  return source && generation.type === "image" ? image(source, "", "lazy") : noImage(generation, generation.error);
}

/**
 * Show all images of a generation, each with its size and a download link; or its status, where there is none.
 * @param {Generation} generation
 */
export function outputs(generation) {
  const all = generation.outputs ?? [];
  if (all.length === 0) return el("div", { class: "image-frame large" }, noImage(generation));
  const layout = all.length > 1 ? (all.length === 4 ? "outputs several four" : "outputs several") : "outputs";
  return el(
    "ul",
    { class: layout },
    all.map((output, at) => {
      const source = fileUrl(output.url) ?? output.url;
      const name = all.length > 1 ? `${altText(generation)} (${at + 1} of ${all.length})` : altText(generation);
      const link = el("a", { href: source, target: "_blank", rel: "noopener" }, image(source, name, "eager"));
      return el("li", {}, el("div", { class: "image-frame large" }, link), caption(output, source, at + 1));
    }),
  );
}

/**
 * Show a stored image, or that it is not available any more.
 * @param {string} source
 * @param {string} alt
 * @param {"lazy" | "eager"} loading
 */
export function image(source, alt, loading = "lazy") {
  const unavailable = () => el("div", { class: "no-image" }, el("p", {}, "The image is not available."));
  const shown = el("img", { alt, loading, decoding: "async", onerror: () => shown.replaceWith(unavailable()) });
  shown.src = source;
  return shown;
}

/**
 * Describe a stored image in one line, which breaks between its facts only.
 * @param {StoredImage} stored
 */
export const imageFacts = ({ width, height, contentType, size }) =>
  [`${width} × ${height} · `, `${imageFormat(contentType)} · `, bytes(size)].map((fact) =>
    el("span", { class: "fact" }, fact),
  );

/**
 * @param {StoredImage} output
 * @param {string} source
 * @param {number} position
 */
function caption(output, source, position) {
  const download = el(
    "a",
    { href: source, download: "", class: "download", "aria-label": `Download image ${position}` },
    icon("download"),
    "Download",
  );
  return el("p", { class: "caption muted" }, el("span", {}, imageFacts(output)), download);
}

/**
 * @param {Generation} generation
 * @param {string | null} reason
 */
function noImage(generation, reason = null) {
  return el("div", { class: "no-image" }, badge(generation.status), reason && userText(reason, "p"));
}
