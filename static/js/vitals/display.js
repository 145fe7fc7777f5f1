/** How the vitals are shown: where, in which colours and sizes, as they happen or with the picture, stopped, again. */

import { element, find } from "../ui/dom.js";
import { recall, remember } from "../ui/storage.js";
import { text } from "../ui/text.js";
import { PALETTES, paletteOf } from "./colours.js";
import { Freeze } from "./freeze.js";
import { loadHistory } from "./history.js";
import { Replay } from "./replay.js";
import { GAINS, gainOf } from "./scale.js";
import { Trends } from "./trends.js";

/** @import { Alignment } from "../room/alignment.js" */
/** @import { VitalsBoard } from "./board.js" */
/** @import { TileSpec, WaveSpec } from "./numerics.js" */

const TICK_MS = 500;
const TRENDS_MS = 2000;

/** Where the vitals stand. @type {readonly ["overlay", "beside", "monitor"]} */
export const LAYOUTS = ["overlay", "beside", "monitor"];

/** @typedef {(typeof LAYOUTS)[number]} Layout */

/** @param {string | null} stored @returns {Layout} */
export function layoutOf(stored) {
  return LAYOUTS.find((layout) => layout === stored) ?? "overlay";
}

/** Use the colours of the site on this page. */
export function dressPage() {
  document.documentElement.dataset["palette"] = paletteOf(recall("palette"));
}

export class Display {
  /**
   * @param {HTMLElement} room
   * @param {object} options
   * @param {VitalsBoard} options.board
   * @param {Alignment} options.alignment
   * @param {{ tiles: readonly TileSpec[], waves: readonly WaveSpec[] }} options.tables
   * @param {string} options.encounter
   * @param {string} options.role
   * @param {() => void} options.onCover Something is to be seen where the side panel may lie.
   */
  constructor(room, { board, alignment, tables, encounter, role, onCover }) {
    this._room = room;
    this._board = board;
    this._alignment = alignment;
    this._encounter = encounter;
    this._role = role;
    this._aligned = false;
    this._trendsAt = 0;
    this._loaded = false;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._ticking = undefined;
    this._lag = find("#picture-lag", HTMLElement, room);
    this._chip = find("#vitals-lag", HTMLElement, room);
    this._sizes = find("#trace-sizes", HTMLElement, room);
    this._note = find("#trends-note", HTMLElement, room);
    this._trends = new Trends(find("#trends", HTMLElement, room), { specs: tables.tiles, recording: board.recording });
    // The panel with its buttons may have been put away.
    const panel = find("#control-messages", HTMLButtonElement, room);
    const back = (/** @type {HTMLElement} */ button) => (button.checkVisibility() ? button : panel).focus();
    const freeze = find("#freeze", HTMLButtonElement, room);
    const replay = find("#look-back", HTMLButtonElement, room);
    this._freeze = new Freeze(find("#strip", HTMLElement, room), {
      take: (seconds) => board.freeze(seconds),
      onClose: () => back(freeze),
    });
    this._replay = new Replay(find("#replay", HTMLElement, room), { tables, recording: board.recording, onClose: () => back(replay) });
    freeze.addEventListener("click", () => {
      onCover();
      this._freeze.show();
    });
    replay.addEventListener("click", () => {
      onCover();
      this._replay.show();
    });
    this._connect();
    board.onRows = () => this._showSizes();
  }

  /** How far the readings are to be drawn behind, for the picture's sake. */
  get lag_ms() {
    return this._aligned ? (this._alignment.lag_ms ?? 0) : 0;
  }

  start() {
    this._ticking = setInterval(() => this._tick(), TICK_MS);
    void this._load();
  }

  stop() {
    clearInterval(this._ticking);
    this._freeze.close();
    this._replay.close();
    this._alignment.stop();
  }

  _connect() {
    const room = this._room;
    this._choose("layout", layoutOf(recall(`layout:${this._role}`)), (layout) => {
      room.dataset["layout"] = layoutOf(layout);
      remember(`layout:${this._role}`, layout === "overlay" ? null : layout);
    });
    this._choose("timing", recall("timing") === "aligned" ? "aligned" : "happens", (timing) => {
      this._aligned = timing === "aligned";
      room.dataset["timing"] = timing;
      remember("timing", this._aligned ? timing : null);
    });
    this._choose("palette", paletteOf(recall("palette")), (palette) => {
      document.documentElement.dataset["palette"] = palette;
      remember("palette", palette === PALETTES[0] ? null : palette);
      this._board.recolour();
    });
  }

  /** @param {string} name @param {string} at @param {(value: string) => void} chosen */
  _choose(name, at, chosen) {
    for (const input of this._room.querySelectorAll(`input[name="${name}"]`)) {
      if (!(input instanceof HTMLInputElement)) continue;
      input.checked = input.value === at;
      input.addEventListener("change", () => {
        if (input.checked) chosen(input.value);
      });
    }
    chosen(at);
  }

  _showSizes() {
    const rows = this._board.traces.rows;
    this._sizes.replaceChildren(
      ...rows.map(({ key, gain, channel }) => {
        const id = `gain-${channel.ch}`;
        const options = GAINS.map((one) => element("option", { value: one, selected: one === gain }, text(`vitals.gain.${one}`)));
        const select = element("select", { id }, ...options);
        select.addEventListener("change", () => this._board.traces.resize(key, gainOf(select.value)));
        return element("div", { class: "trace-size" }, element("label", { for: id }, channel.label), select);
      }),
    );
    find("#trace-size-group", HTMLElement, this._room).hidden = rows.length === 0;
    for (const id of ["#freeze", "#look-back"]) find(id, HTMLButtonElement, this._room).disabled = rows.length === 0;
  }

  _tick() {
    this._alignment.follow();
    this._alignment.hold(this._aligned ? this._board.traces.delay_ms : 0);
    const lag = this._alignment.lag_ms;
    const words = lag === null ? text("vitals.picture.unknown") : text("vitals.picture.behind", { seconds: (lag / 1000).toFixed(2) });
    put(this._lag, words);
    put(this._chip, this._aligned && lag !== null ? words : "");
    this._chip.hidden = this._chip.textContent === "";
    this._room.dataset["lag"] = lag === null ? "" : String(Math.round(lag));
    const now = performance.now();
    if (now - this._trendsAt < TRENDS_MS) return;
    this._trendsAt = now;
    this._trends.show(this._board.now(), this._board.alarms);
  }

  /** What happened before this page was opened. */
  async _load() {
    if (this._loaded) return;
    this._loaded = true;
    put(this._note, text("vitals.trend.loading"));
    try {
      await loadHistory(this._encounter, this._board.recording, this._board.now());
      put(this._note, "");
    } catch {
      // What comes from now on is kept all the same, and the next visit to this page tries again.
      put(this._note, text("vitals.trend.failed"));
      this._loaded = false;
    }
    this._note.hidden = this._note.textContent === "";
    this._trends.show(this._board.now(), this._board.alarms);
  }
}

/** @param {HTMLElement} place @param {string} words */
function put(place, words) {
  if (place.textContent !== words) place.textContent = words;
}
