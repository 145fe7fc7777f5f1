import assert from "node:assert/strict";
import { test } from "node:test";

import { MISSING } from "../../static/js/vitals/messages.js";
import { scaleFor } from "../../static/js/vitals/scale.js";
import { decimate, playoutDelay, WaveWindow } from "../../static/js/vitals/window.js";

const T0 = 1_767_261_600_000;

/** @param {number} sequence @param {number} first @param {number} starts_at @param {readonly number[]} samples */
function frame(sequence, first, starts_at, samples, changes = {}) {
  const plain = { type: "wave", id: "1-1", channel: 1, gap: false, demo: false, questionable: false, backfill: false };
  return { ...plain, sequence, first, starts_at, count: samples.length, samples: Int16Array.from(samples), ...changes };
}

const all = (/** @type {WaveWindow} */ window, from = T0, until = T0 + 1000) => {
  const found = [];
  for (let slot = window.slotAt(from); slot < window.slotAt(until); slot += 1) found.push(window.at(slot));
  return found;
};

const newWindow = () => new WaveWindow({ rate: 10, seconds: 2 });

test("samples lie at their time; before and after is nothing", () => {
  const window = newWindow();
  assert.ok(window.add(frame(1, 0, T0, [1, 2, 3])));
  assert.deepEqual(all(window, T0 - 200, T0 + 500), [MISSING, MISSING, 1, 2, 3, MISSING, MISSING]);
  assert.equal(window.lastSampleAt, T0 + 300);
});

test("a repeated frame changes nothing", () => {
  const window = newWindow();
  window.add(frame(1, 0, T0, [1, 2]));
  assert.equal(window.add(frame(1, 0, T0 + 500, [9, 9])), false);
  assert.deepEqual(all(window, T0, T0 + 300), [1, 2, MISSING]);
});

test("jitter of the stamps neither tears nor overlaps a run", () => {
  const window = newWindow();
  window.add(frame(1, 0, T0, [1, 2]));
  window.add(frame(2, 2, T0 + 240, [3, 4]));
  window.add(frame(3, 4, T0 + 360, [5]));
  assert.deepEqual(all(window, T0, T0 + 500), [1, 2, 3, 4, 5]);
});

test("a fractional rate does not drift", () => {
  const rate = 116.99;
  const window = new WaveWindow({ rate, seconds: 30 });
  for (let n = 0; n < 200; n += 1) {
    const start = T0 + (n * 11 * 1000) / rate;
    window.add(frame(n, n * 11, start, Array.from({ length: 11 }, (_, k) => k)));
  }
  const missing = all(window, T0 + 100, T0 + 18_000).filter((raw) => raw === MISSING);
  assert.equal(missing.length, 0);
});

test("a gap frame, a jump of the count and a jump of the time stay gaps", () => {
  const marked = newWindow();
  marked.add(frame(1, 0, T0, [1, 2]));
  marked.add(frame(2, 2, T0 + 200, [], { gap: true, count: 3 }));
  marked.add(frame(3, 5, T0 + 500, [6]));
  assert.deepEqual(all(marked, T0, T0 + 600), [1, 2, MISSING, MISSING, MISSING, 6]);

  const counted = newWindow();
  counted.add(frame(1, 0, T0, [1, 2]));
  counted.add(frame(3, 5, T0 + 500, [6]));
  assert.deepEqual(all(counted, T0, T0 + 600), [1, 2, MISSING, MISSING, MISSING, 6]);

  const late = newWindow();
  late.add(frame(1, 0, T0, [1, 2]));
  late.add(frame(2, 2, T0 + 500, [6]));
  assert.deepEqual(all(late, T0, T0 + 600), [1, 2, MISSING, MISSING, MISSING, 6]);
});

test("samples that the device marks as missing are missing", () => {
  const window = newWindow();
  window.add(frame(1, 0, T0, [1, MISSING, 3]));
  assert.deepEqual(all(window, T0, T0 + 300), [1, MISSING, 3]);
});

test("the ring holds the last seconds and forgets the rest", () => {
  const window = newWindow();
  for (let n = 0; n < 100; n += 1) window.add(frame(n, n, T0 + n * 100, [n]));
  assert.equal(window.at(window.slotAt(T0 + 7900)), MISSING);
  assert.equal(window.at(window.slotAt(T0 + 8000)), 80);
  assert.equal(window.at(window.slotAt(T0 + 9900)), 99);
});

test("a hole longer than the ring leaves nothing of before", () => {
  const window = newWindow();
  window.add(frame(1, 0, T0, Array.from({ length: 20 }, () => 5)));
  window.add(frame(2, 1000, T0 + 100_000, [7]));
  assert.deepEqual(all(window, T0 + 98_100, T0 + 100_100).filter((raw) => raw !== MISSING), [7]);
});

test("what is filled in later goes to its place and does not move the run", () => {
  const window = newWindow();
  window.add(frame(1, 0, T0, [1]));
  window.add(frame(3, 2, T0 + 200, [3]));
  const before = window.revision;
  window.add(frame(2, 1, T0 + 100, [2], { backfill: true }));
  window.add(frame(4, 3, T0 + 300, [4]));
  assert.deepEqual(all(window, T0, T0 + 400), [1, 2, 3, 4]);
  assert.ok(window.revision > before);
});

test("the memory is bounded whatever the rate", () => {
  const window = new WaveWindow({ rate: 100_000, seconds: 60 });
  window.add(frame(1, 0, T0, [1]));
  assert.ok(window.range(T0 - 10, T0 + 10) !== null);
});

test("no spike is lost when many samples share a column", () => {
  const window = new WaveWindow({ rate: 1000, seconds: 2 });
  const samples = Array.from({ length: 100 }, (_, n) => (n === 57 ? 900 : 0));
  window.add(frame(1, 0, T0, samples));
  const runs = decimate(window, { from_ms: T0, until_ms: T0 + 100, ms_per_column: 10 });
  assert.equal(runs.length, 1);
  assert.equal(Math.max(...runs[0].map((column) => column.high)), 900);
  assert.equal(runs[0].length, 10);
});

test("fewer samples than columns stay one run; a missing sample parts it", () => {
  const window = new WaveWindow({ rate: 10, seconds: 5 });
  window.add(frame(1, 0, T0, [1, 2, 3, MISSING, 5, 6]));
  const runs = decimate(window, { from_ms: T0, until_ms: T0 + 600, ms_per_column: 10 });
  assert.deepEqual(runs.map((run) => run.map((column) => column.first)), [[1, 2, 3], [5, 6]]);
});

test("first and last of a column are those in time", () => {
  const window = new WaveWindow({ rate: 100, seconds: 5 });
  window.add(frame(1, 0, T0, [3, 9, 1, 4]));
  const [[column]] = decimate(window, { from_ms: T0, until_ms: T0 + 40, ms_per_column: 100 });
  assert.deepEqual([column.first, column.low, column.high, column.last], [3, 1, 9, 4]);
});

test("the drawing lags by two chunks, at least 300 ms, grows at once and shrinks slowly", () => {
  assert.equal(playoutDelay(0, { chunk_ms: 100, late_ms: 0, passed_ms: 0 }), 300);
  assert.equal(playoutDelay(300, { chunk_ms: 1000, late_ms: 50, passed_ms: 1000 }), 2000);
  assert.equal(playoutDelay(300, { chunk_ms: 200, late_ms: 900, passed_ms: 1000 }), 1200);
  assert.equal(playoutDelay(2000, { chunk_ms: 100, late_ms: 0, passed_ms: 1000 }), 1980);
  assert.equal(playoutDelay(0, { chunk_ms: 100, late_ms: 1e9, passed_ms: 0 }), 10_000);
});

test("a usual scale holds as long as the trace fits in it", () => {
  const usual = { low: -1, high: 1.5 };
  assert.deepEqual(scaleFor(null, usual, { low: -0.2, high: 1 }), usual);
  assert.deepEqual(scaleFor(null, usual, null), usual);
  const wide = scaleFor(usual, usual, { low: -3, high: 3 });
  assert.ok(wide.low <= -3 && wide.high >= 3);
  assert.deepEqual(scaleFor(wide, usual, { low: -2.9, high: 3 }), wide);
  assert.deepEqual(scaleFor(wide, usual, { low: 0, high: 1 }), usual);
});

test("a trace without a usual scale finds its own and keeps it while it serves", () => {
  const own = { low: 0, high: 0 };
  const first = scaleFor(null, own, { low: 0.2, high: 0.8 });
  assert.ok(first.low < 0.2 && first.high > 0.8);
  assert.deepEqual(scaleFor(first, own, { low: 0.25, high: 0.75 }), first);
  const small = scaleFor(first, own, { low: 0.45, high: 0.55 });
  assert.ok(small.high - small.low < 0.2);
  const flat = scaleFor(null, own, { low: 5, high: 5 });
  assert.ok(flat.high > flat.low);
});
