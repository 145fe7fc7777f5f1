import assert from "node:assert/strict";
import { test } from "node:test";

import "../../static/js/i18n/en_room.js";
import { figureLines, pathWords } from "../../static/js/room/people.js";
import { counts, gradeOf, lostPart, NOTHING, qualityOf } from "../../static/js/room/quality.js";

const TRACKS = [
  { mid: "0", participant: "me", source: /** @type {const} */ ("microphone") },
  { mid: "1", participant: "me", source: /** @type {const} */ ("camera") },
  { mid: "2", participant: "ana", source: /** @type {const} */ ("microphone") },
  { mid: "3", participant: "ana", source: /** @type {const} */ ("camera") },
];

/** Reports as a browser gives them after so many packets. @param {number} packets @param {object} [changes] */
const reports = (packets, { protocol = "udp", candidateType = "host", lost = 0, jitter = 0.012, asked = 0 } = {}) => [
  { id: "T", type: "transport", packetsSent: packets, packetsReceived: packets },
  { id: "L1", type: "local-candidate", candidateType, protocol },
  { id: "P0", type: "candidate-pair", nominated: false, state: "failed", currentRoundTripTime: 9 },
  { id: "P1", type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.042, localCandidateId: "L1" },
  { id: "O0", type: "outbound-rtp", kind: "audio", mid: "0", packetsSent: packets, bytesSent: packets * 100, remoteId: "R0" },
  { id: "R0", type: "remote-inbound-rtp", kind: "audio", packetsLost: 0, jitter: 0.004 },
  { id: "O1", type: "outbound-rtp", kind: "video", mid: "1", packetsSent: packets, bytesSent: packets * 1000 },
  { id: "I3", type: "inbound-rtp", kind: "video", mid: "3", packetsReceived: packets, packetsLost: lost, bytesReceived: packets * 1000, jitter: 0.2, freezeCount: 2, nackCount: asked },
  { id: "I2", type: "inbound-rtp", kind: "audio", mid: "2", packetsReceived: packets, packetsLost: 0, bytesReceived: packets * 100, jitter },
  { id: "I9", type: "inbound-rtp", kind: "video", mid: "9", packetsReceived: 1, packetsLost: 900 },
];

test("the reports of a call become figures of each participant", () => {
  const before = counts(reports(1000), TRACKS, 1000);
  const quality = qualityOf(before, counts(reports(1300, { lost: 60 }), TRACKS, 4000));
  assert.equal(quality.path, "udp");
  assert.equal(quality.trip_ms, 42);
  const ana = quality.of.get("ana");
  assert.equal(ana?.kbit_s, 880);
  assert.equal(ana?.freezes, 2);
  assert.equal(ana?.jitter_ms, 12, "sound tells the jitter");
  assert.ok(Math.abs((ana?.lost ?? 0) - 60 / 660) < 1e-9);
  assert.deepEqual(quality.of.get("me"), { lost: 0, jitter_ms: 4, kbit_s: 880, freezes: 0, asked: 0 });
  assert.deepEqual([...quality.of.keys()].sort(), ["ana", "me"], "a line of nobody is nobody's");
});

test("what is asked for again of pictures shows loss that repair hides", () => {
  const before = counts(reports(1000, { asked: 5 }), TRACKS, 1000);
  const asked = (/** @type {number} */ packets) => qualityOf(before, counts(reports(packets, { asked: 65 }), TRACKS, 4000)).of.get("ana")?.asked;
  assert.equal(asked(1300), 0.1);
  assert.equal(asked(1005), null);
});

test("the first look has no rates, and no loss", () => {
  const first = qualityOf(NOTHING, counts(reports(1000, { lost: 500 }), TRACKS, 1000));
  assert.deepEqual(first.of.get("ana"), { lost: null, jitter_ms: 12, kbit_s: null, freezes: 2, asked: null });
  assert.equal(first.grade, "good");
});

test("counters that begin anew are no flood and no loss", () => {
  const before = counts(reports(1000), TRACKS, 1000);
  assert.equal(qualityOf(before, counts(reports(10), TRACKS, 4000)).of.get("ana")?.kbit_s, null);
});

test("the way is named: UDP, TCP, or a relay whatever it speaks", () => {
  const way = (/** @type {object} */ changes) => counts(reports(1, changes), TRACKS, 0).path;
  assert.deepEqual([way({}), way({ protocol: "tcp" }), way({ candidateType: "relay" })], ["udp", "tcp", "relay"]);
  assert.equal(counts([], TRACKS, 0).path, "");
  assert.equal(pathWords("relay"), "by relay (TURN)");
  assert.equal(pathWords("pigeon"), "");
});

test("jitter up to 35 ms is good, above 100 ms poor; loss above 15 % is poor", () => {
  const jitter = (/** @type {number} */ jitter_ms) => gradeOf({ lost: null, jitter_ms });
  assert.deepEqual([35, 36, 100, 101].map(jitter), ["good", "fair", "fair", "poor"]);
  const lost = (/** @type {number} */ part) => gradeOf({ lost: part, jitter_ms: null });
  assert.deepEqual([0, 0.03, 0.05, 0.15, 0.16].map(lost), ["good", "good", "fair", "fair", "poor"]);
  assert.deepEqual([250, 300, 601].map((trip_ms) => gradeOf({ trip_ms, lost: 0, jitter_ms: 0 })), ["good", "fair", "poor"]);
  assert.equal(gradeOf({ lost: null, jitter_ms: null }), "unknown");
});

test("the worst of all participants makes the word of the link", () => {
  const before = counts(reports(1000), TRACKS, 1000);
  assert.equal(qualityOf(before, counts(reports(1300, { jitter: 0.14 }), TRACKS, 4000)).grade, "poor");
});

test("too few packets say nothing of loss", () => {
  assert.equal(lostPart({ received: 0, lost: 0 }, { received: 5, lost: 5 }), null);
  assert.equal(lostPart({ received: 100, lost: 0 }, { received: 190, lost: 10 }), 0.1);
});

test("what is not known is a dash, and path and round trip stand with oneself", () => {
  const unknown = { lost: null, jitter_ms: null, kbit_s: null, freezes: 0, asked: null };
  assert.deepEqual(figureLines(unknown, null), [["Loss", "–"], ["Jitter", "–"], ["Bitrate", "–"], ["Freezes", "0"]]);
  const own = figureLines({ lost: 0.012, jitter_ms: 3.4, kbit_s: 512, freezes: 0, asked: 0 }, { path: "tcp", trip_ms: 20.4 });
  assert.deepEqual(own, [["Path", "by TCP"], ["Round trip", "20 ms"], ["Loss", "1 %"], ["Jitter", "3 ms"], ["Bitrate", "512 kbit/s"]]);
});
