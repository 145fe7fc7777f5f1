/** Who is here, and how their sound and pictures fare on the way. */

import { element, find, icon } from "../ui/dom.js";
import { showRows } from "../ui/keyed.js";
import { knows, text } from "../ui/text.js";
import { gradeOf } from "./quality.js";
import { rungOf } from "./state.js";

/** @import { Participant } from "./messages.js" */
/** @import { Figures, Quality } from "./quality.js" */
/** @import { RoomState } from "./state.js" */

export class People {
  /** @param {HTMLElement} list @param {(participant: string) => void} remove */
  constructor(list, remove) {
    this._list = list;
    this._remove = remove;
    /** @type {Quality | null} */
    this._quality = null;
    /** @type {RoomState | null} */
    this._state = null;
  }

  /** @param {Quality} quality */
  measured(quality) {
    this._quality = quality;
    if (this._state !== null) this.show(this._state);
  }

  /** @param {RoomState} state */
  show(state) {
    this._state = state;
    const here = state.participants.filter((one) => one.admission === "admitted" || one.admission === "waiting");
    showRows(this._list, here, {
      key: (one) => one.id,
      make: (one) => this._make(one),
      update: (row, one) => this._update(row, one, state),
    });
  }

  /** @param {Participant} one */
  _make(one) {
    const remove = { type: "button", class: "icon-button", click: () => this._remove(one.id) };
    return element(
      "li",
      { class: "person" },
      element("span", { class: "person-name" }),
      element("span", { class: "person-role" }),
      element("button", remove, icon("close")),
      element("dl", { class: "figures", "data-testid": "figures" }),
    );
  }

  /** @param {HTMLElement} row @param {Participant} one @param {RoomState} state */
  _update(row, one, state) {
    const own = one.id === state.me;
    const rung = rungOf(state, one.id);
    const role = text(`room.role.${one.role}`);
    row.dataset["away"] = String(!one.connected);
    find(".person-name", HTMLElement, row).textContent = own ? `${one.name} (${text("room.you")})` : one.name;
    find(".person-role", HTMLElement, row).textContent = rung === "video" ? role : `${role}, ${text(`room.rung.${rung}`)}`;
    const button = find("button", HTMLButtonElement, row);
    button.hidden = !state.may.includes("remove") || own || one.role !== "patient";
    button.setAttribute("aria-label", text("room.remove", { name: one.name }));
    this._showFigures(find("dl", HTMLElement, row), one, own);
  }

  /** @param {HTMLElement} place @param {Participant} one @param {boolean} own */
  _showFigures(place, one, own) {
    const figures = this._quality?.of.get(one.id);
    place.hidden = one.admission !== "admitted" || figures === undefined || this._quality === null;
    if (figures === undefined || this._quality === null) return;
    const grade = gradeOf(own ? { ...figures, trip_ms: this._quality.trip_ms } : figures);
    place.dataset["quality"] = grade;
    const lines = [
      /** @type {const} */ ([text("room.figure.link"), text(`room.figure.${grade}`)]),
      ...figureLines(figures, own ? this._quality : null),
    ];
    // The same places with other figures, so that what is being read does not jump.
    if (place.childElementCount !== lines.length) {
      place.replaceChildren(...lines.map(([label]) => element("div", {}, element("dt", {}, label), element("dd", {}))));
    }
    place.querySelectorAll("dd").forEach((shown, n) => {
      const value = lines[n]?.[1] ?? "";
      if (shown.textContent !== value) shown.textContent = value;
    });
  }
}

/**
 * The figures in words; path and round trip are those of our own link.
 *
 * @param {Figures} figures
 * @param {Pick<Quality, "path" | "trip_ms"> | null} link
 * @returns {readonly (readonly [string, string])[]}
 */
export function figureLines({ lost, jitter_ms, kbit_s, freezes }, link) {
  const line = (/** @type {string} */ name, /** @type {string} */ value) => /** @type {const} */ ([text(`room.figure.${name}`), value]);
  const way = link === null ? [] : [line("path", pathWords(link.path) || text("room.figure.none")), line("trip", amount("ms", link.trip_ms))];
  return [
    ...way,
    line("lost", amount("percent", lost === null ? null : lost * 100)),
    line("jitter", amount("ms", jitter_ms)),
    line("rate", amount("kbit", kbit_s)),
    ...(link === null ? [line("freezes", String(freezes))] : []),
  ];
}

/** By which way the packets go. @param {string} path */
export function pathWords(path) {
  return knows(`room.path.${path}`) ? text(`room.path.${path}`) : "";
}

/** @param {string} unit @param {number | null} value */
function amount(unit, value) {
  return value === null ? text("room.figure.none") : text(`room.figure.${unit}`, { value: Math.round(value) });
}
