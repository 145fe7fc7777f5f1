import assert from "node:assert/strict";
import { test } from "node:test";

import { givesStills, next, rungOf, showsPictures, sparesSound, START } from "../../static/js/room/state.js";

/** @param {string} id */
const person = (id) => ({ id, name: id, role: "patient", admission: /** @type {const} */ ("admitted"), connected: true,
  media: /** @type {const} */ ("connected"), sources: {} });
const TALK = { ...START, me: "ana", participants: [person("ana"), person("bo")] };

/** @param {string} participant @param {"video" | "reduced" | "stills" | "audio" | "vitals"} rung */
const on = (participant, rung) => next(TALK, { type: "rung", participant, rung, locked: false });

test("a link is at its best until something else is said", () => {
  assert.equal(rungOf(TALK, "bo"), "video");
  assert.equal(rungOf(on("bo", "audio"), "bo"), "audio");
});

test("pictures are sent as long as our own link carries them and somebody else's does", () => {
  assert.ok(showsPictures(TALK));
  assert.ok(showsPictures(on("ana", "reduced")));
  assert.ok(!showsPictures(on("ana", "stills")));
  assert.ok(!showsPictures(on("bo", "stills")));
  const three = { ...on("bo", "stills"), participants: [...TALK.participants, person("cy")] };
  assert.ok(showsPictures(three));
});

test("pictures that nobody can see are still sent to be recorded", () => {
  const recording = { ...TALK.recording, state: /** @type {const} */ ("on") };
  assert.ok(showsPictures({ ...on("bo", "stills"), recording }));
  assert.ok(!showsPictures({ ...on("ana", "stills"), recording }));
});

test("stills are for one whose link is weak, or of us when ours is", () => {
  assert.ok(!givesStills(TALK));
  assert.ok(givesStills(on("bo", "stills")));
  assert.ok(givesStills(on("ana", "stills")));
  assert.ok(!givesStills(on("ana", "audio")));
  assert.ok(!givesStills(on("bo", "audio")));
});

test("sound is spared as soon as one link in the room is too narrow for pictures", () => {
  assert.ok(!sparesSound(TALK));
  assert.ok(!sparesSound(on("bo", "reduced")));
  for (const rung of /** @type {const} */ (["stills", "audio", "vitals"])) {
    assert.ok(sparesSound(on("ana", rung)));
    assert.ok(sparesSound(on("bo", rung)));
  }
  const gone = TALK.participants.filter((one) => one.id !== "bo");
  assert.ok(!sparesSound({ ...on("bo", "audio"), participants: gone }));
});
