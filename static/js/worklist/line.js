/** The socket of the work list: it comes back by itself, and notices when the line is dead without being closed. */

import { Problem, api } from "../ui/api.js";
import { afterClose, afterTicketRefused } from "../ui/retry.js";
import { parse } from "./messages.js";

const PING_MS = 10_000;
const SILENCE_MS = 25_000;

/** @import { NextStep, StopReason } from "../ui/retry.js" */

/** @typedef {"connecting" | "live" | "lost" | "replaced" | "signed_out" | "stopped"} State */

/** Who may have no list any more has to sign in as somebody who may. @type {ReadonlyMap<StopReason, State>} */
const STOPPED = new Map([["replaced", "replaced"], ["sign_in", "signed_out"], ["forbidden", "signed_out"]]);

export class WorklistLine {
  /**
   * @param {(list: import("./messages.js").Worklist) => void} onList
   * @param {(state: State) => void} onState
   */
  constructor(onList, onState) {
    this.onList = onList;
    this.onState = onState;
    this.attempt = 0;
    this.ticketRenewed = false;
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
      const status = error instanceof Problem ? error.status : 0;
      this.step(afterTicketRefused({ status, attempt: this.attempt, chance: Math.random() }));
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
    this.attempt = 0;
    this.ticketRenewed = false;
    this.onState("live");
    this.onList(message);
  }

  /** @param {number} code */
  closed(code) {
    this.socket = null;
    this.step(afterClose({ code, attempt: this.attempt, ticketRenewed: this.ticketRenewed, chance: Math.random() }));
  }

  /** @param {NextStep} step */
  step(step) {
    switch (step.act) {
      case "stop":
        this.onState(STOPPED.get(step.reason) ?? "stopped");
        return;
      case "new_ticket":
        this.ticketRenewed = true;
        void this.open();
        return;
      case "retry":
        this.onState("lost");
        this.waiting = setTimeout(() => void this.open(), step.after_ms);
        this.attempt += 1;
    }
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
