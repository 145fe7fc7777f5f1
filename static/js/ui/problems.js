/** What a Problem says to a person: what happened, then what to do. */

import { Problem } from "./api.js";
import { knows, text } from "./text.js";

/**
 * @param {unknown} error
 * @returns {string}
 */
export function sentence(error) {
  if (!(error instanceof Problem)) return text("problem.unknown");
  if (knows(`problem.${error.code}`)) return text(`problem.${error.code}`);
  return error.detail || text("problem.unknown");
}
