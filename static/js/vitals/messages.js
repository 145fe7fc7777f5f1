/** The messages of the vitals socket (docs/protocol.md, "Vitals"): types, JSON and binary frames on the way in. */

import { choice, fields, flag, list, number, numberOrNull, object, text, unreachable, Unreadable } from "../room/reading.js";
import { parseWatch } from "./alarm_messages.js";

/** @import { Fields } from "../room/reading.js" */
/** @import { WatchMessage } from "./alarm_messages.js" */

/** Raw value that stands for a missing sample. */
export const MISSING = -32768;

const PREFIX = 16;
const HEADER = 28;
const MAX_SAMPLES = 4096;
const MAX_RATE = 100_000;

/** How a device comes to be here; what is `spot` was measured once, or typed. @typedef {"registered" | "sensor" | "spot"} DeviceKind */
/** @typedef {Readonly<{ id: string, name: string, simulated: boolean, connected: boolean, kind: DeviceKind }>} Device */
/**
 * @typedef {Readonly<{ ch: number, device: string, mdc: number, label: string, unit: string, rate: number, gain: number,
 *   offset: number }>} Channel
 */
/** @typedef {"good" | "questionable" | "invalid"} Quality */
/** `conflict`: another source says something else. @typedef {Readonly<{ mdc: number, value: number | null, unit: string, quality: Quality, conflict: boolean }>} Value */
/**
 * @typedef {Readonly<{ type: "welcome", version: number, resumed: boolean, devices: readonly Device[],
 *   channels: readonly Channel[], server_time: number }>} Welcome
 */
/** @typedef {Readonly<{ type: "channels", id: string, channels: readonly Channel[] }>} ChannelsChanged */
/**
 * @typedef {Readonly<{ type: "numerics", id: string, device: string, taken_at: number, received_at: number,
 *   demo: boolean, late: boolean, values: readonly Value[] }>} Numerics
 */
/** @typedef {Readonly<{ type: "device", id: string, device: Device }>} DeviceChanged */
/** Somebody added a photo of a display. @typedef {Readonly<{ type: "photo", id: string, document: string, at: number }>} Photo */
/** @typedef {Readonly<{ type: "gap" }>} Gap */
/** @typedef {Readonly<{ type: "error", code: string, text: string, about: string }>} Refusal */
/** @typedef {Readonly<{ type: "pong", sent_at: number, server_time: number }>} Pong */
/** @typedef {Welcome | ChannelsChanged | Numerics | DeviceChanged | Photo | WatchMessage | Gap | Refusal | Pong} VitalsMessage */

/**
 * A block of a waveform, or the mark that samples are missing (`gap`; then `samples` is empty and `count` says how many).
 *
 * @typedef {Readonly<{ type: "wave", id: string, channel: number, sequence: number, first: number, starts_at: number,
 *   count: number, gap: boolean, demo: boolean, questionable: boolean, backfill: boolean, samples: Int16Array }>} Frame
 */

/** @type {readonly DeviceKind[]} */
const KINDS = ["registered", "sensor", "spot"];
/** @type {readonly VitalsMessage["type"][]} */
const TYPES = ["welcome", "channels", "numerics", "device", "photo", "alarm", "score", "limits", "entries", "signals", "rhythm", "gap", "error", "pong"];

/**
 * Read one text message.
 *
 * @param {string} json
 * @returns {VitalsMessage}
 * @throws {Unreadable}
 */
export function parse(json) {
  const from = object(json);
  const type = choice(from, "type", TYPES);
  switch (type) {
    case "welcome":
      return {
        type,
        version: number(from, "version"),
        resumed: flag(from, "resumed"),
        devices: list(from, "devices", device),
        channels: list(from, "channels", channelOf),
        server_time: number(from, "server_time"),
      };
    case "channels":
      return { type, id: text(from, "id"), channels: list(from, "channels", channelOf) };
    case "numerics":
      return {
        type,
        id: text(from, "id"),
        device: text(from, "device"),
        taken_at: number(from, "taken_at"),
        received_at: number(from, "received_at"),
        demo: flag(from, "demo"),
        late: flag(from, "late"),
        values: list(from, "values", valueOf),
      };
    case "device":
      return { type, id: text(from, "id"), device: device(fields(from["device"], "device")) };
    case "photo":
      return { type, id: text(from, "id"), document: text(from, "document"), at: number(from, "at") };
    case "alarm":
    case "score":
    case "limits":
    case "entries":
    case "signals":
    case "rhythm":
      return parseWatch(type, from);
    case "gap":
      return { type };
    case "error":
      return { type, code: text(from, "code"), text: text(from, "text"), about: text(from, "about") };
    case "pong":
      return { type, sent_at: number(from, "sent_at"), server_time: number(from, "server_time") };
    default:
      return unreachable(type);
  }
}

/**
 * Read one binary message: the id of the event, then the frame.
 *
 * @param {ArrayBuffer} bytes
 * @returns {Frame}
 * @throws {Unreadable}
 */
export function parseFrame(bytes) {
  if (bytes.byteLength < PREFIX + HEADER) throw new Unreadable("the frame is too short");
  const view = new DataView(bytes);
  const at = PREFIX;
  const kind = view.getUint8(at + 1);
  if (view.getUint8(at) !== 1 || (kind !== 1 && kind !== 2)) throw new Unreadable("the frame is of another version or kind");
  const count = view.getUint16(at + 24, true);
  const starts_at = view.getFloat64(at + 16, true);
  const expected = PREFIX + HEADER + (kind === 1 ? count * 2 : 0);
  if (count > MAX_SAMPLES || bytes.byteLength !== expected) throw new Unreadable("the frame has not the length it names");
  if (!Number.isFinite(starts_at)) throw new Unreadable("the frame has no time");
  const flags = view.getUint8(at + 26);
  return {
    type: "wave",
    id: `${view.getBigUint64(0, true)}-${view.getBigUint64(8, true)}`,
    channel: view.getUint16(at + 2, true),
    sequence: view.getUint32(at + 4, true),
    first: Number(view.getBigUint64(at + 8, true)),
    starts_at,
    count,
    gap: kind === 2,
    demo: (flags & 1) !== 0,
    questionable: (flags & 2) !== 0,
    backfill: (flags & 4) !== 0,
    samples: kind === 1 ? samples(view, PREFIX + HEADER, count) : new Int16Array(0),
  };
}

/** @param {DataView} view @param {number} from @param {number} count */
function samples(view, from, count) {
  // Not a typed array over the buffer: that would read in the machine's own byte order.
  return Int16Array.from({ length: count }, (_, n) => view.getInt16(from + n * 2, true));
}

/** @param {Fields} from @returns {Device} */
function device(from) {
  return {
    id: text(from, "id"),
    name: text(from, "name"),
    simulated: flag(from, "simulated"),
    connected: flag(from, "connected"),
    kind: choice(from, "kind", KINDS),
  };
}

/** @param {Fields} from @returns {Channel} */
export function channelOf(from) {
  const rate = number(from, "rate");
  if (rate <= 0 || rate > MAX_RATE) throw new Unreadable("a channel has an impossible rate");
  return {
    ch: number(from, "ch"),
    device: text(from, "device"),
    mdc: number(from, "mdc"),
    label: text(from, "label"),
    unit: text(from, "unit"),
    rate,
    gain: number(from, "gain"),
    offset: number(from, "offset"),
  };
}

/** @param {Fields} from @returns {Value} */
export function valueOf(from) {
  return {
    mdc: number(from, "mdc"),
    value: numberOrNull(from, "value"),
    unit: text(from, "unit"),
    quality: choice(from, "quality", ["good", "questionable", "invalid"]),
    conflict: flag(from, "conflict"),
  };
}
