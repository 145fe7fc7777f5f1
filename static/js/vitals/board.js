/** The vitals of one encounter on this page: socket, numbers and traces together, and the timer that lets them age. */

import { offsetMs } from "../room/server_clock.js";
import { element } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { heard } from "./numerics.js";
import { Recording } from "./recording.js";
import { VitalsSocket } from "./socket.js";
import { Tiles } from "./tiles.js";
import { Traces } from "./traces.js";

/** @import { AlarmCentre } from "./alarm_centre.js" */
/** @import { Device, Frame, VitalsMessage } from "./messages.js" */
/** @import { Readings, TileSpec, WaveSpec } from "./numerics.js" */

const AGE_MS = 500;
/** Told for so long that curves were left out, so that nobody takes a hole for a pause of the heart. */
const WEAK_MS = 10_000;

/**
 * @typedef {object} BoardPlaces
 * @property {HTMLElement} root Gets `data-line` and `data-demo`, and is hidden until a device is known.
 * @property {HTMLElement} tiles A `dl` over the picture.
 * @property {HTMLElement} traces
 * @property {HTMLElement} monitor A `dl` in the panel.
 * @property {HTMLElement} devices A list in the panel.
 * @property {HTMLElement} line Says when the readings do not come through.
 * @property {HTMLElement} none Shown instead while there is no device.
 */

export class VitalsBoard {
  /**
   * @param {BoardPlaces} places
   * @param {object} options
   * @param {{ tiles: readonly TileSpec[], waves: readonly WaveSpec[] }} options.tables
   * @param {boolean} options.plain
   * @param {() => Promise<string>} options.ticket
   * @param {AlarmCentre} options.alarms
   * @param {() => number} [options.lag_ms] How far behind all is to be drawn, because the picture is.
   * @param {() => void} [options.onPhoto] somebody added a photo of a display
   */
  constructor(places, { tables, plain, ticket, alarms, lag_ms = () => 0, onPhoto }) {
    this._alarms = alarms;
    this._places = places;
    this._tiles = new Tiles(places.tiles, { specs: tables.tiles, plain, full: false });
    this._monitor = new Tiles(places.monitor, { specs: tables.tiles, plain, full: true });
    this._lag = lag_ms;
    /** Called when there are other traces. */
    this.onRows = () => {};
    this.traces = new Traces(places.traces, tables.waves, { onRows: () => this.onRows() });
    /** The last minutes, of all that came. */
    this.recording = new Recording();
    /** @type {Readings} */
    this._readings = new Map();
    /** @type {Map<string, Device>} */
    this._devices = new Map();
    this._demo = false;
    /** @type {"opening" | "interrupted" | "stopped" | "good"} */
    this._line = "opening";
    this._weakUntil = 0;
    this._onPhoto = onPhoto;
    this._socket = new VitalsSocket({
      ticket,
      onMessage: (message) => this._heard(message),
      onState: (state) => this._lineChanged(state),
    });
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._ageing = undefined;
    this._frame = 0;
  }

  start() {
    this._socket.start();
    // Numbers age by the clock and not by messages: silence must be seen.
    this._ageing = setInterval(() => this._show(), AGE_MS);
    const paint = () => {
      this.traces.paint(this.now(), this._lag());
      this._frame = requestAnimationFrame(paint);
    };
    this._frame = requestAnimationFrame(paint);
    this._show();
  }

  stop() {
    this._socket.stop();
    this._alarms.stop();
    clearInterval(this._ageing);
    cancelAnimationFrame(this._frame);
  }

  /**
   * The traces of the last seconds, as they are drawn now, and where they end.
   *
   * @param {number} seconds
   */
  freeze(seconds) {
    const until = this.now() - (this._lag() || this.traces.delay_ms);
    return { until, traces: this.traces.freeze(until - seconds * 1000, until) };
  }

  /** When each alarm of late began. */
  get alarms() {
    return this._alarms.onTrends;
  }

  /** The colours of the parameters are others now. */
  recolour() {
    this.traces.recolour();
  }

  /** Milliseconds since 1970 on the server. */
  now() {
    return Date.now() + offsetMs(this._socket.clock);
  }

  /** @param {VitalsMessage | Frame} message */
  _heard(message) {
    switch (message.type) {
      case "alarm":
      case "score":
      case "limits":
      case "entries":
      case "signals":
      case "rhythm":
        this._alarms.heard(message);
        this._show();
        return;
      case "welcome":
        this._alarms.welcomed();
        if (!message.resumed) this.traces.clear();
        this.recording.describe(message.channels);
        this._devices = new Map(message.devices.map((device) => [device.id, device]));
        this.traces.describe(message.channels);
        this._lineChanged("good");
        this._show();
        return;
      case "channels":
        this.recording.describe(message.channels);
        this.traces.describe(message.channels);
        return;
      case "numerics":
        this._readings = heard(this._readings, message);
        this.recording.measured(message);
        if (message.demo) this._demo = true;
        this._show();
        return;
      case "device":
        this._devices.set(message.device.id, message.device);
        this._show();
        return;
      case "photo":
        this._onPhoto?.();
        return;
      case "gap":
        this._weakUntil = Date.now() + WEAK_MS;
        this._showLine();
        return;
      case "wave":
        this.recording.waved(message);
        this.traces.add(message, this.now());
        return;
      default:
    }
  }

  _show() {
    const now = this.now();
    const lag = this._lag();
    const readings = lag > 0 ? this.recording.readingsAt(now - lag) : this._readings;
    this._tiles.show(readings, now, this._devices);
    this._monitor.show(readings, now, this._devices);
    this._alarms.show(now);
    this._tiles.mark(this._alarms.onTiles);
    this._monitor.mark(this._alarms.onTiles);
    const any = this._devices.size > 0 || this._readings.size > 0;
    this._places.root.hidden = !any;
    this._places.none.hidden = any;
    this._places.monitor.hidden = !any;
    const simulated = [...this._devices.values()].some((device) => device.simulated);
    this._places.root.toggleAttribute("data-demo", this._demo || simulated || this.traces.demo);
    this._places.root.dataset["traces"] = String(this.traces.count);
    this._showDevices();
    this._showLine();
  }

  _showDevices() {
    const lines = [...this._devices.values()].map((device) => {
      if (device.kind === "spot") return device.name;
      const state = text(device.connected ? "vitals.device.connected" : "vitals.device.away");
      return `${device.name}: ${state}${device.simulated ? ` (${text("vitals.device.simulated")})` : ""}`;
    });
    const shown = [...this._places.devices.children].map((item) => item.textContent);
    if (lines.join("\n") === shown.join("\n")) return;
    this._places.devices.replaceChildren(...lines.map((line) => element("li", {}, line)));
  }

  /** @param {"opening" | "interrupted" | "stopped" | "good"} state */
  _lineChanged(state) {
    this._line = state;
    this._places.root.dataset["line"] = state;
    this._showLine();
  }

  _showLine() {
    const broken = this._line === "interrupted" || this._line === "stopped";
    const weak = this._line === "good" && Date.now() < this._weakUntil;
    const said = broken ? text(`vitals.line.${this._line}`) : weak ? text("vitals.line.weak") : "";
    if (this._places.line.textContent === said) return;
    this._places.line.textContent = said;
    this._places.line.hidden = said === "";
  }
}
