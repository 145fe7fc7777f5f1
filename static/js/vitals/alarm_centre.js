/** Alarms, limits and scores of one visit on this page: what comes from the socket, what is shown where, what a press does. */

import { api, Problem } from "../ui/api.js";
import { announce, element, icon } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { browserZone, clockTime } from "../ui/time.js";
import { alarm as readAlarm } from "./alarm_messages.js";
import { AlarmBar, notes } from "./alarm_bar.js";
import { audible, calls, limitWords, marks, NOTHING, open, reconnected, seenNow, signalsAt, took } from "./alarms.js";
import { AlarmSound } from "./alarm_sound.js";
import { LimitsView } from "./limits_view.js";
import { ScoreView } from "./score_view.js";
import { PauseButtons, SignalsLine } from "./signals_view.js";

/** @import { Alarm, WatchMessage } from "./alarm_messages.js" */
/** @import { Mark, Watch } from "./alarms.js" */

const SNOOZE_S = 120;
const LISTED = 30;
const COUNT_AGAIN_MS = 60_000;

/**
 * @typedef {object} AlarmPlaces
 * @property {HTMLElement} signals Under the title, while alarms are paused or off.
 * @property {HTMLElement} bar Under the title.
 * @property {HTMLElement} scores In the panel; empty for patients.
 * @property {HTMLElement} alarms In the panel; empty for patients.
 */

export class AlarmCentre {
  /** @param {AlarmPlaces} places @param {{ encounter: string, role: string }} options */
  constructor(places, { encounter, role }) {
    this._path = `/encounters/${encounter}`;
    this._staff = role === "practitioner" || role === "paramedic";
    /** @type {Watch} */
    this._watch = NOTHING;
    this._said = new Set();
    this._now = 0;
    this._countedAt = 0;
    this._uncounted = false;
    this._sound = new AlarmSound();
    this._bar = new AlarmBar(
      places.bar,
      { acknowledge: (id) => void this._do(`/alarms/${id}/acknowledge`), snooze: (id) => void this._do(`/alarms/${id}/snooze`, { seconds: SNOOZE_S }) },
      { plain: !this._staff },
    );
    /** @type {import("./signals_view.js").SetSignals} */
    const set = (state, seconds) => void this._do("/signals", seconds === undefined ? { state } : { state, seconds }, "PUT");
    this._line = new SignalsLine(places.signals, set, { plain: !this._staff });
    this._pauses = new PauseButtons(set, { mayPause: role === "practitioner" });
    this._list = element("ul", { class: "plain-list alarm-list" });
    this._rate = element("p", { class: "quiet small" });
    this._listed = "";
    if (!this._staff) {
      places.scores.hidden = places.alarms.hidden = true;
      return;
    }
    this._scores = new ScoreView(
      places.scores,
      { now: () => void this._do("/scores/now"), enter: (entries) => void this._do("/entries", entries, "PUT"), rhythm: (on) => void this._do("/rhythm", { on }, "PUT") },
      { mayScale: role === "practitioner" },
    );
    this._fill(places.alarms);
  }

  /** When each alarm of late began, for the trends. @returns {readonly { tile: string, at: number, priority: string }[]} */
  get onTrends() {
    const known = [...this._watch.alarms.values(), ...this._watch.past];
    return known.map(({ tile, raised_at, since, priority }) => ({ tile, at: raised_at ?? since, priority }));
  }

  /** Marks and limits for the tiles. @returns {{ marks: ReadonlyMap<string, Mark>, limits: ReadonlyMap<string, string> }} */
  get onTiles() {
    const shown = this._staff ? marks(seenNow(this._watch, this._now)) : new Map();
    return { marks: shown, limits: this._staff ? limitWords(this._watch) : new Map() };
  }

  welcomed() {
    this._watch = reconnected(this._watch);
    if (this._staff) void this._readHistory();
  }

  /** @param {WatchMessage} message */
  heard(message) {
    this._watch = took(this._watch, message);
    if (message.type !== "alarm") return;
    this._uncounted = true;
    this._announce(message.alarm);
  }

  /** Call it twice a second. @param {number} now */
  show(now) {
    this._now = now;
    const signals = signalsAt(this._watch, now);
    this._line.show(signals, now);
    this._bar.show(seenNow(this._watch, now), now);
    if (!this._staff) return;
    this._pauses.show(signals);
    this._sound.sound(audible(this._watch, now), now);
    this._sound.remind(signals.state === "audio_off" || signals.state === "alarm_off", now);
    this._scores?.show(this._watch, now);
    this._limits?.show(this._watch);
    this._showList(now);
    this._showSound();
    if (this._uncounted && now - this._countedAt >= COUNT_AGAIN_MS) void this._readHistory();
  }

  stop() {
    void this._sound.turnOff();
  }

  /** @param {HTMLElement} place */
  _fill(place) {
    this._soundButton = element("button", { type: "button", class: "button button-quiet alarm-sound", "data-testid": "alarm-sound", click: () => void this._switchSound() });
    const limits = element("details", { class: "limits-editor" }, element("summary", {}, text("limits.title")));
    this._limits = new LimitsView(limits, {
      set: async (changed) => {
        await api("PUT", `${this._path}/limits`, { limits: changed });
      },
      propose: async () => (await api("GET", `${this._path}/limits/proposal`)).limits,
    });
    place.append(
      element("h2", {}, text("alarms.title")),
      element("p", { class: "quiet small" }, text("alarm.not_a_system")),
      this._soundButton,
      this._pauses.root,
      this._list,
      this._rate,
      limits,
    );
  }

  async _switchSound() {
    try {
      await (this._sound.on ? this._sound.turnOff() : this._sound.turnOn());
    } catch {
      // No sound here: the button goes on saying so.
    }
    this._showSound();
  }

  _showSound() {
    const words = text(this._sound.on ? "alarm.sound.on" : "alarm.sound.off");
    if (!this._soundButton || this._soundButton.dataset["words"] === words) return;
    this._soundButton.dataset["words"] = words;
    this._soundButton.replaceChildren(icon(this._sound.on ? "sound" : "sound-off"), ` ${words}`);
  }

  /** @param {number} now */
  _showList(now) {
    const alarms = [...open(this._watch), ...this._watch.past].slice(0, LISTED);
    const lines = alarms.map((alarm) => ({ alarm, words: [...when(alarm), ...notes(alarm, now).filter((note) => !/^\d/u.test(note))].join(" · ") }));
    const key = JSON.stringify(lines.map(({ alarm, words }) => [alarm.id, alarm.text, alarm.state, words]));
    if (key === this._listed) return;
    this._listed = key;
    const items = lines.map(({ alarm, words }) =>
      element(
        "li",
        { class: "alarm-item", "data-priority": alarm.priority, "data-state": alarm.state },
        element("span", { class: "alarm-text" }, alarm.text),
        element("span", { class: "quiet small" }, words),
        calls(alarm) ? this._acknowledgeButton(alarm) : null,
      ),
    );
    this._list.replaceChildren(...(items.length === 0 ? [element("li", { class: "quiet" }, text("alarms.none"))] : items));
  }

  /** @param {Alarm} alarm */
  _acknowledgeButton(alarm) {
    const press = () => void this._do(`/alarms/${alarm.id}/acknowledge`);
    return element("button", { type: "button", class: "button button-quiet", click: press }, text("alarm.acknowledge"));
  }

  /** Somebody may not be looking: say each alarm once, and again when it gets worse. @param {Alarm} alarm */
  _announce(alarm) {
    const key = `${alarm.id} ${alarm.priority}`;
    const seen = seenNow(this._watch, this._now).alarms.has(alarm.id);
    if (!this._staff || !calls(alarm) || !seen || this._said.has(key)) return;
    this._said.add(key);
    announce(`${text(`alarm.priority.${alarm.priority}`)}: ${alarm.text}`);
  }

  async _readHistory() {
    this._countedAt = this._now;
    this._uncounted = false;
    try {
      const history = await api("GET", `${this._path}/alarms`);
      for (const one of [...history.alarms].reverse()) {
        const alarm = readAlarm(one);
        if (alarm.state === "ended") this._watch = took(this._watch, { type: "alarm", id: "0-0", alarm });
      }
      const top = history.top.map((/** @type {{ name: string, count: number }} */ cause) => `${cause.name} (${cause.count})`).join(", ");
      const parts = [text("alarms.per_hour", { rate: history.per_hour }), ...(top === "" ? [] : [text("alarms.top", { names: top })])];
      this._rate.textContent = history.counted === 0 ? "" : parts.join(". ");
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      // The open alarms come by the socket; the past can wait for the next connection.
    }
  }

  /** @param {string} what @param {unknown} [body] @param {"POST" | "PUT"} [method] */
  async _do(what, body, method = "POST") {
    try {
      await api(method, `${this._path}${what}`, body);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.code === "alarms_off") announce(text("signals.off_first"));
      else if (problem.code !== "not_open") announce(text("alarm.failed"));
    }
  }
}

/** @param {Alarm} alarm */
function when(alarm) {
  const time = (/** @type {number} */ at) => clockTime(new Date(at), browserZone());
  const from = time(alarm.raised_at ?? alarm.since);
  if (alarm.ended_at === null) return [text("alarms.since", { from })];
  const reason = text(`alarms.reason.${alarm.reason}`);
  return [text("alarms.lasted", { from, until: time(alarm.ended_at) }), ...(reason === "" ? [] : [reason])];
}
