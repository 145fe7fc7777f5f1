/** That alarms are paused or off: a crossed bell that stays, who did it, how long it lasts, and the way back. */

import { element, icon } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { browserZone, clockTime } from "../ui/time.js";

/** @import { Signals, SignalState } from "./alarm_messages.js" */

export const PAUSE_S = 120;

/** @typedef {(state: SignalState, seconds?: number) => void} SetSignals */

/** The crossed bell with its words; the time that is left is no news that anybody must hear each second. */
export class SignalsMark {
  constructor() {
    this._words = element("span", { class: "signals-words" });
    this._left = element("span", { class: "signals-left", role: "timer" });
    this._who = element("span", { class: "signals-who small" });
    const said = element("span", { role: "status" }, this._words);
    this.root = element("p", { class: "signals-mark", "data-testid": "alarm-signals", hidden: true }, icon("bell-off"), " ", said, " ", this._left, " ", this._who);
  }

  /** @param {Signals} signals @param {number} now @param {boolean} [plain] In words for patients. */
  show({ state, until, by, at }, now, plain = false) {
    this.root.hidden = state === "on";
    this.root.dataset["signals"] = state;
    put(this._words, state === "on" ? "" : text(`signals.${plain ? "plain." : ""}${state}`));
    put(this._left, until === null ? "" : countdown(until - now));
    put(this._who, by === "" || at === null || plain ? "" : text("signals.by", { name: by, time: clockTime(new Date(at), browserZone()) }));
  }
}

/** The line above everything else while alarms are paused or off. */
export class SignalsLine {
  /** @param {HTMLElement} root @param {SetSignals} set @param {{ plain: boolean }} options */
  constructor(root, set, { plain }) {
    this._root = root;
    this._plain = plain;
    this._mark = new SignalsMark();
    const on = element("button", { type: "button", class: "button", "data-testid": "alarms-on", click: () => set("on") }, text("signals.turn_on"));
    const frame = element("p", { class: "alarm-frame" }, text(plain ? "signals.plain.not_a_system" : "alarm.not_a_system"));
    root.append(this._mark.root, ...(plain ? [] : [on]), frame);
  }

  /** @param {Signals} signals @param {number} now */
  show(signals, now) {
    this._root.hidden = signals.state === "on";
    this._mark.show(signals, now, this._plain);
  }
}

/** The buttons that pause; what is off is turned on first. */
export class PauseButtons {
  /** @param {SetSignals} set @param {{ mayPause: boolean }} options */
  constructor(set, { mayPause }) {
    const minutes = PAUSE_S / 60;
    this._sound = button("pause-sound", text("signals.pause_sound", { minutes }), () => set("audio_paused", PAUSE_S));
    this._all = button("pause-alarms", text("signals.pause_alarms", { minutes }), () => set("alarm_paused", PAUSE_S));
    this._all.hidden = !mayPause;
    this.root = element("div", { class: "cluster" }, this._sound, this._all);
  }

  /** @param {Signals} signals */
  show({ state }) {
    this.root.hidden = state === "audio_off" || state === "alarm_off";
  }
}

/** @param {string} id @param {string} words @param {() => void} press */
function button(id, words, press) {
  return element("button", { type: "button", class: "button button-quiet", "data-testid": id, click: press }, icon("bell-off"), ` ${words}`);
}

/** Minutes and seconds, rounded up: it never says 0:00 while it lasts. @param {number} left_ms */
export function countdown(left_ms) {
  const seconds = Math.max(0, Math.ceil(left_ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** @param {HTMLElement} place @param {string} words */
function put(place, words) {
  if (place.textContent !== words) place.textContent = words;
}
