/** Brings readings to the server: each is written down first, sent in order, and crossed out once it has arrived. */

import { Problem } from "../ui/api.js";

/** @import { Item, Store } from "./journal.js" */

const AT_ONCE = 64;
const GATHER_MS = 250;
const WAITS_MS = [1000, 2000, 4000, 8000, 16_000, 30_000];

/** @typedef {Readonly<{ key: string, status: "recorded" | "quarantined" | "refused", reason: string }>} Result */
/** @typedef {(sent_at: number, readings: Item[]) => Promise<{ results: Result[] }>} Send */
/** @typedef {Readonly<{ waiting: number, line: "good" | "broken" | "refused" }>} CourierState */

export class Courier {
  /**
   * @param {object} options
   * @param {string} options.encounter
   * @param {Promise<Store>} options.journal
   * @param {Send} options.send
   * @param {(results: readonly Result[]) => void} options.onResults
   * @param {(state: CourierState) => void} options.onState
   * @param {(run: () => void, ms: number) => unknown} [options.later]
   */
  constructor({ encounter, journal, send, onResults, onState, later }) {
    this._encounter = encounter;
    this._journal = journal;
    this._send = send;
    this._onResults = onResults;
    this._onState = onState;
    this._later = later ?? ((run, ms) => setTimeout(run, ms));
    this._running = false;
    this._planned = false;
    this._attempt = 0;
    this._careful = 0;
    this._stopped = false;
  }

  /** Begin with what an earlier page could not send; and try at once when the network is back. */
  start() {
    this._stopped = false;
    globalThis.addEventListener?.("online", () => this.hurry());
    this._plan(0);
  }

  stop() {
    this._stopped = true;
  }

  /** @param {Item} item */
  async add(item) {
    await (await this._journal).add(this._encounter, item);
    this._plan(GATHER_MS);
  }

  hurry() {
    this._attempt = 0;
    void this.run();
  }

  /** @param {number} ms */
  _plan(ms) {
    if (this._planned || this._stopped) return;
    this._planned = true;
    this._later(() => {
      this._planned = false;
      void this.run();
    }, ms);
  }

  /** Send what there is, oldest first, until there is nothing or the line breaks. */
  async run() {
    if (this._running || this._stopped) return;
    this._running = true;
    try {
      while (await this._sendSome());
      this._attempt = 0;
    } catch {
      const wait = WAITS_MS[Math.min(this._attempt, WAITS_MS.length - 1)] ?? 0;
      this._attempt += 1;
      this._plan(wait);
    } finally {
      this._running = false;
    }
  }

  /** @returns {Promise<boolean>} whether there may be more */
  async _sendSome() {
    const journal = await this._journal;
    const entries = await journal.oldest(this._encounter, this._careful > 0 ? 1 : AT_ONCE);
    if (entries.length === 0) {
      this._onState({ waiting: 0, line: "good" });
      return false;
    }
    const readings = entries.map(({ number, item }) => ({ ...item, key: `${journal.id}-${number}` }));
    const numbers = entries.map(({ number }) => number);
    try {
      const { results } = await this._send(performance.timeOrigin + performance.now(), readings);
      await journal.remove(numbers);
      this._careful = Math.max(0, this._careful - 1);
      this._onResults(results);
    } catch (error) {
      if (!(error instanceof Problem) || !isFinal(error)) {
        this._onState({ waiting: await journal.count(), line: "broken" });
        throw error;
      }
      if (error.status === 400 && entries.length > 1) {
        // One of them is at fault: the others shall not go with it.
        this._careful = entries.length;
        return true;
      }
      // What the server will never take would stand in the way of all that comes after it.
      await journal.remove(numbers);
      this._careful = Math.max(0, this._careful - 1);
      this._onState({ waiting: await journal.count(), line: "refused" });
    }
    return true;
  }
}

/** Whether sending again can't help. @param {Problem} problem */
function isFinal({ status }) {
  return status === 400 || status === 403 || status === 404 || status === 410 || status === 413;
}
