/** Who is new on the work list, and when that is worth a sound. */

const QUIET_MS = 4000;

/** @typedef {import("./messages.js").Worklist} Worklist */

/**
 * Keys of those who want something now.
 * @param {Readonly<Pick<Worklist, "ringing" | "waiting">>} list
 * @returns {ReadonlySet<string>}
 */
export function calling(list) {
  return new Set([...list.ringing.map(({ case: id }) => `case ${id}`), ...list.waiting.map(({ encounter }) => `visit ${encounter}`)]);
}

/**
 * @param {ReadonlySet<string> | null} before null for the first list: what was there before us is no news
 * @param {ReadonlySet<string>} after
 * @returns {boolean} whether somebody has come
 */
export function hasArrival(before, after) {
  return before !== null && [...after].some((key) => !before.has(key));
}

/**
 * Whether a sound is due: a crowd that comes at once is heard once.
 * @param {number} now
 * @param {number} last instant of the last sound
 * @returns {boolean}
 */
export function soundDue(now, last) {
  return now - last >= QUIET_MS;
}
