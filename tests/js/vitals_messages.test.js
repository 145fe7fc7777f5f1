import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { Unreadable } from "../../static/js/room/reading.js";
import { MISSING, parse, parseFrame } from "../../static/js/vitals/messages.js";

const folder = new URL("../vectors/vitals/server/", import.meta.url);

for (const name of readdirSync(folder).filter((one) => one.endsWith(".json"))) {
  test(`the example ${name} is read whole`, () => {
    const json = readFileSync(new URL(name, folder), "utf8");
    assert.deepEqual(parse(json), JSON.parse(json));
  });
}

test("a channel with an impossible rate, and numerics without a time, are refused", () => {
  for (const rate of [0, -1, 1e9]) {
    const channel = { ch: 1, device: "d", mdc: 1, label: "II", unit: "mV", rate, gain: 1, offset: 0 };
    assert.throws(() => parse(JSON.stringify({ type: "channels", id: "1-1", channels: [channel] })), Unreadable);
  }
  assert.throws(() => parse('{"type":"numerics","id":"1-1","device":"d","received_at":1,"demo":true,"values":[]}'), Unreadable);
});

/** @param {readonly number[]} samples @param {{ kind?: number, flags?: number, count?: number }} [changes] */
function frame(samples, { kind = 1, flags = 0, count = samples.length } = {}) {
  const bytes = new ArrayBuffer(16 + 28 + samples.length * 2);
  const view = new DataView(bytes);
  view.setBigUint64(0, 1767261600000n, true);
  view.setBigUint64(8, 3n, true);
  view.setUint8(16, 1);
  view.setUint8(17, kind);
  view.setUint16(18, 513, true);
  view.setUint32(20, 70_000, true);
  view.setBigUint64(24, 5_000_000_000n, true);
  view.setFloat64(32, 1767261600000.25, true);
  view.setUint16(40, count, true);
  view.setUint8(42, flags);
  samples.forEach((sample, n) => view.setInt16(44 + n * 2, sample, true));
  return bytes;
}

test("a frame is read field by field, in little-endian order", () => {
  const read = parseFrame(frame([1, -2, MISSING], { flags: 5 }));
  assert.deepEqual(
    { ...read, samples: [...read.samples] },
    {
      type: "wave",
      id: "1767261600000-3",
      channel: 513,
      sequence: 70_000,
      first: 5_000_000_000,
      starts_at: 1767261600000.25,
      count: 3,
      gap: false,
      demo: true,
      questionable: false,
      backfill: true,
      samples: [1, -2, MISSING],
    },
  );
});

test("a gap has a count and no samples", () => {
  const read = parseFrame(frame([], { kind: 2, count: 250 }));
  assert.equal(read.gap, true);
  assert.equal(read.count, 250);
  assert.equal(read.samples.length, 0);
});

test("frames that are too short, too long, of another version or kind are refused", () => {
  const good = frame([1, 2, 3]);
  for (let length = 0; length < good.byteLength; length += 1) assert.throws(() => parseFrame(good.slice(0, length)), Unreadable);
  assert.throws(() => parseFrame(frame([1, 2], { count: 1 })), Unreadable);
  assert.throws(() => parseFrame(frame([1], { kind: 3 })), Unreadable);
  assert.throws(() => parseFrame(frame([], { kind: 2, count: 5000 })), Unreadable);
  const other = frame([1]);
  new DataView(other).setUint8(16, 2);
  assert.throws(() => parseFrame(other), Unreadable);
  const timeless = frame([1]);
  new DataView(timeless).setFloat64(32, NaN, true);
  assert.throws(() => parseFrame(timeless), Unreadable);
});

test("ten thousand random frames are read or refused, and nothing else happens", () => {
  let seed = 7;
  const chance = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let n = 0; n < 10_000; n += 1) {
    const bytes = Uint8Array.from({ length: Math.floor(chance() * 80) }, () => Math.floor(chance() * 256));
    if (bytes.length > 17 && chance() < 0.5) bytes.set([1, 1], 16);
    try {
      parseFrame(bytes.buffer);
    } catch (error) {
      assert.ok(error instanceof Unreadable);
    }
  }
});
