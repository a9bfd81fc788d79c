// Holds the one API key that the playground uses: in memory, and only until the page is left.

let held = "";

export const keyring = {
  get: () => held,
  hold: (key) => {
    held = key;
  },
  forget: () => {
    held = "";
  },
};
