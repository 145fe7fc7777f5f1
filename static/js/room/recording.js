/** Recording the visit: the sign that everybody sees, the question to each, and a still picture taken into the record. */

import { Problem } from "../ui/api.js";
import { announce, element, find } from "../ui/dom.js";
import { sentence } from "../ui/problems.js";
import { text } from "../ui/text.js";
import { redrawn, sendPhoto } from "./picture.js";

/** @import { RoomState } from "./state.js" */

/**
 * @typedef {object} RecordingOptions
 * @property {string} encounter
 * @property {() => void} request Ask everybody.
 * @property {(accepted: boolean) => void} consent
 * @property {() => HTMLVideoElement | null} picture The large picture of somebody else, if there is one.
 * @property {() => void} onStill
 * @property {() => void} onRecorded Something was recorded, and that is over.
 * @property {(words: string) => void} say
 */

export class RecordingControls {
  /** @param {HTMLElement} room @param {RecordingOptions} options */
  constructor(room, options) {
    this._options = options;
    this._sign = find("#recording", HTMLElement, room);
    this._words = find(".recording-words", HTMLElement, this._sign);
    this._record = find("#control-record", HTMLButtonElement, room);
    this._still = find("#control-still", HTMLButtonElement, room);
    this._on = false;
    /** @type {HTMLDialogElement | null} */
    this._question = null;
    this._told = "";
    this._stood = "off";
    this._record.addEventListener("click", () => (this._on ? options.consent(false) : options.request()));
    this._still.addEventListener("click", () => void this._take());
  }

  /** @param {RoomState} state */
  show(state) {
    const { recording } = state;
    const { state: stands, refused } = recording;
    this._on = stands !== "off";
    const mine = recording.accepted.includes(state.me);
    this._sign.hidden = stands === "off";
    this._sign.dataset["state"] = stands;
    if (this._stood === "on" && stands !== "on") this._options.onRecorded();
    this._stood = stands;
    const words = stands === "off" ? "" : text(`recording.${stands}`);
    if (this._words.textContent !== words) this._words.textContent = words;
    const mayAsk = state.may.includes("record");
    // Whoever agreed can take it back by the same button.
    this._record.hidden = !mayAsk && !(this._on && mine);
    this._record.setAttribute("aria-pressed", String(this._on));
    find(".control-words", HTMLElement, this._record).textContent = text(this._on ? "control.record.on" : "control.record.off");
    this._still.hidden = !mayAsk;
    this._ask(stands !== "off" && !mine && state.admission === "admitted" && state.end === null, state);
    this._tell(stands, refused, state);
  }

  stop() {
    this._question?.close();
  }

  /** @param {boolean} wanted @param {RoomState} state */
  _ask(wanted, state) {
    if (!wanted) {
      this._question?.close();
      return;
    }
    if (this._question !== null) return;
    const by = state.participants.find((one) => one.id === state.recording.by)?.name ?? "";
    /** @param {boolean} accepted @param {string} id @param {string} look */
    const answer = (accepted, id, look) =>
      element(
        "button",
        { type: "button", class: look, "data-testid": id, click: () => this._options.consent(accepted) },
        text(accepted ? "recording.accept" : "recording.refuse"),
      );
    const dialog = element(
      "dialog",
      { "aria-labelledby": "recording-title", "data-testid": "recording-question" },
      element("h2", { id: "recording-title" }, text("recording.question", { name: by })),
      element("p", {}, text("recording.explained")),
      element("div", { class: "dialog-actions" }, answer(true, "recording-accept", "button"), answer(false, "recording-refuse", "button button-quiet")),
    );
    // Dismissing is no consent.
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this._options.consent(false);
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      this._question = null;
    });
    this._question = dialog;
    document.body.append(dialog);
    dialog.showModal();
  }

  /** @param {string} stands @param {string} refused @param {RoomState} state */
  _tell(stands, refused, state) {
    const told = `${stands} ${refused}`;
    if (told === this._told) return;
    const before = this._told;
    this._told = told;
    if (stands !== "off") announce(text(`recording.${stands}`));
    else if (before !== "") this._say(state, refused);
  }

  /** @param {RoomState} state @param {string} refused */
  _say(state, refused) {
    const who = state.participants.find((one) => one.id === refused);
    const words = who === undefined || who.id === state.me ? text("recording.stopped") : text("recording.refused", { name: who.name });
    this._options.say(words);
  }

  /** Take what is shown into the record. */
  async _take() {
    const video = this._options.picture();
    if (video === null || video.videoWidth === 0) {
      this._options.say(text("still.none"));
      return;
    }
    try {
      const canvas = document.createElement("canvas");
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      canvas.getContext("2d")?.drawImage(video, 0, 0);
      /** @type {Blob | null} */
      const taken = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
      if (taken === null) throw new Error("no picture");
      await sendPhoto(this._options.encounter, crypto.randomUUID(), await redrawn(taken));
      this._options.say(text("still.taken"));
      this._options.onStill();
    } catch (error) {
      this._options.say(text("still.failed", { reason: error instanceof Problem ? sentence(error) : "" }));
    }
  }
}
