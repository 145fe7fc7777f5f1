/** Keeping the screen on (W3C Screen Wake Lock): a screen that goes dark ends a call on many phones. */

export class Awake {
  constructor() {
    /** @type {WakeLockSentinel | null} */
    this._lock = null;
  }

  /** @param {boolean} wanted */
  async keep(wanted) {
    if (!("wakeLock" in navigator)) return;
    try {
      if (wanted && (this._lock === null || this._lock.released)) this._lock = await navigator.wakeLock.request("screen");
      else if (!wanted) await this._lock?.release();
    } catch {
      // The battery is low, or the page is not in sight: the call goes on all the same.
    }
  }
}
