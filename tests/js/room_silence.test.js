import assert from "node:assert/strict";
import { test } from "node:test";

import { Silence, SILENT_MS } from "../../static/js/room/offers.js";

test("a path on which we send and nothing comes back is silent after a second", () => {
  const silence = new Silence();
  assert.ok(!silence.heard("a", { sent: 100, received: 50 }, 0));
  assert.ok(!silence.heard("a", { sent: 140, received: 50 }, SILENT_MS - 1));
  assert.ok(silence.heard("a", { sent: 150, received: 50 }, SILENT_MS));
});

test("whoever sends nothing hears nothing, and that is no silence", () => {
  const silence = new Silence();
  assert.ok(!silence.heard("a", { sent: 100, received: 50 }, 0));
  assert.ok(!silence.heard("a", { sent: 102, received: 50 }, 9 * SILENT_MS));
});

test("a sign of life, and another transport, begin anew", () => {
  const silence = new Silence();
  silence.heard("a", { sent: 100, received: 50 }, 0);
  assert.ok(!silence.heard("a", { sent: 200, received: 51 }, SILENT_MS));
  assert.ok(!silence.heard("b", { sent: 0, received: 51 }, 2 * SILENT_MS));
  assert.ok(!silence.heard("b", { sent: 5, received: 51 }, 4 * SILENT_MS));
});
