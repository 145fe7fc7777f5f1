/**
 * Which way this browser reaches the media port, tried before joining: by a connection that carries nothing and belongs
 * to no room (docs/media.md, Before joining).
 */

import { api, Problem } from "../ui/api.js";
import { knows, text } from "../ui/text.js";
import { pathOf } from "./quality.js";

/**
 * `untried`: the server answers, but there was no trial; `silent`: it does not answer; `later`: relays are for who has
 * been let in.
 *
 * @typedef {"udp" | "tcp" | "relay" | "none" | "later" | "untried" | "silent" | "old"} Path
 */
/** `over`: how a relay is reached. `relays`: whether one was tried. @typedef {Readonly<{ path: Path, slow: boolean, over: string, relays: boolean }>} Found */
/** @typedef {Readonly<{ sdp: string, ice_servers: RTCIceServer[], relay_later: boolean }>} Trial */

const PATIENCE_MS = 5000;
const SLOW_ANSWER_MS = 800;
const SLOW_TRIP_MS = 600;
/** A better way than the first may come a moment later. */
const SETTLE_MS = 500;

const UNDER_WAY = new Set(["too_many", "trials_full", "no_trials"]);
const NOTHING_FOUND = Object.freeze({ path: "", over: "", trip_ms: null });

/**
 * Try it, for five seconds at most.
 *
 * @param {string} encounter
 * @param {AbortSignal} signal Ends the trial at once; what is returned then means nothing.
 * @returns {Promise<Found>}
 */
export async function tryPath(encounter, signal) {
  if (!("RTCPeerConnection" in globalThis) || !("WebSocket" in globalThis)) return found("old");
  const began = performance.now();
  const over = until(signal, PATIENCE_MS);
  const asked = api("POST", `/encounters/${encodeURIComponent(encounter)}/media-trial`, undefined, { timeoutMs: PATIENCE_MS });
  const trial = await Promise.race([asked.catch(refusal), over.then(() => found("silent"))]);
  if ("path" in trial) return trial;
  const slow = performance.now() - began > SLOW_ANSWER_MS;
  const selected = await connect(trial, over).catch(() => NOTHING_FOUND);
  return verdict(trial, selected, slow);
}

/** @param {Path} path @returns {Found} */
function found(path) {
  return { path, slow: false, over: "", relays: false };
}

/** @param {unknown} error @returns {Found} */
function refusal(error) {
  const answered = error instanceof Problem && (UNDER_WAY.has(error.code) || (error.status >= 400 && error.status < 500));
  return found(answered ? "untried" : "silent");
}

/** @param {AbortSignal} signal @param {number} ms @returns {Promise<void>} */
function until(signal, ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** @param {Trial} trial @param {Promise<void>} over */
async function connect(trial, over) {
  const connection = new RTCPeerConnection({ iceServers: trial.ice_servers, bundlePolicy: "max-bundle" });
  try {
    await connection.setRemoteDescription({ type: "offer", sdp: trial.sdp });
    await connection.setLocalDescription(await connection.createAnswer());
    await Promise.race([settled(connection), over]);
    const first = selectedIn((await connection.getStats()).values());
    if (first.path === "" || first.path === "udp") return first;
    await Promise.race([new Promise((resolve) => void setTimeout(resolve, SETTLE_MS)), over]);
    return selectedIn((await connection.getStats()).values());
  } finally {
    connection.close();
  }
}

/** Wait until a way is found, or none. @param {RTCPeerConnection} connection @returns {Promise<void>} */
function settled(connection) {
  return new Promise((resolve) => {
    connection.addEventListener("iceconnectionstatechange", () => {
      if (["connected", "completed", "failed"].includes(connection.iceConnectionState)) resolve();
    });
  });
}

/**
 * The way that the browser has chosen, as its reports tell it; all empty if none.
 *
 * @param {Iterable<Readonly<Record<string, any>>>} reports
 * @returns {Readonly<{ path: string, over: string, trip_ms: number | null }>}
 */
export function selectedIn(reports) {
  const all = [...reports];
  const byId = new Map(all.map((report) => [report["id"], report]));
  const transport = all.find((report) => report["type"] === "transport" && report["selectedCandidatePairId"] !== undefined);
  const pair =
    byId.get(transport?.["selectedCandidatePairId"]) ??
    all.find((report) => report["type"] === "candidate-pair" && report["nominated"] && report["state"] === "succeeded");
  if (pair === undefined) return NOTHING_FOUND;
  const local = byId.get(pair["localCandidateId"]);
  const trip_s = pair["currentRoundTripTime"];
  return {
    path: pathOf(local),
    over: String(local?.["relayProtocol"] ?? ""),
    trip_ms: typeof trip_s === "number" ? trip_s * 1000 : null,
  };
}

/**
 * What the trial has shown.
 *
 * @param {Pick<Trial, "ice_servers" | "relay_later">} trial
 * @param {ReturnType<typeof selectedIn>} selected
 * @param {boolean} slow Whether the server was slow to answer.
 * @returns {Found}
 */
export function verdict(trial, selected, slow) {
  const relays = trial.ice_servers.length > 0;
  const { path, over, trip_ms } = selected;
  if (path === "udp" || path === "tcp" || path === "relay") {
    return { path, slow: slow || (trip_ms ?? 0) > SLOW_TRIP_MS, over, relays };
  }
  return { path: trial.relay_later ? "later" : "none", slow, over: "", relays };
}

/** Whether picture and sound may be hoped for. @param {Found} tried */
export function mayWork(tried) {
  return ["udp", "tcp", "relay", "untried"].includes(tried.path);
}

/**
 * Say it: to a clinician exactly, to anybody else in plain words.
 *
 * @param {Found} tried
 * @param {boolean} plain
 * @returns {string}
 */
export function foundWords(tried, plain) {
  const exact = tried.path === "none" && tried.relays ? "check.path.none.exact.relays" : `check.path.${tried.path}.exact`;
  const words = text(plain || !knows(exact) ? `check.path.${tried.path}` : exact, { over: tried.over.toUpperCase() || "UDP" });
  return tried.slow && mayWork(tried) ? text("check.path.slow", { words }) : words;
}
