import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import "../../static/js/i18n/en.js";
import { lastNumber } from "../../static/js/admin/audit.js";
import { Calling, newId, proposed } from "../../static/js/ambulance/calling.js";
import { ahead, changeable, enterable } from "../../static/js/booking/visits.js";
import { addDays, range, week } from "../../static/js/booking/week.js";
import { Problem } from "../../static/js/ui/api.js";
import { calling, hasArrival, soundDue } from "../../static/js/worklist/arrivals.js";
import { parse } from "../../static/js/worklist/messages.js";

const NOON = Date.parse("2026-01-06T12:00:00Z");
const visit = (changes = {}) => ({
  id: "a",
  practitioner: "p",
  encounter: "e",
  starts_at: "2026-01-06T12:20:00Z",
  ends_at: "2026-01-06T12:40:00Z",
  status: "booked",
  reason: "",
  ...changes,
});

test("a visit can be entered from half an hour before until an hour after", () => {
  assert.equal(enterable(visit(), NOON), true);
  assert.equal(enterable(visit(), NOON - 11 * 60_000), false);
  assert.equal(enterable(visit(), NOON + 100 * 60_000 - 1), true);
  assert.equal(enterable(visit(), NOON + 100 * 60_000), false);
  assert.equal(enterable(visit({ status: "cancelled" }), NOON), false);
});

test("a visit can be changed until it starts", () => {
  assert.equal(changeable(visit(), NOON), true);
  assert.equal(changeable(visit(), NOON + 20 * 60_000), false);
  assert.equal(changeable(visit({ status: "arrived" }), NOON), false);
});

test("those ahead are sorted, without the cancelled and the past", () => {
  const later = visit({ id: "later", starts_at: "2026-02-01T12:00:00Z", ends_at: "2026-02-01T12:20:00Z" });
  const past = visit({ id: "past", starts_at: "2026-01-05T12:00:00Z", ends_at: "2026-01-05T12:20:00Z" });
  assert.deepEqual(ahead([later, past, visit({ id: "off", status: "cancelled" }), visit()], NOON).map(({ id }) => id), ["a", "later"]);
});

test("days are added by the calendar, across the end of a month and a change to summer time", () => {
  assert.equal(addDays("2026-01-31", 1), "2026-02-01");
  assert.equal(addDays("2026-03-28", 2), "2026-03-30");
});

test("the query covers the whole days in any zone, and nothing past", () => {
  assert.deepEqual(range("2026-01-06", 7, NOON), { from: "2026-01-06T12:00:00.000Z", until: "2026-01-13T14:00:00.000Z" });
  assert.equal(range("2026-01-10", 7, NOON).from, "2026-01-09T10:00:00.000Z");
});

test("the longest query stays within the 35 days that the server allows", () => {
  const { from, until } = range("2026-02-01", 32, NOON);
  assert.ok(Date.parse(until) - Date.parse(from) <= 35 * 86_400_000);
});

test("slots stand on the days of the person's zone, in order; foreign days are left out", () => {
  const at = (starts_at) => ({ starts_at, ends_at: starts_at });
  const slots = [at("2026-01-06T23:30:00Z"), at("2026-01-06T09:00:00Z"), at("2026-01-06T08:00:00Z"), at("2026-01-13T09:00:00Z")];
  const days = week(slots, "2026-01-06", "Europe/Berlin");
  assert.equal(days.length, 7);
  assert.deepEqual(days[0].slots.map((slot) => slot.starts_at.slice(11, 16)), ["08:00", "09:00"]);
  assert.deepEqual(days[1].slots.map((slot) => slot.starts_at.slice(11, 16)), ["23:30"]);
  assert.equal(days.flatMap((day) => day.slots).length, 3);
});

const list = (ringing, waiting) => ({
  ringing: ringing.map((id) => ({ case: id })),
  waiting: waiting.map((encounter) => ({ encounter })),
});

test("whoever is there at first is no arrival, whoever comes is, whoever goes is not", () => {
  const one = calling(list([], ["e1"]));
  const two = calling(list(["c1"], ["e1"]));
  assert.equal(hasArrival(null, one), false);
  assert.equal(hasArrival(one, two), true);
  assert.equal(hasArrival(two, one), false);
  assert.equal(hasArrival(two, two), false);
});

test("ten arrivals in ten seconds sound at most three times", () => {
  let last = -Infinity;
  let sounds = 0;
  for (let now = 0; now < 10_000; now += 1000) {
    if (soundDue(now, last)) {
      last = now;
      sounds += 1;
    }
  }
  assert.ok(sounds <= 3);
});

const vectors = new URL("../vectors/worklist/server/", import.meta.url);
for (const name of await readdir(vectors)) {
  test(`the example ${name} of the work list is understood`, async () => {
    const raw = await readFile(new URL(name, vectors), "utf8");
    assert.deepEqual(parse(raw), JSON.parse(raw));
  });
}

test("what is no message of the work list is dropped", () => {
  for (const raw of ["", "{", "null", "[]", "7", '{"type":"nothing"}', '{"type":"toString"}', '{"type":"worklist","on_call":1}', new ArrayBuffer(3)]) {
    assert.equal(parse(raw), null);
  }
});

const FINDINGS = { complaint: "stroke", acuity: "red", age_band: "older" };

/** An API that knows cases, refuses what it is told to refuse, and remembers what was asked. */
function ambulanceApi(refused = {}) {
  const asked = [];
  const ask = async (method, path, body) => {
    asked.push(`${method} ${path.replace(/[0-9a-f]{32}/, "ID")}`);
    const refusal = refused[path.split("/").at(-1)];
    if (refusal) throw refusal;
    return path === "/cases" ? { ...body, encounter: `of ${body.id}`, status: "open" } : {};
  };
  return { asked, ask, refused };
}

test("a case is opened, given its monitor and rung", async () => {
  const { asked, ask } = ambulanceApi();
  assert.equal(await new Calling(ask).ring(FINDINGS, "m1"), "rung");
  assert.deepEqual(asked, ["POST /cases", "PUT /devices/m1/association", "POST /cases/ID/ring"]);
});

test("a press after nobody was on call rings the same case", async () => {
  const phone = ambulanceApi({ ring: new Problem(409, "nobody_on_call", "") });
  const one = new Calling(phone.ask);
  assert.equal(await one.ring(FINDINGS, ""), "nobody_on_call");
  delete phone.refused.ring;
  assert.equal(await one.ring(FINDINGS, ""), "rung");
  assert.deepEqual(phone.asked, ["POST /cases", "POST /cases/ID/ring", "POST /cases/ID/ring"]);
});

test("changed findings make another case, so that the doctor sees the new ones", async () => {
  const phone = ambulanceApi({ ring: new Problem(409, "nobody_on_call", "") });
  const one = new Calling(phone.ask);
  await one.ring(FINDINGS, "");
  const first = one.id;
  delete phone.refused.ring;
  await one.ring({ ...FINDINGS, acuity: "green" }, "");
  assert.notEqual(one.id, first);
  assert.equal(one.opened.acuity, "green");
  assert.deepEqual(phone.asked.slice(2), ["POST /cases/ID/close", "POST /cases", "POST /cases/ID/ring"]);
});

test("a monitor that cannot be bound does not keep the crew from ringing", async () => {
  const { ask } = ambulanceApi({ association: new Problem(404, "not_found", "") });
  assert.equal(await new Calling(ask).ring(FINDINGS, "m1"), "rung_without_monitor");
});

test("without a network nothing is believed to be rung", async () => {
  const { ask } = ambulanceApi({ ring: new Problem(0, "offline", "") });
  await assert.rejects(new Calling(ask).ring(FINDINGS, ""), { code: "offline" });
});

test("a fresh id is 32 hexadecimal digits, each time another", () => {
  assert.match(newId(), /^[0-9a-f]{32}$/);
  assert.notEqual(newId(), newId());
});

test("the monitor used last is proposed, or the only one that is free, or none", () => {
  const [free, other, busy] = [{ id: "m1", encounter: null }, { id: "m2", encounter: null }, { id: "m3", encounter: "e" }];
  assert.equal(proposed([free, other, busy], "m3"), "m3");
  assert.equal(proposed([free, busy], "gone"), "m1");
  assert.equal(proposed([free, other], null), "");
  assert.equal(proposed([busy], null), "");
  assert.equal(proposed([], "m1"), "");
});

for (const size of [0, 1, 199, 200, 201, 400, 1399, 5000, 123_456]) {
  test(`the end of a chain of ${size} entries is found in few reads`, async () => {
    let reads = 0;
    const read = async (after) => {
      reads += 1;
      return Array.from({ length: Math.max(0, Math.min(200, size - after)) }, (_, index) => ({ number: after + index + 1 }));
    };
    assert.equal(await lastNumber(read), size);
    assert.ok(reads <= 60, `${reads} reads`);
  });
}
