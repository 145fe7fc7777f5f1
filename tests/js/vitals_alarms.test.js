import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { audible, calls, limitWords, marks, missing, NOTHING, oldestAt, open, pausedMs, plainWords, reconnected, scoreOf, seenNow, signalsAt, took } from "../../static/js/vitals/alarms.js";
import { parse } from "../../static/js/vitals/messages.js";
import { countdown } from "../../static/js/vitals/signals_view.js";

const folder = new URL("../vectors/vitals/server/", import.meta.url);
const example = (/** @type {string} */ name) => parse(readFileSync(new URL(`${name}.json`, folder), "utf8"));
const base = example("alarm").alarm;

const an = (changes) => ({ ...base, state: "active", acknowledged_by: "", acknowledged_at: null, ...changes });
const after = (...alarms) => alarms.reduce((watch, alarm) => took(watch, { type: "alarm", id: "1-1", alarm }), NOTHING);

test("what calls comes first, then the higher priority, then the newer", () => {
  const watch = after(
    an({ id: "seen", state: "acknowledged", priority: "high" }),
    an({ id: "old", priority: "medium", since: 1 }),
    an({ id: "new", priority: "medium", since: 2 }),
    an({ id: "worst", priority: "high", since: 0 }),
  );
  assert.deepEqual(open(watch).map((alarm) => alarm.id), ["worst", "new", "old", "seen"]);
});

test("an alarm that is told again replaces itself, and one that ended is history", () => {
  const watch = after(an({ id: "a", priority: "medium" }), an({ id: "a", priority: "high" }));
  assert.deepEqual(open(watch).map((alarm) => alarm.priority), ["high"]);
  const over = took(watch, { type: "alarm", id: "1-2", alarm: an({ id: "a", state: "ended" }) });
  assert.equal(open(over).length, 0);
  assert.deepEqual(over.past.map((alarm) => alarm.id), ["a"]);
  const again = took(over, { type: "alarm", id: "1-2", alarm: an({ id: "a", state: "ended" }) });
  assert.equal(again.past.length, 1);
});

test("history is bounded", () => {
  const watch = after(...Array.from({ length: 80 }, (_, n) => an({ id: `a${n}`, state: "ended" })));
  assert.equal(watch.past.length, 50);
  assert.equal(watch.past[0].id, "a79");
});

test("only what nobody has seen, and is not of the past, is heard; the highest of it", () => {
  const now = 1_000_000;
  assert.equal(audible(NOTHING, now), null);
  assert.equal(audible(after(an({ id: "a", priority: "low" }), an({ id: "b", priority: "medium" })), now), "medium");
  assert.equal(audible(after(an({ id: "a", state: "acknowledged" })), now), null);
  assert.equal(audible(after(an({ id: "a", late: true, priority: "high" })), now), null);
  assert.equal(audible(after(an({ id: "a", state: "latched", priority: "high" })), now), "high");
});

test("a pause silences one alarm until its time, and no other", () => {
  const paused = an({ id: "a", priority: "high", snoozed_until: 60_000 });
  assert.equal(audible(after(paused), 59_999), null);
  assert.equal(pausedMs(paused, 59_000), 1000);
  assert.equal(audible(after(paused), 60_000), "high");
  assert.equal(audible(after(paused, an({ id: "b", priority: "medium" })), 10), "medium");
  assert.equal(calls(paused), true);
});

const quiet = (watch, state, until = null) => took(watch, { type: "signals", id: "1-1", signals: { state, until, by: "Dr Ifeoma Okafor", at: 0 } });

test("paused or off, no alarm is heard; only what is paused ends by itself", () => {
  const watch = after(an({ id: "a", priority: "high" }));
  for (const state of ["audio_paused", "alarm_paused"]) {
    assert.equal(audible(quiet(watch, state, 60_000), 59_999), null);
    assert.equal(audible(quiet(watch, state, 60_000), 60_000), "high");
    assert.equal(signalsAt(quiet(watch, state, 60_000), 60_000).state, "on");
  }
  for (const state of ["audio_off", "alarm_off"]) assert.equal(audible(quiet(watch, state), 1e12), null);
  assert.equal(audible(quiet(quiet(watch, "alarm_off"), "on"), 0), "high");
});

test("alarms that are paused or off are not seen on tiles, in the bar or by patients; without sound they are", () => {
  const watch = after(an({ id: "a", tile: "spo2", priority: "high" }));
  for (const state of ["alarm_paused", "alarm_off"]) {
    const seen = seenNow(quiet(watch, state), 0);
    assert.deepEqual([open(seen).length, marks(seen).size, plainWords(seen)], [0, 0, "none"]);
    assert.equal(open(quiet(watch, state)).length, 1);
  }
  assert.equal(marks(seenNow(quiet(watch, "audio_off"), 0)).size, 1);
});

test("a fresh connection still knows what is off until it is told how things stand", () => {
  assert.equal(reconnected(quiet(NOTHING, "alarm_off")).signals.state, "alarm_off");
});

test("the time that is left is never 0:00 while there is some", () => {
  assert.deepEqual([120_000, 61_000, 59_001, 1, 0, -5].map(countdown), ["2:00", "1:01", "1:00", "0:01", "0:00", "0:00"]);
});

test("a tile is marked by its highest alarm, and late ones mark none", () => {
  const watch = after(an({ id: "a", tile: "spo2", priority: "medium" }), an({ id: "b", tile: "spo2", priority: "high" }), an({ id: "c", tile: "nibp", late: true }));
  assert.deepEqual([...marks(watch)], [["spo2", { priority: "high", calls: true }]]);
});

test("limits are written beside the number", () => {
  const limit = example("limits").limits[0];
  const words = (changes) => limitWords(took(NOTHING, { type: "limits", id: "1-1", band: "adult", age_known: true, limits: [{ ...limit, ...changes }] })).get("spo2");
  assert.equal(words({}), "≥ 86");
  assert.equal(words({ low: 50, high: 120 }), "50–120");
  assert.equal(words({ low: null, high: 37.5, decimals: 1 }), "≤ 37.5");
  assert.equal(words({ low: null, high: null }), "");
});

test("a score says what it lacks and how old its oldest input is", () => {
  const { score } = example("score");
  assert.deepEqual(missing(score), ["oxygen"]);
  assert.equal(oldestAt(score), score.inputs[0].taken_at);
});

test("a score of real data stands before a simulated one, and the newest of each replaces the older", () => {
  const { score } = example("score");
  const issue = (watch, changes) => took(watch, { type: "score", id: "1-1", score: { ...score, ...changes } });
  const watch = issue(issue(issue(NOTHING, { id: "1", demo: true }), { id: "2", demo: false }), { id: "3", demo: false });
  assert.equal(scoreOf(watch, "news2").id, "3");
  assert.equal(watch.scores.length, 2);
  assert.equal(scoreOf(watch, "mews"), null);
});

test("a fresh connection begins with the open alarms anew and keeps the past", () => {
  const watch = reconnected(after(an({ id: "a" }), an({ id: "b", state: "ended" })));
  assert.equal(open(watch).length, 0);
  assert.equal(watch.past.length, 1);
});

test("patients are told calmly, and nothing of low or late alarms but a sensor", () => {
  assert.equal(plainWords(NOTHING), "none");
  assert.equal(plainWords(after(an({ id: "a", priority: "high" }))), "reading");
  assert.equal(plainWords(after(an({ id: "a", kind: "technical", priority: "medium" }))), "sensor");
  assert.equal(plainWords(after(an({ id: "a", late: true }))), "none");
});
