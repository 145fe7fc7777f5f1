/** For a doctor: who waits for this visit before one has joined, and ambulances that ring meanwhile. */

import { api, Problem } from "../ui/api.js";
import { announce, element, icon, whileBusy } from "../ui/dom.js";
import { Chime } from "../ui/sound.js";
import { knows, text } from "../ui/text.js";
import { enterRoom } from "../ui/visit.js";
import { WorklistLine } from "../worklist/line.js";

/** @import { Ringing, Worklist } from "../worklist/messages.js" */

export class Calls {
  /**
   * @param {object} options
   * @param {string} options.encounter
   * @param {Chime} options.chime
   * @param {(patient: string) => void} options.onWaiting Name of who waits here; empty for nobody.
   * @param {HTMLElement} options.place For the banners of ambulances.
   */
  constructor({ encounter, chime, onWaiting, place }) {
    this._encounter = encounter;
    this._chime = chime;
    this._onWaiting = onWaiting;
    this._place = place;
    /** @type {Map<string, HTMLElement>} */
    this._banners = new Map();
    this._line = new WorklistLine((list) => this._heard(list), () => undefined);
  }

  start() {
    void this._line.open();
  }

  /** @param {Worklist} list */
  _heard(list) {
    this._onWaiting(list.waiting.find((one) => one.encounter === this._encounter)?.patient ?? "");
    const ringing = new Map(list.ringing.filter((call) => call.encounter !== this._encounter).map((call) => [call.case, call]));
    for (const [id, banner] of this._banners) {
      if (ringing.has(id)) continue;
      banner.remove();
      this._banners.delete(id);
    }
    for (const [id, call] of ringing) if (!this._banners.has(id)) this._ring(id, call);
  }

  /** @param {string} id @param {Ringing} call */
  _ring(id, call) {
    const what = [`case.complaint.${call.complaint}`, `case.acuity.${call.acuity}`].filter(knows).map((key) => text(key));
    const words = text("case.banner", { what: what.join(", ") });
    const note = element("span", { class: "ring-note", role: "status" });
    const accept = element("button", { type: "button", class: "button", "data-testid": "accept-button" }, text("case.accept"));
    accept.addEventListener("click", () => void whileBusy(accept, () => this._accept(call, note)));
    const banner = element("div", { class: "ring", "data-acuity": call.acuity }, element("p", {}, icon("ambulance"), " ", words, " ", note), accept);
    this._banners.set(id, banner);
    this._place.append(banner);
    this._chime.play();
    announce(words);
  }

  /** @param {Ringing} call @param {HTMLElement} note */
  async _accept(call, note) {
    try {
      await api("POST", `/cases/${encodeURIComponent(call.case)}/accept`, {});
      enterRoom(call.encounter, { now: true });
    } catch (error) {
      const taken = error instanceof Problem && error.code === "already_accepted";
      note.textContent = text(taken ? "case.taken" : "case.failed");
    }
  }
}
