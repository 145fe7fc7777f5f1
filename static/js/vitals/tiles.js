/** Numbers as tiles: value, unit, source, age. What is live, old or absent never looks alike. */

import { element } from "../ui/dom.js";
import { knows, text } from "../ui/text.js";
import { ageWords, tileState } from "./numerics.js";

/** @import { Mark } from "./alarms.js" */
/** @import { Devices, Readings, TileSpec, TileState } from "./numerics.js" */

/** Always there, so that nobody has to ask whether it is measured. */
const CORE = new Set(["heart-rate", "spo2", "resp-rate", "nibp", "temperature"]);
/** Worth a look beside the picture, but not on it. */
const MINOR = new Set(["pulse-rate", "perfusion", "glucose"]);

/**
 * @typedef {{ spec: TileSpec, root: HTMLElement, value: HTMLElement, source: HTMLElement, age: HTMLElement,
 *   limits: HTMLElement, sign: HTMLElement, note: HTMLElement }} Drawn
 */

/** Shapes beside the colours of alarms. @type {Readonly<Record<string, string>>} */
const SIGNS = { high: "▲", medium: "◆", low: "●" };

export class Tiles {
  /**
   * @param {HTMLElement} place
   * @param {object} options
   * @param {readonly TileSpec[]} options.specs
   * @param {boolean} options.plain In words for patients.
   * @param {boolean} options.full With all parameters; otherwise the most important ones, with the hooks for tests.
   */
  constructor(place, { specs, plain, full }) {
    this._drawn = specs.filter((spec) => full || !MINOR.has(spec.key)).map((spec) => drawn(spec, { plain, full }));
    place.replaceChildren(...this._drawn.map((tile) => tile.root));
  }

  /**
   * Mark what alarms, and write the limits beside the numbers; by the keys of the tiles.
   *
   * @param {{ marks: ReadonlyMap<string, Mark>, limits: ReadonlyMap<string, string> }} shown
   */
  mark({ marks, limits }) {
    for (const tile of this._drawn) marked(tile, marks.get(tile.spec.key), limits.get(tile.spec.key) ?? "");
  }

  /**
   * Show the readings as they are at this instant of the server's time.
   *
   * @param {Readings} readings
   * @param {number} now
   * @param {Devices} devices
   */
  show(readings, now, devices) {
    for (const tile of this._drawn) {
      const state = tileState(tile.spec, readings, now, devices);
      tile.root.hidden = !state.known && !CORE.has(tile.spec.key);
      if (!tile.root.hidden) write(tile, state);
    }
  }
}

/** @param {Drawn} tile @param {Mark | undefined} mark @param {string} limits */
function marked(tile, mark, limits) {
  put(tile.limits, limits);
  put(tile.sign, mark === undefined ? "" : (SIGNS[mark.priority] ?? ""));
  const alarm = mark?.priority ?? "";
  if ((tile.root.dataset["alarm"] ?? "") !== alarm) tile.root.dataset["alarm"] = alarm;
  tile.root.toggleAttribute("data-calls", mark?.calls === true);
}

/** @param {TileSpec} spec @param {{ plain: boolean, full: boolean }} options @returns {Drawn} */
function drawn(spec, { plain, full }) {
  const key = `vitals.plain.${spec.key}`;
  const label = plain && knows(key) ? text(key) : spec.label;
  const value = element("span", { class: "vital-value" });
  const source = element("span", { class: "vital-source" });
  const age = element("span", { class: "vital-age" });
  const limits = element("span", { class: "vital-limits" });
  const sign = element("span", { class: "vital-sign", "aria-hidden": "true" });
  const note = element("span", { class: "vital-note" });
  const root = element(
    "div",
    { class: `vital vital-${spec.group}`, "data-testid": full ? null : `vital-${spec.key}`, "data-state": "blank" },
    element("dt", { class: "vital-label" }, sign, label, source, limits),
    element(
      "dd",
      { class: "vital-reading" },
      value,
      " ",
      element("span", { class: "vital-unit" }, spec.unit_label),
      " ",
      age,
      " ",
      note,
    ),
  );
  return { spec, root, value, source, age, limits, sign, note };
}

/** @param {Drawn} tile @param {TileState} state */
function write(tile, state) {
  put(tile.value, state.questionable ? `${state.shown}?` : state.shown);
  put(tile.source, namesItself(tile.spec.label, state.source) ? "" : ` ${state.source}`);
  put(tile.age, state.ageShown && state.age_ms !== null ? agePhrase(state.age_ms) : "");
  if (tile.root.dataset["state"] !== state.state) tile.root.dataset["state"] = state.state;
  put(tile.note, state.conflict ? text("vitals.conflict") : "");
  tile.root.toggleAttribute("data-conflict", state.conflict);
  tile.root.toggleAttribute("data-demo", state.demo);
}

/** NIBP from NIBP needs no second word. @param {string} label @param {string} source */
function namesItself(label, source) {
  return source === "" || label.normalize("NFKD").toLowerCase() === source.toLowerCase();
}

/** @param {number} age_ms */
function agePhrase(age_ms) {
  const { key, count } = ageWords(age_ms);
  return text(key, { count });
}

/** Leaves the page alone when nothing changed. @param {HTMLElement} place @param {string} words */
function put(place, words) {
  if (place.textContent !== words) place.textContent = words;
}
