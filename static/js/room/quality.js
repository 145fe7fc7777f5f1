/** From the browser's reports (W3C webrtc-stats) to figures that people can judge: values in, values out. */

/** @import { OfferedTrack } from "./messages.js" */

/**
 * What has been counted of one participant's packets since the transport began; `jitter_ms` is of now. `asked` counts
 * requests for what is missing of pictures: most of it comes in the end, and is not lost.
 *
 * @typedef {Readonly<{ received: number, lost: number, bytes: number, jitter_ms: number | null, freezes: number,
 *   asked: number }>} Counted
 */
/** @typedef {Readonly<{ at: number, path: string, trip_ms: number | null, of: ReadonlyMap<string, Counted> }>} Counts */
/**
 * How one participant's sound and pictures fare between here and the server; `lost` is a part, and `asked` how often
 * something missing was asked for per packet that came: null where too little came to say.
 *
 * @typedef {Readonly<{ lost: number | null, jitter_ms: number | null, kbit_s: number | null, freezes: number,
 *   asked: number | null }>} Figures
 */
/** @typedef {"good" | "fair" | "poor" | "unknown"} Grade */
/** @typedef {Readonly<{ path: string, trip_ms: number | null, grade: Grade, of: ReadonlyMap<string, Figures> }>} Quality */

/** @type {Counts} */
export const NOTHING = Object.freeze({ at: 0, path: "", trip_ms: null, of: new Map() });

const LEAST_PACKETS = 20;
const FAIR = { lost: 0.03, jitter_ms: 35, trip_ms: 250 };
const POOR = { lost: 0.15, jitter_ms: 100, trip_ms: 600 };

/**
 * Count what the reports say of each participant's lines; our own are counted by what the server says of them.
 *
 * @param {Iterable<Readonly<Record<string, any>>>} reports
 * @param {readonly OfferedTrack[]} tracks
 * @param {number} at
 * @returns {Counts}
 */
export function counts(reports, tracks, at) {
  const all = [...reports];
  const byId = new Map(all.map((report) => [report["id"], report]));
  const owners = new Map(tracks.map((track) => [track.mid, track.participant]));
  /** @type {Map<string, Counted>} */
  const of = new Map();
  let path = "";
  /** @type {number | null} */
  let trip_ms = null;
  for (const report of all) {
    const owner = owners.get(report["mid"]);
    if (report["type"] === "candidate-pair" && report["nominated"] && report["state"] === "succeeded") {
      trip_ms = thousandfold(report["currentRoundTripTime"]);
      path = pathOf(byId.get(report["localCandidateId"]));
    } else if (owner !== undefined && report["type"] === "inbound-rtp") {
      of.set(owner, sum(of.get(owner), inbound(report), report["kind"]));
    } else if (owner !== undefined && report["type"] === "outbound-rtp") {
      of.set(owner, sum(of.get(owner), outbound(report, byId.get(report["remoteId"])), report["kind"]));
    }
  }
  return { at, path, trip_ms, of };
}

/** @param {Readonly<Record<string, any>>} report @returns {Counted} */
function inbound(report) {
  return {
    received: report["packetsReceived"] ?? 0,
    lost: report["packetsLost"] ?? 0,
    bytes: report["bytesReceived"] ?? 0,
    jitter_ms: thousandfold(report["jitter"]),
    freezes: report["freezeCount"] ?? 0,
    asked: report["kind"] === "video" ? (report["nackCount"] ?? 0) : 0,
  };
}

/** @param {Readonly<Record<string, any>>} report @param {Readonly<Record<string, any>> | undefined} heard @returns {Counted} */
function outbound(report, heard) {
  const lost = heard?.["packetsLost"] ?? 0;
  return {
    // Without word from the other end nothing can be said of loss.
    received: heard === undefined ? 0 : Math.max(0, (report["packetsSent"] ?? 0) - lost),
    lost,
    bytes: report["bytesSent"] ?? 0,
    jitter_ms: thousandfold(heard?.["jitter"]),
    freezes: 0,
    asked: 0,
  };
}

/** Sound tells the jitter, as pictures come in bursts. @param {Counted | undefined} a @param {Counted} b @param {string} kind @returns {Counted} */
function sum(a, b, kind) {
  if (a === undefined) return b;
  return {
    received: a.received + b.received,
    lost: a.lost + b.lost,
    bytes: a.bytes + b.bytes,
    jitter_ms: kind === "audio" ? (b.jitter_ms ?? a.jitter_ms) : (a.jitter_ms ?? b.jitter_ms),
    freezes: a.freezes + b.freezes,
    asked: a.asked + b.asked,
  };
}

/** The way of a local candidate, empty if unknown. @param {Readonly<Record<string, any>> | undefined} local */
export function pathOf(local) {
  return local?.["candidateType"] === "relay" ? "relay" : String(local?.["protocol"] ?? "");
}

/** @param {unknown} value @returns {number | null} */
function thousandfold(value) {
  return typeof value === "number" ? value * 1000 : null;
}

/**
 * What has become of the link between two looks at one transport.
 *
 * @param {Counts} before
 * @param {Counts} now
 * @returns {Quality}
 */
export function qualityOf(before, now) {
  const of = new Map([...now.of].map(([participant, counted]) => [participant, between(before, now, participant, counted)]));
  const all = [...of.values()];
  const worst = {
    trip_ms: now.trip_ms,
    lost: greatest(all.map((one) => one.lost)),
    jitter_ms: greatest(all.map((one) => one.jitter_ms)),
  };
  return { path: now.path, trip_ms: now.trip_ms, grade: gradeOf(worst), of };
}

/** @param {Counts} before @param {Counts} now @param {string} participant @param {Counted} counted @returns {Figures} */
function between(before, now, participant, counted) {
  const old = before.of.get(participant);
  const { jitter_ms, freezes } = counted;
  const passed_ms = now.at - before.at;
  // A line that begins anew counts from nothing.
  if (old === undefined || passed_ms <= 0 || counted.bytes < old.bytes) return { lost: null, jitter_ms, kbit_s: null, freezes, asked: null };
  const received = counted.received - old.received;
  return {
    lost: lostPart(old, counted),
    jitter_ms,
    kbit_s: Math.round(((counted.bytes - old.bytes) * 8) / passed_ms),
    freezes,
    asked: received < LEAST_PACKETS ? null : Math.max(0, counted.asked - old.asked) / received,
  };
}

/** @param {readonly (number | null)[]} values @returns {number | null} */
function greatest(values) {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/**
 * Part of the packets lost since the last look.
 *
 * @param {{ received: number, lost: number }} before
 * @param {{ received: number, lost: number }} now
 * @returns {number | null} Null when too little came to say.
 */
export function lostPart(before, now) {
  const lost = Math.max(0, now.lost - before.lost);
  const all = lost + Math.max(0, now.received - before.received);
  return all < LEAST_PACKETS ? null : lost / all;
}

/**
 * How good a link is, by the worst of what is known.
 *
 * @param {{ trip_ms?: number | null, lost: number | null, jitter_ms: number | null }} measured
 * @returns {Grade}
 */
export function gradeOf({ trip_ms = null, lost, jitter_ms }) {
  if (trip_ms === null && lost === null && jitter_ms === null) return "unknown";
  const over = (/** @type {typeof FAIR} */ limit) =>
    (lost ?? 0) > limit.lost || (jitter_ms ?? 0) > limit.jitter_ms || (trip_ms ?? 0) > limit.trip_ms;
  return over(POOR) ? "poor" : over(FAIR) ? "fair" : "good";
}
