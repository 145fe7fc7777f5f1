/**
 * A WebSocket that comes back: ticket, `hello`, heartbeat, waiting times; used for the room, the vitals and the work list.
 *
 * Messages go up as they come; what to do after a close is decided in ui/retry.js.
 */

import { afterClose, afterTicketRefused } from "../ui/retry.js";
import { heard } from "./server_clock.js";

/** @import { NextStep, StopReason } from "../ui/retry.js" */
/** @import { ServerClock } from "./server_clock.js" */

const BEAT_MS = 1000;
/** Who looks at the page wants to know soon; who does not is asked less often. */
const PING_MS = { visible: 2000, hidden: 5000 };
/** A ping that stays unanswered so long, after so long a silence, makes the line doubtful. */
const ANSWER_MS = 1900;
const DOUBT_MS = 3900;
const SILENCE_MS = 15_000;
const TICKET_MS = 10_000;

/**
 * @typedef {object} LineOptions
 * @property {string} path Of the socket, for example `/ws/room`.
 * @property {() => Promise<string>} ticket Fetches a fresh ticket; throws an object with `status` when refused.
 * @property {(ticket: string) => object} hello Makes the first message.
 * @property {(text: string) => void} onText
 * @property {(bytes: ArrayBuffer) => void} [onBinary]
 * @property {(state: "opening" | "interrupted" | "resumed") => void} onState `resumed`: the line was only slow, and is
 *   the same as before.
 * @property {(reason: StopReason) => void} onStop Not called after `stop()`.
 */

export class Line {
  /** @param {LineOptions} options */
  constructor(options) {
    this._options = options;
    /** @type {WebSocket | null} */
    this._socket = null;
    /** @type {ServerClock} */
    this._clock = [];
    this._attempt = 0;
    this._ticketRenewed = false;
    this._stopped = true;
    this._heardAt = 0;
    this._pingedAt = 0;
    /** When the oldest ping without an answer went out. @type {number | null} */
    this._askedAt = null;
    this._good = false;
    this._doubtful = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._retry = undefined;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._heartbeat = undefined;
    this._sooner = () => this._comeBackNow();
    this._gone = () => this._doubt();
  }

  /** The samples of the server's clock. */
  get clock() {
    return this._clock;
  }

  /** Open, and keep open until `stop`. */
  start() {
    if (!this._stopped) return;
    this._stopped = false;
    this._attempt = 0;
    this._options.onState("opening");
    globalThis.addEventListener?.("online", this._sooner);
    globalThis.addEventListener?.("offline", this._gone);
    void this._open();
  }

  /** Close for good. Nothing is reported afterwards. */
  stop() {
    this._stopped = true;
    clearTimeout(this._retry);
    clearInterval(this._heartbeat);
    globalThis.removeEventListener?.("online", this._sooner);
    globalThis.removeEventListener?.("offline", this._gone);
    this._socket?.close(1000);
    this._socket = null;
  }

  /**
   * Send a message; false when the line is not open, and nothing is kept.
   *
   * @param {object} message
   */
  send(message) {
    if (this._socket?.readyState !== WebSocket.OPEN) return false;
    this._socket.send(JSON.stringify(message));
    return true;
  }

  /** The server has answered `hello`: the line is good, and later breaks count from the start again. */
  good() {
    this._attempt = 0;
    this._ticketRenewed = false;
    this._good = true;
  }

  /** @param {{ sent_at: number, server_time: number }} pong */
  pong(pong) {
    this._clock = heard(this._clock, { ...pong, received_at: Date.now() });
  }

  async _open() {
    /** @type {string} */
    let ticket;
    try {
      ticket = await withLimit(this._options.ticket(), TICKET_MS);
    } catch (error) {
      if (this._stopped) return;
      const chance = Math.random();
      this._step(afterTicketRefused({ status: statusOf(error), attempt: this._attempt, chance }));
      return;
    }
    if (this._stopped) return;
    this._connect(ticket);
  }

  /** @param {string} ticket */
  _connect(ticket) {
    const socket = new WebSocket(new URL(this._options.path, location.href.replace(/^http/, "ws")));
    socket.binaryType = "arraybuffer";
    this._socket = socket;
    this._good = false;
    this._doubtful = false;
    this._askedAt = null;
    this._heardAt = Date.now();
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify(this._options.hello(ticket)));
      this._ping();
    });
    socket.addEventListener("message", (event) => {
      if (socket !== this._socket) return;
      this._hears();
      if (typeof event.data === "string") this._options.onText(event.data);
      else this._options.onBinary?.(event.data);
    });
    socket.addEventListener("close", (event) => this._closed(socket, event.code));
    clearInterval(this._heartbeat);
    this._heartbeat = setInterval(() => this._beat(socket), BEAT_MS);
  }

  _hears() {
    this._heardAt = Date.now();
    this._askedAt = null;
    if (!this._doubtful) return;
    this._doubtful = false;
    this._options.onState("resumed");
  }

  _ping() {
    const now = Date.now();
    this._pingedAt = now;
    if (this.send({ type: "ping", sent_at: now })) this._askedAt ??= now;
  }

  /** @param {WebSocket} socket */
  _beat(socket) {
    const now = Date.now();
    const silent_ms = now - this._heardAt;
    if (silent_ms > SILENCE_MS) {
      this._giveUp(socket);
      return;
    }
    if (this._askedAt !== null && now - this._askedAt > ANSWER_MS && silent_ms > DOUBT_MS) this._doubt();
    const seen = globalThis.document?.visibilityState !== "hidden";
    if (now - this._pingedAt >= (seen ? PING_MS.visible : PING_MS.hidden)) this._ping();
  }

  /** Say so before it is certain; a slow line may still answer. */
  _doubt() {
    if (this._socket === null || !this._good || this._doubtful) return;
    this._doubtful = true;
    this._options.onState("interrupted");
  }

  /** A dead line may take minutes to be noticed by TCP: it is given up here, and its late close is not heard. @param {WebSocket} socket */
  _giveUp(socket) {
    socket.close();
    this._closed(socket, 1006);
  }

  /** @param {WebSocket} socket @param {number} code */
  _closed(socket, code) {
    if (socket !== this._socket) return;
    this._socket = null;
    clearInterval(this._heartbeat);
    if (this._stopped) return;
    const closed = { code, attempt: this._attempt, ticketRenewed: this._ticketRenewed, chance: Math.random() };
    this._step(afterClose(closed));
  }

  /** @param {NextStep} step */
  _step(step) {
    switch (step.act) {
      case "stop":
        this.stop();
        this._options.onStop(step.reason);
        return;
      case "new_ticket":
        this._ticketRenewed = true;
        void this._open();
        return;
      case "retry":
        this._attempt += 1;
        this._options.onState("interrupted");
        clearTimeout(this._retry);
        this._retry = setTimeout(() => void this._open(), step.after_ms);
    }
  }

  /** The network is back, and often it is another: what was open before it went is not waited for. */
  _comeBackNow() {
    if (this._stopped) return;
    if (this._socket !== null && this._doubtful) this._giveUp(this._socket);
    if (this._socket !== null) return;
    clearTimeout(this._retry);
    this._retry = setTimeout(() => void this._open(), 0);
  }
}

/** @param {unknown} error */
function statusOf(error) {
  if (typeof error !== "object" || error === null || !("status" in error)) return 0;
  return typeof error.status === "number" ? error.status : 0;
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @param {number} limit_ms
 * @returns {Promise<T>}
 */
function withLimit(promise, limit_ms) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), limit_ms);
  });
  return Promise.race([promise, /** @type {Promise<never>} */ (late)]).finally(() => clearTimeout(timer));
}
