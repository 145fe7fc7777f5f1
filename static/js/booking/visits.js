/** What can be done with an appointment, and when. */

const BEFORE_MS = 30 * 60_000;
const AFTER_MS = 60 * 60_000;

/**
 * @typedef {object} Appointment
 * @property {string} id
 * @property {string} practitioner id
 * @property {string} encounter
 * @property {string} starts_at
 * @property {string} ends_at
 * @property {string} status
 * @property {string} reason
 */

const AHEAD = new Set(["booked", "arrived"]);

/**
 * Those that are still to come or going on, soonest first.
 * @param {readonly Appointment[]} appointments
 * @param {number} now
 * @returns {Appointment[]}
 */
export function ahead(appointments, now) {
  return appointments
    .filter(({ status, ends_at }) => AHEAD.has(status) && Date.parse(ends_at) + AFTER_MS > now)
    .sort((one, other) => Date.parse(one.starts_at) - Date.parse(other.starts_at));
}

/**
 * Whether the room is worth entering: from half an hour before, until an hour after its end.
 * @param {Appointment} appointment
 * @param {number} now
 * @returns {boolean}
 */
export function enterable({ status, starts_at, ends_at }, now) {
  return AHEAD.has(status) && now >= Date.parse(starts_at) - BEFORE_MS && now < Date.parse(ends_at) + AFTER_MS;
}

/**
 * Whether it may still be moved or cancelled.
 * @param {Appointment} appointment
 * @param {number} now
 * @returns {boolean}
 */
export function changeable({ status, starts_at }, now) {
  return status === "booked" && now < Date.parse(starts_at);
}
