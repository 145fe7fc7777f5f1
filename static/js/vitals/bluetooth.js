/**
 * Health sensors of this browser (Web Bluetooth): paired by a press, read by notifications, found again when the line
 * breaks. What they send goes on as it came, with what this page makes of it.
 */

import { decode, hex } from "./gatt.js";

/** @import { Measurement } from "./gatt.js" */

// What of Web Bluetooth is used here; TypeScript's library does not have it.
/**
 * @typedef {EventTarget & { uuid: string, value?: DataView | null, startNotifications(): Promise<unknown>,
 *   readValue(): Promise<DataView>, writeValueWithResponse(value: BufferSource): Promise<void> }} Characteristic
 */
/** @typedef {{ uuid: string, getCharacteristic(uuid: number): Promise<Characteristic> }} Service */
/**
 * @typedef {{ connected: boolean, connect(): Promise<unknown>, disconnect(): void,
 *   getPrimaryService(uuid: number): Promise<Service> }} Server
 */
/** @typedef {EventTarget & { id: string, name?: string | null, gatt?: Server | null }} BluetoothDevice */
/** @typedef {{ filters: { services: number[] }[], optionalServices: number[] }} Wanted */
/** @typedef {{ requestDevice(options: Wanted): Promise<BluetoothDevice> }} Bluetooth */

/** @typedef {"connecting" | "connected" | "lost" | "stopped"} SensorState */
/**
 * A value as a sensor sent it.
 *
 * @typedef {object} SensorValue
 * @property {string} sensor name
 * @property {string} characteristic
 * @property {string} bytes hexadecimal
 * @property {Measurement[] | null} measurements null if this page could not read them; the server says why
 * @property {number} at when it came, by this machine's clock
 * @property {number | null} clock_offset_ms this machine's clock less the sensor's, if the sensor tells its own
 */

/** By service, the characteristics that notify or indicate. @type {ReadonlyMap<number, readonly number[]>} */
const SERVICES = new Map([
  [0x180d, [0x2a37]],
  [0x1822, [0x2a5f, 0x2a5e]],
  [0x1810, [0x2a35, 0x2a36]],
  [0x1809, [0x2a1c, 0x2a1e]],
  [0x1808, [0x2a18]],
  [0x181f, [0x2aa7]],
  [0x181d, [0x2a9d]],
]);
const BATTERY = 0x180f;
const DEVICE_INFORMATION = 0x180a;
const CURRENT_TIME = { service: 0x1805, characteristic: 0x2a2b };
const RECORDS = { service: 0x1808, characteristic: 0x2a52 };
/** "Report the last record" (Glucose Profile, record access control point). */
const LAST_RECORD = Uint8Array.of(1, 6);

const BACKOFF_MS = [1000, 2000, 4000, 8000, 16_000, 30_000];
const MOST_SENSORS = 6;
const MAX_NAME = 60;

/** @returns {Bluetooth | null} null where the browser has none: then values are typed, or photographed */
export function bluetoothOf(/** @type {Navigator} */ from = navigator) {
  return /** @type {{ bluetooth?: Bluetooth }} */ (/** @type {unknown} */ (from)).bluetooth ?? null;
}

/** How long to wait before the next attempt. @param {number} attempt from 0 */
export function reconnectAfter(attempt) {
  return BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)] ?? 0;
}

/** Operations one after the other: a sensor refuses a second one while the first is under way. */
export class GattQueue {
  constructor() {
    /** @type {Promise<unknown>} */
    this._last = Promise.resolve();
  }

  /** @template T @param {() => Promise<T>} operation @returns {Promise<T>} */
  run(operation) {
    const next = this._last.then(operation, operation);
    this._last = next.catch(() => undefined);
    return next;
  }
}

/**
 * @typedef {object} SensorEvents
 * @property {(value: SensorValue) => void} onValue
 * @property {() => void} onChange a state has changed
 */

/** One paired sensor. */
export class Sensor {
  /** @param {BluetoothDevice} device @param {SensorEvents} events @param {(run: () => void, ms: number) => unknown} [later] */
  constructor(device, events, later = (run, ms) => setTimeout(run, ms)) {
    this._device = device;
    this._events = events;
    this._later = later;
    this._queue = new GattQueue();
    this._attempt = 0;
    /** @type {number | null} */
    this._offset = null;
    /** @type {SensorState} */
    this.state = "connecting";
    /** @type {WeakSet<EventTarget>} */
    this._followed = new WeakSet();
    device.addEventListener("gattserverdisconnected", () => this._lost());
  }

  get id() {
    return this._device.id;
  }

  get name() {
    // Printable and short, as the server takes it.
    const name = (this._device.name ?? "").replace(/[\u0000-\u001f\u007f\u2028\u2029]/g, " ").trim().slice(0, MAX_NAME);
    return name === "" ? "Bluetooth" : name;
  }

  async connect() {
    if (this.state === "stopped") return;
    this._become("connecting");
    try {
      const server = this._device.gatt;
      if (!server) throw new Error("the device has no GATT");
      await this._queue.run(() => server.connect());
      await this._subscribe(server);
      this._attempt = 0;
      // It may have gone, or been sent away, while it was asked for its services.
      if (this._gone()) server.disconnect();
      else this._become("connected");
    } catch {
      this._lost();
    }
  }

  stop() {
    this._become("stopped");
    this._device.gatt?.disconnect();
  }

  _gone() {
    return this.state === "stopped";
  }

  /** @param {SensorState} state */
  _become(state) {
    if (this.state === state) return;
    this.state = state;
    this._events.onChange();
  }

  _lost() {
    if (this.state === "stopped" || this.state === "lost") return;
    this._become("lost");
    this._later(() => void this.connect(), reconnectAfter(this._attempt));
    this._attempt += 1;
  }

  /** @param {Server} server */
  async _subscribe(server) {
    await this._readClock(server);
    let followed = 0;
    for (const [number, characteristics] of SERVICES) {
      const service = await this._orNull(() => server.getPrimaryService(number));
      if (service === null) continue;
      for (const code of characteristics) followed += Number(await this._follow(service, code));
    }
    if (followed === 0) throw new Error("the device measures nothing that is known here");
    await this._askForRecords(server);
  }

  /** @param {Service} service @param {number} code */
  async _follow(service, code) {
    const found = await this._orNull(() => service.getCharacteristic(code));
    if (found === null) return false;
    await this._queue.run(() => found.startNotifications());
    // A browser may hand out the same object after a reconnection.
    if (this._followed.has(found)) return true;
    this._followed.add(found);
    const name = code.toString(16).toUpperCase().padStart(4, "0");
    found.addEventListener("characteristicvaluechanged", () => {
      if (found.value) this._came(name, found.value);
    });
    return true;
  }

  /** @param {string} characteristic @param {DataView} data */
  _came(characteristic, data) {
    const at = performance.timeOrigin + performance.now();
    /** @type {Measurement[] | null} */
    let measurements = null;
    try {
      measurements = decode(characteristic, data);
    } catch {
      // The server refuses it too, keeps it, and says why.
    }
    const clock_offset_ms = this._offset;
    this._events.onValue({ sensor: this.name, characteristic, bytes: hex(data), measurements, at, clock_offset_ms });
  }

  /** A meter keeps what was measured before: ask for the last. @param {Server} server */
  async _askForRecords(server) {
    const service = await this._orNull(() => server.getPrimaryService(RECORDS.service));
    const point = service && (await this._orNull(() => service.getCharacteristic(RECORDS.characteristic)));
    if (!point) return;
    await this._orNull(() => point.startNotifications());
    await this._orNull(() => point.writeValueWithResponse(LAST_RECORD));
  }

  /** @param {Server} server */
  async _readClock(server) {
    const service = await this._orNull(() => server.getPrimaryService(CURRENT_TIME.service));
    const time = service && (await this._orNull(() => service.getCharacteristic(CURRENT_TIME.characteristic)));
    const value = time && (await this._orNull(() => time.readValue()));
    this._offset = value ? clockOffset(value, Date.now()) : null;
  }

  /** What a sensor does not have is no fault. @template T @param {() => Promise<T>} operation @returns {Promise<T | null>} */
  async _orNull(operation) {
    try {
      return await this._queue.run(operation);
    } catch {
      return null;
    }
  }
}

/**
 * This machine's clock less the sensor's, in milliseconds, the sensor's local time read as if it were UTC.
 *
 * @param {DataView} value of Current Time (0x2A2B)
 * @param {number} now
 * @returns {number | null} null if the sensor's clock is not set
 */
export function clockOffset(value, now) {
  if (value.byteLength < 7 || value.getUint16(0, true) === 0) return null;
  const octet = (/** @type {number} */ at) => value.getUint8(at);
  const fraction = value.byteLength > 8 ? (octet(8) * 1000) / 256 : 0;
  const sensor = Date.UTC(value.getUint16(0, true), octet(2) - 1, octet(3), octet(4), octet(5), octet(6), fraction);
  return Number.isFinite(sensor) ? now - sensor : null;
}

/** The sensors that are paired with this page. */
export class Sensors {
  /** @param {SensorEvents} events */
  constructor(events) {
    this._events = events;
    /** @type {Map<string, Sensor>} */
    this._paired = new Map();
  }

  get list() {
    return [...this._paired.values()];
  }

  /**
   * Let the person choose a sensor; must be called from a press.
   *
   * @param {Bluetooth} bluetooth
   * @returns {Promise<Sensor | null>} null if they chose none
   * @throws {Error} there are too many, or Bluetooth is off or forbidden
   */
  async pair(bluetooth) {
    if (this._paired.size >= MOST_SENSORS) throw new Error("too many");
    const services = [...SERVICES.keys()];
    const wanted = {
      filters: services.map((service) => ({ services: [service] })),
      optionalServices: [...services, BATTERY, DEVICE_INFORMATION, CURRENT_TIME.service],
    };
    let device;
    try {
      device = await bluetooth.requestDevice(wanted);
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotFoundError") return null;
      throw error;
    }
    const known = this._paired.get(device.id);
    if (known) return known;
    const sensor = new Sensor(device, this._events);
    this._paired.set(device.id, sensor);
    this._events.onChange();
    void sensor.connect();
    return sensor;
  }

  /** @param {Sensor} sensor */
  remove(sensor) {
    this._paired.delete(sensor.id);
    sensor.stop();
    this._events.onChange();
  }

  stop() {
    for (const sensor of this.list) sensor.stop();
    this._paired.clear();
  }
}
