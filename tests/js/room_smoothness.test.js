import assert from "node:assert/strict";
import { test } from "node:test";

import { Smoothness } from "../../static/js/room/smoothness.js";

test("the browser's own delay does until pictures freeze again and again", () => {
  const smoothness = new Smoothness();
  assert.equal(smoothness.delay_ms("bo", 7, 0), null);
  assert.equal(smoothness.delay_ms("bo", 8, 3000), null);
  assert.equal(smoothness.delay_ms("bo", 10, 6000), 400);
});

test("it grows while they freeze, up to a limit, and for this person alone", () => {
  const smoothness = new Smoothness();
  smoothness.delay_ms("cy", 0, 0);
  const delays = [0, 1, 2, 3, 4].map((look) => smoothness.delay_ms("bo", 3 * look, 3000 * look));
  assert.deepEqual(delays, [null, 400, 600, 800, 800]);
  assert.equal(smoothness.delay_ms("cy", 1, 15_000), null);
});

test("calm shortens it step by step, and a single freeze makes the calm begin anew", () => {
  const smoothness = new Smoothness();
  smoothness.delay_ms("bo", 0, 0);
  smoothness.delay_ms("bo", 3, 3000);
  assert.equal(smoothness.delay_ms("bo", 6, 6000), 600);
  assert.equal(smoothness.delay_ms("bo", 7, 25_000), 600);
  assert.equal(smoothness.delay_ms("bo", 7, 44_000), 600);
  assert.equal(smoothness.delay_ms("bo", 7, 45_000), 400);
  assert.equal(smoothness.delay_ms("bo", 7, 65_000), null);
});

test("a transport that counts anew has not thawed what froze before", () => {
  const smoothness = new Smoothness();
  smoothness.delay_ms("bo", 9, 0);
  assert.equal(smoothness.delay_ms("bo", 0, 3000), null);
  assert.equal(smoothness.delay_ms("bo", 2, 6000), 400);
});
