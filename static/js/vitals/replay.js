/** Looks back at the last minutes, at up to eight times their pace, while what is live goes on beside it. */

import { element, find } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { browserZone, clockSeconds, stopwatch } from "../ui/time.js";
import { colourOf } from "./colours.js";
import { tileState } from "./numerics.js";
import { Sweep } from "./sweep.js";
import { orderOf } from "./traces.js";

/** @import { TileSpec, WaveSpec } from "./numerics.js" */
/** @import { Recorded, Recording } from "./recording.js" */

const SPEEDS = [1, 2, 4, 8];
const MOST_ROWS = 3;
const BEGIN_MS = 60_000;
const NUMBERS = ["heart-rate", "spo2", "resp-rate", "nibp", "art"];

/** @typedef {{ key: string, group: string, canvas: HTMLCanvasElement, sweep: Sweep, recorded: Recorded[] }} Row */

/**
 * Of a label's channels the one that reaches this time: a device that was started anew goes on in another.
 *
 * @param {readonly Recorded[]} recorded In order of their end.
 * @param {number} at
 */
export function reaching(recorded, at) {
  return recorded.find(({ window }) => window.lastSampleAt >= at) ?? recorded.at(-1);
}

export class Replay {
  /**
   * @param {HTMLElement} root
   * @param {{ tables: { tiles: readonly TileSpec[], waves: readonly WaveSpec[] }, recording: Recording, onClose: () => void }} options
   */
  constructor(root, { tables, recording, onClose }) {
    this._root = root;
    this._tables = tables;
    this._recording = recording;
    this._onClose = onClose;
    this._at = 0;
    this._speed = 1;
    this._playing = false;
    this._frame = 0;
    this._tickedAt = 0;
    /** @type {readonly Row[]} */
    this._rows = [];
    this._made = "";
    this._clock = find("#replay-clock", HTMLElement, root);
    this._waves = find("#replay-waves", HTMLElement, root);
    this._numbers = find("#replay-numbers", HTMLElement, root);
    this._play = find("#replay-play", HTMLButtonElement, root);
    this._range = find("#replay-at", HTMLInputElement, root);
    this._tiles = tables.tiles.filter((spec) => NUMBERS.includes(spec.key)).map(numberOf);
    this._numbers.replaceChildren(...this._tiles.map(({ root: tile }) => tile));
    this._connect();
  }

  get open() {
    return !this._root.hidden;
  }

  show() {
    this._root.hidden = false;
    this._at = Math.max(this._recording.earliest, this._recording.newest - BEGIN_MS);
    this._set(true);
    this._tickedAt = performance.now();
    this._frame = requestAnimationFrame((time) => this._tick(time));
    this._play.focus({ preventScroll: true });
  }

  close() {
    if (!this.open) return;
    cancelAnimationFrame(this._frame);
    this._root.hidden = true;
    for (const row of this._rows) row.sweep.close();
    this._rows = [];
    this._made = "";
    this._waves.replaceChildren();
    this._onClose();
  }

  _connect() {
    const speeds = find("#replay-speed", HTMLSelectElement, this._root);
    speeds.replaceChildren(...SPEEDS.map((speed) => element("option", { value: speed }, text("vitals.replay.speed", { speed }))));
    speeds.addEventListener("change", () => {
      this._speed = Number(speeds.value);
      this._root.dataset["speed"] = speeds.value;
    });
    this._root.dataset["speed"] = "1";
    this._play.addEventListener("click", () => {
      if (!this._playing && this._at >= this._recording.newest) this._at = this._recording.earliest;
      this._set(!this._playing);
    });
    this._range.addEventListener("input", () => {
      this._at = this._recording.earliest + Number(this._range.value) * 1000;
      this._write();
    });
    find("#replay-close", HTMLButtonElement, this._root).addEventListener("click", () => this.close());
    this._root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  /** @param {boolean} playing */
  _set(playing) {
    this._playing = playing;
    this._root.dataset["playing"] = String(playing);
    this._play.textContent = text(playing ? "vitals.replay.pause" : "vitals.replay.play");
  }

  /** @param {number} time */
  _tick(time) {
    const passed = Math.max(0, Math.min(1000, time - this._tickedAt));
    this._tickedAt = time;
    const { newest, earliest } = this._recording;
    if (this._playing) this._at += passed * this._speed;
    if (this._at >= newest) {
      this._at = newest;
      if (this._playing) this._set(false);
    }
    this._at = Math.max(this._at, Math.min(earliest, newest));
    this._write();
    this._paint();
    this._frame = requestAnimationFrame((next) => this._tick(next));
  }

  _write() {
    const { newest, earliest } = this._recording;
    const nothing = newest === 0;
    const second = nothing ? 0 : Math.floor(this._at / 1000);
    if (this._root.dataset["at"] === String(second)) return;
    this._root.dataset["at"] = String(second);
    const time = clockSeconds(new Date(this._at), browserZone());
    const words = nothing ? text("vitals.replay.nothing") : text("vitals.replay.at", { time, ago: stopwatch(newest - this._at) });
    this._clock.textContent = words;
    this._range.max = String(nothing ? 0 : Math.ceil((newest - earliest) / 1000));
    this._range.value = String(nothing ? 0 : Math.round((this._at - earliest) / 1000));
    this._range.setAttribute("aria-valuetext", words);
    const readings = this._recording.readingsAt(this._at);
    for (const { spec, root, value } of this._tiles) {
      const state = tileState(spec, readings, this._at);
      root.hidden = !state.known;
      root.dataset["state"] = state.state;
      value.textContent = state.shown;
    }
  }

  _paint() {
    this._make();
    for (const { recorded, sweep } of this._rows) {
      const chosen = reaching(recorded, this._at);
      if (chosen) sweep.paint(chosen.window, chosen.channel, this._at);
    }
  }

  /** Make the rows anew when other channels are recorded now. */
  _make() {
    const { channels } = this._recording;
    const made = channels.map(({ channel }) => channel.ch).join(" ");
    if (made === this._made) return;
    this._made = made;
    for (const row of this._rows) row.sweep.close();
    /** @type {Map<string, Recorded[]>} */
    const labels = new Map();
    for (const one of channels) {
      const key = `${one.channel.device} ${one.channel.label}`;
      labels.set(key, [...(labels.get(key) ?? []), one]);
    }
    const specs = new Map(this._tables.waves.map((spec) => [spec.mdc, spec]));
    const groups = [...labels].map(([key, recorded]) => ({ key, recorded, spec: specs.get(recorded[0]?.channel.mdc ?? 0) }));
    groups.sort((a, b) => orderOf(a.spec?.group ?? "") - orderOf(b.spec?.group ?? ""));
    // One of each kind goes before a second of the same.
    const nth = new Map(groups.map((one, n) => [one, groups.slice(0, n).filter(({ spec }) => spec?.group === one.spec?.group).length]));
    groups.sort((a, b) => (nth.get(a) ?? 0) - (nth.get(b) ?? 0));
    // In the page first: colours come by inheritance.
    const canvases = groups.slice(0, MOST_ROWS).map(({ recorded, spec }) => waveOf(recorded[0]?.channel.label ?? "", spec));
    this._waves.replaceChildren(...canvases.map(({ root }) => root));
    this._rows = groups.slice(0, MOST_ROWS).map(({ key, recorded, spec }, n) => {
      const canvas = /** @type {{ canvas: HTMLCanvasElement }} */ (canvases[n]).canvas;
      const group = spec?.group ?? "other";
      const usual = { low: spec?.low ?? 0, high: spec?.high ?? 0 };
      const sweep = new Sweep(canvas, { colour: colourOf(canvas, group), usual, speed: (spec?.seconds ?? 6) >= 12 ? 6.25 : 25 });
      return { key, group, canvas, sweep, recorded: recorded.sort((a, b) => a.window.lastSampleAt - b.window.lastSampleAt) };
    });
  }
}

/** @param {string} label @param {WaveSpec | undefined} spec */
function waveOf(label, spec) {
  const canvas = element("canvas", { role: "img", "aria-label": label, "data-testid": `replay-${label}` });
  const caption = element("figcaption", {}, element("span", { class: "trace-label" }, label));
  return { canvas, root: element("figure", { class: `trace trace-${spec?.group ?? "other"}` }, caption, canvas) };
}

/** @param {TileSpec} spec */
function numberOf(spec) {
  const value = element("dd", { class: "vital-reading" });
  const root = element("div", { class: `vital vital-${spec.group}`, "data-testid": `replay-${spec.key}` }, element("dt", {}, spec.label), value);
  return { spec, root, value };
}
