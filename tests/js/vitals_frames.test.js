import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { Unreadable } from "../../static/js/room/reading.js";
import { parseFrame } from "../../static/js/vitals/messages.js";

const folder = new URL("../vectors/frames/", import.meta.url);

for (const name of readdirSync(folder).filter((one) => one.endsWith(".json"))) {
  const { note, hex, expected } = JSON.parse(readFileSync(new URL(name, folder), "utf8"));
  const bytes = Uint8Array.from(Buffer.from(hex, "hex")).buffer;
  test(`frame ${name}: ${note}`, () => {
    if (expected === null || expected === undefined) {
      assert.throws(() => parseFrame(bytes), Unreadable);
      return;
    }
    const { type: _type, ...read } = parseFrame(bytes);
    assert.deepEqual({ ...read, samples: [...read.samples] }, expected);
  });
}
