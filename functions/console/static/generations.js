// All generations as a grid of images, newest first; new ones appear by themselves.

import { admin, listAll, fileUrl, isHandledElsewhere, models, query as queryOf } from "./api.js";
import { button, emptyState, errorState, heading, linkButton, load, toast } from "./components.js";
import { confirmDialog } from "./dialog.js";
import { el, fill, userText } from "./dom.js";
import { ago, finished, moment, number, plural } from "./format.js";
import { thumbnail } from "./images.js";

const STATUSES = ["pending", "processing", "uploading", "success", "error"];
const FILTERS = ["status", "model", "user", "q", "from", "to"];
const DAY_MS = 86_400_000;
const PAGE_SIZE = 24;
const REFRESH_MS = 5_000;

/** @typedef {Record<string, string>} Filter */
/** @typedef {(cursor?: string | null) => Promise<Page<OperatorGeneration>>} GetPage */

/**
 * @param {HTMLElement} page
 * @param {Visit} visit
 */
export default function show(page, { query, signal }) {
  /** @type {Filter} */
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ""]));
  const region = el("div", {});
  const selection = new Selection(region);
  /** @type {GetPage} */
  const get = (cursor = null) =>
    admin("GET", `generations?${queryOf({ ...filter, ...period(filter), limit: PAGE_SIZE, cursor })}`, { signal });
  page.append(
    heading("Generations", "All users, newest first. New generations appear by themselves.", selection.toggle),
    filters(filter, signal),
    region,
    selection.bar,
  );
  load(region, "the generations", get, (first) => new Grid(get, filter, selection).start(first, signal), "tiles");
}

/**
 * @param {Filter} filter
 * @param {AbortSignal} signal
 */
function filters(filter, signal) {
  const status = filterSelect("Status", "Any status", filter.status ?? "");
  const model = filterSelect("Model", "Any model", filter.model ?? "");
  const user = filterSelect("User", "All users", filter.user ?? "");
  const text = el("input", { type: "search", placeholder: "Prompt or ID", "aria-label": "Search", value: filter.q });
  const from = el("input", { type: "date", value: filter.from });
  const to = el("input", { type: "date", value: filter.to });
  const apply = () => {
    const selected = { status: status.select.value, model: model.select.value, user: user.select.value };
    const entered = { q: text.value.trim(), from: from.value, to: to.value };
    location.hash = `#/generations?${queryOf({ ...selected, ...entered })}`;
  };
  STATUSES.forEach((value) => status.offer(value));
  models(signal).then(
    (all) => all.forEach(({ slug }) => model.offer(slug)),
    () => {},
  );
  listAll("users", { signal }).then(
    ({ data }) => data.forEach((/** @type {User} */ { id, email }) => user.offer(id, email)),
    () => {},
  );
  const selects = [status, model, user].map(({ select }) => select);
  return el(
    "div",
    { class: "filters", role: "group", "aria-label": "Filter", onchange: apply },
    text,
    selects,
    el("span", { class: "dates" }, el("label", {}, "From", from), el("label", {}, "To", to)),
  );
}

/**
 * Return the moments between which the days of the filter lie, in this browser's time zone.
 * @param {Filter} filter
 */
function period({ from, to }) {
  const start = (/** @type {string} */ day) => new Date(`${day}T00:00`).getTime();
  return {
    from: from ? new Date(start(from)).toISOString() : "",
    to: to ? new Date(start(to) + DAY_MS).toISOString() : "",
  };
}

/**
 * Make a select of the filter, to which options can be added; the chosen value is there from the start.
 * @param {string} label
 * @param {string} any
 * @param {string} chosen
 */
function filterSelect(label, any, chosen) {
  const select = el("select", { "aria-label": label }, el("option", { value: "" }, any));
  const offer = (/** @type {string} */ value, text = value) => {
    const known = [...select.options].find((option) => option.value === value);
    if (known) known.text = text;
    else select.append(el("option", { value, dir: "auto" }, text));
    select.value = chosen;
  };
  if (chosen) offer(chosen);
  return { select, offer };
}

/** The grid: the pages that were loaded, kept up to date with the newest. */
class Grid {
  /**
   * @param {GetPage} get
   * @param {Filter} filter
   * @param {Selection} selection
   */
  constructor(get, filter, selection) {
    this.get = get;
    this.filter = filter;
    this.selection = selection;
    this.list = el("ul", { class: "grid" });
    this.foot = el("div", { class: "foot" });
    this.note = el("div", {});
    /** @type {Map<string, { shown: string, item: HTMLElement }>} */
    this.cards = new Map();
  }

  /**
   * @param {Page<OperatorGeneration>} first
   * @param {AbortSignal} signal
   */
  start(first, signal) {
    this.append(first);
    const timer = setInterval(() => this.refresh().catch(() => {}), REFRESH_MS);
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
    return [this.note, this.list, this.foot];
  }

  /** @param {Page<OperatorGeneration>} page */
  append({ data, pagination }) {
    this.list.append(...this.put(data));
    const stopped = pagination.searchedBackTo;
    const said = stopped && el("p", { class: "muted", role: "status" }, "Searched back to ", moment(stopped), ".");
    fill(this.foot, said, pagination.nextCursor && this.showMore(pagination.nextCursor));
    fill(this.note, this.cards.size > 0 || pagination.nextCursor ? null : noGenerations(this.filter));
  }

  /** Get the newest page: add what is new, and replace what has changed. */
  async refresh() {
    if (document.visibilityState === "hidden") return;
    const { data } = await this.get();
    this.list.prepend(...this.put(data));
    if (this.cards.size > 0) fill(this.note);
  }

  /**
   * Replace the cards that have changed, and return those that are new.
   * @param {OperatorGeneration[]} generations
   */
  put(generations) {
    return generations.flatMap((one) => {
      const shown = JSON.stringify(one);
      const known = this.cards.get(one.id);
      if (known?.shown === shown) return [];
      const item = card(one, this.selection);
      known?.item.replaceWith(item);
      this.cards.set(one.id, { shown, item });
      return known ? [] : [item];
    });
  }

  /** @param {string} cursor */
  showMore(cursor) {
    const next = button("Show more", async () => {
      next.disabled = true;
      const before = this.list.lastElementChild;
      try {
        this.append(await this.get(cursor));
        /** @type {HTMLElement | null} */ ((before?.nextElementSibling ?? this.list).querySelector("a"))?.focus();
      } catch (error) {
        const again = () => fill(this.foot, this.showMore(cursor));
        if (!isHandledElsewhere(error)) fill(this.foot, errorState(error, again));
      }
    });
    return next;
  }
}

/** The generations that are selected, and what can be done with them. */
class Selection {
  /** @param {HTMLElement} region what holds the cards */
  constructor(region) {
    this.region = region;
    /** @type {Map<string, OperatorGeneration>} */
    this.chosen = new Map();
    this.toggle = button("Select", () => this.setActive(!this.active), { "aria-pressed": "false" });
    this.count = el("span", { role: "status" });
    this.download = button("Download", () => this.downloadAll(), { variant: "small" });
    this.erase = button("Delete", () => this.deleteAll(), { variant: "small danger-text" });
    this.bar = el("div", { class: "selection-bar", hidden: true }, this.count, this.download, this.erase);
    this.active = false;
  }

  /** @param {boolean} active */
  setActive(active) {
    this.active = active;
    this.toggle.setAttribute("aria-pressed", String(active));
    fill(this.toggle, active ? "Done" : "Select");
    this.region.classList.toggle("selecting", active);
    this.bar.hidden = !active;
    this.chosen.clear();
    for (const box of this.region.querySelectorAll("input")) box.checked = false;
    this.changed();
  }

  /** @param {OperatorGeneration} one */
  checkbox(one) {
    const onchange = (/** @type {Event} */ event) => {
      if (/** @type {HTMLInputElement} */ (event.target).checked) this.chosen.set(one.id, one);
      else this.chosen.delete(one.id);
      this.changed();
    };
    const name = `Select ${one.payload?.prompt ?? one.id}`;
    return el("input", {
      type: "checkbox",
      class: "pick",
      "aria-label": name,
      checked: this.chosen.has(one.id),
      onchange,
    });
  }

  changed() {
    const count = this.chosen.size;
    fill(this.count, count > 0 ? `${number(count)} selected` : "Select generations to download or delete them.");
    this.download.disabled = count === 0;
    this.erase.disabled = count === 0;
  }

  downloadAll() {
    const sources = [...this.chosen.values()].map((one) => fileUrl(one.output)).filter((url) => url !== null);
    for (const href of sources) el("a", { href, download: "", target: "_blank", rel: "noopener" }).click();
    if (sources.length < this.chosen.size) toast("Generations without an image were left out.");
  }

  async deleteAll() {
    const ids = [...this.chosen.values()].filter(({ status }) => finished(status)).map(({ id }) => id);
    const unfinished = this.chosen.size - ids.length;
    const note = unfinished > 0 ? ` ${plural(unfinished, "generation")} in progress will be left.` : "";
    const gone = await confirmDialog(
      `Delete ${plural(ids.length, "generation")}?`,
      `Their images and deliveries are removed for good. Links to the images stop working.${note}`,
      {
        action: "Delete",
        act: async () => {
          for (const id of ids) {
            await admin("DELETE", `generations/${encodeURIComponent(id)}`);
            this.region.querySelector(`li[data-id="${CSS.escape(id)}"]`)?.remove();
            this.chosen.delete(id);
          }
        },
      },
    );
    if (gone) {
      toast(`${plural(ids.length, "generation")} deleted.`);
      this.setActive(false);
    }
  }
}

/** @param {Filter} filter */
function noGenerations(filter) {
  if (Object.values(filter).some(Boolean)) {
    const all = linkButton("#/generations", "Show all");
    return emptyState("No generation matches the filter", "Change the search, or show all.", all);
  }
  const playground = linkButton("#/playground", "Open the playground", "primary");
  return emptyState("No generations yet", "Create the first image in the playground.", playground);
}

/**
 * @param {OperatorGeneration} one
 * @param {Selection} selection
 */
function card(one, selection) {
  const link = el(
    "a",
    { class: "tile", href: `#/generations/${encodeURIComponent(one.id)}` },
    el("div", { class: "image-frame" }, thumbnail(one)),
    userText(one.payload?.prompt ?? "", "span", { class: "clamp two prompt" }),
    el("span", { class: "muted line" }, userText(one.model), ago(one.createdAt)),
    userText(one.userEmail ?? "deleted user", "span", { class: "muted clamp" }),
  );
  return el("li", { "data-id": one.id }, selection.checkbox(one), link);
}
