// The API key of the playground, in memory only: one that the console made for a user, or one that was pasted.

import { admin } from "./api.js";

const LIFETIME_MS = 60 * 60 * 1000;
const SPARE_MS = 5 * 60 * 1000; // a key that ends sooner is replaced before it is used

/** @type {{ id: string, key: string, user: string, endsAt: number } | null} */
let made = null;
let pasted = "";

export const playgroundKey = {
  /** Return the pasted key, or an empty text. */
  pasted: () => pasted,

  /**
   * Keep a pasted key until the page is left.
   * @param {string} key
   */
  paste: (key) => {
    pasted = key;
  },

  /**
   * Return a key of a user: the one that was made before, or a new one for an hour.
   * @param {string} user an e-mail address
   * @returns {Promise<string>}
   */
  of: async (user) => {
    if (made && made.user === user && made.endsAt - SPARE_MS > Date.now()) return made.key;
    await playgroundKey.revoke();
    const endsAt = Date.now() + LIFETIME_MS;
    const body = { name: "Console playground", user, expiresAt: new Date(endsAt).toISOString() };
    const answer = await admin("POST", "keys", { body });
    made = { id: answer.id, key: answer.key, user, endsAt };
    return answer.key;
  },

  /** Revoke the key that was made, and forget all; one that cannot be revoked ends by itself. */
  revoke: async () => {
    const id = made?.id;
    playgroundKey.forget();
    if (id) await admin("DELETE", `keys/${encodeURIComponent(id)}`, { keepalive: true }).catch(() => {});
  },

  /** Forget the keys. */
  forget: () => {
    made = null;
    pasted = "";
  },
};
