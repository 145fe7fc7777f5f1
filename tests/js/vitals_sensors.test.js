import assert from "node:assert/strict";
import { test } from "node:test";

import "../browser/fake_bluetooth.js";
import { typedNumber } from "../../static/js/room/typed_values.js";
import { Problem } from "../../static/js/ui/api.js";
import { bluetoothOf, clockOffset, GattQueue, reconnectAfter, Sensors } from "../../static/js/vitals/bluetooth.js";
import { Courier } from "../../static/js/vitals/courier.js";
import { MemoryJournal } from "../../static/js/vitals/journal.js";

/** @type {any} */
const fake = /** @type {any} */ (globalThis).fakeBluetooth;
const STRAP = { 0x180d: [0x2a37] };

/** @param {() => boolean} holds */
async function until(holds) {
  for (let n = 0; n < 400; n += 1) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail("it never came to be");
}

/** A page with its sensors, and what they sent. */
function page() {
  /** @type {any[]} */
  const values = [];
  /** @type {string[]} */
  const states = [];
  const sensors = new Sensors({
    onValue: (value) => values.push(value),
    onChange: () => states.push(sensors.list.map((one) => one.state).join()),
  });
  return { sensors, values, states };
}

test("a sensor is paired, and what it sends goes on as it came and as it is understood", async () => {
  const { sensors, values, states } = page();
  const strap = fake.choose("Strap 7", STRAP);
  const sensor = await sensors.pair(fake.bluetooth);
  await until(() => sensor?.state === "connected");
  assert.ok(fake.bluetooth.wanted.filters.some((/** @type {any} */ one) => one.services[0] === 0x180d));
  assert.ok(fake.bluetooth.wanted.optionalServices.includes(0x1822));
  strap.send(0x2a37, [0x16, 0x4b, 0x40, 0x03, 0x4c, 0x03]);
  strap.send(0x2a37, [0x16]);
  assert.deepEqual([values[0].sensor, values[0].characteristic, values[0].bytes], ["Strap 7", "2A37", "164b40034c03"]);
  assert.equal(values[0].measurements[0].readings[0].value, 75);
  assert.equal(values[1].measurements, null);
  assert.deepEqual(states.slice(0, 2), ["connecting", "connected"]);
  sensors.stop();
});

test("a sensor that is lost is found again, and heard once", async () => {
  const { sensors, values } = page();
  const strap = fake.choose("Strap 8", STRAP);
  const sensor = await sensors.pair(fake.bluetooth);
  assert.ok(sensor);
  /** @type {[() => void, number][]} */
  const planned = [];
  sensor._later = (run, ms) => planned.push([run, ms]);
  await until(() => sensor.state === "connected");
  strap.reachable = false;
  strap.lose();
  assert.equal(sensor.state, "lost");
  for (const expected of [1000, 2000, 4000]) {
    const [run, ms] = /** @type {[() => void, number]} */ (planned.pop());
    assert.equal(ms, expected);
    run();
    await until(() => planned.length === 1);
  }
  strap.reachable = true;
  planned.pop()?.[0]();
  await until(() => /** @type {string} */ (sensor.state) === "connected");
  strap.send(0x2a37, [0x00, 0x48]);
  assert.equal(values.length, 1);
  sensors.stop();
});

test("the waits between attempts double up to half a minute", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 50].map(reconnectAfter), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("a sensor that is sent away stays away", async () => {
  const { sensors } = page();
  const strap = fake.choose("Strap 9", STRAP);
  const sensor = await sensors.pair(fake.bluetooth);
  assert.ok(sensor);
  await until(() => sensor.state === "connected");
  sensors.remove(sensor);
  assert.deepEqual([sensor.state, strap.gatt.connected, sensors.list.length], ["stopped", false, 0]);
});

test("who chooses nothing pairs nothing, and where there is no Bluetooth there is none", async () => {
  const { sensors } = page();
  fake.chooseNone();
  assert.equal(await sensors.pair(fake.bluetooth), null);
  assert.equal(bluetoothOf(/** @type {any} */ ({})), null);
});

test("at most six sensors are paired", async () => {
  const { sensors } = page();
  for (let n = 0; n < 6; n += 1) {
    fake.choose(`S${n}`, STRAP);
    await sensors.pair(fake.bluetooth);
  }
  fake.choose("S6", STRAP);
  await assert.rejects(sensors.pair(fake.bluetooth));
  sensors.stop();
});

test("a meter is asked for its last record", async () => {
  const { sensors } = page();
  const meter = fake.choose("Meter", { 0x1808: [0x2a18, 0x2a52] });
  const sensor = await sensors.pair(fake.bluetooth);
  await until(() => sensor?.state === "connected");
  assert.deepEqual(meter.characteristics.get(0x2a52).written, [[1, 6]]);
  sensors.stop();
});

test("a sensor's clock is compared with ours", () => {
  const set = new DataView(Uint8Array.of(0xea, 7, 7, 27, 12, 0, 0, 1, 128, 0).buffer);
  assert.equal(clockOffset(set, Date.UTC(2026, 6, 27, 10, 0, 0, 500)), -2 * 3_600_000);
  assert.equal(clockOffset(new DataView(new ArrayBuffer(10)), 0), null);
  assert.equal(clockOffset(new DataView(new ArrayBuffer(2)), 0), null);
});

test("operations follow each other even when one fails", async () => {
  const queue = new GattQueue();
  /** @type {string[]} */
  const done = [];
  const first = queue.run(async () => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    done.push("first");
    throw new Error("no");
  });
  const second = queue.run(async () => done.push("second"));
  await assert.rejects(first);
  await second;
  assert.deepEqual(done, ["first", "second"]);
});

/** A courier whose server is scripted. @param {(readings: any[]) => any} answer */
function courier(answer) {
  const journal = new MemoryJournal();
  /** @type {[() => void, number][]} */
  const planned = [];
  /** @type {any[]} */
  const states = [];
  /** @type {any[][]} */
  const sent = [];
  const made = new Courier({
    encounter: "e1",
    journal: Promise.resolve(journal),
    send: async (_, readings) => {
      sent.push(readings);
      return answer(readings);
    },
    onResults: () => undefined,
    onState: (state) => states.push(state),
    later: (run, ms) => planned.push([run, ms]),
  });
  return { made, journal, planned, states, sent };
}

const taken = (/** @type {any[]} */ readings) => ({
  results: readings.map(({ key }) => ({ key, status: "recorded", reason: "" })),
});

test("readings go out in order, each with a key of its own, and are crossed out when they have arrived", async () => {
  const { made, journal, sent } = courier(taken);
  for (let n = 0; n < 100; n += 1) await made.add({ n });
  await made.run();
  assert.deepEqual(sent.map((readings) => readings.length), [64, 36]);
  assert.deepEqual(sent.flat().map(({ n }) => n), Array.from({ length: 100 }, (_, n) => n));
  assert.deepEqual(sent[0]?.slice(0, 2).map(({ key }) => key), [`${journal.id}-1`, `${journal.id}-2`]);
  assert.match(journal.id, /^[0-9a-f]{16}$/);
  assert.equal(await journal.count(), 0);
});

test("what can't be sent stays, and is tried again later and later", async () => {
  let up = false;
  const { made, journal, planned, states } = courier((readings) => {
    if (!up) throw new Problem(0, "offline", "");
    return taken(readings);
  });
  await made.add({ n: 1 });
  planned.length = 0;
  made._planned = false;
  for (const expected of [1000, 2000, 4000]) {
    await made.run();
    assert.equal(planned.pop()?.[1], expected);
    made._planned = false;
  }
  assert.deepEqual(states.at(-1), { waiting: 1, line: "broken" });
  up = true;
  await made.run();
  assert.equal(await journal.count(), 0);
  assert.deepEqual(states.at(-1), { waiting: 0, line: "good" });
});

test("one bad reading among many is dropped alone", async () => {
  const { made, journal, sent } = courier((readings) => {
    if (readings.some(({ n }) => n === 3)) throw new Problem(400, "invalid", "");
    return taken(readings);
  });
  for (let n = 0; n < 6; n += 1) await made.add({ n });
  await made.run();
  assert.equal(await journal.count(), 0);
  assert.deepEqual(sent.slice(1).map((readings) => readings.map(({ n }) => n)), [[0], [1], [2], [3], [4], [5]]);
});

test("a full journal gives up its oldest", async () => {
  const journal = new MemoryJournal(3);
  for (let n = 0; n < 5; n += 1) await journal.add("e1", { n });
  assert.deepEqual((await journal.oldest("e1", 10)).map(({ item }) => item["n"]), [2, 3, 4]);
  assert.deepEqual(await journal.oldest("e2", 10), []);
});

test("numbers are read as people type them", () => {
  assert.deepEqual(["36,6", " 120 ", "5.5", "", "x", "1e3", "-1", "123456"].map(typedNumber), [36.6, 120, 5.5, null, null, null, null, null]);
});
