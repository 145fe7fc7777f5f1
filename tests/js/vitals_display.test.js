import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { holdBack, PictureClock, takenAt } from "../../static/js/room/picture_clock.js";
import { measure, moved, valueAt } from "../../static/js/vitals/caliper.js";
import { parsePage } from "../../static/js/vitals/history.js";
import { MISSING } from "../../static/js/vitals/messages.js";
import { pieces, Recording } from "../../static/js/vitals/recording.js";
import { gainOf, sizedScale } from "../../static/js/vitals/scale.js";
import { decimate, WaveWindow } from "../../static/js/vitals/window.js";

const T0 = 1_767_261_600_000;

/** @param {number} sequence @param {number} first @param {number} starts_at @param {readonly number[]} samples */
function frame(sequence, first, starts_at, samples, changes = {}) {
  const plain = { type: "wave", id: "1-1", channel: 1, gap: false, demo: false, questionable: false, backfill: false };
  return { ...plain, sequence, first, starts_at, count: samples.length, samples: Int16Array.from(samples), ...changes };
}

const steady = (count, value = 1) => Array.from({ length: count }, () => value);

test("what came late lies in the past, marked, and joins neither side", () => {
  const window = new WaveWindow({ rate: 10, seconds: 10 });
  window.add(frame(1, 0, T0, steady(10)));
  window.add(frame(4, 30, T0 + 3000, steady(10)));
  const before = window.revision;
  window.add(frame(2, 10, T0 + 1000, steady(10), { backfill: true }));
  assert.equal(window.revision, before + 1);
  assert.equal(window.lateAt(window.slotAt(T0 + 1500)), true);
  assert.equal(window.lateAt(window.slotAt(T0 + 500)), false);
  assert.equal(window.lateUntil, T0 + 2000);
  const runs = decimate(window, { from_ms: T0, until_ms: T0 + 4000, ms_per_column: 100 });
  assert.deepEqual(runs.map((run) => [run.late, run.length]), [[false, 10], [true, 10], [false, 10]]);
  assert.equal(window.at(window.slotAt(T0 + 2500)), MISSING);
});

test("what is older than all that is kept does not make the trace be drawn anew", () => {
  const window = new WaveWindow({ rate: 10, seconds: 2 });
  window.add(frame(9, 900, T0, steady(10)));
  window.add(frame(1, 0, T0 - 90_000, steady(10), { backfill: true }));
  assert.equal(window.revision, 0);
  assert.equal(window.lateUntil, 0);
});

test("an older frame read from the record does not lead the live run astray", () => {
  const window = new WaveWindow({ rate: 10, seconds: 10 });
  window.add(frame(5, 50, T0 + 5000, steady(5)));
  window.add(frame(1, 0, T0 + 30, steady(5)));
  window.add(frame(6, 55, T0 + 5530, steady(5)));
  assert.equal(window.at(window.slotAt(T0 + 5500)), 1);
  assert.equal(window.lastSampleAt, T0 + 6000);
});

test("a copy of a period keeps its gaps and no longer changes", () => {
  const window = new WaveWindow({ rate: 10, seconds: 10 });
  window.add(frame(1, 0, T0, [1, 2, 3]));
  const strip = window.copy(T0 - 100, T0 + 400);
  window.add(frame(2, 3, T0 + 300, [4]));
  assert.deepEqual([...strip.samples], [MISSING, 1, 2, 3, MISSING]);
  assert.equal(strip.starts_at, T0 - 100);
});

test("millivolts are drawn at their nominal size if they fit, else at a half or a quarter of it", () => {
  const auto = { gain: /** @type {const} */ ("auto"), span: 2 };
  const height = (/** @type {{ low: number, high: number }} */ scale) => scale.high - scale.low;
  assert.equal(height(sizedScale(null, { low: -0.3, high: 1.2 }, auto)), 2);
  assert.equal(height(sizedScale(null, { low: -1, high: 2 }, auto)), 4);
  assert.equal(height(sizedScale(null, { low: -3, high: 3 }, auto)), 8);
  assert.ok(height(sizedScale(null, { low: -20, high: 20 }, auto)) >= 40);
  assert.equal(height(sizedScale(null, null, auto)), 2);
});

test("a chosen size stays, and a scale that still serves is not moved", () => {
  const double = { gain: /** @type {const} */ ("2"), span: 2 };
  const first = sizedScale(null, { low: 0, high: 0.8 }, double);
  assert.equal(first.high - first.low, 1);
  assert.equal(sizedScale(first, { low: 0.05, high: 0.85 }, double), first);
  const larger = sizedScale(first, { low: -2, high: 2.9 }, double);
  assert.equal(larger, first, "about the same middle: nothing moves, and the trace leaves its row");
  assert.notEqual(sizedScale(first, { low: 3, high: 3.5 }, double), first);
  assert.equal(gainOf("7"), "auto");
  assert.equal(gainOf("0.5"), "0.5");
});

const strip = { rate: 100, starts_at: T0, samples: Int16Array.from([0, 100, 200, MISSING, 100]), late: new Uint8Array(5) };
const conversion = { gain: 0.01, offset: 0.5 };

test("the caliper measures time, rate and difference", () => {
  assert.deepEqual(measure(strip, conversion, { from: T0, to: T0 + 20 }), { apart_ms: 20, per_minute: 3000, change: 2 });
  const back = measure(strip, conversion, { from: T0 + 20, to: T0 + 10 });
  assert.deepEqual([back.apart_ms, back.change], [10, -1]);
  assert.equal(measure(strip, conversion, { from: T0, to: T0 }).per_minute, null);
});

test("where nothing came the caliper reads nothing", () => {
  assert.equal(valueAt(strip, conversion, T0 + 30), null);
  assert.equal(valueAt(strip, conversion, T0 + 500), null);
  assert.equal(measure(strip, conversion, { from: T0, to: T0 + 30 }).change, null);
});

test("a mark goes by samples, by small squares with shift, by large ones with the page keys, and stays on the strip", () => {
  const mark = { at: 500, from: 0, until: 1000, shift: false, step: 4 };
  assert.equal(moved("ArrowRight", mark), 504);
  assert.equal(moved("ArrowLeft", { ...mark, shift: true }), 460);
  assert.equal(moved("PageUp", mark), 700);
  assert.equal(moved("End", mark), 1000);
  assert.equal(moved("Home", mark), 0);
  assert.equal(moved("ArrowRight", { ...mark, at: 1000 }), 1000);
  assert.equal(moved("Tab", mark), null);
});

const numerics = (at, value, changes = {}) => ({
  device: "d",
  taken_at: at,
  demo: false,
  late: false,
  values: [{ mdc: 147842, value, unit: "/min", quality: /** @type {const} */ ("good"), conflict: false }],
  ...changes,
});

test("a recording knows what was shown then, whatever order it came in", () => {
  const recording = new Recording();
  recording.measured(numerics(T0 + 2000, 90));
  recording.measured(numerics(T0, 88));
  recording.measured(numerics(T0 + 1000, 89, { late: true }));
  assert.equal(recording.readingsAt(T0 - 1).get("147842 d"), undefined);
  assert.equal(recording.readingsAt(T0 + 1500).get("147842 d")?.value, 89);
  assert.deepEqual(recording.series(147842, T0, T0 + 2000).map((point) => point.value), [88, 89, 90]);
  recording.measured(numerics(T0 + 1000, 89));
  assert.deepEqual(recording.series(147842, T0, T0 + 2000).map((point) => point.late), [false, false, false]);
  assert.deepEqual([recording.earliest, recording.newest], [T0, T0 + 2000]);
});

test("a recording keeps its minutes and no more", () => {
  const recording = new Recording();
  for (let second = 0; second < 2000; second += 1) recording.measured(numerics(T0 + second * 1000, 60));
  const kept = recording.series(147842, 0, Infinity);
  assert.ok(kept.length <= 631, String(kept.length));
  assert.equal(recording.newest - recording.earliest, 630_000);
  for (let mdc = 0; mdc < 200; mdc += 1) {
    recording.measured({ ...numerics(T0 + 2_000_000, 1), values: [{ mdc, value: 1, unit: "1", quality: "good" }] });
  }
  assert.ok(recording.readingsAt(Infinity).size <= 64);
});

test("a recording bounds its channels", () => {
  const recording = new Recording();
  const channel = { device: "d", mdc: 131330, label: "II", unit: "mV", rate: 10, gain: 1, offset: 0 };
  recording.describe(Array.from({ length: 40 }, (_, n) => ({ ...channel, ch: n + 1 })));
  assert.equal(recording.channels.length, 24);
  recording.waved(frame(1, 0, T0, [1, 2]));
  assert.equal(recording.newest, 0, "its channel had to go");
});

test("a series is cut where points are far apart or absent", () => {
  const point = (at, value) => ({ value, taken_at: at, quality: /** @type {const} */ ("good"), demo: false, late: false });
  const found = pieces([point(0, 1), point(1000, 2), point(2000, null), point(3000, 3), point(30_000, 4)], 5000);
  assert.deepEqual(found.map((piece) => piece.map(({ value }) => value)), [[1, 2], [3], [4]]);
});

test("timestamps wrap, and those before the known one lie before it", () => {
  const clock = { rtp: 2 ** 32 - 45_000, at: T0, rate: 90_000 };
  assert.equal(takenAt(clock, 45_000), T0 + 1000);
  assert.equal(takenAt(clock, 2 ** 32 - 90_000), T0 - 500);
});

/** @param {PictureClock} clock @param {number} second @param {number} lag */
const show = (clock, second, lag, participant = "p") =>
  clock.shown({ participant, source: "camera", rtp: second * 90_000, shown_at: T0 + second * 1000 + lag });

test("the lag of the picture is known once the server has said when its frames were taken", () => {
  const clock = new PictureClock();
  show(clock, 1, 240);
  assert.equal(clock.lagAt(T0 + 1300), null);
  clock.heard({ type: "clock", participant: "p", source: "camera", rtp: 0, at: T0, rate: 90_000 });
  show(clock, 2, 240);
  assert.equal(clock.lagAt(T0 + 2300), 240);
  assert.equal(clock.lagAt(T0 + 9000), null, "a picture that stands still has no lag that is true");
});

test("the lag follows slowly what changes a little, and at once what changes much", () => {
  const clock = new PictureClock();
  clock.heard({ type: "clock", participant: "p", source: "camera", rtp: 0, at: T0, rate: 90_000 });
  for (let n = 0; n < 30; n += 1) show(clock, n / 10, 240);
  for (let n = 30; n < 35; n += 1) show(clock, n / 10, 340);
  const soon = clock.lagAt(T0 + 3800) ?? 0;
  assert.ok(soon > 240 && soon < 340, String(soon));
  for (let n = 35; n < 80; n += 1) show(clock, n / 10, 1340);
  assert.equal(clock.lagAt(T0 + 8000), 1340);
  show(clock, 8, 1340, "another");
  assert.equal(clock.lagAt(T0 + 9300), null);
});

test("the picture is held back no more than what belongs to it needs", () => {
  assert.equal(holdBack({ held_ms: 0, lag_ms: 500, vitals_ms: 400 }), null);
  assert.equal(holdBack({ held_ms: 0, lag_ms: 150, vitals_ms: 400 }), 325);
  assert.equal(holdBack({ held_ms: 400, lag_ms: 600, vitals_ms: 400 }), 300);
  assert.equal(holdBack({ held_ms: 900, lag_ms: 300, vitals_ms: 1400 }), 1000)
  assert.equal(holdBack({ held_ms: 400, lag_ms: 460, vitals_ms: 400 }), 400, "good enough");
});

/** @param {readonly (Uint8Array)[]} messages */
function pageOf(messages) {
  const parts = messages.flatMap((message) => [new Uint8Array(Uint32Array.of(message.length).buffer), message]);
  const body = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body.buffer;
}

const words = (/** @type {string} */ name) => readFileSync(new URL(`../vectors/vitals/server/${name}.json`, import.meta.url));

test("a page of the past holds the socket's messages behind their lengths", () => {
  const frame = new Uint8Array(16 + 28 + 4);
  const view = new DataView(frame.buffer);
  view.setUint8(16, 1);
  view.setUint8(17, 1);
  view.setUint16(18, 3, true);
  view.setFloat64(32, T0, true);
  view.setUint16(40, 2, true);
  const read = parsePage(pageOf([words("channels"), words("numerics"), frame]));
  assert.deepEqual(read.map(({ type }) => type), ["channels", "numerics", "wave"]);
  assert.deepEqual(parsePage(new ArrayBuffer(0)), []);
});

test("a page that does not add up is refused whole", () => {
  const whole = pageOf([words("numerics")]);
  for (const cut of [2, 4, 20]) assert.throws(() => parsePage(whole.slice(0, whole.byteLength - cut)));
  assert.throws(() => parsePage(new ArrayBuffer(3)));
  assert.throws(() => parsePage(new ArrayBuffer(4)), "a message of no length");
});
