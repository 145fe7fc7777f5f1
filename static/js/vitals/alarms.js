/** What is known of alarms, scores, limits and entries, and what of it is to be seen and heard: values in, values out. */

/** @import { Alarm, Entry, EntryKind, Limit, Priority, RhythmSeen, Score, ScoreKind, Signals, WatchMessage } from "./alarm_messages.js" */

/**
 * @typedef {Readonly<{ alarms: ReadonlyMap<string, Alarm>, past: readonly Alarm[], scores: readonly Score[],
 *   limits: readonly Limit[], band: string, ageKnown: boolean, entries: readonly Entry[],
 *   signals: Signals, rhythm: RhythmSeen | null }>} Watch
 */

/** @type {Signals} */
const ON = { state: "on", until: null, by: "", at: null };

/** @type {Watch} */
export const NOTHING = { alarms: new Map(), past: [], scores: [], limits: [], band: "", ageKnown: false, entries: [], signals: ON, rhythm: null };

const PAST = 50;
/** @type {Readonly<Record<Priority, number>>} */
const RANK = { low: 1, medium: 2, high: 3 };

/**
 * Take a message.
 *
 * @param {Watch} watch
 * @param {WatchMessage} message
 * @returns {Watch}
 */
export function took(watch, message) {
  switch (message.type) {
    case "alarm":
      return withAlarm(watch, message.alarm);
    case "score": {
      const { score } = message;
      const others = watch.scores.filter((one) => one.kind !== score.kind || one.demo !== score.demo);
      return { ...watch, scores: [...others, score] };
    }
    case "limits":
      return { ...watch, limits: message.limits, band: message.band, ageKnown: message.age_known };
    case "signals":
      return { ...watch, signals: message.signals };
    case "rhythm":
      return { ...watch, rhythm: message };
    default:
      return { ...watch, entries: message.entries };
  }
}

/** What a fresh connection begins with: the open alarms come anew, what has passed is still known. @param {Watch} watch @returns {Watch} */
export function reconnected(watch) {
  return { ...watch, alarms: new Map() };
}

/** @param {Watch} watch @param {Alarm} alarm @returns {Watch} */
function withAlarm(watch, alarm) {
  const alarms = new Map(watch.alarms);
  if (alarm.state !== "ended") return { ...watch, alarms: alarms.set(alarm.id, alarm) };
  alarms.delete(alarm.id);
  const past = [alarm, ...watch.past.filter((one) => one.id !== alarm.id)].slice(0, PAST);
  return { ...watch, alarms, past };
}

/** Whether it asks for somebody: neither seen, nor of the past. @param {Alarm} alarm */
export function calls(alarm) {
  return (alarm.state === "active" || alarm.state === "latched") && !alarm.late;
}

/** The open alarms, first what calls, then by priority, then the newest. @param {Watch} watch @returns {readonly Alarm[]} */
export function open(watch) {
  return [...watch.alarms.values()].sort(
    (a, b) => Number(calls(b)) - Number(calls(a)) || RANK[b.priority] - RANK[a.priority] || b.since - a.since,
  );
}

/** @param {Alarm} alarm @param {number} now Milliseconds for which its sound is still off; 0 if it is not. */
export function pausedMs(alarm, now) {
  return alarm.snoozed_until === null ? 0 : Math.max(0, alarm.snoozed_until - now);
}

/** How the signals of all alarms stand now: a pause that has run out is over. @param {Watch} watch @param {number} now @returns {Signals} */
export function signalsAt({ signals }, now) {
  return signals.until !== null && now >= signals.until ? ON : signals;
}

/** What is to be seen now: no alarm while they are paused or off. @param {Watch} watch @param {number} now @returns {Watch} */
export function seenNow(watch, now) {
  const { state } = signalsAt(watch, now);
  return state === "alarm_paused" || state === "alarm_off" ? { ...watch, alarms: new Map() } : watch;
}

/**
 * The priority that is to be heard now, if any.
 *
 * @param {Watch} watch
 * @param {number} now
 * @returns {Priority | null}
 */
export function audible(watch, now) {
  if (signalsAt(watch, now).state !== "on") return null;
  const heard = open(watch).filter((alarm) => calls(alarm) && pausedMs(alarm, now) === 0);
  return heard.reduce((/** @type {Priority | null} */ most, { priority }) => (most === null || RANK[priority] > RANK[most] ? priority : most), null);
}

/** How a tile is marked: its highest alarm, and whether that still calls. @typedef {Readonly<{ priority: Priority, calls: boolean }>} Mark */

/** @param {Watch} watch @returns {ReadonlyMap<string, Mark>} By the key of the tile. */
export function marks(watch) {
  /** @type {Map<string, Mark>} */
  const found = new Map();
  for (const alarm of open(watch)) {
    if (alarm.tile !== "" && !alarm.late && !found.has(alarm.tile)) found.set(alarm.tile, { priority: alarm.priority, calls: calls(alarm) });
  }
  return found;
}

/** The yellow limits that stand beside the number of a tile: `50–120`, or `≥ 90`. @param {Watch} watch */
export function limitWords(watch) {
  /** @type {Map<string, string>} */
  const words = new Map();
  for (const limit of watch.limits) {
    // Of a pressure the systolic limits stand for all: the tile has no room for three pairs.
    if (words.has(limit.tile)) continue;
    const low = limit.low?.toFixed(limit.decimals);
    const high = limit.high?.toFixed(limit.decimals);
    words.set(limit.tile, low === undefined ? (high === undefined ? "" : `≤ ${high}`) : high === undefined ? `≥ ${low}` : `${low}–${high}`);
  }
  return words;
}

/**
 * The score of a kind to be shown: that of real data before a simulated one.
 *
 * @param {Watch} watch
 * @param {ScoreKind} kind
 * @returns {Score | null}
 */
export function scoreOf(watch, kind) {
  const found = watch.scores.filter((score) => score.kind === kind);
  return found.find((score) => !score.demo) ?? found[0] ?? null;
}

/** When the oldest input was measured. @param {Score} score @returns {number | null} */
export function oldestAt(score) {
  const times = score.inputs.flatMap((input) => (input.taken_at === null ? [] : [input.taken_at]));
  return times.length === 0 ? null : Math.min(...times);
}

/** Names of inputs that are missing. @param {Score} score */
export function missing(score) {
  return score.inputs.filter((input) => input.points === null).map((input) => input.name);
}

/** @param {Watch} watch @param {EntryKind} kind @returns {Entry | null} */
export function entryOf(watch, kind) {
  return watch.entries.find((entry) => entry.entry === kind) ?? null;
}

/** What a patient is told: calm, and nothing that somebody could take for an instruction. @param {Watch} watch @returns {"none" | "reading" | "sensor"} */
export function plainWords(watch) {
  const calling = open(watch).filter((alarm) => !alarm.late);
  if (calling.some((alarm) => alarm.kind !== "technical" && alarm.priority !== "low")) return "reading";
  return calling.length > 0 ? "sensor" : "none";
}
