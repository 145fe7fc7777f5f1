/** Measuring on a strip that stands still: time, rate and difference between two marks. Pure. */

import { MISSING } from "./messages.js";

/** @import { Strip } from "./window.js" */

/** Grid of ECG paper at 25 mm/s and 10 mm/mV: small and large squares. */
export const SMALL_MS = 40;
export const LARGE_MS = 200;
export const SMALL_MV = 0.1;
export const LARGE_MV = 0.5;

/**
 * @typedef {Readonly<{ apart_ms: number, per_minute: number | null, change: number | null }>} Measure `change` is null
 *   where one of the marks stands on nothing.
 */

/**
 * The value at the time, in the channel's unit; null where nothing came.
 *
 * @param {Strip} strip
 * @param {{ gain: number, offset: number }} conversion
 * @param {number} at
 */
export function valueAt(strip, { gain, offset }, at) {
  const raw = strip.samples[Math.round(((at - strip.starts_at) * strip.rate) / 1000)];
  return raw === undefined || raw === MISSING ? null : raw * gain + offset;
}

/**
 * @param {Strip} strip
 * @param {{ gain: number, offset: number }} conversion
 * @param {{ from: number, to: number }} marks
 * @returns {Measure}
 */
export function measure(strip, conversion, { from, to }) {
  const apart_ms = Math.abs(to - from);
  const start = valueAt(strip, conversion, from);
  const end = valueAt(strip, conversion, to);
  return {
    apart_ms,
    per_minute: apart_ms < 1 ? null : 60_000 / apart_ms,
    change: start === null || end === null ? null : end - start,
  };
}

/**
 * Where a mark goes when a key is pressed; null for keys that mean nothing to it.
 *
 * @param {string} key
 * @param {{ at: number, from: number, until: number, shift: boolean, step: number }} mark `step`: from sample to sample.
 */
export function moved(key, { at, from, until, shift, step }) {
  const steps = new Map([
    ["ArrowLeft", shift ? -SMALL_MS : -step],
    ["ArrowRight", shift ? SMALL_MS : step],
    ["ArrowDown", shift ? -SMALL_MS : -step],
    ["ArrowUp", shift ? SMALL_MS : step],
    ["PageDown", -LARGE_MS],
    ["PageUp", LARGE_MS],
    ["Home", from - at],
    ["End", until - at],
  ]);
  const by = steps.get(key);
  return by === undefined ? null : Math.max(from, Math.min(until, at + by));
}

/**
 * Extremes of a strip, in the channel's unit; null when there is nothing on it.
 *
 * @param {Strip} strip
 * @param {{ gain: number, offset: number }} conversion
 */
export function extremes({ samples }, { gain, offset }) {
  let low = Infinity;
  let high = -Infinity;
  for (const raw of samples) {
    if (raw === MISSING) continue;
    if (raw < low) low = raw;
    if (raw > high) high = raw;
  }
  if (low === Infinity) return null;
  const ends = [low * gain + offset, high * gain + offset];
  return { low: Math.min(...ends), high: Math.max(...ends) };
}
