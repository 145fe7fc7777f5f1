/**
 * When the picture that is seen now was taken: from its RTP timestamps and what the server says of them. Pure.
 *
 * Frames come unevenly and clocks are told anew each second, so the lag is a median that moves slowly: what is drawn by
 * it neither jumps nor runs backwards.
 */

/** @import { Clock } from "./messages.js" */

const WRAP = 2 ** 32;
const KEPT = 7;
const JUMP_MS = 250;
/** How much of the time that passes the lag may change: a trace then runs a little slower or faster, never back. */
const SLEW = 0.2;
const FORGET_MS = 3000;
const MOST_MS = 10_000;
const ENOUGH_MS = 30;
const TOO_MUCH_MS = 150;
const MOST_HELD_MS = 1000;

/**
 * When a frame with this timestamp was taken, in the server's time.
 *
 * @param {Pick<Clock, "rtp" | "at" | "rate">} clock
 * @param {number} rtp
 * @returns {number}
 */
export function takenAt({ rtp: known, at, rate }, rtp) {
  const ahead = (((rtp - known) % WRAP) + WRAP) % WRAP;
  const steps = ahead >= WRAP / 2 ? ahead - WRAP : ahead;
  return at + (steps * 1000) / rate;
}

/** @param {readonly number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

export class PictureClock {
  constructor() {
    /** @type {Map<string, Clock>} */
    this._clocks = new Map();
    /** @type {number[]} */
    this._lags = [];
    this._key = "";
    this._shownAt = 0;
    this._lag = 0;
    this._movedAt = 0;
  }

  /** @param {Clock} clock */
  heard(clock) {
    this._clocks.set(keyOf(clock.participant, clock.source), clock);
    // A room has few pictures; of those who are gone nothing needs to be known.
    const [eldest] = this._clocks.keys();
    if (this._clocks.size > 16 && eldest !== undefined) this._clocks.delete(eldest);
  }

  /**
   * A frame is shown.
   *
   * @param {{ participant: string, source: string, rtp: number, shown_at: number }} frame `shown_at`: server's time.
   */
  shown({ participant, source, rtp, shown_at }) {
    const key = keyOf(participant, source);
    const clock = this._clocks.get(key);
    if (key !== this._key) {
      this._key = key;
      this._lags = [];
    }
    if (clock === undefined) return;
    const lag = shown_at - takenAt(clock, rtp);
    if (lag < -JUMP_MS || lag > MOST_MS) return;
    this._lags = [...this._lags, Math.max(0, lag)].slice(-KEPT);
    this._move(median(this._lags), shown_at);
    this._shownAt = shown_at;
  }

  /**
   * How far the picture is behind, in ms; null if it stands still or nobody says when it was taken.
   *
   * @param {number} now Server's time.
   */
  lagAt(now) {
    return this._lags.length > 0 && now - this._shownAt <= FORGET_MS ? this._lag : null;
  }

  /** @param {number} wanted @param {number} now */
  _move(wanted, now) {
    const step = SLEW * Math.max(0, now - this._movedAt);
    const far = this._lags.length === 1 || Math.abs(wanted - this._lag) > JUMP_MS;
    this._lag = far ? wanted : this._lag + Math.max(-step, Math.min(step, wanted - this._lag));
    this._movedAt = now;
  }
}

/** @param {string} participant @param {string} source */
function keyOf(participant, source) {
  return `${participant} ${source}`;
}

/**
 * How much the picture should be held back so that what belongs to it has come, or null if it need not be.
 *
 * @param {{ held_ms: number, lag_ms: number, vitals_ms: number }} now `held_ms`: what was asked for until now.
 * @returns {number | null}
 */
export function holdBack({ held_ms, lag_ms, vitals_ms }) {
  const missing = vitals_ms - lag_ms;
  if (held_ms === 0 && missing <= 0) return null;
  // Each change is a ripple in picture and sound: what is good enough stays.
  if (held_ms > 0 && missing <= ENOUGH_MS && missing >= -TOO_MUCH_MS) return held_ms;
  // What is asked for is the time in the browser's buffer; about half of the lag is already spent there.
  const wanted = held_ms === 0 ? missing + lag_ms / 2 : held_ms + missing / 2;
  return Math.round(Math.max(0, Math.min(MOST_HELD_MS, wanted)));
}
