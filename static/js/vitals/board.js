/** The vitals of one encounter on this page: socket, numbers and traces together, and the timer that lets them age. */

import { offsetMs } from "../room/server_clock.js";
import { element } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { heard } from "./numerics.js";
import { VitalsSocket } from "./socket.js";
import { Tiles } from "./tiles.js";
import { Traces } from "./traces.js";

/** @import { AlarmCentre } from "./alarm_centre.js" */
/** @import { Device, Frame, VitalsMessage } from "./messages.js" */
/** @import { Readings, TileSpec, WaveSpec } from "./numerics.js" */

const AGE_MS = 500;

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
   */
  constructor(places, { tables, plain, ticket, alarms }) {
    this._alarms = alarms;
    this._places = places;
    this._tiles = new Tiles(places.tiles, { specs: tables.tiles, plain, full: false });
    this._monitor = new Tiles(places.monitor, { specs: tables.tiles, plain, full: true });
    this._traces = new Traces(places.traces, tables.waves);
    /** @type {Readings} */
    this._readings = new Map();
    /** @type {Map<string, Device>} */
    this._devices = new Map();
    this._demo = false;
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
      this._traces.paint(this._now());
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

  _now() {
    return Date.now() + offsetMs(this._socket.clock);
  }

  /** @param {VitalsMessage | Frame} message */
  _heard(message) {
    switch (message.type) {
      case "alarm":
      case "score":
      case "limits":
      case "entries":
        this._alarms.heard(message);
        this._show();
        return;
      case "welcome":
        this._alarms.welcomed();
        if (!message.resumed) this._traces.clear();
        this._devices = new Map(message.devices.map((device) => [device.id, device]));
        this._traces.describe(message.channels);
        this._lineChanged("good");
        this._show();
        return;
      case "channels":
        this._traces.describe(message.channels);
        return;
      case "numerics":
        this._readings = heard(this._readings, message);
        if (message.demo) this._demo = true;
        this._show();
        return;
      case "device":
        this._devices.set(message.device.id, message.device);
        this._show();
        return;
      case "wave":
        this._traces.add(message, this._now());
        return;
      default:
    }
  }

  _show() {
    const now = this._now();
    this._tiles.show(this._readings, now);
    this._monitor.show(this._readings, now);
    this._alarms.show(now);
    this._tiles.mark(this._alarms.onTiles);
    this._monitor.mark(this._alarms.onTiles);
    const any = this._devices.size > 0 || this._readings.size > 0;
    this._places.root.hidden = !any;
    this._places.none.hidden = any;
    this._places.monitor.hidden = !any;
    const simulated = [...this._devices.values()].some((device) => device.simulated);
    this._places.root.toggleAttribute("data-demo", this._demo || simulated || this._traces.demo);
    this._places.root.dataset["traces"] = String(this._traces.count);
    this._showDevices();
  }

  _showDevices() {
    const lines = [...this._devices.values()].map((device) => {
      const state = text(device.connected ? "vitals.device.connected" : "vitals.device.away");
      return `${device.name}: ${state}${device.simulated ? ` (${text("vitals.device.simulated")})` : ""}`;
    });
    const shown = [...this._places.devices.children].map((item) => item.textContent);
    if (lines.join("\n") === shown.join("\n")) return;
    this._places.devices.replaceChildren(...lines.map((line) => element("li", {}, line)));
  }

  /** @param {"opening" | "interrupted" | "stopped" | "good"} state */
  _lineChanged(state) {
    this._places.root.dataset["line"] = state;
    const broken = state === "interrupted" || state === "stopped";
    this._places.line.textContent = broken ? text(`vitals.line.${state}`) : "";
    this._places.line.hidden = !broken;
  }
}
