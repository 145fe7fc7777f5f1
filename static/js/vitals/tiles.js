/** Numbers as tiles: value, unit, source, age. What is live, old or absent never looks alike. */

import { element } from "../ui/dom.js";
import { knows, text } from "../ui/text.js";
import { ageWords, tileState } from "./numerics.js";

/** @import { Readings, TileSpec, TileState } from "./numerics.js" */

/** Always there, so that nobody has to ask whether it is measured. */
const CORE = new Set(["heart-rate", "spo2", "resp-rate", "nibp", "temperature"]);
/** Worth a look beside the picture, but not on it. */
const MINOR = new Set(["pulse-rate", "perfusion", "glucose"]);

/** @typedef {{ spec: TileSpec, root: HTMLElement, value: HTMLElement, source: HTMLElement, age: HTMLElement }} Drawn */

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
   * Show the readings as they are at this instant of the server's time.
   *
   * @param {Readings} readings
   * @param {number} now
   */
  show(readings, now) {
    for (const tile of this._drawn) {
      const state = tileState(tile.spec, readings, now);
      tile.root.hidden = !state.known && !CORE.has(tile.spec.key);
      if (!tile.root.hidden) write(tile, state);
    }
  }
}

/** @param {TileSpec} spec @param {{ plain: boolean, full: boolean }} options @returns {Drawn} */
function drawn(spec, { plain, full }) {
  const key = `vitals.plain.${spec.key}`;
  const label = plain && knows(key) ? text(key) : spec.label;
  const value = element("span", { class: "vital-value" });
  const source = element("span", { class: "vital-source" });
  const age = element("span", { class: "vital-age" });
  const root = element(
    "div",
    { class: `vital vital-${spec.group}`, "data-testid": full ? null : `vital-${spec.key}`, "data-state": "blank" },
    element("dt", { class: "vital-label" }, label, source),
    element(
      "dd",
      { class: "vital-reading" },
      value,
      " ",
      element("span", { class: "vital-unit" }, spec.unit_label),
      " ",
      age,
    ),
  );
  return { spec, root, value, source, age };
}

/** @param {Drawn} tile @param {TileState} state */
function write(tile, state) {
  put(tile.value, state.questionable ? `${state.shown}?` : state.shown);
  put(tile.source, namesItself(tile.spec.label, state.source) ? "" : ` ${state.source}`);
  put(tile.age, state.ageShown && state.age_ms !== null ? agePhrase(state.age_ms) : "");
  if (tile.root.dataset["state"] !== state.state) tile.root.dataset["state"] = state.state;
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
