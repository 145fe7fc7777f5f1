/** A week of free times: calendar days of the person's zone, and the slots that fall on them. */

import { dayKey } from "../ui/time.js";

const DAY_MS = 86_400_000;
// No zone is further from UTC than this, so the query covers all of the days in any of them.
const ZONE_REACH_MS = 14 * 3_600_000;

/** @typedef {{ starts_at: string, ends_at: string }} Slot */
/** @typedef {{ key: string, slots: Slot[] }} Day */

/**
 * @param {string} key a day, `2026-01-31`
 * @param {number} days
 * @returns {string} the day so many days later
 */
export function addDays(key, days) {
  return new Date(Date.parse(`${key}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/**
 * The instants to ask the server for, to have all of `days` calendar days from `first` on, but nothing past.
 * @param {string} first
 * @param {number} days
 * @param {number} now
 * @returns {{ from: string, until: string }}
 */
export function range(first, days, now) {
  const start = Date.parse(`${first}T00:00:00Z`);
  const from = Math.max(now, start - ZONE_REACH_MS);
  return { from: new Date(from).toISOString(), until: new Date(start + days * DAY_MS + ZONE_REACH_MS).toISOString() };
}

/**
 * Put the slots on the seven days from `first` on, by the clock of the zone.
 * @param {readonly Slot[]} slots
 * @param {string} first
 * @param {string} zone
 * @returns {Day[]}
 */
export function week(slots, first, zone) {
  /** @type {Day[]} */
  const days = Array.from({ length: 7 }, (_, index) => ({ key: addDays(first, index), slots: [] }));
  const byKey = new Map(days.map((day) => [day.key, day]));
  for (const slot of slots) byKey.get(dayKey(new Date(slot.starts_at), zone))?.slots.push(slot);
  for (const { slots: found } of days) found.sort((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at));
  return days;
}

/**
 * A day by its name, in no zone: it is a day of the calendar.
 * @param {string} key
 * @returns {Date} an instant within that day in UTC
 */
export function dayDate(key) {
  return new Date(`${key}T12:00:00Z`);
}
