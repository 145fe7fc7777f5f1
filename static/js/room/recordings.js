/** The recordings of the visit, for who may ask for them: each with its time, to be kept or looked at elsewhere. */

import { api } from "../ui/api.js";
import { element } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { browserZone, clockTime } from "../ui/time.js";

/** @typedef {Readonly<{ id: string, started_at: string, ended_at: string | null }>} Recorded */

const SEALING_MS = 1500;
const LOOKS = 4;

export class Recordings {
  /** @param {readonly HTMLElement[]} lists where they are shown @param {string} encounter */
  constructor(lists, encounter) {
    this._lists = lists;
    this._encounter = encounter;
  }

  /** Show what there is; once more a moment later while one is being sealed. */
  async show() {
    for (let look = 0; look < LOOKS; look += 1) {
      const recordings = await this._known();
      if (recordings === null) return;
      const ended = recordings.filter((one) => one.ended_at !== null);
      for (const list of this._lists) list.replaceChildren(...ended.map((one) => this._line(one)));
      if (ended.length === recordings.length) return;
      await new Promise((resolve) => setTimeout(resolve, SEALING_MS));
    }
  }

  /** @returns {Promise<readonly Recorded[] | null>} null if they can't be had; the call matters more */
  async _known() {
    try {
      return (await api("GET", `/encounters/${this._encounter}/recordings`)).recordings;
    } catch {
      return null;
    }
  }

  /** @param {Recorded} recorded */
  _line({ id, started_at, ended_at }) {
    const [from, to] = [started_at, ended_at ?? started_at].map((at) => clockTime(new Date(at), browserZone()));
    const link = element(
      "a",
      { href: `/api/v1/encounters/${this._encounter}/recordings/${id}`, download: `${started_at.slice(0, 10)}.webm`, "data-testid": "recorded" },
      text("recording.kept", { from: from ?? "", to: to ?? "" }),
    );
    return element("li", {}, link);
  }
}
