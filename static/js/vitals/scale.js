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
