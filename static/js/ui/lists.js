/** A list loaded from the API: skeleton, then rows, or the words for none, or why it could not be loaded. */

import { announce, find, maybe, showState } from "./dom.js";
import { sentence } from "./problems.js";

/**
 * Load and show; the part's retry button loads again.
 * @template T
 * @param {HTMLElement} part with children `data-when`: loading, filled, empty, failed
 * @param {() => Promise<readonly T[]>} load
 * @param {(items: readonly T[]) => void} show
 * @returns {() => Promise<void>} loads again
 */
export function connectList(part, load, show) {
  const again = async () => {
    if (part.dataset["state"] === "failed") showState(part, "loading");
    try {
      const items = await load();
      show(items);
      showState(part, items.length > 0 ? "filled" : "empty");
    } catch (error) {
      const words = sentence(error);
      find("[data-failure]", HTMLElement, part).textContent = words;
      showState(part, "failed");
      announce(words);
    }
  };
  maybe("[data-retry]", HTMLButtonElement, part)?.addEventListener("click", () => void again());
  return again;
}
