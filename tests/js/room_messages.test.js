import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { parse } from "../../static/js/room/messages.js";
import { Unreadable } from "../../static/js/room/reading.js";

const folder = new URL("../vectors/room/server/", import.meta.url);

for (const name of readdirSync(folder)) {
  test(`the example ${name} is read whole`, () => {
    const json = readFileSync(new URL(name, folder), "utf8");
    assert.deepEqual(parse(json), JSON.parse(json));
  });
}

const refused = [
  "",
  "[]",
  "null",
  "{}",
  '{"type":"dance"}',
  '{"type":"lobby","position":"1","waiting":1,"practitioner":"away"}',
  '{"type":"lobby","position":1,"waiting":1,"practitioner":"late"}',
  '{"type":"offer","negotiation":1,"sdp":"v=0","tracks":[{"mid":"0","participant":"p","source":"nose"}]}',
  '{"type":"offer","negotiation":1,"sdp":"v=0","tracks":{}}',
  '{"type":"participant","participant":{"id":"p"}}',
  '{"type":"pong","sent_at":1e999,"server_time":1}',
];

for (const json of refused) {
  test(`${json || "nothing"} is refused`, () => assert.throws(() => parse(json), Unreadable));
}

test("each example cut short is refused, and never breaks the parser in another way", () => {
  for (const name of readdirSync(folder)) {
    const json = readFileSync(new URL(name, folder), "utf8").trim();
    for (let length = 0; length < json.length; length += 7) {
      assert.throws(() => parse(json.slice(0, length)), Unreadable);
    }
  }
});
