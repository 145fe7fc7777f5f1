import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { parse } from "../../static/js/room/messages.js";
import { next, phase, START, status, tiles, unread, waiting } from "../../static/js/room/state.js";

const example = (/** @type {string} */ name) => parse(readFileSync(new URL(`../vectors/room/server/${name}.json`, import.meta.url), "utf8"));
const ANA = "0f3a5d8c2b7e4916a1c04d5e6f708192";
const ME = "9b1c2d3e4f5061728394a5b6c7d8e9f0";
const WELCOME = example("welcome");
const ANA_NOW = WELCOME.participants[0];
const inside = next(START, WELCOME);
const fine = { media: "connected", muted: {} };
const ana = (/** @type {object} */ changes) => ({ type: "participant", participant: { ...ANA_NOW, ...changes } });

test("a welcome brings the whole state and opens the line", () => {
  assert.equal(inside.line, "open");
  assert.equal(inside.me, ME);
  assert.equal(phase(inside), "consultation");
  assert.equal(inside.participants.length, 2);
});

test("who waits is in the waiting room, with a place, until a welcome says admitted", () => {
  const waits = next(next(START, { ...WELCOME, admission: "waiting" }), example("lobby"));
  assert.equal(phase(waits), "waiting");
  assert.equal(waits.lobby.position, 1);
  const admitted = next(waits, WELCOME);
  assert.equal(phase(admitted), "consultation");
  assert.equal(admitted.lobby, null);
});

test("a message never changes the state it is applied to", () => {
  const before = structuredClone(inside);
  for (const name of ["participant", "lobby", "chat", "case", "ended", "removed", "replaced", "error", "offer", "clock", "pong"]) {
    next(inside, example(name));
  }
  assert.deepEqual(inside, before);
});

test("a participant who is new is added, one who is known is replaced", () => {
  const changed = next(inside, ana({ connected: false }));
  assert.equal(changed.participants.length, 2);
  assert.equal(changed.participants[0].connected, false);
  const third = next(inside, ana({ id: "cc", name: "Bo" }));
  assert.equal(third.participants.length, 3);
});

test("a line said stands as pending until it comes back, and comes once", () => {
  const said = next(inside, { type: "said", key: "k1", text: "Hello" });
  assert.equal(said.pending.length, 1);
  const line = { type: "chat", number: 8, participant: ME, text: "Hello", at: 1, key: "k1" };
  const back = next(next(said, line), line);
  assert.equal(back.pending.length, 0);
  assert.deepEqual(back.chat.map((one) => one.number), [7, 8]);
});

test("lines are kept in the order of the timeline, and only the newest five hundred", () => {
  let state = inside;
  for (let number = 1000; number > 0; number -= 1) {
    state = next(state, { type: "chat", number, participant: ANA, text: "x", at: 1, key: `k${number}` });
  }
  assert.equal(state.chat.length, 500);
  assert.equal(state.chat.at(-1).number, 1000);
});

test("lines of others count as unread until seen; what stood there before does not", () => {
  assert.equal(unread(inside), 0);
  const more = next(inside, { type: "chat", number: 9, participant: ANA, text: "Hi", at: 1, key: "a" });
  assert.equal(unread(more), 1);
  assert.equal(unread(next(more, { type: "chat_seen" })), 0);
});

test("a pending line survives a new welcome, unless it had arrived", () => {
  const said = next(next(inside, { type: "said", key: "c-19", text: "1" }), { type: "said", key: "new", text: "2" });
  assert.deepEqual(next(said, WELCOME).pending.map((line) => line.key), ["new"]);
});

for (const [message, end] of [
  [{ type: "ended", reason: "finished" }, "ended"],
  [{ type: "ended", reason: "cancelled" }, "cancelled"],
  [{ type: "removed" }, "removed"],
  [{ type: "replaced" }, "replaced"],
  [{ type: "left" }, "left"],
  [{ type: "line_stopped", reason: "sign_in" }, "sign_in"],
]) {
  test(`${JSON.stringify(message)} ends it as ${end}, and the close that follows changes nothing`, () => {
    const over = next(inside, message);
    assert.equal(phase(over), "over");
    assert.equal(over.end, end);
    assert.equal(next(next(over, { type: "line_interrupted" }), { type: "line_stopped", reason: "over" }).end, end);
  });
}

test("the status says the most important thing, and whose it is", () => {
  const say = (/** @type {object} */ state, own = fine) => status(state, own);
  assert.equal(say(START).key, "room.status.opening");
  assert.equal(say(next(inside, { type: "line_interrupted" })).key, "room.status.line_interrupted");
  assert.equal(say(inside, { ...fine, media: "interrupted" }).key, "room.status.media_interrupted");
  assert.equal(say(inside, { ...fine, muted: { microphone: "interrupted" } }).key, "room.status.my_interrupted");
  assert.deepEqual(say(inside), { key: "room.status.their_microphone_off", values: { name: "Ana Ruiz" }, tone: "note" });
  assert.equal(say(inside, { ...fine, muted: { microphone: "user" } }).key, "room.status.my_microphone_off");
  assert.equal(say(next(inside, ana({ media: "lost" }))).key, "room.status.their_line");
  assert.equal(say(next(inside, ana({ connected: false }))).key, "room.status.their_line");
  const interrupted = ana({ sources: { microphone: { muted: true, reason: "interrupted" } } });
  assert.equal(say(next(inside, interrupted)).key, "room.status.their_interrupted");
  const hidden = ana({ sources: { camera: { muted: true, reason: "hidden" } } });
  assert.equal(say(next(inside, hidden)).key, "room.status.their_hidden");
  assert.equal(say(next(inside, ana({ sources: { camera: { muted: true, reason: "user" } } }))).key, "room.status.their_camera_off");
  assert.equal(say(next(inside, ana({ sources: {} }))).key, "room.status.live");
  assert.equal(say(next(inside, ana({ admission: "left" }))).key, "room.status.alone");
});

test("those who wait and are connected may be let in", () => {
  assert.deepEqual(waiting(next(inside, ana({ admission: "waiting" }))).map((one) => one.name), ["Ana Ruiz"]);
  assert.deepEqual(waiting(next(inside, ana({ admission: "waiting", connected: false }))), []);
});

const places = (/** @type {object} */ state, wish = {}) =>
  tiles(state, { role: "practitioner", sharing: false, selfLarge: false, ...wish }).map(({ key, place }) => `${place} ${key}`);

test("the doctor sees the patient large and themselves small", () => {
  assert.deepEqual(places(inside), [`main ${ANA} camera`, "self self camera"]);
});

test("a shared screen takes the large place, a pinned tile goes before it", () => {
  const sharing = next(inside, ana({ sources: { screen: { muted: false, reason: "" }, camera: { muted: false, reason: "" } } }));
  assert.deepEqual(places(sharing), [`main ${ANA} screen`, `side ${ANA} camera`, "self self camera"]);
  assert.equal(places(next(sharing, { type: "pinned", key: "self camera" }))[2], "main self camera");
});

test("a paramedic sees what the own camera sees, the doctor beside it", () => {
  assert.deepEqual(places(inside, { role: "paramedic", selfLarge: true }), [`side ${ANA} camera`, "main self camera"]);
});

test("with nobody else there is only oneself", () => {
  assert.deepEqual(places(next(inside, ana({ admission: "left" }))), ["self self camera"]);
});

test("the patient stands before a colleague, whoever came first", () => {
  const colleague = ana({ id: "aa", role: "practitioner", name: "Dr Bo" });
  const state = next({ ...inside, participants: [colleague.participant, ...inside.participants] }, colleague);
  assert.equal(places(state)[0], `main ${ANA} camera`);
});
