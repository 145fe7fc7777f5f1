/** The last minutes of all that was measured, to look back at: numbers and waveforms at their time, gaps as gaps. */

import { readingKey } from "./numerics.js";
import { WaveWindow } from "./window.js";

/** @import { Channel, Frame, Numerics } from "./messages.js" */
/** @import { Reading, Readings } from "./numerics.js" */

/** Minutes that can be looked back at. */
export const MINUTES = 10;

const KEPT_MS = (MINUTES * 60 + 30) * 1000;
const MOST_POINTS = 5000;
const MOST_PARAMETERS = 64;
const MOST_CHANNELS = 24;
const MOST_SAMPLES = 400_000;

/**
 * A number at its time. `late`: it was received long after.
 *
 * @typedef {Reading & Readonly<{ late: boolean }>} Point
 */
/** @typedef {Readonly<{ channel: Channel, window: WaveWindow }>} Recorded */

export class Recording {
  constructor() {
    /** Of each parameter of each device, in order of time. @type {Map<string, Point[]>} */
    this._series = new Map();
    /** @type {Map<number, Recorded>} */
    this._channels = new Map();
    /** Time of the newest of all, in ms; 0 as long as there is nothing. */
    this.newest = 0;
    /** Time of the first of all. */
    this.earliest = Infinity;
  }

  /** Channels of which something may be recorded, those of the newest boots last. @returns {readonly Recorded[]} */
  get channels() {
    return [...this._channels.values()];
  }

  /** @param {readonly Channel[]} channels */
  describe(channels) {
    for (const channel of channels) {
      const known = this._channels.get(channel.ch);
      if (known && known.channel.rate === channel.rate) continue;
      const window = new WaveWindow({ rate: channel.rate, seconds: KEPT_MS / 1000, most: MOST_SAMPLES });
      this._channels.set(channel.ch, { channel, window });
      const [eldest] = this._channels.keys();
      if (this._channels.size > MOST_CHANNELS && eldest !== undefined) this._channels.delete(eldest);
    }
  }

  /** @param {Frame} frame */
  waved(frame) {
    const recorded = this._channels.get(frame.channel);
    if (recorded === undefined) return;
    recorded.window.add(frame);
    this._reaches(frame.starts_at, frame.starts_at + (frame.count * 1000) / recorded.channel.rate);
  }

  /** @param {Pick<Numerics, "device" | "values" | "taken_at" | "demo" | "late">} message */
  measured({ device, values, taken_at, demo, late }) {
    for (const { mdc, value, quality, conflict } of values) {
      const key = readingKey(mdc, device);
      const series = this._series.get(key) ?? [];
      if (series.length === 0 && this._series.size >= MOST_PARAMETERS) continue;
      this._series.set(key, series);
      put(series, { mdc, device, conflict, value: quality === "invalid" ? null : value, taken_at, quality, demo, late });
    }
    this._reaches(taken_at, taken_at);
  }

  /**
   * What was known of each parameter at that time, by what is known now.
   *
   * @param {number} at
   * @returns {Readings}
   */
  readingsAt(at) {
    /** @type {Map<string, Reading>} */
    const readings = new Map();
    for (const [key, series] of this._series) {
      const point = series[after(series, at) - 1];
      if (point !== undefined) readings.set(key, point);
    }
    return readings;
  }

  /**
   * @param {number} mdc
   * @param {number} from_ms
   * @param {number} until_ms
   * @returns {readonly Point[]}
   */
  series(mdc, from_ms, until_ms) {
    const parts = [...this._series.entries()]
      .filter(([key]) => key.startsWith(readingKey(mdc, "")))
      .map(([, series]) => series.slice(after(series, from_ms - 1), after(series, until_ms)));
    return parts.length === 1 ? (parts[0] ?? []) : parts.flat().sort((a, b) => a.taken_at - b.taken_at);
  }

  clear() {
    this._series.clear();
    this._channels.clear();
    this.newest = 0;
    this.earliest = Infinity;
  }

  /** @param {number} from @param {number} until */
  _reaches(from, until) {
    this.newest = Math.max(this.newest, until);
    this.earliest = Math.max(Math.min(this.earliest, from), this.newest - KEPT_MS);
  }
}

/** Index of the first point after the time. @param {readonly Point[]} series @param {number} at */
function after(series, at) {
  let low = 0;
  let high = series.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((series[middle]?.taken_at ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @param {Point[]} series @param {Point} point */
function put(series, point) {
  const place = after(series, point.taken_at);
  const known = series[place - 1];
  if (known?.taken_at === point.taken_at) {
    // The same, told twice; what came live stays what came live.
    if (known.late) series[place - 1] = point;
    return;
  }
  series.splice(place, 0, point);
  const newest = series.at(-1)?.taken_at ?? 0;
  // The last one of before stays: it is what is known until the next, be it hours.
  const old = Math.max(after(series, newest - KEPT_MS) - 1, series.length - MOST_POINTS);
  if (old > 0) series.splice(0, old);
}

/**
 * Cut a series where something is missing: nothing may be drawn to join the parts.
 *
 * @param {readonly Point[]} series
 * @param {number} most_ms Points farther apart are not joined.
 * @returns {readonly (readonly (Point & { value: number })[])[]}
 */
export function pieces(series, most_ms) {
  /** @type {(Point & { value: number })[][]} */
  const found = [];
  let before = -Infinity;
  for (const point of series) {
    if (point.value === null) {
      before = -Infinity;
      continue;
    }
    if (point.taken_at - before > most_ms) found.push([]);
    found.at(-1)?.push({ ...point, value: point.value });
    before = point.taken_at;
  }
  return found;
}
