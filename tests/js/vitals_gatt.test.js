import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { BadValue, decode, hex, medicalFloat, sfloat, valueOf } from "../../static/js/vitals/gatt.js";

/** @param {string} name @returns {Record<string, any>[]} */
const vectors = (name) => JSON.parse(readFileSync(new URL(`../vectors/gatt/${name}.json`, import.meta.url), "utf8"));

/** @param {string} octets */
function view(octets) {
  const pairs = octets.replaceAll(" ", "").match(/../g) ?? [];
  return new DataView(Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16)).buffer);
}

/** @param {string} characteristic @param {string} octets */
function outcome(characteristic, octets) {
  try {
    return decode(characteristic, view(octets));
  } catch (error) {
    assert.ok(error instanceof BadValue);
    return { error: error.code };
  }
}

for (const { says, characteristic, bytes, decoded } of vectors("packets")) {
  test(`${characteristic}: ${says}`, () => assert.deepEqual(outcome(characteristic, bytes), decoded));
}

test("numbers are read as their vectors say", () => {
  for (const { format, raw, value, special } of vectors("numbers")) {
    const read = (format === "sfloat" ? sfloat : medicalFloat)(Number.parseInt(raw, 16));
    assert.equal(valueOf(read), value, raw);
    assert.equal(read.special, special, raw);
  }
});

test("the page makes of hostile inputs what the server makes of them", () => {
  for (const { characteristic, bytes, decoded } of vectors("generated")) {
    assert.deepEqual(outcome(characteristic, bytes), decoded, `${characteristic} ${bytes}`);
  }
});

test("octets are written as two digits each", () => {
  assert.equal(hex(view("00 0a FF")), "000aff");
});
