import assert from "node:assert/strict";
import { test } from "node:test";

import { ABSENT, ageWords, densityOf, heard, nextDensity, parseTables, tileState } from "../../static/js/vitals/numerics.js";

const T0 = 1_767_261_600_000;
const origin = (/** @type {number} */ mdc, /** @type {string} */ source, changes = {}) => ({
  mdc,
  source,
  unit: "/min",
  decimals: 0,
  interval_s: 1,
  grey_after_s: 5,
  blank_after_s: 10,
  ...changes,
});
const CUFF = { interval_s: 0, grey_after_s: 900, blank_after_s: 3600 };
const TABLES = parseTables({
  tiles: [
    {
      key: "heart-rate",
      label: "HR",
      unit_label: "/min",
      group: "ecg",
      parts: [{ name: "", sources: [origin(147842, "ECG"), origin(149530, "Pleth")] }],
    },
    {
      key: "nibp",
      label: "NIBP",
      unit_label: "mmHg",
      group: "pressure",
      parts: [
        { name: "systolic", sources: [origin(150021, "NIBP", CUFF)] },
        { name: "diastolic", sources: [origin(150022, "NIBP", CUFF)] },
        { name: "mean", sources: [origin(150023, "NIBP", CUFF)] },
      ],
    },
  ],
  waves: [{ mdc: 131330, label: "II", unit: "mV", group: "ecg", low: -1, high: 1.5, seconds: 6 }],
});
const [HEART, CUFF_TILE] = TABLES.tiles;

/** @param {number} taken_at @param {Record<number, number | null>} values */
function numerics(taken_at, values, quality = "good", demo = false) {
  const listed = Object.entries(values).map(([mdc, value]) => ({ mdc: Number(mdc), value, unit: "/min", quality, conflict: false }));
  return { type: "numerics", id: "1-1", device: "d", taken_at, received_at: taken_at + 20, demo, late: false, values: listed };
}

const readings = (/** @type {object[]} */ ...messages) => messages.reduce(heard, new Map());
const heart = (/** @type {Map<number, object>} */ known, /** @type {number} */ now) => tileState(HEART, known, now);

test("a number is live, then grey with its age, then absent, by the clock alone", () => {
  const known = readings(numerics(T0, { 147842: 88 }));
  const at = (/** @type {number} */ s) => heart(known, T0 + s * 1000);
  assert.deepEqual([at(1).state, at(1).shown, at(1).ageShown], ["live", "88", false]);
  assert.deepEqual([at(3).state, at(3).ageShown], ["live", true]);
  assert.deepEqual([at(6).state, at(6).shown, at(6).ageShown], ["grey", "88", true]);
  assert.deepEqual([at(11).state, at(11).shown], ["blank", ABSENT]);
});

test("nothing known is absent, and not known", () => {
  assert.deepEqual([heart(new Map(), T0).shown, heart(new Map(), T0).known], [ABSENT, false]);
});

test("an older reading never replaces a newer one", () => {
  const known = readings(numerics(T0 + 1000, { 147842: 90 }), numerics(T0, { 147842: 60 }));
  assert.equal(heart(known, T0 + 1000).shown, "90");
});

test("no value now means no value, not the last one", () => {
  const known = readings(numerics(T0, { 147842: 90 }), numerics(T0 + 1000, { 147842: null }, "invalid"));
  assert.equal(heart(known, T0 + 1000).shown, ABSENT);
  assert.equal(heart(readings(numerics(T0, { 147842: 400 }, "invalid")), T0).shown, ABSENT);
});

test("the best source that is live is shown, and named", () => {
  const both = readings(numerics(T0, { 147842: 88, 149530: 87 }));
  assert.deepEqual([heart(both, T0).shown, heart(both, T0).source], ["88", "ECG"]);
  const leadOff = heard(both, numerics(T0 + 7000, { 149530: 86 }));
  assert.deepEqual([heart(leadOff, T0 + 7000).shown, heart(leadOff, T0 + 7000).source], ["86", "Pleth"]);
  assert.equal(heart(both, T0 + 7000).source, "ECG");
});

test("a pressure is written as 104/61 (75) with its age from the start, and lasts an hour", () => {
  const known = readings(numerics(T0, { 150021: 104, 150022: 61, 150023: 75 }));
  const now = tileState(CUFF_TILE, known, T0 + 1000);
  assert.deepEqual([now.shown, now.state, now.ageShown], ["104/61 (75)", "live", true]);
  assert.equal(tileState(CUFF_TILE, known, T0 + 1_000_000).state, "grey");
  assert.equal(tileState(CUFF_TILE, known, T0 + 3_700_000).shown, ABSENT);
  assert.equal(tileState(CUFF_TILE, readings(numerics(T0, { 150021: 104, 150022: 61 })), T0).shown, "104/61");
  assert.equal(tileState(CUFF_TILE, readings(numerics(T0, { 150021: 104 })), T0).shown, `104/${ABSENT}`);
});

test("doubtful values and demonstrations are marked", () => {
  assert.equal(heart(readings(numerics(T0, { 147842: 15 }, "questionable")), T0).questionable, true);
  assert.equal(heart(readings(numerics(T0, { 147842: 75 }, "good", true)), T0).demo, true);
});

test("a reading from the future is as old as nothing", () => {
  assert.equal(heart(readings(numerics(T0 + 500, { 147842: 75 })), T0).age_ms, 0);
});

test("ages are coarse", () => {
  assert.deepEqual(ageWords(4200), { key: "vitals.age.seconds", count: 4 });
  assert.deepEqual(ageWords(240_000), { key: "vitals.age.minutes", count: 4 });
  assert.deepEqual(ageWords(3 * 3_600_000), { key: "vitals.age.hours", count: 3 });
});

test("the densities follow each other in a circle, and a stored one that is unknown is not used", () => {
  assert.equal(nextDensity(nextDensity(nextDensity("numbers"))), "numbers");
  assert.equal(densityOf("one", "all"), "one");
  assert.equal(densityOf("everything", "all"), "all");
  assert.equal(densityOf(null, "numbers"), "numbers");
});

/** @param {string} device @param {number} taken_at @param {number} value */
const rate = (device, taken_at, value, conflict = false) => ({
  ...numerics(taken_at, {}),
  device,
  values: [{ mdc: 147842, value, unit: "/min", quality: "good", conflict }],
});
const DEVICES = new Map([
  ["m", { name: "Monitor", kind: "registered" }],
  ["s", { name: "Strap 7", kind: "sensor" }],
  ["t", { name: "Typed by patient", kind: "spot" }],
]);

test("of two devices that measure the same, the clinic's own is shown, and each is named", () => {
  const known = readings(rate("s", T0, 80), rate("m", T0 - 500, 130));
  const state = tileState(HEART, known, T0 + 1000, DEVICES);
  assert.deepEqual([state.shown, state.source], ["130", "ECG · Monitor"]);
  const alone = tileState(HEART, readings(rate("s", T0, 80)), T0 + 1000, DEVICES);
  assert.deepEqual([alone.shown, alone.source], ["80", "ECG · Strap 7"]);
  assert.equal(tileState(HEART, readings(rate("m", T0, 80)), T0 + 1000, DEVICES).source, "ECG");
});

test("when the better device falls silent the other one is shown", () => {
  const known = readings(rate("s", T0 + 20_000, 80), rate("m", T0, 130));
  assert.equal(tileState(HEART, known, T0 + 20_500, DEVICES).shown, "80");
});

test("a contradiction is shown while it is fresh", () => {
  const known = readings(rate("s", T0, 80), rate("m", T0 + 100, 130, true));
  assert.equal(tileState(HEART, known, T0 + 5000, DEVICES).conflict, true);
  assert.equal(tileState(HEART, known, T0 + 11_000, DEVICES).conflict, false);
});

test("what was typed does not go blank; its age is always shown, and it is grey after a minute", () => {
  const known = readings(rate("t", T0, 72));
  const at = (/** @type {number} */ s) => tileState(HEART, known, T0 + s * 1000, DEVICES);
  assert.deepEqual([at(1).state, at(1).shown, at(1).ageShown], ["live", "72", true]);
  assert.deepEqual([at(61).state, at(7200).state, at(7200).shown], ["grey", "grey", "72"]);
});

test("the parts of a pressure come from one device", () => {
  const cuff = (/** @type {string} */ device, /** @type {Record<number, number>} */ values) => ({ ...numerics(T0, values), device });
  const monitor = cuff("m", { 150021: 120, 150022: 80, 150023: 93 });
  const typed = { ...cuff("t", { 150021: 140, 150022: 90 }), taken_at: T0 + 1000 };
  assert.equal(tileState(CUFF_TILE, readings(monitor, typed), T0 + 2000, DEVICES).shown, "140/90");
  assert.equal(tileState(CUFF_TILE, readings({ ...monitor, taken_at: T0 + 1500 }, typed), T0 + 2000, DEVICES).shown, "120/80 (93)");
});
