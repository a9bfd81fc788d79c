/**
 * The API's records, as the API writes them. Fields that are not listed here may be there too.
 *
 * @typedef {"pending" | "processing" | "uploading" | "success" | "error"} Status
 *
 * @typedef {object} Picture A stored picture: `size` in bytes, `width` and `height` in pixels.
 * @property {string} url
 * @property {string} contentType
 * @property {number} size
 * @property {number} width
 * @property {number} height
 * @property {string} [sha256]
 *
 * @typedef {object} Generation A generation as it stood when it was read; `output` is the URL of its first picture.
 * @property {string} id
 * @property {Status} status
 * @property {string | null} output
 * @property {string | null} thumbnail
 * @property {string | null} error
 * @property {string | null} model
 * @property {string | null} tool
 * @property {string} type
 * @property {Record<string, unknown>} payload
 * @property {Picture[]} [outputs] All pictures; a webhook has them only where there are several.
 * @property {string} createdAt
 *
 * @typedef {object} Page A part of a list, newest first.
 * @property {Generation[]} data
 * @property {{ limit: number, hasMore: boolean, nextCursor: string | null }} pagination
 *
 * @typedef {object} Model A model of the catalog; `cost` is in credits for each `costUnit`.
 * @property {string} slug
 * @property {string} name
 * @property {string} description
 * @property {boolean} available
 * @property {number} cost
 * @property {string} costUnit
 * @property {Record<string, unknown>} inputSchema
 *
 * @typedef {object} Account The owner of the key; `credits` is null where the user is not metered.
 * @property {string} id
 * @property {string} email
 * @property {number | null} credits
 * @property {string} plan
 *
 * @typedef {object} File An uploaded file; its `url` may be an item of the input `image_urls`.
 * @property {string} id
 * @property {string} url
 * @property {string} mimetype
 * @property {number} size
 *
 * @typedef {object} FieldError One field at fault.
 * @property {string} field
 * @property {string} message
 * @property {string} code
 */

export {};
