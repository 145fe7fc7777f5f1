import assert from "node:assert/strict";
import { test } from "node:test";

import { NOTHING } from "../../static/js/vitals/alarms.js";
import { concern, ordered, parseWard } from "../../static/js/ward/order.js";

const score = (total, changes = {}) => ({ id: "s", kind: "news2", variant: "", at: 0, total, band: "low", complete: true, inputs: [], asked_by: "", demo: false, ...changes });
const alarm = (priority, changes = {}) => ({ id: `a-${priority}`, kind: "limit", priority, state: "active", text: `alarm ${priority}`, since: 1, late: false, demo: false, tile: "spo2", ...changes });
const bed = (name, scores = [], alarms = []) => ({
  name,
  concern: concern({ ...NOTHING, scores, alarms: new Map(alarms.map((one) => [one.id, one])) }),
});
const names = (beds) => ordered(beds).map(({ name }) => name);

test("the highest score comes first, then alarms, then names", () => {
  const beds = [bed("Cem"), bed("Ana"), bed("Bo", [], [alarm("medium")]), bed("Di", [score(3)]), bed("Eve", [score(7)])];
  assert.deepEqual(names(beds), ["Eve", "Di", "Bo", "Ana", "Cem"]);
});

test("a score of simulated values moves nobody up", () => {
  assert.deepEqual(names([bed("Bo", [score(12, { demo: true })]), bed("Ana", [score(0)])]), ["Ana", "Bo"]);
});

test("an alarm that calls goes before a worse one that somebody has seen; one of the past is none", () => {
  const seen = alarm("high", { state: "acknowledged" });
  assert.equal(bed("Ana", [], [seen, alarm("low")]).concern.alarm, "low");
  assert.equal(bed("Ana", [], [seen]).concern.alarm, "high");
  assert.equal(bed("Ana", [], [alarm("high", { late: true })]).concern.alarm, null);
});

test("an answer that is no ward is an empty one, and twelve are the most", () => {
  assert.deepEqual(parseWard(null), { beds: [], more: 0 });
  const many = Array.from({ length: 20 }, (_, n) => ({ encounter: `e${n}`, patient: "Ana" }));
  assert.equal(parseWard({ beds: many, more: 8 }).beds.length, 12);
});
