/** How far behind somebody's pictures and sound are to be played, so that repair over a bad link comes in time. */

/** @import { Figures } from "./quality.js" */

const FIRST_MS = 400;
const STEP_MS = 200;
/** Within it a third repetition over 300 ms comes late, but not so late that the picture stands still for it. */
const MOST_MS = 900;
const CALM_MS = 20_000;
/** A try to shorten the delay that fails makes the next one wait twice as long, up to this. */
const CALM_AT_MOST_MS = 160_000;
/** How long a longer delay takes to be there; pages look every three seconds. */
const SETTLES_MS = 4000;
/** Requests per packet from which we wait for the repair of what is lost. */
const LOSSY = 0.04;
/** A round trip within which browsers cope by themselves. */
const SHORT_MS = 150;
/** Until a loss shows, and until the repaired picture is decoded. */
const NOTICED_MS = 100;

/**
 * `calm_ms` is how long it must be calm until the delay is shortened.
 *
 * @typedef {Readonly<{ freezes: number, delay_ms: number, calmSince: number, calm_ms: number, shortenedAt: number,
 *   lengthenedAt: number }>} Known
 */
/** @type {Known} */
const UNKNOWN = Object.freeze({ freezes: 0, delay_ms: 0, calmSince: 0, calm_ms: CALM_MS, shortenedAt: -Infinity, lengthenedAt: -Infinity });

/** @typedef {Readonly<{ more: number, lossy: boolean, least_ms: number, now: number }>} Look */

/**
 * Browsers lengthen their buffers by what they see arrive late, but forget what was lost and repaired between two others:
 * over a long way with loss they freeze again and again. Loss on a long way lengthens it here before anything freezes,
 * so that what is lost may be lost once more; so do freezes. Calm shortens it, by trial.
 */
export class Smoothness {
  constructor() {
    /** @type {Map<string, Known>} */
    this._known = new Map();
  }

  /**
   * Take how somebody's packets fare; return the delay to ask for, or null for the browser's own.
   *
   * @param {string} participant
   * @param {Pick<Figures, "freezes" | "asked">} figures `freezes` so far, `asked` since the last look.
   * @param {number | null} trip_ms To the server and back.
   * @param {number} now Milliseconds.
   * @returns {number | null}
   */
  delay_ms(participant, { freezes, asked }, trip_ms, now) {
    const before = this._known.get(participant) ?? { ...UNKNOWN, freezes, calmSince: now };
    const lossy = (asked ?? 0) >= LOSSY;
    const least_ms = lossy ? repair_ms(trip_ms ?? 0) : 0;
    const known = next(before, { more: Math.max(0, freezes - before.freezes), lossy, least_ms, now });
    this._known.set(participant, { ...known, freezes });
    return known.delay_ms === 0 ? null : known.delay_ms;
  }
}

/** @param {Known} known @param {Look} look @returns {Known} */
function next(known, { more, lossy, least_ms, now }) {
  // A longer delay begins with a pause, which is none of the link's.
  if (now - known.lengthenedAt < SETTLES_MS) return { ...known, calmSince: now };
  // A single freeze may be a keyframe, a change of layers, a busy machine; where packets are lost, it is not. They may
  // be lost far from here, where our round trip says nothing.
  if (more > 1 || (more > 0 && lossy)) {
    const step_ms = lossy && more > 1 ? 2 * STEP_MS : STEP_MS;
    const first_ms = more > 1 ? FIRST_MS + step_ms - STEP_MS : 0;
    const failed = now - known.shortenedAt < CALM_MS;
    const calm_ms = failed ? Math.min(CALM_AT_MOST_MS, 2 * known.calm_ms) : known.calm_ms;
    return { ...lengthened(known, Math.max(least_ms, first_ms, known.delay_ms + step_ms), now), calm_ms, shortenedAt: -Infinity };
  }
  if (known.delay_ms < least_ms) return lengthened(known, least_ms, now);
  if (more > 0 || (least_ms > 0 && known.delay_ms === least_ms)) return { ...known, calmSince: now };
  if (known.delay_ms === 0 || now - known.calmSince < known.calm_ms) return known;
  const delay_ms = Math.max(least_ms, known.delay_ms > FIRST_MS ? known.delay_ms - STEP_MS : 0);
  // What went well has been calm for long enough.
  const calm_ms = known.shortenedAt > -Infinity ? CALM_MS : known.calm_ms;
  return { ...known, delay_ms, calmSince: now, calm_ms, shortenedAt: now };
}

/** @param {Known} known @param {number} delay_ms @param {number} now @returns {Known} */
function lengthened(known, delay_ms, now) {
  const longer_ms = Math.min(MOST_MS, delay_ms);
  return { ...known, delay_ms: longer_ms, calmSince: now, lengthenedAt: longer_ms > known.delay_ms ? now : known.lengthenedAt };
}

/** How long two rounds of repair take, 0 where a browser waits for them by itself. @param {number} trip_ms */
function repair_ms(trip_ms) {
  return trip_ms < SHORT_MS ? 0 : Math.min(MOST_MS, Math.round(2 * trip_ms) + NOTICED_MS);
}
