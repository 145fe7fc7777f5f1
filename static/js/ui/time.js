/** Instants as people read them: always with their zone where it isn't certain. */

import { language, text } from "./text.js";

/** @returns {string} the zone of this browser */
export function browserZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/**
 * The zone by name, as people know it, and its distance from UTC then: "Central European Summer Time (GMT+2)".
 * @param {string} zone IANA name
 * @param {Date} at
 * @returns {string}
 */
export function zoneName(zone, at) {
  const long = part("long", zone, at);
  const short = part("shortOffset", zone, at);
  return long === short ? long : `${long} (${short})`;
}

/**
 * @param {"long" | "short" | "shortOffset"} style
 * @param {string} zone
 * @param {Date} at
 * @returns {string}
 */
function part(style, zone, at) {
  const parts = new Intl.DateTimeFormat(language(), { timeZone: zone, timeZoneName: style }).formatToParts(at);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? zone;
}

/**
 * @param {Date} at
 * @param {string} zone
 * @returns {string} for example "14:30"
 */
export function clockTime(at, zone) {
  return new Intl.DateTimeFormat(language(), {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(at);
}

/**
 * @param {Date} at
 * @param {string} zone
 * @returns {string} for example "14:30:05"
 */
export function clockSeconds(at, zone) {
  return new Intl.DateTimeFormat(language(), { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone }).format(at);
}

/**
 * @param {Date} at
 * @param {string} zone
 * @returns {string} for example "Tuesday, 6 January"
 */
export function dayName(at, zone) {
  const { weekday = "", day = "", month = "" } = fields(at, zone, { weekday: "long", day: "numeric", month: "long" });
  return text("time.day", { weekday, day, month });
}

/**
 * @param {Date} at
 * @param {string} zone
 * @returns {string} for example "Tuesday, 6 January, 14:30 (Central European Standard Time, GMT+1)"
 */
export function instant(at, zone) {
  const name = zoneName(zone, at).replace(" (", ", ").replace(/\)$/, "");
  return text("time.instant", { day: dayName(at, zone), time: clockTime(at, zone), zone: name });
}

/**
 * The local calendar day, for grouping: "2026-01-06".
 * @param {Date} at
 * @param {string} zone
 * @returns {string}
 */
export function dayKey(at, zone) {
  const { year = "", month = "", day = "" } = fields(at, zone, { year: "numeric", month: "2-digit", day: "2-digit" });
  return `${year}-${month}-${day}`;
}

/**
 * @param {Date} at
 * @param {string} zone
 * @param {Intl.DateTimeFormatOptions} options
 * @returns {Record<string, string>}
 */
function fields(at, zone, options) {
  // Digits and names in the page's language; the order of the fields is the catalogue's business.
  const parts = new Intl.DateTimeFormat(language(), { timeZone: zone, ...options }).formatToParts(at);
  return Object.fromEntries(parts.map(({ type, value }) => [type, value]));
}

/**
 * How long it has been, coarsely: "just now", "4 min", "2 h 5 min".
 * @param {number} ms
 * @returns {string}
 */
export function elapsed(ms) {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 1) return text("time.just_now");
  if (minutes < 60) return text("time.minutes", { minutes });
  return text("time.hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

/**
 * A running time: "00:12:31".
 * @param {number} ms
 * @returns {string}
 */
export function stopwatch(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
