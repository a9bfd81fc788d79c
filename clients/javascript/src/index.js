/** A client of an Atelier image-generation API: `Atelier`, and `verifyWebhook` for receivers. */

export { Atelier } from "./client.js";
export {
  ApiError,
  AtelierError,
  GenerationFailedError,
  UnavailableError,
  WaitTimeoutError,
  WebhookVerificationError,
} from "./errors.js";
export { verifyWebhook } from "./webhooks.js";

/** @typedef {import("./models.js").Account} Account */
/** @typedef {import("./models.js").FieldError} FieldError */
/** @typedef {import("./models.js").File} File */
/** @typedef {import("./models.js").Generation} Generation */
/** @typedef {import("./models.js").Model} Model */
/** @typedef {import("./models.js").Page} Page */
/** @typedef {import("./models.js").Picture} Picture */
/** @typedef {import("./models.js").Status} Status */
