/** How far behind somebody's pictures and sound are to be played, so that repair over a bad link comes in time. */

const FIRST_MS = 400;
const STEP_MS = 200;
const MOST_MS = 800;
const CALM_MS = 20_000;

/** @typedef {{ freezes: number, delay_ms: number, calmSince: number }} Known */

/**
 * Browsers lengthen their buffers by what they see arrive late, but forget what was lost and repaired between two others:
 * over a long way with loss they freeze again and again. Freezes lengthen it here; calm shortens it, slowly.
 */
export class Smoothness {
  constructor() {
    /** @type {Map<string, Known>} */
    this._known = new Map();
  }

  /**
   * Take how often somebody's picture has frozen so far; return the delay to ask for, or null for the browser's own.
   *
   * @param {string} participant
   * @param {number} freezes
   * @param {number} now Milliseconds.
   * @returns {number | null}
   */
  delay_ms(participant, freezes, now) {
    const known = this._known.get(participant) ?? { freezes, delay_ms: 0, calmSince: now };
    const more = Math.max(0, freezes - known.freezes);
    // A single freeze may be a keyframe, a change of layers, a busy machine.
    if (more > 1) {
      known.delay_ms = Math.min(MOST_MS, Math.max(FIRST_MS, known.delay_ms + STEP_MS));
      known.calmSince = now;
    } else if (more > 0 && known.delay_ms > 0) {
      known.calmSince = now;
    } else if (known.delay_ms > 0 && now - known.calmSince >= CALM_MS) {
      known.delay_ms = known.delay_ms > FIRST_MS ? known.delay_ms - STEP_MS : 0;
      known.calmSince = now;
    }
    this._known.set(participant, { ...known, freezes });
    return known.delay_ms === 0 ? null : known.delay_ms;
  }
}
