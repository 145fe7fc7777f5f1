/** The socket of the work list: it comes back by itself, and notices when the line is dead without being closed. */

import { Problem, api } from "../ui/api.js";
import { course, pause } from "../ui/backoff.js";
import { parse } from "./messages.js";

const PING_MS = 10_000;
const SILENCE_MS = 25_000;

/** @typedef {"connecting" | "live" | "lost" | "replaced" | "signed_out" | "stopped"} State */

export class WorklistLine {
  /**
   * @param {(list: import("./messages.js").Worklist) => void} onList
   * @param {(state: State) => void} onState
   */
  constructor(onList, onState) {
    this.onList = onList;
    this.onState = onState;
    this.attempt = 0;
    this.refused = 0;
    this.heardAt = 0;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {number | undefined} */
    this.waiting = undefined;
    setInterval(() => this.beat(), PING_MS);
    addEventListener("online", () => this.comeBackNow());
    addEventListener("pageshow", () => this.comeBackNow());
  }

  async open() {
    this.waiting = undefined;
    try {
      const { ticket } = await api("POST", "/tickets", { purpose: "worklist" });
      this.connect(ticket);
    } catch (error) {
      const out = error instanceof Problem && (error.status === 401 || error.status === 403);
      if (out) this.onState("signed_out");
      else this.later(1006);
    }
  }

  /** @param {string} ticket */
  connect(ticket) {
    const url = new URL("/ws/worklist", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    this.socket = socket;
    this.heardAt = Date.now();
    socket.addEventListener("open", () => socket.send(JSON.stringify({ type: "hello", version: 1, ticket })));
    socket.addEventListener("message", ({ data }) => this.heard(data));
    socket.addEventListener("close", ({ code }) => this.socket === socket && this.closed(code));
  }

  /** @param {unknown} data */
  heard(data) {
    this.heardAt = Date.now();
    const message = parse(data);
    if (message?.type !== "worklist") return;
    this.attempt = this.refused = 0;
    this.onState("live");
    this.onList(message);
  }

  /** @param {number} code */
  closed(code) {
    this.socket = null;
    const next = course(code, this.refused);
    if (code === 4401) this.refused += 1;
    if (next === "stop") this.onState(code === 4409 ? "replaced" : code === 4401 ? "signed_out" : "stopped");
    else if (next === "renew") void this.open();
    else this.later(code);
  }

  /** @param {number} code */
  later(code) {
    this.onState("lost");
    this.waiting = setTimeout(() => void this.open(), pause(code, this.attempt, Math.random()));
    this.attempt += 1;
  }

  comeBackNow() {
    if (this.waiting === undefined) return;
    clearTimeout(this.waiting);
    void this.open();
  }

  /** A line that has said nothing for long is dead, whatever the browser believes. */
  beat() {
    const socket = this.socket;
    if (!socket || socket.readyState !== WebSocket.OPEN) return;
    if (Date.now() - this.heardAt > SILENCE_MS) {
      this.closed(1006);
      socket.close();
    } else socket.send(JSON.stringify({ type: "ping", sent_at: Date.now() }));
  }
}
