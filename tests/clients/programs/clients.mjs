// The clients that npm has: one program, which runs the scenarios of the client that it is told, all at once.
import { Buffer } from "node:buffer";
import { deflateSync, crc32 } from "node:zlib";
import { createRequire } from "node:module";

const require = createRequire(process.env.CLIENT_PACKAGES + "/");
const load = async (name) => import(require.resolve(name));
const name = process.env.CLIENT_NAME;
const settings = JSON.parse(process.env.CLIENT_SETTINGS);
const [base, upstream] = [`${settings.base}/v1`, `${settings.upstream}/v1`];
const { key, poor, rich, limited, paid, slow, large } = settings;

function chunk(kind, content) {
  const body = Buffer.concat([Buffer.from(kind), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body) >>> 0);
  return Buffer.concat([length, body, sum]);
}

function png(red = 255, alpha = 255, side = 64) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 6, 0, 0, 0], 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(side * 4, Buffer.from([red, 0, 0, alpha]))]);
  const rows = deflateSync(Buffer.concat(Array(side).fill(row)));
  const start = Buffer.from("89504e470d0a1a0a", "hex");
  return Buffer.concat([start, chunk("IHDR", head), chunk("IDAT", rows), chunk("IEND", Buffer.alloc(0))]);
}

function equal(found, wanted) {
  const [one, other] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (one !== other) throw new Error(`${String(one).slice(0, 300)} is not ${other}`);
}

function size(content) {
  const bytes = Buffer.from(content);
  equal(bytes.subarray(1, 4).toString(), "PNG");
  return `${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`;
}

const decoded = (text) => size(Buffer.from(text, "base64"));
const sizes = (answer) => answer.data.map((item) => decoded(item.b64_json));

async function refused(status, code, call) {
  try {
    await call();
  } catch (error) {
    equal([error.status ?? error.statusCode ?? error.response?.status, error.code ?? code], [status, code]);
    return;
  }
  throw new Error("it was not refused");
}

async function openai() {
  const { OpenAI, toFile } = await load("openai");
  const made = (apiKey, baseURL = base) => new OpenAI({ apiKey, baseURL, maxRetries: 0 });
  const client = made(key);
  const generate = (changes = {}, other = client, options = {}) =>
    other.images.generate({ model: "sketch", prompt: "a boat", size: "256x256", ...changes }, options);
  const edit = async (image, more = {}) =>
    client.images.edit({ model: "sketch", prompt: "a boat", image, ...more });
  const file = (red, alpha) => toFile(png(red, alpha), "a.png", { type: "image/png" });
  return {
    generate: async () => equal(sizes(await generate({ seed: 7 })), ["256x256"]),
    "n = 2": async () => equal(sizes(await generate({ n: 2 })), ["256x256", "256x256"]),
    url: async () => equal((await generate({ response_format: "url" })).data[0].url.slice(0, 4), "http"),
    sizes: async () => equal(sizes(await generate({ size: "300x257" })), ["300x257"]),
    "edit, one": async () => equal(sizes(await edit(await file())), ["64x64"]),
    "edit, two": async () => equal(sizes(await edit([await file(), await file(9)])), ["64x64"]),
    mask: async () => equal(sizes(await edit(await file(), { mask: await file(0, 0) })), ["64x64"]),
    stream: async () => {
      const types = [];
      for await (const event of await generate({ stream: true })) types.push(event.type);
      for await (const event of await edit(await file(), { stream: true })) types.push(event.type);
      equal(types, ["image_generation.completed", "image_edit.completed"]);
    },
    list: async () => {
      const ids = [];
      for await (const model of client.models.list()) ids.push(model.id);
      equal([ids.includes("sketch"), (await client.models.retrieve("sketch")).id], [true, "sketch"]);
    },
    401: () => refused(401, "invalid_api_key", () => generate({}, made("sk-none"))),
    "bad parameter": () => refused(400, "invalid_value", () => generate({ size: "big" })),
    refused: () => refused(400, "moderation_blocked", () => generate({ prompt: "test:unsafe" })),
    failed: () => refused(424, "generation_failed", () => generate({ prompt: "test:fail" })),
    "no credits": () =>
      refused(429, "insufficient_quota", () => generate({ model: paid, size: undefined }, made(poor, upstream))),
    "rate limit": () => refused(429, "rate_limit_exceeded", () => generate({}, made(limited))),
    "65 s": async () => {
      const headers = { "Idempotency-Key": slow.idempotency };
      const body = { model: slow.model, prompt: slow.prompt, size: undefined };
      equal(sizes(await generate(body, made(rich, upstream), { headers })).length, 1);
    },
    "20 MB": async () => {
      const headers = { "Idempotency-Key": large.idempotency };
      const body = { prompt: "snow", n: 4, image_urls: [large.picture], size: undefined };
      equal(sizes(await generate(body, client, { headers })), Array(4).fill(large.size.join("x")));
    },
    ...(settings.dropped && {
      dropped: async () => {
        const { base: lossy, key: apiKey, model, prompt } = settings.dropped;
        const other = new OpenAI({ apiKey, baseURL: `${lossy}/v1` });
        equal(sizes(await other.images.generate({ model, prompt })).length, 1);
      },
    }),
  };
}

async function ai(made, options, features) {
  const { generateImage } = await load("ai");
  const generate = async (changes = {}, model = made(key)("sketch")) => {
    const { images } = await generateImage({
      model, prompt: "a boat", size: "256x256", maxRetries: 0, providerOptions: options, ...changes,
    });
    return images.map((image) => size(image.uint8Array));
  };
  const edited = (images, mask) => ({ prompt: { text: "a boat", images, mask }, size: undefined });
  const all = {
    generate: async () => equal(await generate({ seed: features.seed ? 7 : undefined }), ["256x256"]),
    "n = 2": async () => equal(await generate({ n: 2 }), ["256x256", "256x256"]),
    sizes: async () => equal(await generate({ size: "300x257" }), ["300x257"]),
    "edit, one": async () => equal(await generate(edited([png()])), ["64x64"]),
    "edit, two": async () => equal(await generate(edited([png(), png(9)])), ["64x64"]),
    mask: async () => equal(await generate(edited([png()], png(0, 0))), ["64x64"]),
    401: () => refused(401, undefined, () => generate({}, made("none")("sketch"))),
    "bad parameter": () => refused(features.invalid, undefined, () => generate({ prompt: "" })),
    refused: () => refused(400, undefined, () => generate({ prompt: "test:unsafe" })),
    failed: () => refused(424, undefined, () => generate({ prompt: "test:fail" })),
    "no credits": () =>
      refused(features.poor, undefined, () => generate({ size: undefined, providerOptions: {} }, made(poor, upstream)(paid))),
    "rate limit": () => refused(429, undefined, () => generate({}, made(limited)("sketch"))),
    "65 s": async () =>
      equal((await generate({ prompt: slow.prompt, size: undefined, providerOptions: {} }, made(rich, upstream)(slow.model))).length, 1),
  };
  return Object.fromEntries(Object.entries(all).filter(([scenario]) => !features.without?.includes(scenario)));
}

async function aiOpenai() {
  const { createOpenAI } = await load("@ai-sdk/openai");
  const made = (apiKey, baseURL = base) => (model) => createOpenAI({ apiKey, baseURL }).image(model);
  return ai(made, {}, { invalid: 400, poor: 429 });
}

async function aiCompatible() {
  const { createOpenAICompatible } = await load("@ai-sdk/openai-compatible");
  const made = (apiKey, baseURL = base) => (model) =>
    createOpenAICompatible({ name: "atelier", apiKey, baseURL }).imageModel(model);
  return ai(made, { atelier: { seed: 5 } }, { invalid: 400, poor: 429 });
}

async function aiReplicate() {
  const { createReplicate } = await load("@ai-sdk/replicate");
  const made = (apiToken, baseURL = base) => (model) => createReplicate({ apiToken, baseURL }).image(`atelier/${model}`);
  // A prediction that failed has no output, which this client reports as an answer of another shape.
  return ai(made, {}, { invalid: 422, poor: 402, seed: true, without: ["refused", "failed", "edit, two"] });
}

async function replicate() {
  const { default: Replicate } = await load("replicate");
  const made = (auth, baseUrl = base) => new Replicate({ auth, baseUrl });
  const input = { prompt: "a boat", width: 256, height: 256 };
  const read = async (output) => size(await (await fetch(String(output))).arrayBuffer());
  const run = async (changes = {}, client = made(key), model = "atelier/sketch") =>
    Promise.all((await client.run(model, { input: { ...input, ...changes }, useFileOutput: false })).map(read));
  const status = (code, call) =>
    call().then(
      () => { throw new Error("it was not refused"); },
      (error) => equal(error.response?.status ?? String(error), code),
    );
  const failed = (prompt) => run({ prompt }).then(
    () => { throw new Error("it did not fail"); },
    (error) => equal(/failed/i.test(error.message), true),
  );
  const edit = (...pictures) =>
    run({ image_input: pictures.map((one) => new Blob([one], { type: "image/png" })), width: null, height: null });
  return {
    generate: async () => equal(await run({ go_fast: true }), ["256x256"]),
    "n = 2": async () => equal(await run({ num_outputs: 2 }), ["256x256", "256x256"]),
    url: async () => equal((await made(key).run("atelier/sketch", { input, useFileOutput: false })).length, 1),
    sizes: async () => equal(await run({ width: 300, height: 257 }), ["300x257"]),
    "edit, one": async () => equal(await edit(png()), ["64x64"]),
    "edit, two": async () => equal(await edit(png(), png(9)), ["64x64"]),
    list: async () => {
      const { id } = await made(key).predictions.create({ model: "atelier/sketch", input });
      const { results } = await made(key).predictions.list();
      const models = (await made(key).models.list()).results.map((model) => model.name);
      equal([results.some((one) => one.id === id), models.includes("sketch")], [true, true]);
    },
    401: () => status(401, () => run({}, made("none"))),
    "bad parameter": () => status(422, () => run({ width: "wide" })),
    refused: () => failed("test:unsafe"),
    failed: () => failed("test:fail"),
    "no credits": () => status(402, () => made(poor, upstream).run(`atelier/${paid}`, { input: { prompt: "a" } })),
    "65 s": async () => {
      const output = await made(rich, upstream).run(`atelier/${slow.model}`, { input: { prompt: slow.prompt } });
      equal(output.length, 1);
    },
  };
}

// HTTP clients that know no dialect: `ask` answers {status, text}.
async function raw(ask) {
  const json = { "Content-Type": "application/json" };
  const generate = (changes = {}, auth = key, at = base, headers = {}) =>
    ask(`${at}/images/generations`, auth, {
      headers: { ...json, ...headers },
      body: JSON.stringify({ model: "sketch", prompt: "a boat", size: "256x256", ...changes }),
    });
  const good = async (answer) => {
    const { status, text } = await answer;
    equal([status, status === 200 ? "" : text.slice(0, 200)], [200, ""]);
    return sizes(JSON.parse(text));
  };
  const bad = async (status, code, answer) => {
    const { status: found, text } = await answer;
    equal([found, JSON.parse(text).error.code], [status, code]);
  };
  const edit = (...parts) => {
    const form = new FormData();
    for (const [field, value] of [["model", "sketch"], ["prompt", "a boat"], ["quality", "auto"]]) form.append(field, value);
    for (const [field, content] of parts) form.append(field, new Blob([content], { type: "image/png" }), "a.png");
    return ask(`${base}/images/edits`, key, { body: form, headers: {} });
  };
  return {
    generate: async () => equal(await good(generate({ n: 1, background: "auto", output_format: "png" })), ["256x256"]),
    "n = 2": async () => equal(await good(generate({ n: 2 })), ["256x256", "256x256"]),
    url: async () => equal(JSON.parse((await generate({ response_format: "url" })).text).data[0].url.slice(0, 4), "http"),
    sizes: async () => equal(await good(generate({ size: "300x257" })), ["300x257"]),
    "edit, one": async () => equal(await good(edit(["image", png()])), ["64x64"]),
    "edit, two": async () => equal(await good(edit(["image[]", png()], ["image[]", png(9)])), ["64x64"]),
    mask: async () => equal(await good(edit(["image", png()], ["mask", png(0, 0)])), ["64x64"]),
    stream: async () => equal((await generate({ stream: true })).text.includes("image_generation.completed"), true),
    401: () => bad(401, "invalid_api_key", generate({}, "none")),
    "bad parameter": () => bad(400, "invalid_value", generate({ size: "big" })),
    refused: () => bad(400, "moderation_blocked", generate({ prompt: "test:unsafe" })),
    failed: () => bad(424, "generation_failed", generate({ prompt: "test:fail" })),
    "no credits": () => bad(429, "insufficient_quota", generate({ model: paid, size: undefined }, poor, upstream)),
    "rate limit": () => bad(429, "rate_limit_exceeded", generate({}, limited)),
    "65 s": async () => {
      const body = { model: slow.model, prompt: slow.prompt, size: undefined };
      equal((await good(generate(body, rich, upstream, { "Idempotency-Key": slow.idempotency }))).length, 1);
    },
    "20 MB": async () => {
      const body = { prompt: "snow", n: 4, image_urls: [large.picture], size: undefined };
      const answer = generate(body, key, base, { "Idempotency-Key": large.idempotency });
      equal(await good(answer), Array(4).fill(large.size.join("x")));
    },
  };
}

async function axios() {
  const { default: client } = await load("axios");
  return raw(async (url, auth, { body, headers }) => {
    const answer = await client.post(url, body, {
      headers: { ...headers, Authorization: `Bearer ${auth}` },
      validateStatus: () => true, responseType: "text", transformResponse: (text) => text, maxContentLength: Infinity,
    });
    return { status: answer.status, text: answer.data };
  });
}

async function nodeFetch() {
  const { default: ask } = await load("node-fetch");
  return raw(async (url, auth, { body, headers }) => {
    const sent = body instanceof FormData ? new Response(body) : undefined; // it knows no FormData of Node's
    const answer = await ask(url, {
      method: "POST",
      headers: { ...headers, ...(sent && { "Content-Type": sent.headers.get("content-type") }), Authorization: `Bearer ${auth}` },
      body: sent ? Buffer.from(await sent.arrayBuffer()) : body,
    });
    return { status: answer.status, text: await answer.text() };
  });
}

const known = {
  "openai-node": openai, "AI SDK openai": aiOpenai, "AI SDK openai-compatible": aiCompatible,
  "AI SDK replicate": aiReplicate, "replicate-javascript": replicate, axios, "node-fetch": nodeFetch,
};
const all = await known[name]();
const queue = JSON.parse(process.env.CLIENT_SCENARIOS).filter((scenario) => all[scenario]).map((scenario) => [scenario, all[scenario]]);
const results = {};
async function work() {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [scenario, check] = next;
    results[scenario] = await check().then(
      () => "",
      (error) => `${error?.stack ?? error} ${error?.cause ?? ""}`.slice(0, 900),
    );
  }
}
await Promise.all([work(), work(), work()]);
console.log(`\n${JSON.stringify(results)}`);
