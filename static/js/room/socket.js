/** The room's socket: messages of the protocol in and out, over a line that comes back. */

import { Line } from "./line.js";
import { parse } from "./messages.js";
import { Unreadable } from "./reading.js";

/** @import { ClientMessage, ServerMessage } from "./messages.js" */
/** @import { LocalEvent } from "./state.js" */

export class RoomSocket {
  /**
   * @param {object} options
   * @param {() => Promise<string>} options.ticket
   * @param {(message: ServerMessage | LocalEvent) => void} options.onMessage
   */
  constructor({ ticket, onMessage }) {
    this._onMessage = onMessage;
    this._line = new Line({
      path: "/ws/room",
      ticket,
      hello: (granted) => ({ type: "hello", version: 1, ticket: granted }),
      onText: (text) => this._received(text),
      onState: (state) => onMessage({ type: `line_${state}` }),
      onStop: (reason) => onMessage({ type: "line_stopped", reason }),
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

  /** @param {ClientMessage} message @returns {boolean} Whether it went out. */
  send(message) {
    return this._line.send(message);
  }

  /** @param {string} text */
  _received(text) {
    /** @type {ServerMessage} */
    let message;
    try {
      message = parse(text);
    } catch (error) {
      if (error instanceof Unreadable) return;
      throw error;
    }
    if (message.type === "welcome") this._line.good();
    if (message.type === "pong") this._line.pong(message);
    this._onMessage(message);
    if (message.type === "ended" || message.type === "removed" || message.type === "replaced") this._line.stop();
  }
}
