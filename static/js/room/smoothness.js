/** How far behind somebody's pictures and sound are to be played, so that repair over a bad link comes in time. */

/** @import { Figures } from "./quality.js" */

const FIRST_MS = 400;
const STEP_MS = 200;
const MOST_MS = 800;
const CALM_MS = 20_000;
/** The same where packets go on to be lost: most likely it is the delay that makes it calm. */
const CALM_IN_LOSS_MS = 60_000;
/** Requests per packet from which we wait for the repair of what is lost. */
const LOSSY = 0.04;
/** A round trip within which browsers cope by themselves. */
const SHORT_MS = 150;
/** Until a loss shows, and until the repaired picture is decoded. */
const NOTICED_MS = 100;

/** @typedef {{ freezes: number, delay_ms: number, calmSince: number }} Known */

/**
 * Browsers lengthen their buffers by what they see arrive late, but forget what was lost and repaired between two others:
 * over a long way with loss they freeze again and again. Loss on a long way lengthens it here before anything freezes,
 * so that what is lost may be lost once more; so do freezes. Calm shortens it, slowly.
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
    const known = this._known.get(participant) ?? { freezes, delay_ms: 0, calmSince: now };
    const more = Math.max(0, freezes - known.freezes);
    const lossy = (asked ?? 0) >= LOSSY;
    const least_ms = lossy ? repair_ms(trip_ms ?? 0) : 0;
    if (least_ms > 0 && known.delay_ms <= least_ms) {
      known.delay_ms = least_ms;
      known.calmSince = now;
    }
    // A single freeze may be a keyframe, a change of layers, a busy machine; where packets are lost, it is not.
    if (more > 1 || (more > 0 && lossy)) {
      // The loss may be far from here, where our round trip says nothing.
      const step_ms = lossy ? 2 * STEP_MS : STEP_MS;
      known.delay_ms = Math.min(MOST_MS, Math.max(FIRST_MS, known.delay_ms + step_ms));
      known.calmSince = now;
    } else if (more > 0 && known.delay_ms > 0) {
      known.calmSince = now;
    } else if (known.delay_ms > 0 && now - known.calmSince >= (lossy ? CALM_IN_LOSS_MS : CALM_MS)) {
      known.delay_ms = known.delay_ms > FIRST_MS ? known.delay_ms - STEP_MS : 0;
      known.calmSince = now;
    }
    this._known.set(participant, { ...known, freezes });
    return known.delay_ms === 0 ? null : known.delay_ms;
  }
}

/** How long two rounds of repair take, 0 where a browser waits for them by itself. @param {number} trip_ms */
function repair_ms(trip_ms) {
  return trip_ms < SHORT_MS ? 0 : Math.min(MOST_MS, Math.round(2 * trip_ms) + NOTICED_MS);
}
