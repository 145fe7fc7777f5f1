import assert from "node:assert/strict";
import { test } from "node:test";

import { constraints, pictureConstraints, problemOf, waysOn } from "../../static/js/room/local_errors.js";
import { loudness } from "../../static/js/room/level.js";
import { isSmall, ownLines, smallEncoding, transportOf } from "../../static/js/room/offers.js";
import { afterClose, afterTicketRefused, delayMs } from "../../static/js/ui/retry.js";
import { heard, offsetMs, tripMs } from "../../static/js/room/server_clock.js";

const closed = (/** @type {number} */ code, changes = {}) => afterClose({ code, attempt: 0, ticketRenewed: false, chance: 0.5, ...changes });

test("a broken line comes back after 0.5, 1, 2, 4, 8 seconds and then every 8", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 50].map((attempt) => delayMs(attempt, 0.5)), [500, 1000, 2000, 4000, 8000, 8000, 8000]);
});

test("jitter spreads the attempts, but keeps near the step", () => {
  assert.equal(delayMs(2, 0), 1600);
  assert.ok(delayMs(2, 0.999) <= 2400);
});

for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 4408]) {
  test(`after ${code} it comes back`, () => assert.equal(closed(code).act, "retry"));
}

for (const [code, reason] of [[4400, "broken"], [4403, "forbidden"], [4404, "missing"], [4409, "replaced"], [4410, "over"]]) {
  test(`after ${code} it stops: ${reason}`, () => assert.deepEqual(closed(Number(code)), { act: "stop", reason }));
}

test("a bad ticket is renewed once, then the person has to sign in", () => {
  assert.deepEqual(closed(4401), { act: "new_ticket" });
  assert.deepEqual(closed(4401, { ticketRenewed: true }), { act: "stop", reason: "sign_in" });
});

test("too many messages: at least ten seconds of rest", () => {
  const step = closed(4429);
  assert.ok(step.act === "retry" && step.after_ms >= 10_000);
});

test("a refused ticket is answered by what its status means; no answer is tried again", () => {
  const refused = (/** @type {number} */ status) => afterTicketRefused({ status, attempt: 1, chance: 0.5 });
  assert.deepEqual([401, 403, 404, 410].map((status) => refused(status).act), ["stop", "stop", "stop", "stop"]);
  assert.deepEqual(refused(0), { act: "retry", after_ms: 1000 });
  assert.equal(refused(503).act, "retry");
  assert.ok(refused(429).act === "retry");
});

test("the server's clock is taken from the quickest of the last eight pings", () => {
  let clock = heard([], { sent_at: 1000, received_at: 1400, server_time: 6000 });
  clock = heard(clock, { sent_at: 2000, received_at: 2020, server_time: 7010 });
  assert.equal(offsetMs(clock), 5000);
  assert.equal(tripMs(clock), 20);
  for (let n = 0; n < 8; n += 1) clock = heard(clock, { sent_at: 0, received_at: 100, server_time: 50 });
  assert.equal(clock.length, 8);
  assert.equal(offsetMs(clock), 0);
});

test("a clock that was set back meanwhile is not believed; without pings the offset is none", () => {
  assert.deepEqual(heard([], { sent_at: 10, received_at: 5, server_time: 0 }), []);
  assert.equal(offsetMs([]), 0);
  assert.equal(tripMs([]), null);
});

test("each failure of getUserMedia has its name", () => {
  const named = (/** @type {string} */ name) => problemOf({ name });
  assert.equal(named("NotAllowedError"), "denied");
  assert.equal(named("NotFoundError"), "no_device");
  assert.equal(named("NotReadableError"), "busy");
  assert.equal(named("AbortError"), "busy");
  assert.equal(named("OverconstrainedError"), "unsuitable");
  assert.equal(named("SecurityError"), "insecure");
  assert.equal(named("Surprise"), "unknown");
  assert.equal(problemOf(undefined), "unknown");
});

test("there is always a way on", () => {
  assert.deepEqual(waysOn("all"), ["sound", "none"]);
  assert.deepEqual(waysOn("sound"), ["none"]);
});

test("sound alone asks for no picture; a chosen camera goes before the side it looks to", () => {
  const asked = { facing: /** @type {const} */ ("environment"), camera: "", microphone: "m1", strong: false };
  assert.equal(constraints({ wish: "sound", ...asked }).video, false);
  assert.deepEqual(pictureConstraints(asked).facingMode, { ideal: "environment" });
  const chosen = pictureConstraints({ ...asked, camera: "c1", strong: true });
  assert.equal(chosen.facingMode, undefined);
  assert.deepEqual(chosen.deviceId, { ideal: "c1" });
  assert.deepEqual(chosen.height, { ideal: 720 });
});

test("another ICE user fragment is another transport", () => {
  assert.equal(transportOf("v=0\r\na=ice-lite\r\na=ice-ufrag:Ab+1\r\na=ice-pwd:x\r\n"), "Ab+1");
  assert.equal(transportOf("v=0\r\n"), "");
});

test("only my own lines carry what I send", () => {
  const tracks = [
    { mid: "0", participant: "me", source: /** @type {const} */ ("microphone") },
    { mid: "1", participant: "ana", source: /** @type {const} */ ("camera") },
  ];
  assert.deepEqual([...ownLines(tracks, "me")], [["0", "microphone"]]);
});

test("silence is no loudness, a full scale is all of it", () => {
  assert.equal(loudness(new Float32Array(64)), 0);
  assert.equal(loudness(new Float32Array(64).fill(1)), 1);
  assert.equal(loudness(new Float32Array(0)), 0);
});

test("the small size is 180 lines high whatever the camera gives, and never larger than that gives", () => {
  assert.equal(smallEncoding(720).scaleResolutionDownBy, 4);
  assert.equal(smallEncoding(480).scaleResolutionDownBy, 480 / 180);
  assert.equal(smallEncoding(120).scaleResolutionDownBy, 1);
  assert.equal(smallEncoding(undefined).scaleResolutionDownBy, 4);
});

test("a line is small if the offer says so of its mid", () => {
  /** @type {readonly import("../../static/js/room/messages.js").OfferedTrack[]} */
  const tracks = [
    { mid: "1", participant: "a", source: "camera", layer: "full" },
    { mid: "7", participant: "a", source: "camera", layer: "small" },
  ];
  assert.deepEqual(["1", "7", "9"].map((mid) => isSmall(tracks, mid)), [false, true, false]);
  assert.deepEqual([...ownLines(tracks, "a").keys()], ["1", "7"]);
});
