// Everybody's generations as pictures in a grid, newest first.

import { admin, models } from "./api.js";
import { el, fill, words } from "./dom.js";
import { ago } from "./format.js";
import { button, failure, heading, load, nothing, picture } from "./parts.js";

const STATUSES = ["pending", "processing", "uploading", "success", "error"];
const PAGE = 24;

export default function show(page, { query, signal }) {
  const filter = Object.fromEntries(["status", "model", "user"].map((name) => [name, query.get(name) ?? ""]));
  const grid = el("div", {});
  page.append(heading("Generations", "Everybody's, the newest first."), filters(filter, signal), grid);
  const get = (cursor = null) => admin("GET", `generations?${search({ ...filter, limit: PAGE, cursor })}`, { signal });
  load(grid, "the generations", get, (answer) => wall(answer, get, Object.values(filter).some(Boolean)), "tiles");
}

function filters(filter, signal) {
  const change = () => {
    location.hash = `#/generations?${search(Object.fromEntries(selects.map(({ name, select }) => [name, select.value])))}`;
  };
  const selects = [["status", "Status", "Any status"], ["model", "Model", "Any model"], ["user", "User", "Everybody"]].map(([name, label, any]) => {
    const select = el("select", { onchange: change, "aria-label": label }, el("option", { value: "" }, any));
    const offer = (value, text = value) => {
      if ([...select.options].every((option) => option.value !== value)) select.append(el("option", { value, dir: "auto" }, text));
      select.value = filter[name];
    };
    if (filter[name]) offer(filter[name]);
    return { name, select, offer };
  });
  const [status, model, user] = selects;
  STATUSES.forEach((value) => status.offer(value));
  models(signal).then((all) => all.forEach(({ slug }) => model.offer(slug)), () => {});
  admin("GET", "users", { signal }).then(({ data }) => {
    user.select.querySelector(`option[value="${CSS.escape(filter.user)}"]:not([value=""])`)?.remove();
    data.forEach(({ id, email }) => user.offer(id, email));
    if (filter.user) user.offer(filter.user);
  }, () => {});
  return el("div", { class: "filters", role: "group", "aria-label": "Filter" }, selects.map(({ select }) => select));
}

function wall(answer, get, filtered) {
  const list = el("ul", { class: "wall" });
  const foot = el("div", { class: "foot" });
  const add = ({ data, pagination }) => {
    list.append(...data.map(card));
    fill(foot, pagination.nextCursor && more(pagination.nextCursor));
  };
  const more = (cursor) => {
    const next = button("Show more", async () => {
      next.disabled = true;
      const before = list.lastElementChild;
      try {
        add(await get(cursor));
        (before?.nextElementSibling ?? list).querySelector("a")?.focus();
      } catch (error) {
        if (error.name !== "AbortError") fill(foot, failure(error, () => fill(foot, more(cursor))));
      }
    });
    return next;
  };
  add(answer);
  if (answer.data.length === 0 && !answer.pagination.nextCursor) {
    return filtered
      ? nothing("Nothing fits the filter", "Choose another status, model or user.", el("a", { class: "button", href: "#/generations" }, "Show everything"))
      : nothing("Nothing was made yet", "The first picture is a minute away.", el("a", { class: "button primary", href: "#/playground" }, "Open the playground"));
  }
  return [list, foot];
}

function card(one) {
  return el(
    "li",
    {},
    el(
      "a",
      { class: "tile", href: `#/generations/${encodeURIComponent(one.id)}` },
      el("div", { class: "frame-picture" }, picture(one)),
      words(one.payload?.prompt ?? "", "span", { class: "clamp two prompt" }),
      el("span", { class: "quiet line" }, words(one.model), ago(one.createdAt)),
    ),
  );
}

function search(values) {
  return new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();
}
