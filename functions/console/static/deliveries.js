// Webhook deliveries of all generations, newest first.

import { admin, listAll, query as queryOf } from "./api.js";
import { button, emptyState, heading, linkButton, load, panel, table } from "./components.js";
import { el, fill, userText } from "./dom.js";
import { select } from "./form.js";
import { ago, badge, clock } from "./format.js";

const PAGE_SIZE = 50;
/** @type {[string, string][]} */
const STATUSES = [
  ["", "Any status"],
  ["pending", "Pending"],
  ["delivered", "Delivered"],
  ["dead", "Dead"],
];
/** @type {[string, string][]} */
const EVENTS = [
  ["", "Any event"],
  ...["pending", "processing", "uploading", "success", "error"].map(
    (name) => /** @type {[string, string]} */ ([name, name]),
  ),
];

/**
 * @param {HTMLElement} page
 * @param {Visit} visit
 */
export default function show(page, { query, signal }) {
  const status = select(STATUSES, { "aria-label": "Status" });
  const event = select(EVENTS, { "aria-label": "Event" });
  const user = select([["", "All users"]], { "aria-label": "User" });
  status.value = query.get("status") ?? "";
  event.value = query.get("event") ?? "";
  const wanted = query.get("user") ?? "";
  if (wanted) user.append(el("option", { value: wanted }, wanted));
  user.value = wanted;
  listAll("users", { signal }).then(
    ({ data }) => {
      const others = data.filter((/** @type {User} */ { email }) => email !== wanted);
      user.append(...others.map((/** @type {User} */ { email }) => el("option", { value: email }, email)));
    },
    () => {},
  );
  const filter = () => ({ status: status.value, event: event.value, user: user.value });
  const apply = () => {
    location.hash = `#/deliveries?${queryOf(filter())}`;
  };
  const region = el("div", {});
  const foot = el("div", { class: "foot" });
  page.append(
    heading("Deliveries", "Every webhook of every generation, newest generation first."),
    el("div", { class: "filters", role: "group", "aria-label": "Filter", onchange: apply }, status, event, user),
    region,
    foot,
  );
  /** @type {ListedDelivery[]} */
  const seen = [];
  const get = async (/** @type {string | null} */ cursor = null) => {
    const path = `deliveries?${queryOf({ ...filter(), limit: PAGE_SIZE, cursor })}`;
    /** @type {Page<ListedDelivery>} */
    const answer = await admin("GET", path, { signal });
    seen.push(...answer.data);
    const next = answer.pagination.nextCursor;
    const more = () => load(region, "the deliveries", () => get(next), list);
    fill(foot, next && button("Show more", more));
    return seen;
  };
  const list = (/** @type {ListedDelivery[]} */ all) =>
    all.length > 0 ? deliveryTable(all) : none(location.hash.includes("?"));
  load(region, "the deliveries", () => get(), list);
}

/** @param {boolean} filtered */
function none(filtered) {
  if (!filtered) return emptyState("No deliveries yet", "A request with a webhook gets one for each of its events.");
  return emptyState("No delivery matches the filter", "Choose others.", linkButton("#/deliveries", "Show all"));
}

/** @param {ListedDelivery[]} deliveries */
function deliveryTable(deliveries) {
  const rows = deliveries.map((one) => {
    const href = `#/generations/${encodeURIComponent(one.generationId)}`;
    const state = one.status === "pending" && one.attemptCount > 0 ? "retrying" : one.status;
    const next = one.nextAttemptAt && el("span", { class: "muted" }, "next ", ago(one.nextAttemptAt));
    return [
      el("div", { class: "badges" }, badge(state), next),
      one.event,
      userText(one.url, "span", { class: "clamp two" }),
      el("span", { class: "amount" }, one.attemptCount),
      el("div", { class: "when" }, ago(one.createdAt), el("span", { class: "muted" }, clock(one.createdAt))),
      el("a", { href, "aria-label": `Generation of ${one.event} to ${one.url}` }, "Generation"),
    ];
  });
  const columns = ["Status", "Event", "URL", "Attempts", "Created", ""];
  return panel("All deliveries", { variant: "flush" }, table("Deliveries", columns, rows));
}
