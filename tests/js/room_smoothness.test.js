import assert from "node:assert/strict";
import { test } from "node:test";

import { Smoothness } from "../../static/js/room/smoothness.js";

/** What is played, look by look; nothing is asked for unless said. @param {Smoothness} smoothness @param {string} [who] */
const looks = (smoothness, who = "bo") => (/** @type {number} */ freezes, /** @type {number} */ now, { asked = 0, trip_ms = 20 } = {}) =>
  smoothness.delay_ms(who, { freezes, asked }, trip_ms, now);

test("the browser's own delay does until pictures freeze again and again", () => {
  const look = looks(new Smoothness());
  assert.equal(look(7, 0), null);
  assert.equal(look(8, 3000), null);
  assert.equal(look(10, 6000), 400);
});

test("it grows while they freeze, up to a limit, and for this person alone", () => {
  const smoothness = new Smoothness();
  const cy = looks(smoothness, "cy");
  cy(0, 0);
  const delays = [0, 1, 2, 3, 4].map((look) => looks(smoothness)(3 * look, 5000 * look));
  assert.deepEqual(delays, [null, 400, 600, 800, 900]);
  assert.equal(cy(1, 25_000), null);
});

test("calm shortens it step by step, and a single freeze makes the calm begin anew", () => {
  const look = looks(new Smoothness());
  look(0, 0);
  look(3, 3000);
  assert.equal(look(6, 8000), 600);
  assert.equal(look(7, 27_000), 600);
  assert.equal(look(7, 46_000), 600);
  assert.equal(look(7, 47_000), 400);
  assert.equal(look(7, 67_000), null);
});

test("a transport that counts anew has not thawed what froze before", () => {
  const look = looks(new Smoothness());
  look(9, 0);
  assert.equal(look(0, 3000), null);
  assert.equal(look(2, 6000), 400);
});

test("loss on a long way lengthens it for two rounds of repair, before anything freezes and as long as it lasts", () => {
  const look = looks(new Smoothness());
  const bad = { asked: 0.1, trip_ms: 300 };
  assert.equal(look(0, 0, bad), 700);
  for (let now = 3000; now < 90_000; now += 3000) assert.equal(look(0, now, bad), 700);
  assert.equal(look(0, 106_000, { trip_ms: 300 }), 700);
  assert.equal(look(0, 107_000, { trip_ms: 300 }), 500);
  assert.equal(look(0, 108_000, bad), 700);
  assert.equal(look(0, 113_000, { asked: 0.1, trip_ms: 900 }), 900);
});

test("on a short way, and on a long one without loss, the browser's own delay does", () => {
  const look = looks(new Smoothness());
  assert.equal(look(0, 0, { asked: 0.2, trip_ms: 100 }), null);
  assert.equal(look(0, 3000, { asked: 0.01, trip_ms: 300 }), null);
  assert.equal(new Smoothness().delay_ms("bo", { freezes: 0, asked: null }, null, 0), null);
});

test("the pause with which a longer delay begins does not lengthen it further", () => {
  const look = looks(new Smoothness());
  look(0, 0);
  assert.equal(look(3, 3000), 400);
  assert.equal(look(6, 6000), 400);
  assert.equal(look(9, 9000), 600);
});

test("where packets are lost far from here, a single freeze counts, and several count double", () => {
  const look = looks(new Smoothness());
  const far = { asked: 0.6, trip_ms: 20 };
  assert.equal(look(0, 0, far), null);
  assert.equal(look(1, 3000, far), 200);
  assert.equal(look(3, 9000, far), 600);
  assert.equal(look(4, 15_000, far), 800);
  assert.equal(look(9, 21_000, far), 900);
  assert.equal(look(15, 27_000, far), 900);
});

test("it is shortened by trial: one that fails makes the next one wait twice as long, and one that does not, no longer", () => {
  const look = looks(new Smoothness());
  const far = { asked: 0.6, trip_ms: 20 };
  look(0, 0, far);
  look(2, 3000, far);
  assert.equal(look(3, 9000, far), 800);
  assert.equal(look(3, 29_000, far), 600);
  assert.equal(look(4, 32_000, far), 800);
  assert.equal(look(4, 71_000, far), 800);
  assert.equal(look(4, 72_000, far), 600);
  assert.equal(look(4, 112_000, far), 400);
  assert.equal(look(4, 132_000, far), null);
});

test("a try waits for less than three minutes however many have failed", () => {
  const look = looks(new Smoothness());
  const far = { asked: 0.6, trip_ms: 20 };
  const shortened = [];
  let freezes = 0;
  let before = null;
  for (let now = 0; now < 2_000_000; now += 1000) {
    const delay_ms = look(freezes, now, far);
    if (before === 900 && delay_ms === 700) shortened.push(now);
    freezes += (delay_ms ?? 0) < 900 ? 2 : 0;
    before = delay_ms;
  }
  const waits = shortened.slice(1).map((at, index) => at - (shortened[index] ?? 0));
  assert.ok(Math.max(...waits) < 180_000);
  assert.ok(waits.length > 8);
});
