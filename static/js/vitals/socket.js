/** The vitals' own socket: it resumes after the last event seen, and lives when the media do not. */

import { Line } from "../room/line.js";
import { Unreadable } from "../room/reading.js";
import { parse, parseFrame } from "./messages.js";

/** @import { StopReason } from "../ui/retry.js" */
/** @import { Frame, VitalsMessage } from "./messages.js" */

export class VitalsSocket {
  /**
   * @param {object} options
   * @param {() => Promise<string>} options.ticket
   * @param {(message: VitalsMessage | Frame) => void} options.onMessage
   * @param {(state: "opening" | "interrupted" | "stopped" | "good") => void} options.onState
   */
  constructor({ ticket, onMessage, onState }) {
    this._onMessage = onMessage;
    /** @type {string | null} */
    this._after = null;
    this._line = new Line({
      path: "/ws/vitals",
      ticket,
      hello: (granted) => ({ type: "hello", version: 1, ticket: granted, after: this._after }),
      onText: (text) => this._read(() => parse(text)),
      onBinary: (bytes) => this._read(() => parseFrame(bytes)),
      onState: (state) => onState(state === "resumed" ? "good" : state),
      onStop: (/** @type {StopReason} */ _reason) => onState("stopped"),
    });
  }

  get clock() {
    return this._line.clock;
  }

  start() {
    this._line.start();
  }

  stop() {
    this._line.stop();
  }

  /** @param {() => VitalsMessage | Frame} read */
  _read(read) {
    /** @type {VitalsMessage | Frame} */
    let message;
    try {
      message = read();
    } catch (error) {
      if (error instanceof Unreadable) return;
      throw error;
    }
    if (message.type === "welcome") this._line.good();
    if (message.type === "pong") this._line.pong(message);
    if ("id" in message) this._after = message.id;
    this._onMessage(message);
  }
}
