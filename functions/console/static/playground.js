// The playground: sends a request exactly as a client does, and shows what comes back.

import { admin, listAll, isHandledElsewhere, models, statusOf, tool, tools } from "./api.js";
import { button, emptyState, heading, icon, load, panel } from "./components.js";
import { el, fill } from "./dom.js";
import { InvalidFieldsError, clearErrors, field, fieldGroup, select, showErrors } from "./form.js";
import { credits, either } from "./format.js";
import { Progress } from "./generation-progress.js";
import { applyExclusions, carryOver, inputFields, readInput, setValue } from "./input-form.js";
import { playgroundKey } from "./playground-key.js";
import { requestSamples } from "./request-samples.js";

const OPERATOR = "operator@atelier.local"; // made with its first key, where the stack has no user yet
const PASTED = "pasted";
const SIDE_BY_SIDE = ["width", "height", "left", "right", "top", "bottom"];
const FIRST_TOOL = "text-to-image"; // its models are asked for by their own names

/** @typedef {import("./input-form.js").InputField} InputField */
/**
 * @typedef {{
 *   models: Model[], tools: Tool[], detail: ToolDetail | null, providers: Provider[], users: User[],
 *   source: GenerationDetail | null,
 * }} Loaded
 */

/**
 * What was entered, until the page is left.
 * @type {{ tool: string, model: string, fields: InputField[], user: string }}
 */
const draft = { tool: FIRST_TOOL, model: "", fields: [], user: "" };

/**
 * @param {HTMLElement} page
 * @param {Visit} visit
 */
export default function show(page, { query, signal }) {
  const region = el("div", {});
  const from = query.get("from");
  page.append(heading("Playground", "Sends one request as a client does."), region);
  const get = async () => {
    const [all, known, providers, users, source] = await Promise.all([
      models(signal),
      tools(signal),
      admin("GET", "providers", { signal }),
      listAll("users", { signal }),
      from ? admin("GET", `generations/${encodeURIComponent(from)}`, { signal }) : null,
    ]);
    const wanted = source?.tool ?? draft.tool;
    draft.tool = known.some(({ slug }) => slug === wanted) ? wanted : FIRST_TOOL;
    const detail = draft.tool === FIRST_TOOL ? null : await tool(draft.tool, signal);
    return { models: all, tools: known, detail, providers: providers.data, users: users.data, source };
  };
  load(region, "the models", get, (loaded) =>
    loaded.models.length > 0
      ? new Playground(loaded, signal).node
      : emptyState("No models", "The catalog of this stack is empty."),
  );
}

/** The form, the result and the code samples. */
class Playground {
  /**
   * @param {Loaded} loaded
   * @param {AbortSignal} signal
   */
  constructor({ models: all, tools: known, detail, providers, users, source }, signal) {
    this.signal = signal;
    this.providers = providers;
    /** @type {Map<string, Model[]>} */
    this.models = new Map([[FIRST_TOOL, all.filter((one) => one.tool === FIRST_TOOL)]]);
    if (detail) this.models.set(detail.slug, detail.models);
    this.tool = field("tool", "Tool", { control: select(known.map(({ slug, name }) => [slug, name])) });
    this.tool.control.value = draft.tool;
    this.tool.control.addEventListener("change", () => this.chooseTool());
    this.tool.node.hidden = known.length < 2;
    this.waiting = el("span", {});
    this.model = field("model", "Model", { control: el("select", {}), hint: this.waiting });
    this.account = accountFields(users, source);
    /** @type {InputField[]} */
    this.fields = draft.fields;
    this.inputs = el("div", { class: "stack-small" });
    this.about = el("p", { class: "hint", dir: "auto" });
    this.price = el("p", { class: "hint" });
    this.problem = el("p", { class: "error", role: "alert" });
    this.result = el("div", { class: "result" }, placeholder());
    this.samples = requestSamples();
    this.submit = button(["Generate", el("kbd", {}, "Ctrl ↵")], null, { variant: "primary large", type: "submit" });
    this.model.control.addEventListener("change", () => this.showModel());
    this.model.control.after(this.about);
    this.showTool(source?.model ?? draft.model);
    if (source) this.fillIn(source);
    this.node = this.layout();
  }

  layout() {
    const form = el(
      "form",
      {
        novalidate: true,
        oninput: () => this.changed(),
        onkeydown: (/** @type {KeyboardEvent} */ event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.send(event);
        },
        onsubmit: (/** @type {Event} */ event) => this.send(event),
      },
      this.account.user.node,
      this.account.key.node,
      this.tool.node,
      this.model.node,
      this.inputs,
      el("div", { class: "form-foot" }, this.problem, this.price, this.submit),
    );
    const right = el("div", { class: "stack" }, panel("Result", {}, this.result), this.samples.node);
    return el("div", { class: "playground" }, panel("Request", {}, form), right);
  }

  /** The models of the chosen tool, those that can be used first. */
  get offered() {
    const found = this.models.get(draft.tool) ?? [];
    return [...found].sort((one, other) => Number(other.available ?? true) - Number(one.available ?? true));
  }

  async chooseTool() {
    const slug = this.tool.control.value;
    this.submit.disabled = true;
    try {
      if (!this.models.has(slug)) this.models.set(slug, (await tool(slug, this.signal)).models);
    } catch (error) {
      this.tool.control.value = draft.tool;
      if (!isHandledElsewhere(error)) showErrors([], this.problem, error);
      return;
    } finally {
      this.submit.disabled = false;
    }
    if (this.tool.control.value !== slug) return; // another one was chosen meanwhile
    draft.tool = slug;
    this.showTool(this.model.control.value);
  }

  /** @param {string} wanted the slug of a model, which is chosen if the tool has it */
  showTool(wanted) {
    const offered = this.offered;
    fill(this.model.control, modelOptions(offered, this.providers));
    fill(this.waiting, modelHint(offered));
    if (offered.some(({ slug }) => slug === wanted)) this.model.control.value = wanted;
    this.showModel();
  }

  get chosen() {
    const found = this.offered.find(({ slug }) => slug === this.model.control.value) ?? this.offered[0];
    return /** @type {Model} */ (found);
  }

  showModel() {
    const { slug, inputSchema, description } = this.chosen;
    const before = Object.fromEntries(this.fields.map((one) => [one.name, one]));
    this.fields = inputFields(inputSchema, () => this.changed());
    for (const one of this.fields) carryOver(before[one.name], one);
    draft.model = slug;
    draft.fields = this.fields;
    const first = this.fields.filter((one) => one.required || one.images);
    const rest = this.fields.filter((one) => !first.includes(one));
    const group = fieldGroup("More settings", rest);
    group.node.open = rest.some((one) => one.control.value !== "" && one.control.value !== String(one.schema.default));
    group.node.querySelector(":scope > div")?.classList.add("settings");
    for (const one of rest) if (SIDE_BY_SIDE.includes(one.name)) one.node.classList.add("half");
    fill(this.about, description);
    fill(
      this.inputs,
      first.map((one) => one.node),
      rest.length > 0 && group.node,
    );
    this.changed();
  }

  /** @param {GenerationDetail} source */
  fillIn(source) {
    for (const one of this.fields) {
      const value = source.payload?.[one.name];
      const list = Array.isArray(value) ? value.filter((url) => !String(url).startsWith("data:")).join("\n") : null;
      setValue(one, value === undefined ? String(one.schema.default ?? "") : (list ?? String(value)));
    }
    this.showModel();
  }

  changed() {
    applyExclusions(this.fields);
    fill(this.problem);
    const request = this.request(false);
    fill(this.price, priceText(this.chosen.cost, request.input.num_images));
    this.samples.show(request);
  }

  /**
   * @param {boolean} strict
   * @returns {GenerationRequest}
   */
  request(strict) {
    const input = readInput(this.fields, strict);
    if (draft.tool === FIRST_TOOL) return { model: this.chosen.slug, input };
    return { tool: draft.tool, input: { model: this.chosen.slug, ...input } };
  }

  /** @param {Event} event */
  async send(event) {
    event.preventDefault();
    if (this.submit.disabled) return;
    const inputs = this.fields.map((one) => ({ ...one, name: `input.${one.name}` }));
    const named = [this.account.key, ...inputs, this.tool, this.model];
    clearErrors(named, this.problem);
    this.submit.disabled = true;
    try {
      const body = this.request(true);
      const key = await this.account.read();
      await new Progress(this.result).run({ key, body, model: this.chosen, signal: this.signal });
    } catch (error) {
      const handled = isHandledElsewhere(error) && statusOf(error) !== 401;
      if (handled) return;
      fill(this.result, placeholder());
      const rejected = statusOf(error) === 401 && playgroundKey.pasted();
      const shown = rejected ? new InvalidFieldsError([{ field: "key", message: String(error) }]) : error;
      showErrors(named, this.problem, shown);
    } finally {
      this.submit.disabled = false;
    }
  }
}

/**
 * @param {Model[]} offered
 * @param {Provider[]} providers
 */
function modelOptions(offered, providers) {
  return offered.map(({ slug, name, available }) => {
    const unavailable = available === false;
    const label = unavailable ? `${name}: ${missing(slug, providers)}` : name;
    return el("option", { value: slug, disabled: unavailable }, label);
  });
}

/** @param {Model[]} offered */
function modelHint(offered) {
  const waiting = offered.some(({ available }) => available === false);
  const link = el("a", { href: "#/providers" }, "provider");
  return waiting ? ["Disabled models need a configured ", link, "."] : null;
}

/**
 * Make the fields that say on whose account the request is sent: a user's, or that of a pasted key.
 * @param {User[]} users
 * @param {GenerationDetail | null} source
 */
function accountFields(users, source) {
  /** @type {[string, string][]} */
  const options = users.map(({ email, credits: left }) => [
    email,
    left === null ? email : `${email} (${credits(left).replace("free", "no credits")})`,
  ]);
  if (options.length === 0) options.push([OPERATOR, OPERATOR]);
  options.push([PASTED, "Another API key…"]);
  const user = field("user", "On the account of", {
    control: select(options),
    hint: "The console creates a key for an hour, and revokes it when you leave.",
  });
  const wanted = users.find(({ id }) => id === source?.userId)?.email ?? draft.user;
  if (options.some(([value]) => value === wanted)) user.control.value = wanted;
  const key = field("key", "API key", {
    control: el("input", { type: "password", autocomplete: "off", spellcheck: "false", value: playgroundKey.pasted() }),
    hint: "Held in memory only, and forgotten when you leave this page.",
  });
  const changed = () => {
    draft.user = user.control.value;
    key.node.hidden = draft.user !== PASTED;
  };
  user.control.addEventListener("change", changed);
  key.control.addEventListener("input", () => playgroundKey.paste(key.control.value.trim()));
  changed();
  const read = async () => {
    if (user.control.value !== PASTED) return playgroundKey.of(user.control.value);
    if (playgroundKey.pasted()) return playgroundKey.pasted();
    throw new InvalidFieldsError([{ field: "key", message: "Paste an API key." }]);
  };
  return { user, key, read };
}

/**
 * Say what makes a model available.
 * @param {string} slug
 * @param {Provider[]} providers
 */
function missing(slug, providers) {
  const serving = providers.filter(({ models: served }) => served.includes(slug));
  const keys = serving.filter(({ needsKey }) => needsKey).map(({ name }) => name);
  const others = serving.filter(({ needsKey }) => !needsKey).map(({ name }) => name);
  const ways = [keys.length > 0 && `set a key of ${either(keys)}`, others.length > 0 && `configure ${either(others)}`];
  return ways.filter(Boolean).join(", or ") || "no provider serves it";
}

/**
 * @param {number | null | undefined} cost
 * @param {number} count
 */
function priceText(cost, count = 1) {
  if (cost === undefined || cost === null) return null;
  if (cost === 0) return "Costs nothing.";
  return count > 1 ? `Costs ${credits(cost * count)}: ${cost} for each of ${count} images.` : `Costs ${credits(cost)}.`;
}

const placeholder = () =>
  el("div", { class: "no-result" }, icon("generations"), el("p", {}, "The image appears here."));
