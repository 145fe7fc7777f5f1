import assert from "node:assert/strict";
import { test } from "node:test";
import "../../static/js/i18n/en.js";
import { clockTime, dayKey, dayName, elapsed, instant, stopwatch, zoneName } from "../../static/js/ui/time.js";

const WINTER = new Date("2026-01-06T13:30:00Z");
const SUMMER = new Date("2026-07-06T13:30:00Z");

test("an instant is told with its day, its time and its zone", () => {
  assert.equal(instant(WINTER, "Europe/Berlin"), "Tuesday 6 January, 14:30 (Central European Standard Time, GMT+1)");
});

test("the name of a zone follows the time of year", () => {
  assert.equal(zoneName("Europe/Berlin", WINTER), "Central European Standard Time (GMT+1)");
  assert.equal(zoneName("Europe/Berlin", SUMMER), "Central European Summer Time (GMT+2)");
});

test("midnight reads 00:00, not 24:00", () => {
  assert.equal(clockTime(new Date("2026-01-05T23:00:00Z"), "Europe/Berlin"), "00:00");
});

test("a day belongs to the zone, not to UTC", () => {
  const late = new Date("2026-01-06T23:30:00Z");
  assert.equal(dayKey(late, "UTC"), "2026-01-06");
  assert.equal(dayKey(late, "Europe/Berlin"), "2026-01-07");
  assert.equal(dayName(late, "Europe/Berlin"), "Wednesday 7 January");
});

test("waiting is told coarsely and never negative", () => {
  assert.equal(elapsed(-5000), "just now");
  assert.equal(elapsed(59_999), "just now");
  assert.equal(elapsed(4 * 60_000), "4 min");
  assert.equal(elapsed(125 * 60_000), "2 h 5 min");
});

test("a stopwatch has hours, minutes and seconds", () => {
  assert.equal(stopwatch(751_000), "00:12:31");
  assert.equal(stopwatch(-1), "00:00:00");
});
