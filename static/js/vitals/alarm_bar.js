/** The bar under the title: the alarm that matters most, and what can be done about it. Patients read calm words only. */

import { element, icon } from "../ui/dom.js";
import { knows, text } from "../ui/text.js";
import { browserZone, clockTime } from "../ui/time.js";
import { calls, open, pausedMs, plainWords } from "./alarms.js";

/** @import { Alarm } from "./alarm_messages.js" */
/** @import { Watch } from "./alarms.js" */

/**
 * @typedef {object} BarActions
 * @property {(alarm: string) => void} acknowledge
 * @property {(alarm: string) => void} snooze
 */

/** Shapes beside the colours. @type {Readonly<Record<string, string>>} */
const SIGNS = { high: "▲", medium: "◆", low: "●" };

export class AlarmBar {
  /** @param {HTMLElement} root @param {BarActions} actions @param {{ plain: boolean }} options */
  constructor(root, actions, { plain }) {
    this._root = root;
    this._plain = plain;
    this._alarm = "";
    this._sign = element("span", { class: "alarm-sign", "aria-hidden": "true" });
    this._words = element("strong", { class: "alarm-text", "data-testid": "alarm-text" });
    this._notes = element("span", { class: "alarm-notes" });
    this._acknowledge = element(
      "button",
      { type: "button", class: "button alarm-act", "data-testid": "alarm-acknowledge", click: () => actions.acknowledge(this._alarm) },
      text("alarm.acknowledge"),
    );
    this._snooze = element(
      "button",
      { type: "button", class: "button button-quiet alarm-act", click: () => actions.snooze(this._alarm) },
      icon("sound-off"),
      ` ${text("alarm.snooze")}`,
    );
    const head = element("p", { class: "alarm-line", role: "status" }, this._sign, this._words, " ", this._notes);
    root.append(head, ...(plain ? [] : [this._acknowledge, this._snooze, element("p", { class: "alarm-frame" }, text("alarm.not_a_system"))]));
  }

  /** @param {Watch} watch @param {number} now */
  show(watch, now) {
    if (this._plain) {
      this._showPlain(watch);
      return;
    }
    const [first, ...others] = open(watch).filter((alarm) => !alarm.late);
    this._root.hidden = first === undefined;
    if (first === undefined) return;
    this._alarm = first.id;
    this._root.dataset["priority"] = first.priority;
    this._root.toggleAttribute("data-calls", calls(first));
    put(this._sign, SIGNS[first.priority] ?? "");
    put(this._words, first.text);
    const more = others.length === 0 ? "" : text("alarm.more", { count: others.length });
    put(this._notes, [...notes(first, now), more].filter((words) => words !== "").join(" · "));
    this._acknowledge.hidden = !calls(first);
    this._snooze.hidden = !calls(first) || pausedMs(first, now) > 0;
  }

  /** @param {Watch} watch */
  _showPlain(watch) {
    const words = plainWords(watch);
    this._root.hidden = words === "none";
    if (words !== "none") put(this._words, text(`alarm.plain.${words}`));
  }
}

/** What stands beside an alarm's text. @param {Alarm} alarm @param {number} now @returns {readonly string[]} */
export function notes(alarm, now) {
  const found = [];
  if (alarm.demo) found.push(text("alarm.demo"));
  if (alarm.raised_at !== null) found.push(clockTime(new Date(alarm.raised_at), browserZone()));
  if (alarm.late) found.push(text("alarm.late"));
  if (alarm.state === "latched") found.push(text("alarm.latched"));
  if (alarm.acknowledged_by !== "") found.push(`√ ${text("alarm.seen", { name: alarm.acknowledged_by })}`);
  const paused = pausedMs(alarm, now);
  if (paused > 0 && alarm.state !== "ended") found.push(text("alarm.paused", { seconds: Math.ceil(paused / 1000) }));
  if (alarm.bedside !== "") found.push(text("alarm.bedside", { what: bedsideWords(alarm.bedside) }));
  return found;
}

/** What a device says in words of its standard; in its own where we know no better. @param {string} said */
function bedsideWords(said) {
  const key = `alarm.bedside.${said}`;
  return knows(key) ? text(key) : said;
}

/** @param {HTMLElement} place @param {string} words */
function put(place, words) {
  if (place.textContent !== words) place.textContent = words;
}
