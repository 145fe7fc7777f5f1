/**
 * A WebSocket that comes back: ticket, `hello`, heartbeat, waiting times; used for the room, the vitals and the work list.
 *
 * Messages go up as they come; what to do after a close is decided in retry.js.
 */

import { afterClose, afterTicketRefused } from "./retry.js";
import { heard } from "./server_clock.js";

/** @import { NextStep, StopReason } from "./retry.js" */
/** @import { ServerClock } from "./server_clock.js" */

const PING_MS = 5000;
const SILENCE_MS = 15_000;
const TICKET_MS = 10_000;

/**
 * @typedef {object} LineOptions
 * @property {string} path Of the socket, for example `/ws/room`.
 * @property {() => Promise<string>} ticket Fetches a fresh ticket; throws an object with `status` when refused.
 * @property {(ticket: string) => object} hello Makes the first message.
 * @property {(text: string) => void} onText
 * @property {(bytes: ArrayBuffer) => void} [onBinary]
 * @property {(state: "opening" | "interrupted") => void} onState
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
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._retry = undefined;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._heartbeat = undefined;
    this._sooner = () => this._comeBackNow();
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
    void this._open();
  }

  /** Close for good. Nothing is reported afterwards. */
  stop() {
    this._stopped = true;
    clearTimeout(this._retry);
    clearInterval(this._heartbeat);
    globalThis.removeEventListener?.("online", this._sooner);
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
    this._heardAt = Date.now();
    socket.addEventListener("open", () => {
      socket.send(JSON.stringify(this._options.hello(ticket)));
      this._ping();
    });
    socket.addEventListener("message", (event) => {
      if (socket !== this._socket) return;
      this._heardAt = Date.now();
      if (typeof event.data === "string") this._options.onText(event.data);
      else this._options.onBinary?.(event.data);
    });
    socket.addEventListener("close", (event) => this._closed(socket, event.code));
    clearInterval(this._heartbeat);
    this._heartbeat = setInterval(() => this._beat(socket), PING_MS);
  }

  _ping() {
    this.send({ type: "ping", sent_at: Date.now() });
  }

  /** @param {WebSocket} socket */
  _beat(socket) {
    if (Date.now() - this._heardAt > SILENCE_MS) {
      // A dead line may take minutes to be noticed by TCP: it is given up here, and its late close is not heard.
      socket.close();
      this._closed(socket, 1006);
      return;
    }
    this._ping();
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

  _comeBackNow() {
    if (this._stopped || this._socket !== null) return;
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
