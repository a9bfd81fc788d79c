/**
 * A client of one Atelier API, for one API key.
 *
 * Each call retries lost connections, timeouts, 429 and 5xx. Generations are requested under an Idempotency-Key, so a
 * retry never makes or charges a second one. Every call may reject with ApiError.
 */
export class Atelier {
    /** @param {Options} options */
    constructor({ baseUrl, apiKey, maxRetries, requestTimeout, fetch, sleep }: Options);
    /**
     * Request a generation, wait for its end and return it. Rejects with GenerationFailedError where it ends without a
     * picture, and with WaitTimeoutError after `timeout` milliseconds.
     *
     * @param {string} model
     * @param {Record<string, unknown>} input
     * @param {Waiting} [options]
     * @returns {Promise<Generation>}
     */
    run(model: string, input: Record<string, unknown>, { timeout, idempotencyKey }?: Waiting): Promise<Generation>;
    /**
     * Request a generation and return it at once; a `webhook` is called at its end, or at the events listed.
     *
     * @param {string} model
     * @param {Record<string, unknown>} input
     * @param {{ webhook?: string, webhookEvents?: Status[], idempotencyKey?: string }} [options]
     * @returns {Promise<Generation>}
     */
    submit(model: string, input: Record<string, unknown>, { webhook, webhookEvents, idempotencyKey }?: {
        webhook?: string;
        webhookEvents?: Status[];
        idempotencyKey?: string;
    }): Promise<Generation>;
    /**
     * Do as `run`, and call `onUpdate` with the generation at each status that is seen.
     *
     * @param {string} model
     * @param {Record<string, unknown>} input
     * @param {Waiting & { onUpdate: (generation: Generation) => unknown }} options
     * @returns {Promise<Generation>}
     */
    subscribe(model: string, input: Record<string, unknown>, { onUpdate, timeout, idempotencyKey }: Waiting & {
        onUpdate: (generation: Generation) => unknown;
    }): Promise<Generation>;
    /**
     * Wait for the end of a generation; rejects as `run` does.
     *
     * @param {string} id
     * @param {{ timeout?: number, onUpdate?: (generation: Generation) => unknown }} [options]
     * @returns {Promise<Generation>}
     */
    wait(id: string, { timeout, onUpdate }?: {
        timeout?: number;
        onUpdate?: (generation: Generation) => unknown;
    }): Promise<Generation>;
    /** Read a generation as it stands. @param {string} id @returns {Promise<Generation>} */
    get(id: string): Promise<Generation>;
    /**
     * List your generations, newest first; go on with `pagination.nextCursor`.
     *
     * @param {{ limit?: number, cursor?: string, status?: Status }} [options]
     * @returns {Promise<Page>}
     */
    generations({ limit, cursor, status }?: {
        limit?: number;
        cursor?: string;
        status?: Status;
    }): Promise<Page>;
    /** Cancel a generation, as far as it still can be. @param {string} id @returns {Promise<Generation>} */
    cancel(id: string): Promise<Generation>;
    /** Delete a generation that has ended, and its pictures. @param {string} id @returns {Promise<void>} */
    delete(id: string): Promise<void>;
    /**
     * Get the pictures of a generation; the key is not sent to where they are.
     *
     * @param {Generation} generation
     * @returns {Promise<Blob[]>}
     */
    download(generation: Generation): Promise<Blob[]>;
    /**
     * Store a picture of at most 4 MB to work from; a transient one is deleted after a day.
     *
     * @param {Uint8Array} content
     * @param {{ name?: string, transient?: boolean }} [options]
     * @returns {Promise<File>}
     */
    upload(content: Uint8Array, { name, transient }?: {
        name?: string;
        transient?: boolean;
    }): Promise<File>;
    /** List the models of the catalog; this needs no key. @returns {Promise<Model[]>} */
    models(): Promise<Model[]>;
    /** Read the owner of the key, and the credits left. @returns {Promise<Account>} */
    account(): Promise<Account>;
    #private;
}
export type Account = import("./models.js").Account;
export type File = import("./models.js").File;
export type Generation = import("./models.js").Generation;
export type Model = import("./models.js").Model;
export type Page = import("./models.js").Page;
export type Status = import("./models.js").Status;
export type Options = {
    /**
     * The API's base URL, to which `/generate` is appended.
     */
    baseUrl: string;
    /**
     * Without it only the catalog can be read.
     */
    apiKey?: string | undefined;
    /**
     * How often a request is repeated, 4 by default.
     */
    maxRetries?: number | undefined;
    /**
     * Milliseconds for one HTTP request, 60,000 by default.
     */
    requestTimeout?: number | undefined;
    fetch?: typeof fetch | undefined;
    sleep?: ((milliseconds: number) => Promise<unknown>) | undefined;
};
export type Waiting = {
    /**
     * Milliseconds to wait for the end, 600,000 by default.
     */
    timeout?: number | undefined;
    /**
     * The same key and request are the same generation, also from another process.
     */
    idempotencyKey?: string | undefined;
};
export type Send = {
    headers?: Record<string, string> | undefined;
    body?: string | Uint8Array<ArrayBufferLike> | undefined;
    idempotencyKey?: string | undefined;
    /**
     * A 404 to a retry means that an earlier attempt succeeded.
     */
    goneIsDone?: boolean | undefined;
};
