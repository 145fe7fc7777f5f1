/**
 * Our side of the media transport (RFC 8829): the server offers, we answer; one RTCPeerConnection at a time.
 *
 * A transport that breaks is not repaired but replaced: `connect` brings an offer for a fresh one, which takes over as
 * soon as it is connected, and the old one is closed only then.
 */

import { isSmall, ownLines, Silence, smallEncoding, transportOf, withLongPackets, withVoiceRepair } from "./offers.js";
import { counts, NOTHING, qualityOf } from "./quality.js";

/** @import { ClientMessage, Offer, Source } from "./messages.js" */
/** @import { Quality } from "./quality.js" */
/** @import { Heard } from "./speaker.js" */

const PATIENCE_MS = 3000;
const CONNECT_MS = 4000;
const STEPS_MS = [1000, 2000, 4000, 8000];
const MEASURE_MS = 3000;
const WATCH_MS = 300;

/** @typedef {Readonly<Partial<Record<Source, MediaStreamTrack>>>} RemoteTracks */

/**
 * @typedef {object} PeerOptions
 * @property {(message: ClientMessage) => boolean} send
 * @property {(source: Source) => MediaStreamTrack | null} localTrack
 * @property {(source: Source) => boolean} publishes Whether we send this source, be it silent for the moment.
 * @property {(remote: ReadonlyMap<string, RemoteTracks>) => void} onRemote
 * @property {(state: "connecting" | "connected" | "interrupted") => void} onState
 * @property {(quality: Quality) => void} onQuality
 */

/**
 * One RTCPeerConnection and what is known of its lines.
 *
 * @typedef {{ connection: RTCPeerConnection, transport: string, tracks: Offer["tracks"], offer: Offer | null, frugal: boolean }} Transport
 */

export class Peer {
  /** @param {PeerOptions} options */
  constructor(options) {
    this._options = options;
    this._me = "";
    /** @type {RTCIceServer[]} */
    this._iceServers = [];
    /** @type {Transport | null} */
    this._current = null;
    /** @type {Transport | null} */
    this._fresh = null;
    /** @type {Offer[]} */
    this._offers = [];
    this._busy = false;
    this._tries = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._measuring = undefined;
    this._counted = NOTHING;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._watching = undefined;
    this._silence = new Silence();
    this._frugal = false;
  }

  /**
   * Send sound in few long packets from now on, because a link in the room is narrow; or in short ones again.
   *
   * Only our browser needs to know: what it was offered last is set once more, as if the server had asked for it.
   *
   * @param {boolean} frugal
   */
  setFrugal(frugal) {
    if (frugal === this._frugal) return;
    this._frugal = frugal;
    if (!this._busy) void this._answerAll();
  }

  /**
   * Ask for a transport; called with each `welcome` of an admitted participant.
   *
   * @param {string} me
   * @param {readonly RTCIceServer[]} iceServers
   */
  open(me, iceServers) {
    this._me = me;
    this._iceServers = [...iceServers];
    this._offers = [];
    this._tries = 0;
    this._ask();
    this._measuring ??= setInterval(() => void this._measure(), MEASURE_MS);
    this._watching ??= setInterval(() => void this._watch(), WATCH_MS);
  }

  /** The server says that our transport is lost: ask for another, unless one is already coming. */
  lost() {
    if (this._fresh === null && this._timer === undefined) this._ask();
  }

  /** Send what there is now on the lines that are ours. */
  async refreshLocal() {
    for (const transport of [this._current, this._fresh]) {
      if (transport === null) continue;
      for (const [mid, source] of ownLines(transport.tracks, this._me)) {
        const line = transport.connection.getTransceivers().find((one) => one.mid === mid);
        if (line) await line.sender.replaceTrack(this._options.localTrack(source)).catch(ignoreClosed);
      }
    }
  }

  /** @param {Offer} offer */
  receive(offer) {
    this._offers.push(offer);
    if (!this._busy) void this._answerAll();
  }

  /** What receives this track now. @param {MediaStreamTrack} track @returns {RTCRtpReceiver | null} */
  receiverOf(track) {
    return this._current?.connection.getReceivers().find((one) => one.track === track) ?? null;
  }

  /** What the microphones of others have brought. @returns {readonly Heard[]} */
  heard() {
    const transport = this._current;
    if (transport === null) return [];
    const lines = new Map(transport.connection.getTransceivers().map((line) => [line.mid, line]));
    return transport.tracks.flatMap(({ mid, participant, source }) => {
      const brought = source === "microphone" && participant !== this._me ? lines.get(mid)?.receiver.getSynchronizationSources()[0] : undefined;
      return brought === undefined ? [] : [{ participant, level: brought.audioLevel ?? 0, rtp: brought.rtpTimestamp }];
    });
  }

  close() {
    clearTimeout(this._timer);
    clearInterval(this._measuring);
    clearInterval(this._watching);
    this._watching = undefined;
    this._measuring = undefined;
    this._offers = [];
    this._current?.connection.close();
    this._fresh?.connection.close();
    this._current = null;
    this._fresh = null;
  }

  _ask() {
    clearTimeout(this._timer);
    this._options.onState(this._tries === 0 && this._current === null ? "connecting" : "interrupted");
    this._options.send({ type: "connect" });
    const step = STEPS_MS[Math.min(this._tries, STEPS_MS.length - 1)] ?? CONNECT_MS;
    this._tries += 1;
    this._timer = setTimeout(() => this._ask(), CONNECT_MS + step);
  }

  async _answerAll() {
    this._busy = true;
    try {
      for (let due = this._due(); due !== null; due = this._due()) await due.catch(ignoreClosed);
    } finally {
      this._busy = false;
    }
  }

  /** Begin what is to be set next: a new offer, or the last one anew, if sound is not packed as it should be. */
  _due() {
    const offer = this._offers.shift();
    if (offer !== undefined) return this._answer(offer);
    for (const transport of [this._current, this._fresh]) {
      if (transport?.offer && transport.frugal !== this._frugal) return this._settle(transport, transport.offer);
    }
    return null;
  }

  /** @param {Offer} offer */
  async _answer(offer) {
    const transport = this._transportFor(offer);
    transport.tracks = offer.tracks;
    transport.offer = offer;
    const sdp = await this._settle(transport, offer);
    this._options.send({ type: "answer", negotiation: offer.negotiation, sdp });
    if (transport === this._current || this._current === null) this._tellRemote(transport);
  }

  /** Set the offer and our answer to it. @param {Transport} transport @param {Offer} offer @returns {Promise<string>} The answer. */
  async _settle(transport, offer) {
    const { connection } = transport;
    transport.frugal = this._frugal;
    await connection.setRemoteDescription({ type: "offer", sdp: transport.frugal ? withLongPackets(offer.sdp) : offer.sdp });
    const own = ownLines(offer.tracks, this._me);
    for (const line of connection.getTransceivers()) {
      if (line.currentDirection === "stopped" || line.mid === null) continue;
      const source = own.get(line.mid);
      const track = source === undefined ? null : this._options.localTrack(source);
      // A camera that is off for a moment keeps its line: it comes back without a negotiation.
      line.direction = source !== undefined && this._options.publishes(source) ? "sendonly" : "recvonly";
      await line.sender.replaceTrack(track);
      if (source !== undefined && isSmall(offer.tracks, line.mid)) await makeSmall(line.sender);
    }
    const answer = await connection.createAnswer();
    const sdp = withVoiceRepair(answer.sdp ?? "", offer.sdp);
    await connection.setLocalDescription({ type: "answer", sdp });
    // Where a line has no encoding to set before this, it has one now.
    for (const line of connection.getTransceivers()) {
      if (line.mid !== null && own.has(line.mid) && isSmall(offer.tracks, line.mid)) await makeSmall(line.sender);
    }
    return sdp;
  }

  /** @param {Offer} offer @returns {Transport} */
  _transportFor(offer) {
    const name = transportOf(offer.sdp);
    for (const known of [this._fresh, this._current]) if (known?.transport === name) return known;
    this._fresh?.connection.close();
    const connection = new RTCPeerConnection({ iceServers: this._iceServers, bundlePolicy: "max-bundle" });
    const transport = { connection, transport: name, tracks: offer.tracks, offer: null, frugal: false };
    this._fresh = transport;
    connection.addEventListener("connectionstatechange", () => this._changed(transport));
    return transport;
  }

  /** @param {Transport} transport */
  _changed(transport) {
    const state = transport.connection.connectionState;
    if (state === "connected") this._connected(transport);
    else if (transport === this._current && (state === "failed" || state === "disconnected")) {
      this._options.onState("interrupted");
      clearTimeout(this._timer);
      this._timer = setTimeout(() => this._askIfStillBroken(transport), state === "failed" ? 0 : PATIENCE_MS);
    } else if (transport === this._fresh && state === "failed") {
      const step = STEPS_MS[Math.min(this._tries, STEPS_MS.length - 1)] ?? CONNECT_MS;
      clearTimeout(this._timer);
      this._timer = setTimeout(() => this._ask(), step);
    }
  }

  /** @param {Transport} transport */
  _askIfStillBroken(transport) {
    this._timer = undefined;
    if (transport === this._current && transport.connection.connectionState !== "connected") this._ask();
  }

  /** @param {Transport} transport */
  _connected(transport) {
    clearTimeout(this._timer);
    this._timer = undefined;
    this._tries = 0;
    if (transport === this._fresh) {
      this._current?.connection.close();
      this._current = transport;
      this._fresh = null;
      this._counted = NOTHING;
      this._tellRemote(transport);
    }
    this._options.onState("connected");
  }

  /** @param {Transport} transport */
  _tellRemote(transport) {
    /** @type {Map<string, Partial<Record<Source, MediaStreamTrack>>>} */
    const remote = new Map();
    const lines = new Map(transport.connection.getTransceivers().map((line) => [line.mid, line]));
    for (const { mid, participant, source } of transport.tracks) {
      const track = lines.get(mid)?.receiver.track;
      if (participant === this._me || track === undefined) continue;
      const known = remote.get(participant) ?? {};
      known[source] = track;
      remote.set(participant, known);
    }
    this._options.onRemote(remote);
  }

  /** Browsers notice a dead path after three seconds or more; whoever talks wants to know sooner. */
  async _watch() {
    const transport = this._current;
    if (transport === null || transport.connection.connectionState !== "connected") return;
    const now = performance.now();
    const flow = flowOf(await transport.connection.getStats());
    if (transport === this._current && this._silence.heard(transport.transport, flow, now)) this.lost();
  }

  async _measure() {
    const transport = this._current;
    if (transport === null || transport.connection.connectionState !== "connected") return;
    const report = await transport.connection.getStats();
    if (transport !== this._current) return;
    const counted = counts(report.values(), transport.tracks, performance.now());
    this._options.onQuality(qualityOf(this._counted, counted));
    this._counted = counted;
  }
}

/** Send a smaller copy of the track on this line. @param {RTCRtpSender} sender */
async function makeSmall(sender) {
  const parameters = sender.getParameters();
  const encoding = parameters.encodings[0];
  if (encoding === undefined) return;
  Object.assign(encoding, smallEncoding(sender.track?.getSettings().height));
  await sender.setParameters(parameters).catch(ignoreClosed);
}

/**
 * What has passed so far: packets where they are counted, else octets, of which a packet has a hundred or so.
 *
 * @param {RTCStatsReport} report
 * @returns {{ sent: number, received: number }}
 */
function flowOf(report) {
  const flow = { sent: 0, received: 0 };
  report.forEach((entry) => {
    if (entry.type === "transport" && entry.packetsSent !== undefined) {
      flow.sent += entry.packetsSent;
      flow.received += entry.packetsReceived ?? 0;
    } else if (entry.type === "candidate-pair" && entry.packetsSent === undefined) {
      // Firefox counts no packets.
      flow.sent += (entry.bytesSent ?? 0) / 100;
      flow.received += (entry.bytesReceived ?? 0) / 100;
    }
  });
  return flow;
}

/**
 * A connection that was replaced meanwhile refuses what was begun on it; that is as it should be.
 *
 * @param {unknown} error
 */
function ignoreClosed(error) {
  if (error instanceof DOMException && error.name === "InvalidStateError") return;
  throw error;
}
