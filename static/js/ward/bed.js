/** One patient of the ward: name, score, two numbers, one trace, the age of the newest reading; a press enters. */

import { NOTHING, reconnected, seenNow, signalsAt, took } from "../vitals/alarms.js";
import { ageWords, heard, tileState } from "../vitals/numerics.js";
import { SignalsMark } from "../vitals/signals_view.js";
import { VitalsSocket } from "../vitals/socket.js";
import { Traces } from "../vitals/traces.js";
import { offsetMs } from "../room/server_clock.js";
import { api } from "../ui/api.js";
import { element } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { concern } from "./order.js";

/** @import { Frame, VitalsMessage } from "../vitals/messages.js" */
/** @import { Readings, TileSpec, WaveSpec } from "../vitals/numerics.js" */

const NUMBERS = ["heart-rate", "spo2"];

export class Bed {
  /**
   * @param {{ encounter: string, patient: string }} bed
   * @param {{ tables: { tiles: readonly TileSpec[], waves: readonly WaveSpec[] }, onChange: () => void }} options
   */
  constructor({ encounter, patient }, { tables, onChange }) {
    this.encounter = encounter;
    this.name = patient;
    this._onChange = onChange;
    /** @type {Readings} */
    this._readings = new Map();
    this._watch = NOTHING;
    this._simulated = false;
    this._line = "opening";
    this._specs = NUMBERS.map((key) => tables.tiles.find((spec) => spec.key === key)).filter((spec) => spec !== undefined);
    this._values = this._specs.map((spec) => numberOf(spec));
    this._score = element("span", { class: "bed-score" });
    this._alarm = element("span", { class: "bed-alarm" });
    this._signals = new SignalsMark();
    this._age = element("span", { class: "bed-age" });
    const traces = element("div", { class: "traces bed-traces", "aria-hidden": "true" });
    const name = element("span", { class: "bed-name" }, patient);
    this._demo = element("span", { class: "bed-demo", hidden: true }, text("vitals.demo"));
    const link = element(
      "a",
      { class: "bed-link", href: `/rooms/${encodeURIComponent(encounter)}`, "aria-label": text("ward.enter", { name: patient }) },
    );
    this.root = element(
      "li",
      { class: "bed vitals-colours", "data-testid": "bed", "data-encounter": encounter },
      link,
      element("div", { class: "bed-head" }, name, this._demo, this._score),
      this._alarm,
      this._signals.root,
      element("dl", { class: "bed-numbers" }, ...this._values.map(({ root }) => root)),
      traces,
      this._age,
    );
    this._traces = new Traces(traces, tables.waves, { most: 1 });
    this._socket = new VitalsSocket({
      ticket: async () => (await api("POST", "/tickets", { purpose: "vitals", encounter })).ticket,
      onMessage: (message) => this._heard(message),
      onState: (state) => {
        this._line = state;
        this.show();
      },
    });
  }

  get concern() {
    return concern(seenNow(this._watch, this._now()));
  }

  start() {
    this._socket.start();
  }

  stop() {
    this._socket.stop();
    this._traces.clear();
    this.root.remove();
  }

  paint() {
    this._traces.paint(this._now());
  }

  recolour() {
    this._traces.recolour();
  }

  /** Numbers age by the clock. */
  show() {
    const now = this._now();
    this._values.forEach(({ spec, root, value }) => {
      const state = tileState(spec, this._readings, now);
      root.dataset["state"] = state.state;
      put(value, state.shown);
    });
    const { score, alarm, text: words } = this.concern;
    const key = score === null ? "ward.score.none" : score.complete ? "ward.score" : "ward.score.incomplete";
    put(this._score, text(key, { score: score?.total ?? 0 }));
    this._score.dataset["band"] = score?.band ?? "unknown";
    put(this._alarm, alarm === null ? "" : words);
    this.root.dataset["alarm"] = alarm ?? "";
    this._signals.show(signalsAt(this._watch, now), now);
    this.root.dataset["line"] = this._line;
    this._demo.hidden = !this._simulated;
    put(this._age, this._ageWords(now));
  }

  /** @param {number} now */
  _ageWords(now) {
    if (this._line !== "good") return text(`ward.line.${this._line}`);
    const newest = Math.max(0, ...[...this._readings.values()].filter(({ value }) => value !== null).map(({ taken_at }) => taken_at));
    if (newest === 0) return text("ward.silent");
    const { key, count } = ageWords(Math.max(0, now - newest));
    return text("ward.newest", { age: text(key, { count }) });
  }

  /** @param {VitalsMessage | Frame} message */
  _heard(message) {
    switch (message.type) {
      case "welcome":
        this._line = "good";
        if (!message.resumed) this._traces.clear();
        this._watch = reconnected(this._watch);
        this._simulated = message.devices.some((device) => device.simulated);
        this._traces.describe(message.channels);
        break;
      case "channels":
        this._traces.describe(message.channels);
        break;
      case "numerics":
        this._readings = heard(this._readings, message);
        break;
      case "wave":
        this._traces.add(message, this._now());
        return;
      case "alarm":
      case "score":
      case "limits":
      case "entries":
      case "signals":
        this._watch = took(this._watch, message);
        this._onChange();
        break;
      default:
        return;
    }
    this.show();
  }

  _now() {
    return Date.now() + offsetMs(this._socket.clock);
  }
}

/** @param {TileSpec} spec */
function numberOf(spec) {
  const value = element("span", { class: "vital-value" });
  const unit = element("span", { class: "vital-unit" }, spec.unit_label);
  const root = element(
    "div",
    { class: `vital vital-${spec.group}`, "data-testid": `bed-${spec.key}` },
    element("dt", { class: "vital-label" }, spec.label),
    element("dd", { class: "vital-reading" }, value, " ", unit),
  );
  return { spec, root, value };
}

/** @param {HTMLElement} place @param {string} words */
function put(place, words) {
  if (place.textContent !== words) place.textContent = words;
}
