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
  constructor(message, options) {
    super(message, options);
    this.name = new.target.name;
  }
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
  constructor(message, { status, errors = [], cause } = {}) {
    super(message, { cause });
    /** The HTTP status; undefined where no answer came. */
    this.status = status;
    /** The fields at fault. */
    this.errors = errors;
    /** @type {string | undefined} */
    this.idempotencyKey = undefined;
  }
}

/** The API gave no usable answer, however often it was asked; the same request may succeed later. */
export class UnavailableError extends ApiError {}

/** The generation ended without a picture; its credits were returned. */
export class GenerationFailedError extends AtelierError {
  /** @param {Generation} generation */
  constructor(generation) {
    super(`The generation ${generation.id} failed: ${generation.error ?? generation.status}`);
    this.generation = generation;
  }
}

/** The generation has not ended within the time given; it goes on, and `wait` may be called again. */
export class WaitTimeoutError extends AtelierError {
  /** @param {Generation} generation @param {number} milliseconds */
  constructor(generation, milliseconds) {
    super(`The generation ${generation.id} has not ended after ${milliseconds / 1000} s: ${generation.status}`);
    this.generation = generation;
  }
}

/** The request is not a webhook signed with this secret, or it is too old. */
export class WebhookVerificationError extends AtelierError {}
