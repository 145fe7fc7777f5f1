/**
 * Draws a waveform as a bedside monitor does: the pen runs from one edge to the other and begins again, a blank bar runs
 * ahead of it, and what is old stays until it is overwritten. Only what the device sent is drawn: nothing is joined
 * across a gap, and where nothing came a thin broken grey line says so.
 */

import { scaleFor, sizedScale } from "./scale.js";
import { decimate } from "./window.js";

/** @import { Gain, Scale } from "./scale.js" */
/** @import { Run, WaveWindow } from "./window.js" */

const BAR = 0.03;
/** Nominal: nobody knows how large a pixel is here. */
export const PX_PER_MM = 96 / 25.4;
const MM_PER_MV = 10;
/** Left free above and below, in CSS pixels. */
const RIM = 2;
const SILENT_MS = 200;
const LOST_MS = 2000;
const AGC_MS = 10_000;
const MAX_PIXELS = 4096;

/** @typedef {"live" | "late" | "lost"} Signal */
/** @typedef {{ gain: number, offset: number }} Conversion */

export class Sweep {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {object} options
   * @param {string} options.colour
   * @param {Scale} options.usual
   * @param {number} options.speed Nominal, in mm/s.
   * @param {boolean} [options.millivolts] Whether it is drawn at 10 mm/mV if that fits.
   */
  constructor(canvas, { colour, usual, speed, millivolts = false }) {
    this._canvas = canvas;
    this._pen = canvas.getContext("2d");
    this._colour = colour;
    this._usual = usual;
    this._speed = speed;
    this._millivolts = millivolts;
    /** @type {Gain} */
    this._gain = "auto";
    this._nominal = 0;
    this._stale = false;
    /** @type {Scale | null} */
    this._scale = null;
    this._scaledAt = 0;
    this._ratio = 1;
    this._head = -1;
    this._revision = -1;
    /** @type {WaveWindow | null} */
    this._window = null;
    this._size = { inline: 0, block: 0 };
    this._observer = new ResizeObserver(([entry]) => {
      if (entry) this._size = { inline: entry.contentRect.width, block: entry.contentRect.height };
    });
    this._observer.observe(canvas);
  }

  /** Height of one unit in CSS pixels, for the calibration mark. */
  get unitHeight() {
    return this._scale === null ? 0 : (this._size.block - 2 * RIM) / (this._scale.high - this._scale.low);
  }

  /** How long it takes from one edge to the other. */
  get span_ms() {
    return this._canvas.width * this._msPerColumn();
  }

  /** @param {Gain} gain */
  resize(gain) {
    if (gain === this._gain) return;
    if (this._gain === "auto" && this._scale !== null) this._nominal = this._scale.high - this._scale.low;
    this._gain = gain;
    this._scaledAt = 0;
  }

  /** @param {string} colour */
  recolour(colour) {
    this._stale ||= colour !== this._colour;
    this._colour = colour;
  }

  close() {
    this._observer.disconnect();
  }

  /**
   * Draw up to the instant, in the server's time.
   *
   * @param {WaveWindow} window
   * @param {Conversion} conversion
   * @param {number} playhead_ms
   * @returns {Signal}
   */
  paint(window, conversion, playhead_ms) {
    const silence = playhead_ms - window.lastSampleAt;
    const signal = silence <= SILENT_MS ? "live" : silence <= LOST_MS ? "late" : "lost";
    const resized = this._resized();
    if (resized) this._scaledAt = 0;
    const anew = resized || this._stale || window !== this._window || window.revision !== this._revision;
    this._stale = false;
    const rescaled = this._rescaled(window, conversion, playhead_ms);
    this._window = window;
    this._revision = window.revision;
    const width = this._canvas.width;
    if (this._pen === null || width === 0) return signal;
    const ms_per_column = this._msPerColumn();
    const head = Math.floor(playhead_ms / ms_per_column);
    const bar = Math.max(4, Math.round(width * BAR));
    const whole = anew || rescaled || head < this._head || head - this._head >= width - bar;
    const from = whole ? head - width + bar + 1 : this._head + 1;
    if (head >= from) this._draw(window, conversion, { from, head, bar, ms_per_column, whole });
    this._head = head;
    return signal;
  }

  _msPerColumn() {
    return 1000 / (this._speed * PX_PER_MM * this._ratio);
  }

  /** Follow the size of the element and the density of the screen. @returns {boolean} Whether they changed. */
  _resized() {
    const ratio = Math.min(globalThis.devicePixelRatio || 1, 3);
    const width = Math.min(MAX_PIXELS, Math.round(this._size.inline * ratio));
    const height = Math.min(MAX_PIXELS, Math.round(this._size.block * ratio));
    if (width === this._canvas.width && height === this._canvas.height && ratio === this._ratio) return false;
    this._canvas.width = width;
    this._canvas.height = height;
    this._ratio = ratio;
    return true;
  }

  /** @param {WaveWindow} window @param {Conversion} conversion @param {number} playhead_ms @returns {boolean} */
  _rescaled(window, { gain, offset }, playhead_ms) {
    if (this._scale !== null && Math.abs(playhead_ms - this._scaledAt) < 1000) return false;
    // The last of a trace that has stopped must not be drawn larger and larger as the rest grows old.
    if (this._scale !== null && this._scaledAt !== 0 && playhead_ms - window.lastSampleAt > SILENT_MS) return false;
    this._scaledAt = playhead_ms;
    const seen_ms = Math.max(AGC_MS, this._canvas.width * this._msPerColumn());
    const raw = window.range(playhead_ms - seen_ms, playhead_ms);
    const ends = raw === null ? null : [raw.low * gain + offset, raw.high * gain + offset];
    const seen = ends === null ? null : { low: Math.min(...ends), high: Math.max(...ends) };
    const before = this._scale;
    this._scale = this._scaled(before, seen);
    return before === null || before.low !== this._scale.low || before.high !== this._scale.high;
  }

  /** @param {Scale | null} before @param {Scale | null} seen @returns {Scale} */
  _scaled(before, seen) {
    const gain = this._gain;
    if (this._millivolts && this._size.block > 0) {
      return sizedScale(before, seen, { gain, span: (this._size.block - 2 * RIM) / (PX_PER_MM * MM_PER_MV) });
    }
    if (gain === "auto") return scaleFor(before, this._usual, seen);
    const usual = this._usual.high - this._usual.low;
    return sizedScale(before, seen, { gain, span: usual > 0 ? usual : this._nominal || 1 });
  }

  /**
   * @param {WaveWindow} window
   * @param {Conversion} conversion
   * @param {{ from: number, head: number, bar: number, ms_per_column: number, whole: boolean }} region
   */
  _draw(window, conversion, { from, head, bar, ms_per_column, whole }) {
    const pen = /** @type {CanvasRenderingContext2D} */ (this._pen);
    const { width, height } = this._canvas;
    // A line reaches back to the sample before the region, or it would begin with a hole.
    const back = Math.ceil(1000 / window.rate / ms_per_column) + 1;
    const reach = Math.ceil(SILENT_MS / ms_per_column) + back;
    const period = { from_ms: (from - reach) * ms_per_column, until_ms: (head + 1) * ms_per_column, ms_per_column };
    const runs = decimate(window, period);
    const base = Math.floor(from / width) * width;
    if (whole) pen.clearRect(0, 0, width, height);
    for (const turn of [0, 1]) {
      const left = from - base - turn * width;
      const right = head + 1 - base - turn * width;
      pen.save();
      pen.beginPath();
      pen.rect(left, 0, right - left, height);
      pen.clip();
      pen.clearRect(left, 0, right - left, height);
      const origin = base + turn * width;
      this._line(pen, runs.filter((run) => !run.late), conversion, { origin, late: false });
      this._line(pen, runs.filter((run) => run.late), conversion, { origin, late: true });
      this._silence(pen, runs, { from, head, reach: SILENT_MS / ms_per_column, origin });
      pen.restore();
      pen.clearRect(right, 0, bar, height);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {readonly Run[]} runs
   * @param {Conversion} conversion
   * @param {{ origin: number, late: boolean }} how `origin`: column at the left edge; subtracted here, since a canvas
   *   counts in 32-bit floats. `late`: dimmer and dotted, since nobody saw it when it happened.
   */
  _line(pen, runs, { gain, offset }, { origin, late }) {
    if (runs.length === 0) return;
    const { height } = this._canvas;
    const scale = this._scale ?? { low: 0, high: 1 };
    const rim = this._ratio * RIM;
    const perUnit = (height - 2 * rim) / (scale.high - scale.low);
    const y = (/** @type {number} */ raw) => height - rim - (raw * gain + offset - scale.low) * perUnit;
    pen.beginPath();
    for (const run of runs) {
      run.forEach(({ column, first, low, high, last }, n) => {
        const x = column - origin + 0.5;
        if (n === 0) pen.moveTo(x, y(first));
        else pen.lineTo(x, y(first));
        if (low !== high) {
          pen.lineTo(x, y(low));
          pen.lineTo(x, y(high));
        }
        pen.lineTo(x, y(last));
      });
    }
    pen.lineJoin = "round";
    pen.lineCap = late ? "butt" : "round";
    pen.lineWidth = (late ? 1.25 : 1.75) * this._ratio;
    pen.strokeStyle = this._colour;
    pen.globalAlpha = late ? 0.6 : 1;
    pen.setLineDash(late ? [3 * this._ratio, 2 * this._ratio] : []);
    pen.stroke();
    pen.globalAlpha = 1;
    pen.setLineDash([]);
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {readonly Run[]} runs
   * @param {{ from: number, head: number, reach: number, origin: number }} region
   */
  _silence(pen, runs, { from, head, reach, origin }) {
    const ends = [...runs.map((run) => run.at(-1)?.column ?? from), head + 1];
    const starts = [...runs.map((run) => run[0]?.column ?? from), head + 1];
    const middle = Math.round(this._canvas.height / 2);
    pen.fillStyle = "#8a989f";
    let silentFrom = from;
    starts.forEach((start, n) => {
      for (let column = Math.ceil(Math.max(from, silentFrom)); column < start; column += 1) {
        if (column % 8 < 3) pen.fillRect(column - origin, middle, 1, this._ratio);
      }
      silentFrom = (ends[n] ?? head) + reach;
    });
  }
}
