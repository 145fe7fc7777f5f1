import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Line } from "../../static/js/room/line.js";
import { next, START } from "../../static/js/room/state.js";

/** A socket that opens at once; what it is told is kept. */
class Wire extends EventTarget {
  static OPEN = 1;
  /** @type {Wire[]} */
  static all = [];

  constructor() {
    super();
    this.readyState = 1;
    /** @type {{ type: string }[]} */
    this.said = [];
    Wire.all.push(this);
  }

  send(/** @type {string} */ text) {
    this.said.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  answer() {
    this.dispatchEvent(new MessageEvent("message", { data: "{}" }));
  }
}

/** @type {string[]} */
let states = [];
/** @type {Line} */
let line;
const network = new EventTarget();
const settled = () => new Promise((done) => setImmediate(done));
const wire = () => /** @type {Wire} */ (Wire.all.at(-1));
/** Second by second, as timers see it. @param {number} seconds */
const pass = (seconds) => {
  for (let s = 0; s < seconds; s += 1) mock.timers.tick(1000);
};
const pings = () => wire().said.filter((one) => one.type === "ping").length;

beforeEach(async () => {
  mock.timers.enable({ apis: ["setInterval", "setTimeout", "Date"], now: 1_000_000 });
  Wire.all = [];
  states = [];
  const add = network.addEventListener.bind(network);
  const remove = network.removeEventListener.bind(network);
  Object.assign(globalThis, { WebSocket: Wire, location: { href: "http://clinic.example/" }, addEventListener: add, removeEventListener: remove });
  line = new Line({
    path: "/ws/room",
    ticket: async () => "t",
    hello: () => ({ type: "hello" }),
    onText: () => line.good(),
    onState: (state) => states.push(state),
    onStop: () => states.push("stopped"),
  });
  line.start();
  await settled();
  wire().dispatchEvent(new Event("open"));
  wire().answer();
});

afterEach(() => {
  line.stop();
  mock.timers.reset();
});

test("a visible page asks every two seconds, far below what a room allows", () => {
  for (let s = 0; s < 10; s += 1) {
    mock.timers.tick(1000);
    wire().answer();
  }
  assert.ok(pings() >= 5 && pings() <= 6, `${pings()} pings`);
  assert.deepEqual(states, ["opening"]);
});

test("silence is said within five seconds, and an answer takes it back on the same line", () => {
  pass(5);
  assert.deepEqual(states, ["opening", "interrupted"]);
  wire().answer();
  assert.deepEqual(states, ["opening", "interrupted", "resumed"]);
  assert.equal(Wire.all.length, 1);
});

test("after fifteen seconds of silence the line is given up for another", async () => {
  pass(17);
  await settled();
  assert.equal(Wire.all.length, 2);
});

test("what the browser knows of the network is said at once; a new network gets a new line", async () => {
  network.dispatchEvent(new Event("offline"));
  assert.deepEqual(states, ["opening", "interrupted"]);
  network.dispatchEvent(new Event("online"));
  mock.timers.tick(1);
  await settled();
  assert.equal(Wire.all.length, 2);
});

test("a line that resumes is open again, one that is not interrupted stays as it is", () => {
  const quiet = next({ ...START, line: "open" }, { type: "line_interrupted" });
  assert.equal(quiet.line, "interrupted");
  assert.equal(next(quiet, { type: "line_resumed" }).line, "open");
  assert.equal(next(START, { type: "line_resumed" }).line, "opening");
});
