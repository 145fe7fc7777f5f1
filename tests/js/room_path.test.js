import assert from "node:assert/strict";
import { test } from "node:test";

import "../../static/js/i18n/en_room.js";
import { foundWords, mayWork, selectedIn, verdict } from "../../static/js/room/path.js";

const RELAYS = [{ urls: "turn:turn.clinic.example" }];
const trial = { ice_servers: RELAYS, relay_later: false };
const bare = { ice_servers: [], relay_later: false };
const nothing = { path: "", over: "", trip_ms: null };

/** @param {object} local @param {object} [more] */
const reports = (local, { selected = true, trip_s = 0.03 } = {}) => [
  { id: "T", type: "transport", ...(selected ? { selectedCandidatePairId: "P2" } : {}) },
  { id: "P1", type: "candidate-pair", nominated: false, state: "succeeded", localCandidateId: "L1" },
  { id: "P2", type: "candidate-pair", nominated: true, state: "succeeded", localCandidateId: "L2", currentRoundTripTime: trip_s },
  { id: "L1", type: "local-candidate", candidateType: "host", protocol: "tcp" },
  { id: "L2", type: "local-candidate", candidateType: "host", protocol: "udp", ...local },
];

test("the way is the one that the browser has selected, however it says so", () => {
  assert.deepEqual(selectedIn(reports({})), { path: "udp", over: "", trip_ms: 30 });
  assert.equal(selectedIn(reports({}, { selected: false })).path, "udp");
  assert.equal(selectedIn(reports({ protocol: "tcp" })).path, "tcp");
  const relayed = selectedIn(reports({ candidateType: "relay", relayProtocol: "tls" }));
  assert.deepEqual([relayed.path, relayed.over], ["relay", "tls"]);
  assert.deepEqual(selectedIn([]), nothing);
});

test("a way with a long round trip, or behind a slow server, is slow", () => {
  const slow = selectedIn(reports({}, { trip_s: 0.7 }));
  assert.equal(verdict(bare, slow, false).slow, true);
  assert.equal(verdict(bare, selectedIn(reports({})), true).slow, true);
  assert.equal(verdict(bare, selectedIn(reports({})), false).slow, false);
  assert.match(foundWords(verdict(bare, slow, false), false), /^The connection works: direct \(UDP\)\. It is slow/);
});

test("without a way it depends on whether a relay may still come", () => {
  assert.equal(verdict(trial, nothing, false).path, "none");
  assert.equal(verdict({ ...bare, relay_later: true }, nothing, false).path, "later");
  assert.deepEqual([verdict(trial, nothing, false), verdict(bare, nothing, false)].map(mayWork), [false, false]);
});

test("a patient reads no jargon, a clinician the exact way", () => {
  const relayed = verdict(trial, { path: "relay", over: "tls", trip_ms: 20 }, false);
  assert.match(foundWords(relayed, false), /TURN over TLS/);
  const all = ["udp", "tcp", "relay", "none", "later", "untried", "silent", "old"];
  for (const path of /** @type {import("../../static/js/room/path.js").Path[]} */ (all)) {
    const words = foundWords({ path, slow: false, over: "udp", relays: false }, true);
    assert.doesNotMatch(words, /UDP|TCP|TURN|check\./, path);
    assert.doesNotMatch(foundWords({ path, slow: false, over: "udp", relays: true }, false), /check\./, path);
  }
  assert.match(foundWords(verdict(bare, nothing, false), false), /no relay/);
  assert.match(foundWords(verdict(trial, nothing, false), false), /UDP, TCP and the relay/);
});
