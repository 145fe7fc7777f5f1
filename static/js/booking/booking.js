/** One booking, or the moving of one: what is chosen, and the API behind it. */

import { api } from "../ui/api.js";
import { dayKey } from "../ui/time.js";
import { addDays, range } from "./week.js";

/** @typedef {import("./week.js").Slot} Slot */
/** @typedef {import("./visits.js").Appointment} Appointment */
/** @typedef {{ id: string, name: string }} Practitioner */

const FARTHEST_DAYS = 34;

export class Booking {
  /**
   * @param {string} zone the person's
   * @param {string | null} moving the appointment that is to be moved
   */
  constructor(zone, moving) {
    this.zone = zone;
    this.moving = moving;
    this.first = dayKey(new Date(), zone);
    this.earliest = this.first;
    this.practitioner = "";
    this.slot = "";
    this.reason = "";
    /** @type {readonly Practitioner[]} */
    this.practitioners = [];
  }

  /** Load whom one may book; for a move, the practitioner stays. */
  async begin() {
    this.practitioners = (await api("GET", "/practitioners")).practitioners;
    this.practitioner = this.practitioners[0]?.id ?? "";
    if (!this.moving) return;
    const appointment = await api("GET", `/appointments/${encodeURIComponent(this.moving)}`);
    this.practitioner = appointment.practitioner;
    this.reason = appointment.reason;
  }

  /** @returns {string} */
  get practitionerName() {
    return this.practitioners.find(({ id }) => id === this.practitioner)?.name ?? "";
  }

  /**
   * @param {number} weeks
   */
  turn(weeks) {
    const turned = addDays(this.first, weeks * 7);
    this.first = turned < this.earliest ? this.earliest : turned;
  }

  /** @returns {Promise<Slot[]>} the free times of the shown week */
  async week() {
    return this.slots(this.first, 7);
  }

  /** @returns {Promise<Slot | null>} the first free time after the shown week */
  async nextFree() {
    const found = await this.slots(addDays(this.first, 7), FARTHEST_DAYS - 2);
    return found.sort((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at))[0] ?? null;
  }

  /**
   * @param {string} first
   * @param {number} days
   * @returns {Promise<Slot[]>}
   */
  async slots(first, days) {
    if (!this.practitioner) return [];
    const query = new URLSearchParams({ practitioner: this.practitioner, ...range(first, days, Date.now()) });
    return (await api("GET", `/slots?${query}`)).slots;
  }

  /** @returns {Promise<Appointment>} booked, or moved */
  async confirm() {
    const { practitioner, slot: starts_at, reason } = this;
    if (this.moving) return api("POST", `/appointments/${encodeURIComponent(this.moving)}/move`, { starts_at });
    return api("POST", "/appointments", { practitioner, starts_at, reason });
  }
}
