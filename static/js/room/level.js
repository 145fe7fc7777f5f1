/** How loud the microphone is, as a bar that moves. */

import { maybe } from "../ui/dom.js";

const FLOOR_DB = -55;
const SPOKEN_MS = 500;

export class Level {
  /** @param {HTMLElement} meter An element of role `meter` with a `.level-fill`. */
  constructor(meter) {
    this._meter = meter;
    this._fill = maybe(".level-fill", HTMLElement, meter);
    /** @type {AudioContext | null} */
    this._context = null;
    /** @type {MediaStreamTrack | null} */
    this._track = null;
    this._frame = 0;
    this._saidAt = 0;
  }

  /** @param {MediaStreamTrack | null} track */
  follow(track) {
    if (track === this._track) return;
    this.stop();
    if (track === null || !("AudioContext" in globalThis)) return;
    this._track = track;
    this._context = new AudioContext();
    const analyser = new AnalyserNode(this._context, { fftSize: 1024 });
    this._context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    // Some browsers let sound be measured only after a press.
    const wake = () => void this._context?.resume();
    document.addEventListener("pointerdown", wake, { once: true });
    const samples = new Float32Array(analyser.fftSize);
    const look = () => {
      analyser.getFloatTimeDomainData(samples);
      this._show(loudness(samples));
      this._frame = requestAnimationFrame(look);
    };
    look();
  }

  stop() {
    cancelAnimationFrame(this._frame);
    void this._context?.close();
    this._context = null;
    this._track = null;
    this._show(0);
  }

  /** @param {number} part */
  _show(part) {
    this._fill?.style.setProperty("transform", `scaleX(${part.toFixed(3)})`);
    const now = performance.now();
    if (now - this._saidAt < SPOKEN_MS) return;
    this._saidAt = now;
    this._meter.setAttribute("aria-valuenow", String(Math.round(part * 100)));
  }
}

/**
 * Loudness from 0 to 1 on a scale of decibels.
 *
 * @param {Float32Array} samples
 */
export function loudness(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const db = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12);
  return Math.min(1, Math.max(0, (db - FLOOR_DB) / -FLOOR_DB));
}
