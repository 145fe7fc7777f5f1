/** Alarms, scores, limits and entries on the vitals socket (docs/protocol.md, "Vitals"). */

import { choice, fields, flag, list, number, numberOrNull, text, texts } from "../room/reading.js";

/** @import { Fields } from "../room/reading.js" */

/** @typedef {"low" | "medium" | "high"} Priority */
/** @typedef {"active" | "latched" | "acknowledged" | "ended" | "pending"} AlarmState */
/**
 * @typedef {Readonly<{ id: string, kind: "limit" | "technical" | "device", subject: string, side: string, device: string,
 *   tile: string, state: AlarmState, priority: Priority, text: string, since: number, raised_at: number | null,
 *   ended_at: number | null, acknowledged_by: string, acknowledged_at: number | null, snoozed_until: number | null,
 *   reason: string, bedside: string, demo: boolean, late: boolean }>} Alarm
 */
/**
 * @typedef {Readonly<{ name: string, value: string, points: number | null, taken_at: number | null, source: string }>} ScoreInput
 */
/** @typedef {"news2" | "shock_index" | "mews" | "pews"} ScoreKind */
/** @typedef {"unknown" | "low" | "low_medium" | "medium" | "high"} Band */
/**
 * @typedef {Readonly<{ id: string, kind: ScoreKind, variant: string, at: number, total: number, band: Band,
 *   complete: boolean, inputs: readonly ScoreInput[], asked_by: string, demo: boolean }>} Score
 */
/**
 * @typedef {Readonly<{ vital: string, label: string, tile: string, unit: string, decimals: number, very_low: number | null,
 *   low: number | null, high: number | null, very_high: number | null, apnoea_s: number | null, set_by: string, set_at: number | null }>} Limit
 */
/** @typedef {"consciousness" | "oxygen" | "temperature" | "spo2_scale"} EntryKind */
/** @typedef {Readonly<{ entry: EntryKind, value: string, at: number, by: string }>} Entry */

/** @typedef {Readonly<{ type: "alarm", id: string, alarm: Alarm }>} AlarmChanged */
/** @typedef {Readonly<{ type: "score", id: string, score: Score }>} ScoreIssued */
/** @typedef {Readonly<{ type: "limits", id: string, band: string, age_known: boolean, limits: readonly Limit[] }>} LimitsSet */
/** @typedef {Readonly<{ type: "entries", id: string, entries: readonly Entry[] }>} EntriesMade */
/** @typedef {"on" | "audio_paused" | "alarm_paused" | "audio_off" | "alarm_off"} SignalState */
/**
 * Whether the alarms of the patient are heard and seen; `until` of a pause.
 *
 * @typedef {Readonly<{ state: SignalState, until: number | null, by: string, at: number | null }>} Signals
 */
/** @typedef {Readonly<{ type: "signals", id: string, signals: Signals }>} SignalsSet */
/** @typedef {"bradycardia" | "tachycardia" | "pause" | "irregular"} Hint */
/**
 * Beats found in the ECG, where somebody asked; `checked` is false when the device's rate differs.
 *
 * @typedef {Readonly<{ type: "rhythm", id: string, on: boolean, channel: number, rate: number | null,
 *   device_rate: number | null, rmssd_ms: number | null, checked: boolean | null, hints: readonly Hint[], demo: boolean }>} RhythmSeen
 */
/** @typedef {AlarmChanged | ScoreIssued | LimitsSet | EntriesMade | SignalsSet | RhythmSeen} WatchMessage */

/** @type {readonly Hint[]} */
const HINTS = ["bradycardia", "tachycardia", "pause", "irregular"];

/**
 * Read the rest of a message of one of these types.
 *
 * @param {WatchMessage["type"]} type
 * @param {Fields} from
 * @returns {WatchMessage}
 */
export function parseWatch(type, from) {
  const id = text(from, "id");
  if (type === "alarm") return { type, id, alarm: alarm(fields(from["alarm"], "alarm")) };
  if (type === "score") return { type, id, score: score(fields(from["score"], "score")) };
  if (type === "entries") return { type, id, entries: list(from, "entries", entry) };
  if (type === "signals") return { type, id, signals: signals(fields(from["signals"], "signals")) };
  if (type === "rhythm") return rhythm(id, from);
  return { type, id, band: text(from, "band"), age_known: flag(from, "age_known"), limits: list(from, "limits", limit) };
}

/** @param {string} id @param {Fields} from @returns {RhythmSeen} */
function rhythm(id, from) {
  return {
    type: "rhythm",
    id,
    on: flag(from, "on"),
    channel: number(from, "channel"),
    rate: numberOrNull(from, "rate"),
    device_rate: numberOrNull(from, "device_rate"),
    rmssd_ms: numberOrNull(from, "rmssd_ms"),
    checked: from["checked"] === null ? null : flag(from, "checked"),
    hints: texts(from, "hints").map((hint) => choice({ hint }, "hint", HINTS)),
    demo: flag(from, "demo"),
  };
}

/** @param {Fields} from @returns {Alarm} */
export function alarm(from) {
  return {
    id: text(from, "id"),
    kind: choice(from, "kind", ["limit", "technical", "device"]),
    subject: text(from, "subject"),
    side: text(from, "side"),
    device: text(from, "device"),
    tile: text(from, "tile"),
    state: choice(from, "state", ["active", "latched", "acknowledged", "ended", "pending"]),
    priority: choice(from, "priority", ["low", "medium", "high"]),
    text: text(from, "text"),
    since: number(from, "since"),
    raised_at: numberOrNull(from, "raised_at"),
    ended_at: numberOrNull(from, "ended_at"),
    acknowledged_by: text(from, "acknowledged_by"),
    acknowledged_at: numberOrNull(from, "acknowledged_at"),
    snoozed_until: numberOrNull(from, "snoozed_until"),
    reason: text(from, "reason"),
    bedside: text(from, "bedside"),
    demo: flag(from, "demo"),
    late: flag(from, "late"),
  };
}

/** @param {Fields} from @returns {Signals} */
export function signals(from) {
  return {
    state: choice(from, "state", ["on", "audio_paused", "alarm_paused", "audio_off", "alarm_off"]),
    until: numberOrNull(from, "until"),
    by: text(from, "by"),
    at: numberOrNull(from, "at"),
  };
}

/** @param {Fields} from @returns {Score} */
function score(from) {
  return {
    id: text(from, "id"),
    kind: choice(from, "kind", ["news2", "shock_index", "mews", "pews"]),
    variant: text(from, "variant"),
    at: number(from, "at"),
    total: number(from, "total"),
    band: choice(from, "band", ["unknown", "low", "low_medium", "medium", "high"]),
    complete: flag(from, "complete"),
    inputs: list(from, "inputs", (input) => ({
      name: text(input, "name"),
      value: text(input, "value"),
      points: numberOrNull(input, "points"),
      taken_at: numberOrNull(input, "taken_at"),
      source: text(input, "source"),
    })),
    asked_by: text(from, "asked_by"),
    demo: flag(from, "demo"),
  };
}

/** @param {Fields} from @returns {Limit} */
function limit(from) {
  return {
    vital: text(from, "vital"),
    label: text(from, "label"),
    tile: text(from, "tile"),
    unit: text(from, "unit"),
    decimals: number(from, "decimals"),
    very_low: numberOrNull(from, "very_low"),
    low: numberOrNull(from, "low"),
    high: numberOrNull(from, "high"),
    very_high: numberOrNull(from, "very_high"),
    apnoea_s: numberOrNull(from, "apnoea_s"),
    set_by: text(from, "set_by"),
    set_at: numberOrNull(from, "set_at"),
  };
}

/** @param {Fields} from @returns {Entry} */
function entry(from) {
  return {
    entry: choice(from, "entry", ["consciousness", "oxygen", "temperature", "spo2_scale"]),
    value: text(from, "value"),
    at: number(from, "at"),
    by: text(from, "by"),
  };
}
