/** What the height of a trace stands for, in the channel's unit: pure. */

/** @typedef {Readonly<{ low: number, high: number }>} Scale */

/**
 * Return the scale to draw with, the old one as long as it still serves: a trace that breathes with its scale can't be
 * compared with itself.
 *
 * @param {Scale | null} current
 * @param {Scale} usual Equal ends: the trace scales itself.
 * @param {Scale | null} seen Extremes of the last seconds, in the unit.
 * @returns {Scale}
 */
export function scaleFor(current, usual, seen) {
  const fixed = usual.high > usual.low;
  if (seen === null) return current ?? (fixed ? usual : { low: 0, high: 1 });
  if (fixed && seen.low >= usual.low && seen.high <= usual.high) return usual;
  const least = fixed ? usual.high - usual.low : Number.MIN_VALUE;
  const span = Math.max((seen.high - seen.low) * 1.2, least, Math.abs(seen.high) * 1e-6, 1e-9);
  if (current !== null && serves(current, seen, span)) return current;
  const middle = (seen.high + seen.low) / 2;
  return { low: middle - span / 2, high: middle + span / 2 };
}

/** @param {Scale} scale @param {Scale} seen @param {number} span */
function serves(scale, seen, span) {
  return seen.low >= scale.low && seen.high <= scale.high && span >= (scale.high - scale.low) * 0.5;
}

/** How large a trace is drawn: by itself, or so many times its nominal size. @type {readonly Gain[]} */
export const GAINS = ["auto", "0.5", "1", "2", "4"];

/** @typedef {"auto" | "0.5" | "1" | "2" | "4"} Gain */

/** Sizes that a monitor chooses from by itself when a trace does not fit. */
const FITTING = [1, 0.5, 0.25];

/**
 * Return the scale of a trace that has a nominal size: 10 mm for 1 mV, or the usual span on the whole height.
 *
 * By itself it takes the nominal size, or a half or a quarter of it if the trace would not fit. A chosen size stays
 * whatever comes: then the trace may leave its row, and everybody sees that it is too large.
 *
 * @param {Scale | null} current
 * @param {Scale | null} seen Extremes of the last seconds, in the unit.
 * @param {{ gain: Gain, span: number }} size `span`: what fits on the height at the nominal size.
 * @returns {Scale}
 */
export function sizedScale(current, seen, { gain, span }) {
  const needed = seen === null ? 0 : seen.high - seen.low;
  const factor = gain === "auto" ? (FITTING.find((one) => needed <= (span / one) * 0.95) ?? 0) : Number(gain);
  const height = factor === 0 ? needed * 1.2 : span / factor;
  if (current !== null && sameSize(current, height) && (seen === null || holds(current, seen))) return current;
  const middle = seen === null ? (current === null ? 0 : (current.high + current.low) / 2) : (seen.high + seen.low) / 2;
  return { low: middle - height / 2, high: middle + height / 2 };
}

/** @param {Scale} scale @param {number} height */
function sameSize({ low, high }, height) {
  return Math.abs(high - low - height) < height * 0.01;
}

/** Whether a trace stays in its row, or about its middle if it is larger than that. @param {Scale} scale @param {Scale} seen */
function holds(scale, seen) {
  const height = scale.high - scale.low;
  if (seen.high - seen.low < height) return seen.low >= scale.low && seen.high <= scale.high;
  return Math.abs((scale.high + scale.low) / 2 - (seen.high + seen.low) / 2) < height / 4;
}

/** @param {string | null} stored @returns {Gain} */
export function gainOf(stored) {
  return GAINS.find((gain) => gain === stored) ?? "auto";
}
