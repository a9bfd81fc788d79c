/**
 * Everything that the client throws.
 *
 * AtelierError
 * ├── ApiError                  the API refused the request: `status`, `errors`
 * │   └── UnavailableError      no usable answer after all retries; the same request may succeed later
 * ├── GenerationFailedError     the generation ended without a picture: `generation`
 * ├── WaitTimeoutError          the generation has not ended yet: `generation`
 * └── WebhookVerificationError  the request is not a webhook of this user, or it is too old
 */
/** @typedef {import("./models.js").FieldError} FieldError */
/** @typedef {import("./models.js").Generation} Generation */
/** Root of all errors of this package. */
export class AtelierError extends Error {
    /** @param {string} message @param {ErrorOptions} [options] */
    constructor(message: string, options?: ErrorOptions);
}
/**
 * The API refused the request. Repeat a request for a generation with `idempotencyKey`: at most one generation is made
 * and charged.
 */
export class ApiError extends AtelierError {
    /**
     * @param {string} message
     * @param {{ status?: number, errors?: FieldError[], cause?: unknown }} [details]
     */
    constructor(message: string, { status, errors, cause }?: {
        status?: number;
        errors?: FieldError[];
        cause?: unknown;
    });
    /** The HTTP status; undefined where no answer came. */
    status: number | undefined;
    /** The fields at fault. */
    errors: import("./models.js").FieldError[];
    /** @type {string | undefined} */
    idempotencyKey: string | undefined;
}
/** The API gave no usable answer, however often it was asked; the same request may succeed later. */
export class UnavailableError extends ApiError {
}
/** The generation ended without a picture; its credits were returned. */
export class GenerationFailedError extends AtelierError {
    /** @param {Generation} generation */
    constructor(generation: Generation);
    generation: import("./models.js").Generation;
}
/** The generation has not ended within the time given; it goes on, and `wait` may be called again. */
export class WaitTimeoutError extends AtelierError {
    /** @param {Generation} generation @param {number} milliseconds */
    constructor(generation: Generation, milliseconds: number);
    generation: import("./models.js").Generation;
}
/** The request is not a webhook signed with this secret, or it is too old. */
export class WebhookVerificationError extends AtelierError {
}
export type FieldError = import("./models.js").FieldError;
export type Generation = import("./models.js").Generation;
