/** The rows of waveforms: one for each label of each device, with the newest channel of that name. */

import { element } from "../ui/dom.js";
import { recall, remember } from "../ui/storage.js";
import { text } from "../ui/text.js";
import { colourOf } from "./colours.js";
import { gainOf } from "./scale.js";
import { PX_PER_MM, Sweep } from "./sweep.js";
import { playoutDelay, usualDelay, WaveWindow } from "./window.js";

/** @import { Channel, Frame } from "./messages.js" */
/** @import { WaveSpec } from "./numerics.js" */
/** @import { Gain } from "./scale.js" */
/** @import { Signal } from "./sweep.js" */
/** @import { Strip } from "./window.js" */

const KEPT_S = 45;
const MAX_ROWS = 12;
/** Frames by which it is judged how far behind a channel usually is. */
const JUDGED = 40;
/** A channel that comes in pieces as long as this is no reason to hold the picture back. */
const MOST_USUAL_MS = 1000;
/** Order of the rows from above. */
const ORDER = ["ecg", "pleth", "pressure", "pulmonary", "venous", "resp", "co2"];
/**
 * @typedef {{ key: string, channel: Channel, group: string, window: WaveWindow, sweep: Sweep, root: HTMLElement,
 *   canvas: HTMLCanvasElement, size: HTMLElement, late: HTMLElement, note: HTMLElement, mark: HTMLElement,
 *   delay_ms: number, adjustedAt: number, behind: number[], painted_ms: number, signal: Signal | "", gain: Gain, speed: number }} Row
 */
/** A trace that stands still, with what is needed to draw and to read it. @typedef {Readonly<{ key: string, channel: Channel, group: string, strip: Strip }>} Frozen */

export class Traces {
  /**
   * @param {HTMLElement} place
   * @param {readonly WaveSpec[]} specs
   * @param {{ most?: number, onRows?: () => void }} [options] `most`: rows that are made; `onRows`: they are others now.
   */
  constructor(place, specs, { most = MAX_ROWS, onRows = () => undefined } = {}) {
    this._place = place;
    this._most = most;
    this._onRows = onRows;
    this._specs = new Map(specs.map((spec) => [spec.mdc, spec]));
    /** @type {Map<string, Row>} */
    this._rows = new Map();
    /** As they stand, from above. @type {readonly Row[]} */
    this._order = [];
    /** @type {Map<number, Row>} */
    this._byChannel = new Map();
  }

  /** Number of rows. */
  get count() {
    return this._rows.size;
  }

  /** The rows from above. @returns {readonly Row[]} */
  get rows() {
    return [...this._rows.values()].sort((a, b) => rank(a) - rank(b) || a.channel.ch - b.channel.ch);
  }

  /** How far the slowest of the traces usually lags behind the present. */
  get delay_ms() {
    return Math.max(0, ...this._order.map((row) => usualDelay(row.behind)).filter((delay) => delay <= MOST_USUAL_MS));
  }

  /** @param {string} key @param {Gain} gain */
  resize(key, gain) {
    const row = this._rows.get(key);
    if (!row) return;
    row.gain = gain;
    row.sweep.resize(gain);
    remember(`gain:${row.channel.label}`, gain === "auto" ? null : gain);
  }

  /** The colours of the parameters are others now. */
  recolour() {
    for (const row of this._rows.values()) row.sweep.recolour(colourOf(row.root, row.group));
  }

  /** @param {number} from_ms @param {number} until_ms @returns {readonly Frozen[]} */
  freeze(from_ms, until_ms) {
    return this.rows.map(({ key, channel, group, window }) => ({ key, channel, group, strip: window.copy(from_ms, until_ms) }));
  }

  /** Any trace that shows demonstration data. */
  demo = false;

  /**
   * Make rows for the channels, or let them take over the rows of older ones. They are all that their device has now:
   * what it had before it was started anew goes.
   *
   * @param {readonly Channel[]} channels
   */
  describe(channels) {
    this._forget(channels);
    for (const channel of [...channels].sort((a, b) => a.ch - b.ch)) this._describe(channel);
    const sorted = this.rows;
    // Moving a canvas loses nothing, but is done only when the order is another.
    if (sorted.some((row, n) => this._place.children[n] !== row.root)) {
      this._place.replaceChildren(...sorted.map((row) => row.root));
    }
    this._order = sorted;
    sorted.forEach((row, n) => row.root.toggleAttribute("data-first", n === 0));
    // Colours come by inheritance: of those that stand nowhere yet nothing is known.
    this.recolour();
    this._onRows();
  }

  /** @param {Frame} frame @param {number} now Server's time. */
  add(frame, now) {
    const row = this._byChannel.get(frame.channel);
    if (!row || !row.window.add(frame)) return;
    if (frame.demo) this.demo = true;
    if (frame.backfill || frame.gap) return;
    const chunk_ms = (frame.count * 1000) / row.channel.rate;
    const late_ms = now - (frame.starts_at + chunk_ms);
    // Frames of long ago come in a burst after a new connection: they say nothing about the line.
    if (late_ms > 15_000) return;
    row.behind.push(chunk_ms + late_ms);
    if (row.behind.length > JUDGED) row.behind.shift();
    // Drawn by the picture's time, the pen may have been there before.
    if (frame.starts_at < row.painted_ms) row.window.revision += 1;
    row.delay_ms = playoutDelay(row.delay_ms, { chunk_ms, late_ms, passed_ms: now - row.adjustedAt });
    row.adjustedAt = now;
  }

  /**
   * @param {number} now Server's time.
   * @param {number} [lag_ms] Draw just so far behind, what belongs to a picture that was taken then; 0: as it comes.
   */
  paint(now, lag_ms = 0) {
    let above = "";
    for (const row of this._order) {
      if (row.canvas.offsetParent === null) continue;
      const playhead = now - (lag_ms > 0 ? lag_ms : row.delay_ms);
      row.painted_ms = playhead;
      const signal = row.sweep.paint(row.window, row.channel, playhead);
      if (signal !== row.signal) this._signalled(row, signal);
      above = this._marked(row, playhead, above);
    }
  }

  clear() {
    for (const row of this._rows.values()) row.sweep.close();
    this._rows.clear();
    this._order = [];
    this._byChannel.clear();
    this._place.replaceChildren();
    this._onRows();
  }

  /** @param {readonly Channel[]} channels */
  _forget(channels) {
    const devices = new Set(channels.map(({ device }) => device));
    const kept = new Set(channels.map(keyOf));
    for (const row of this._rows.values()) {
      if (!devices.has(row.channel.device) || kept.has(row.key)) continue;
      row.sweep.close();
      row.root.remove();
      this._rows.delete(row.key);
      this._byChannel.delete(row.channel.ch);
    }
  }

  /** @param {Channel} channel */
  _describe(channel) {
    const key = keyOf(channel);
    const known = this._rows.get(key);
    if (known && known.channel.ch > channel.ch) return;
    if (known) {
      if (known.channel.ch === channel.ch && known.channel.rate === channel.rate) return;
      this._byChannel.delete(known.channel.ch);
      known.channel = channel;
      known.window = new WaveWindow({ rate: channel.rate, seconds: KEPT_S });
      this._byChannel.set(channel.ch, known);
      return;
    }
    if (this._rows.size >= this._most) return;
    const row = this._row(key, channel);
    this._rows.set(key, row);
    this._byChannel.set(channel.ch, row);
  }

  /** @param {string} key @param {Channel} channel @returns {Row} */
  _row(key, channel) {
    const spec = this._specs.get(channel.mdc);
    const group = spec?.group ?? "other";
    const speed = (spec?.seconds ?? 6) >= 12 ? 6.25 : 25;
    const gain = gainOf(recall(`gain:${channel.label}`));
    const millivolts = channel.unit === "mV";
    const canvas = element("canvas", { role: "img", "data-testid": `waveform-${channel.label}` });
    const note = element("span", { class: "trace-note" });
    const size = element("span", { class: "trace-speed" }, text("vitals.speed", { speed }));
    const late = element("span", { class: "trace-late", hidden: true }, text("vitals.received_late"));
    const mark = element("span", { class: "trace-mark", hidden: !millivolts });
    const root = element(
      "figure",
      { class: `trace trace-${group}` },
      element(
        "figcaption",
        {},
        element("span", { class: "trace-label" }, channel.label),
        size,
        late,
        note,
      ),
      mark,
      canvas,
    );
    const usual = { low: spec?.low ?? 0, high: spec?.high ?? 0 };
    const sweep = new Sweep(canvas, { colour: colourOf(root, group), usual, speed, millivolts });
    sweep.resize(gain);
    const window = new WaveWindow({ rate: channel.rate, seconds: KEPT_S });
    const begun = { delay_ms: 300, adjustedAt: 0, behind: [], painted_ms: 0, signal: /** @type {const} */ (""), gain, speed };
    const row = { key, channel, group, window, sweep, root, canvas, size, late, note, mark, ...begun };
    this._signalled(row, "lost");
    return row;
  }

  /** @param {Row} row @param {Signal} signal */
  _signalled(row, signal) {
    row.signal = signal;
    row.root.dataset["state"] = signal;
    row.note.textContent = signal === "lost" ? text("vitals.no_signal") : "";
    const said = signal === "lost" ? text("vitals.no_signal") : text("vitals.moving");
    row.canvas.setAttribute("aria-label", text("vitals.trace", { label: row.channel.label, state: said }));
  }

  /**
   * Bring up to date what stands beside the trace. Its size is said where it is another than that of the trace above.
   *
   * @param {Row} row
   * @param {number} playhead
   * @param {string} above
   * @returns {string} Its size.
   */
  _marked(row, playhead, above) {
    const late = row.window.lateUntil > playhead - row.sweep.span_ms;
    if (row.late.hidden === late) row.late.hidden = !late;
    const mm = row.mark.hidden ? 0 : Math.round((row.sweep.unitHeight / PX_PER_MM) * 2) / 2;
    const words = mm === 0 ? text("vitals.speed", { speed: row.speed }) : text("vitals.size", { speed: row.speed, mm });
    const said = words === above ? "" : words;
    if (row.size.textContent !== said) row.size.textContent = said;
    if (row.mark.hidden) return words;
    const height = `${Math.round(row.sweep.unitHeight)}px`;
    if (row.mark.style.blockSize !== height) row.mark.style.blockSize = height;
    return words;
  }
}

/** @param {Channel} channel */
function keyOf({ device, label }) {
  return `${device} ${label}`;
}

/** @param {Row} row */
function rank(row) {
  return orderOf(row.group);
}

/** Where a trace of this group stands, from above. @param {string} group */
export function orderOf(group) {
  const place = ORDER.indexOf(group);
  return place < 0 ? ORDER.length : place;
}
