/**
 * The last seconds of one waveform, on the server's time: a ring of samples in which what is missing stays missing.
 *
 * A sample has a slot, the number of periods since 1970. Within a run of frames slots follow the device's count of
 * samples; the stamps only say where a run begins, for they jitter and the count does not.
 */

import { MISSING } from "./messages.js";

/** @import { Frame } from "./messages.js" */

const REANCHOR_MS = 50;
const MAX_SLOTS = 65_536;
const REMEMBERED = 256;

export class WaveWindow {
  /**
   * @param {object} options
   * @param {number} options.rate Samples a second.
   * @param {number} options.seconds How far back it reaches.
   * @param {number} [options.most] Samples that it keeps at most.
   */
  constructor({ rate, seconds, most = MAX_SLOTS }) {
    this.rate = rate;
    this._size = Math.min(most, Math.max(1, Math.ceil(rate * seconds)));
    this._ring = new Int16Array(this._size).fill(MISSING);
    /** 1 where the sample came late. */
    this._late = new Uint8Array(this._size);
    /** Slot after the newest sample; the ring holds the slots [end - size, end). */
    this._end = -1;
    /** Where the run of frames goes on: the index of the sample that comes next, and its slot. */
    this._next = { index: -1, slot: -1 };
    /** @type {number[]} */
    this._sequences = [];
    /** Time after the newest sample that is there, in ms. */
    this.lastSampleAt = 0;
    /** Time after the newest sample that came late, in ms. */
    this.lateUntil = 0;
    /** Counts changes of what lies before the newest sample: what was drawn of it has to be drawn again. */
    this.revision = 0;
  }

  /**
   * Take a frame; a repeated one changes nothing.
   *
   * @param {Frame} frame
   * @returns {boolean} Whether it was new.
   */
  add(frame) {
    if (this._sequences.includes(frame.sequence)) return false;
    this._sequences.push(frame.sequence);
    if (this._sequences.length > REMEMBERED) this._sequences.shift();
    const slot = this._slotOf(frame);
    const count = frame.gap ? frame.count : frame.samples.length;
    if (!frame.backfill && slot + count >= this._end) this._next = { index: frame.first + count, slot: slot + count };
    if (this._end < 0) this._end = slot;
    // What is older than all that is kept changes nothing that could be drawn.
    if (slot < this._end && slot + count > this._end - this._size) this.revision += 1;
    this._advanceTo(slot + count);
    if (!frame.gap) this._write(slot, frame.samples, frame.backfill);
    return true;
  }

  /**
   * The raw sample in the slot, or MISSING.
   *
   * @param {number} slot
   */
  at(slot) {
    if (slot >= this._end || slot < this._end - this._size || slot < 0) return MISSING;
    return this._ring[slot % this._size] ?? MISSING;
  }

  /** Whether the sample in the slot came late. @param {number} slot */
  lateAt(slot) {
    return this.at(slot) !== MISSING && this._late[slot % this._size] === 1;
  }

  /**
   * A copy of a period that no longer changes.
   *
   * @param {number} from_ms
   * @param {number} until_ms
   * @returns {Strip}
   */
  copy(from_ms, until_ms) {
    const first = this.slotAt(from_ms);
    const count = Math.max(0, this.slotAt(until_ms) - first);
    const samples = Int16Array.from({ length: count }, (_, n) => this.at(first + n));
    const late = Uint8Array.from({ length: count }, (_, n) => (this.lateAt(first + n) ? 1 : 0));
    return { rate: this.rate, starts_at: this.timeOf(first), samples, late };
  }

  /** @param {number} ms @returns {number} The first slot at or after the time. */
  slotAt(ms) {
    return Math.ceil((ms * this.rate) / 1000);
  }

  /** @param {number} slot @returns {number} Its time in ms. */
  timeOf(slot) {
    return (slot * 1000) / this.rate;
  }

  /**
   * Least and greatest raw sample of the period; null when there is none.
   *
   * @param {number} from_ms
   * @param {number} until_ms
   * @returns {{ low: number, high: number } | null}
   */
  range(from_ms, until_ms) {
    let low = Infinity;
    let high = -Infinity;
    const until = Math.min(this.slotAt(until_ms), this._end);
    for (let slot = Math.max(this.slotAt(from_ms), this._end - this._size); slot < until; slot += 1) {
      const raw = this.at(slot);
      if (raw === MISSING) continue;
      if (raw < low) low = raw;
      if (raw > high) high = raw;
    }
    return low === Infinity ? null : { low, high };
  }

  /** @param {Frame} frame @returns {number} */
  _slotOf(frame) {
    const stamped = Math.round((frame.starts_at * this.rate) / 1000);
    if (frame.backfill || this._next.index < 0) return stamped;
    const counted = this._next.slot + (frame.first - this._next.index);
    const apart_ms = (Math.abs(counted - stamped) * 1000) / this.rate;
    return apart_ms > REANCHOR_MS ? stamped : counted;
  }

  /** @param {number} end */
  _advanceTo(end) {
    if (end <= this._end) return;
    const from = Math.max(this._end, end - this._size);
    for (let slot = from; slot < end; slot += 1) this._ring[slot % this._size] = MISSING;
    this._end = end;
  }

  /** @param {number} slot @param {Int16Array} samples @param {boolean} late */
  _write(slot, samples, late) {
    samples.forEach((raw, n) => {
      const place = slot + n;
      if (raw === MISSING || place < this._end - this._size) return;
      this._ring[place % this._size] = raw;
      this._late[place % this._size] = late ? 1 : 0;
      const after = this.timeOf(place + 1);
      if (after > this.lastSampleAt) this.lastSampleAt = after;
      if (late && after > this.lateUntil) this.lateUntil = after;
    });
  }
}

/** A period that stands still. @typedef {Readonly<{ rate: number, starts_at: number, samples: Int16Array, late: Uint8Array }>} Strip */

/** One pixel column of a trace: its first and last sample, and the extremes between them. */
/** @typedef {{ column: number, first: number, last: number, low: number, high: number }} Column */
/** Columns that belong together; `late` if their samples came late. @typedef {Column[] & { late?: boolean }} Run */

/**
 * Reduce a period to pixel columns, so that no spike is lost: for each column the extremes. The result is a list of
 * runs; between two runs something is missing, or what came late ends, and nothing may be drawn to join them. A column
 * without a sample of its own (more columns than samples) is left out, and the run goes on.
 *
 * @param {WaveWindow} window
 * @param {{ from_ms: number, until_ms: number, ms_per_column: number }} period Columns are numbered from 1970.
 * @returns {Run[]}
 */
export function decimate(window, { from_ms, until_ms, ms_per_column }) {
  /** @type {Run[]} */
  const runs = [];
  /** @type {Run | null} */
  let run = null;
  const until = window.slotAt(until_ms);
  for (let slot = window.slotAt(from_ms); slot < until; slot += 1) {
    const raw = window.at(slot);
    if (raw === MISSING) {
      run = null;
      continue;
    }
    const late = window.lateAt(slot);
    if (run === null || run.late !== late) {
      /** @type {Run} */
      const begun = [];
      begun.late = late;
      run = begun;
      runs.push(run);
    }
    const column = Math.floor(window.timeOf(slot) / ms_per_column);
    const newest = run.at(-1);
    if (newest?.column === column) {
      newest.last = raw;
      newest.low = Math.min(newest.low, raw);
      newest.high = Math.max(newest.high, raw);
    } else {
      run.push({ column, first: raw, last: raw, low: raw, high: raw });
    }
  }
  return runs;
}

/**
 * How far behind nearly all frames have come by then: one that was held up on the way is no reason to hold all back.
 *
 * @param {readonly number[]} behind How far behind the present the first sample of each of the last frames was when it came.
 */
export function usualDelay(behind) {
  const sorted = [...behind].sort((a, b) => a - b);
  return (sorted[Math.floor(sorted.length * 0.9)] ?? 0) + 50;
}

/**
 * How far the drawing lags behind the present: two chunks, at least 300 ms, and as much more as late frames need. It
 * grows at once and shrinks by at most 2 %.
 *
 * @param {number} current_ms
 * @param {{ chunk_ms: number, late_ms: number, passed_ms: number }} seen `late_ms`: how long after its last sample the
 *   frame came; `passed_ms`: since the last adjustment.
 * @returns {number}
 */
export function playoutDelay(current_ms, { chunk_ms, late_ms, passed_ms }) {
  const wanted = Math.min(10_000, Math.max(300, 2 * chunk_ms, chunk_ms + Math.max(0, late_ms) + 100));
  if (wanted >= current_ms) return wanted;
  return Math.max(wanted, current_ms - 0.02 * Math.max(0, passed_ms));
}
