/** One case from the first tap to the room: opened under an id of the phone's choice, rung, given its monitor. */

import { Problem, api } from "../ui/api.js";

/** @typedef {{ complaint: string, acuity: string, age_band: string }} Findings */
/** @typedef {{ id: string, encounter: string, status: string, complaint: string, acuity: string, age_band: string, opened_at: string }} Case */
/** @typedef {{ id: string, name: string, simulated: boolean, revoked: boolean, encounter: string | null }} Device */
/** @typedef {"rung" | "rung_without_monitor" | "nobody_on_call"} Outcome */

/** @returns {string} a fresh id, as the API wants them: 32 hexadecimal digits */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The monitor to propose: the one used last, else the only one that measures nobody now.
 * @param {readonly Pick<Device, "id" | "encounter">[]} devices
 * @param {string | null} last
 * @returns {string} empty for none
 */
export function proposed(devices, last) {
  if (devices.some(({ id }) => id === last)) return last ?? "";
  const free = devices.filter(({ encounter }) => encounter === null);
  return free.length === 1 ? (free[0]?.id ?? "") : "";
}

/**
 * @param {Findings} one
 * @param {Findings} other
 * @returns {boolean}
 */
function same(one, other) {
  return one.complaint === other.complaint && one.acuity === other.acuity && one.age_band === other.age_band;
}

export class Calling {
  /** @param {typeof api} [ask] */
  constructor(ask = api) {
    this.ask = ask;
    this.id = newId();
    /** @type {Case | null} */
    this.opened = null;
  }

  /**
   * Open and ring; each step may be repeated without harm, so a press after a failure goes on where it stopped.
   * @param {Findings} findings
   * @param {string} monitor device, empty for none
   * @returns {Promise<Outcome>}
   */
  async ring(findings, monitor) {
    const { id, encounter } = await this.open(findings);
    const bound = await this.bind(encounter, monitor);
    try {
      await this.ask("POST", `/cases/${id}/ring`, {});
    } catch (error) {
      if (error instanceof Problem && error.code === "nobody_on_call") return "nobody_on_call";
      throw error;
    }
    return bound ? "rung" : "rung_without_monitor";
  }

  /**
   * @param {Findings} findings
   * @returns {Promise<Case>}
   */
  async open(findings) {
    const opened = this.opened;
    if (opened && same(opened, findings)) return opened;
    if (opened) await this.replace(opened);
    this.opened = /** @type {Case} */ (await this.ask("POST", "/cases", { id: this.id, ...findings }));
    return this.opened;
  }

  /**
   * What was found has changed since: the doctor must see the new findings, so another case takes the place.
   * @param {Case} opened
   */
  async replace(opened) {
    this.id = newId();
    this.opened = null;
    try {
      await this.ask("POST", `/cases/${opened.id}/close`, {});
    } catch (error) {
      // It stays in the list of open cases and can be closed there.
      if (!(error instanceof Problem)) throw error;
    }
  }

  /**
   * A monitor that cannot be bound must not keep the crew from ringing.
   * @param {string} encounter
   * @param {string} monitor
   * @returns {Promise<boolean>}
   */
  async bind(encounter, monitor) {
    if (!monitor) return true;
    try {
      await this.ask("PUT", `/devices/${monitor}/association`, { encounter });
      return true;
    } catch (error) {
      if (error instanceof Problem && error.status > 0) return false;
      throw error;
    }
  }
}
