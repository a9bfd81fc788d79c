// A list of users or keys that the server searches and hands out in parts.

import { find, isHandledElsewhere } from "./api.js";
import { button, load, messageOf, toast } from "./components.js";
import { el, fill } from "./dom.js";

const PART = 200;
const TYPING_MS = 250; // a pause this long ends a word of the search

/**
 * @typedef {object} Part
 * @property {any[]} data what was found so far
 * @property {boolean} searched whether only a text's finds are wanted
 * @property {boolean} partial whether there may be more
 */

/** The list with its search field. */
export class SearchedList {
  /**
   * @param {"users" | "keys"} path
   * @param {(part: Part) => Child} build
   * @param {AbortSignal} signal
   */
  constructor(path, build, signal) {
    this.path = path;
    this.build = build;
    this.signal = signal;
    this.typing = new AbortController();
    const label = `Search ${path}`;
    this.input = el("input", { type: "search", placeholder: label, "aria-label": label });
    this.input.addEventListener("input", () => this.typed());
    this.region = el("div", { class: "stack" });
    this.node = [el("div", { class: "filters", role: "search" }, this.input), this.region];
  }

  /** Search for the text of the field, a moment after the last letter. */
  typed() {
    this.typing.abort();
    this.typing = new AbortController();
    const { signal } = this.typing;
    setTimeout(() => signal.aborted || this.refresh(), TYPING_MS);
  }

  /** Show the list from its start. */
  refresh() {
    const text = this.input.value.trim();
    const signal = AbortSignal.any([this.signal, this.typing.signal]);
    const get = () => find(this.path, { text, limit: PART, signal });
    return load(this.region, `the ${this.path}`, get, ({ data, cursor }) => this.show(data, text, cursor));
  }

  /**
   * @param {any[]} data
   * @param {string} text
   * @param {string | null} cursor
   * @returns {Child}
   */
  show(data, text, cursor) {
    if (text && data.length === 0) return el("p", { class: "nothing", role: "status" }, "Nothing matches the search.");
    const part = { data, searched: text !== "", partial: cursor !== null };
    return [this.build(part), cursor && this.showMore(data, text, cursor)];
  }

  /**
   * @param {any[]} data
   * @param {string} text
   * @param {string} cursor
   */
  showMore(data, text, cursor) {
    const signal = AbortSignal.any([this.signal, this.typing.signal]);
    const more = async () => {
      next.disabled = true;
      try {
        const part = await find(this.path, { text, cursor, limit: PART, signal });
        fill(this.region, this.show([...data, ...part.data], text, part.cursor));
        this.region.querySelectorAll("tbody tr")[data.length]?.querySelector("a")?.focus();
      } catch (error) {
        next.disabled = false;
        if (!isHandledElsewhere(error)) toast(messageOf(error), "bad");
      }
    };
    const next = button("Show more", more);
    return el("div", { class: "foot" }, next);
  }
}
