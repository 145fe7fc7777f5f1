/** Watches the large picture: when it was taken, and holding it back for what is drawn over it. */

import { offsetMs } from "./server_clock.js";
import { PictureClock, holdBack } from "./picture_clock.js";

/** @import { Clock } from "./messages.js" */
/** @import { ServerClock } from "./server_clock.js" */

/** The large picture of somebody else. @typedef {{ video: HTMLVideoElement, participant: string, source: string }} Picture */

/** A change takes a while to be seen: who asks sooner asks too much. */
const ADJUST_MS = 3000;

export class Alignment {
  /**
   * @param {object} options
   * @param {() => Picture | null} options.picture
   * @param {() => ServerClock} options.clock
   * @param {(track: MediaStreamTrack) => RTCRtpReceiver | null} options.receiver
   */
  constructor({ picture, clock, receiver }) {
    this._picture = picture;
    this._serverClock = clock;
    this._receiver = receiver;
    this._clock = new PictureClock();
    /** @type {HTMLVideoElement | null} */
    this._watched = null;
    this._request = 0;
    this._held = 0;
    this._adjustedAt = 0;
  }

  /** @param {Clock} clock */
  heard(clock) {
    this._clock.heard(clock);
  }

  /** How far the large picture is behind, in ms; null if nobody knows. */
  get lag_ms() {
    return this._clock.lagAt(this._now());
  }

  /** Follow the large picture; called when it may be another. */
  follow() {
    const picture = this._picture();
    const video = picture?.video ?? null;
    if (video === this._watched) return;
    this._set(null);
    this.stop();
    this._watched = video;
    if (video !== null && "requestVideoFrameCallback" in video) this._next(video);
  }

  stop() {
    this._watched?.cancelVideoFrameCallback?.(this._request);
    this._watched = null;
  }

  /**
   * Hold the picture back until what belongs to it has come; 0 lets it go.
   *
   * @param {number} vitals_ms How far that is behind.
   */
  hold(vitals_ms) {
    const lag = this.lag_ms;
    const now = performance.now();
    if (now - this._adjustedAt < ADJUST_MS) return;
    this._adjustedAt = now;
    if (vitals_ms === 0) this._set(null);
    else if (lag !== null) this._set(holdBack({ held_ms: this._held, lag_ms: lag, vitals_ms }));
  }

  /** @param {number | null} target */
  _set(target) {
    // A change of a few milliseconds is not worth the ripple in the sound.
    if (Math.abs((target ?? 0) - this._held) < 20) return;
    const stream = this._watched?.srcObject;
    if (!(stream instanceof MediaStream)) return;
    for (const track of stream.getTracks()) {
      const receiver = this._receiver(track);
      if (receiver !== null && "jitterBufferTarget" in receiver) receiver.jitterBufferTarget = target;
    }
    this._held = target ?? 0;
  }

  /** @param {HTMLVideoElement} video */
  _next(video) {
    this._request = video.requestVideoFrameCallback((_now, frame) => {
      const picture = this._picture();
      if (video !== this._watched) return;
      if (picture?.video === video && frame.rtpTimestamp !== undefined) {
        const shown_at = this._now() + frame.expectedDisplayTime - performance.now();
        this._clock.shown({ participant: picture.participant, source: picture.source, rtp: frame.rtpTimestamp, shown_at });
      }
      this._next(video);
    });
  }

  _now() {
    return Date.now() + offsetMs(this._serverClock());
  }
}
