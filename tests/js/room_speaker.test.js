import assert from "node:assert/strict";
import { test } from "node:test";

import { Speaker } from "../../static/js/room/speaker.js";
import { next, START, tiles } from "../../static/js/room/state.js";

let rtp = 0;
/** Look so many times at these levels. @param {Speaker} speaker @param {Readonly<Record<string, number>>} levels @param {number} [looks] */
const listen = (speaker, levels, looks = 1) => {
  let last = { participant: "", speaking: false };
  for (let n = 0; n < looks; n += 1) {
    rtp += 960;
    last = speaker.look(Object.entries(levels).map(([participant, level]) => ({ participant, level, rtp })));
  }
  return last;
};

test("who is loud for most of a second speaks; a cough does not", () => {
  const speaker = new Speaker();
  assert.equal(listen(speaker, { ana: 0.2, bo: 0 }, 3).participant, "");
  assert.deepEqual(listen(speaker, { ana: 0.2, bo: 0 }), { participant: "ana", speaking: true });
  listen(speaker, { ana: 0.2, bo: 0.9 });
  assert.equal(listen(speaker, { ana: 0.2, bo: 0 }).participant, "ana");
});

test("in silence nobody speaks, and who spoke last is still known", () => {
  const speaker = new Speaker();
  listen(speaker, { ana: 0.2 }, 5);
  assert.deepEqual(listen(speaker, { ana: 0 }, 20), { participant: "ana", speaking: false });
});

test("a rest within a sentence is no end", () => {
  const speaker = new Speaker();
  listen(speaker, { ana: 0.2 }, 5);
  assert.equal(listen(speaker, { ana: 0 }, 3).speaking, true);
});

test("a turn is taken by the louder, and by anybody once it is quiet", () => {
  const speaker = new Speaker();
  listen(speaker, { ana: 0.2, bo: 0 }, 5);
  assert.equal(listen(speaker, { ana: 0.2, bo: 0.21 }, 10).participant, "ana");
  assert.equal(listen(speaker, { ana: 0.2, bo: 0.5 }, 5).participant, "bo");
  assert.equal(listen(speaker, { ana: 0.1, bo: 0 }, 25).participant, "ana");
});

test("a level that no packet has renewed fades", () => {
  const speaker = new Speaker();
  listen(speaker, { ana: 0.2 }, 5);
  let last = { speaking: true };
  for (let n = 0; n < 20; n += 1) last = speaker.look([{ participant: "ana", level: 0.2, rtp }]);
  assert.equal(last.speaking, false);
});

test("who has gone does not speak", () => {
  const speaker = new Speaker();
  listen(speaker, { ana: 0.2 }, 5);
  assert.equal(speaker.look([]).speaking, false);
});

const person = (/** @type {string} */ id, role = "patient") => ({ id, name: id, role, admission: /** @type {const} */ ("admitted"), connected: true,
  media: /** @type {const} */ ("connected"), sources: {} });
const FOUR = { ...START, me: "doc", participants: [person("doc", "practitioner"), person("ana"), person("bo"), person("cy")] };
const mains = (/** @type {import("../../static/js/room/state.js").RoomState} */ state, selfLarge = false) =>
  tiles(state, { role: "practitioner", sharing: false, selfLarge }).filter((tile) => tile.place === "main").map((tile) => tile.key);
const pin = (/** @type {typeof FOUR} */ state, /** @type {string[]} */ ...keys) => keys.reduce((now, key) => next(now, { type: "pinned", key }), state);
const speaks = (/** @type {string} */ participant) => next(FOUR, { type: "speaker", participant, speaking: true });

test("with two others or more the speaker comes up, and stays in silence", () => {
  assert.deepEqual(mains(FOUR), ["ana camera"]);
  assert.deepEqual(mains(speaks("cy")), ["cy camera"]);
  assert.deepEqual(mains(next(speaks("cy"), { type: "speaker", participant: "cy", speaking: false })), ["cy camera"]);
  assert.deepEqual(mains(speaks("gone")), ["ana camera"]);
  assert.deepEqual(mains(speaks("cy"), true), ["self camera"], "who shows something shows it on");
});

test("what is pinned stays, two at most; a third takes the place of the first", () => {
  assert.deepEqual(mains(pin(speaks("cy"), "bo camera")), ["bo camera"]);
  assert.deepEqual(mains(pin(FOUR, "bo camera", "self camera")), ["bo camera", "self camera"]);
  assert.deepEqual(mains(pin(FOUR, "ana camera", "bo camera", "cy camera")), ["bo camera", "cy camera"]);
  assert.deepEqual(mains(pin(FOUR, "bo camera", "bo camera")), ["ana camera"], "pressed again it is let go");
});

test("a pin of somebody who has gone holds no place", () => {
  assert.deepEqual(mains(pin(FOUR, "gone camera")), ["ana camera"]);
});
