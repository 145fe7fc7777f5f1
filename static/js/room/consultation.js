/** One person's way through a visit: socket, media and view held together; decisions are in state.js. */

import { api } from "../ui/api.js";
import { announce } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { SOURCES } from "./messages.js";
import { Peer } from "./peer.js";
import { offsetMs } from "./server_clock.js";
import { RoomSocket } from "./socket.js";
import { Smoothness } from "./smoothness.js";
import { LISTEN_MS, Speaker } from "./speaker.js";
import { givesStills, next, others, phase, showsPictures, sparesSound, START, waiting } from "./state.js";
import { Stills } from "./stills.js";

/** @import { LocalMedia } from "./media.js" */
/** @import { Clock, MuteReason, Offer, Rung, ServerMessage, Source, StillOf, Welcome } from "./messages.js" */
/** @import { RemoteTracks } from "./peer.js" */
/** @import { Quality } from "./quality.js" */
/** @import { LocalEvent, RoomState } from "./state.js" */

/**
 * @typedef {object} ConsultationOptions
 * @property {string} encounter
 * @property {LocalMedia} media
 * @property {() => void} onChange
 * @property {() => void} onAdmitted The door was opened for one who waited.
 * @property {(clock: Clock) => void} [onClock] When somebody's pictures are taken.
 * @property {(still: StillOf) => void} [onStill] A picture of somebody whose moving pictures do not come.
 * @property {(quality: Quality) => void} onQuality
 */

export class Consultation {
  /** @param {ConsultationOptions} options */
  constructor(options) {
    this._options = options;
    /** @type {RoomState} */
    this.state = START;
    /** @type {ReadonlyMap<string, RemoteTracks>} */
    this.remote = new Map();
    /** @type {"off" | "connecting" | "connected" | "interrupted"} */
    this.mediaState = "off";
    this.admitOnArrival = false;
    this._keys = 0;
    this._page = Math.random().toString(36).slice(2, 10);
    /** What the server was told of our sources on this connection. @type {Map<Source, MuteReason | null>} */
    this._told = new Map();
    this._socket = new RoomSocket({
      ticket: async () => (await api("POST", "/tickets", { purpose: "room", encounter: options.encounter })).ticket,
      onMessage: (message) => this._heard(message),
    });
    this._stills = new Stills({
      track: (source) => options.media.track(source),
      send: (source, jpeg) => this._socket.send({ type: "still", source, jpeg }),
    });
    this._peer = this._newPeer();
    this._speaker = new Speaker();
    this._smoothness = new Smoothness();
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._listening = undefined;
  }

  /** Milliseconds since 1970 on the server. */
  now() {
    return Date.now() + offsetMs(this._socket.clock);
  }

  /** The samples of the server's clock. */
  get clock() {
    return this._socket.clock;
  }

  /** What receives a track of somebody else. @param {MediaStreamTrack} track */
  receiverOf(track) {
    return this._peer.receiverOf(track);
  }

  join() {
    this._socket.start();
    this._listening ??= setInterval(() => this._listen(), LISTEN_MS);
  }

  /** @param {string} words */
  say(words) {
    this._keys += 1;
    const key = `${this._page}-${this._keys}`;
    this._apply({ type: "said", key, text: words });
    this._socket.send({ type: "chat", key, text: words });
  }

  chatSeen() {
    this._apply({ type: "chat_seen" });
  }

  /** Keep a tile large, or let it go. @param {string} key */
  pin(key) {
    this._apply({ type: "pinned", key });
  }

  /** @param {string} participant */
  admit(participant) {
    this._socket.send({ type: "admit", participant });
  }

  /** @param {string} participant */
  remove(participant) {
    this._socket.send({ type: "remove", participant });
  }

  /** Choose what our link is to carry, or leave it to measurement. @param {Rung | null} rung */
  lock(rung) {
    this._socket.send({ type: "lock", rung });
  }

  /** Ask everybody whether this may be recorded. */
  askToRecord() {
    this._socket.send({ type: "record_request" });
  }

  /** @param {boolean} accepted False later takes it back. */
  consentToRecord(accepted) {
    this._socket.send({ type: "record_consent", accepted });
  }

  end() {
    this._socket.send({ type: "end" });
  }

  leave() {
    this._socket.send({ type: "leave" });
    this._apply({ type: "left" });
  }

  /** Tell the server and the other side what our devices do now. */
  mediaChanged() {
    void this._peer.refreshLocal();
    if (this.state.line === "open" && this.state.admission === "admitted") this._tellSources();
    this._options.onChange();
  }

  _newPeer() {
    const { media, onQuality } = this._options;
    return new Peer({
      send: (message) => this._socket.send(message),
      localTrack: (source) => (source === "microphone" || showsPictures(this.state) ? media.track(source) : null),
      publishes: (source) => media.published().includes(source),
      onRemote: (remote) => {
        this.remote = remote;
        this._options.onChange();
      },
      onState: (state) => {
        this.mediaState = state;
        this._options.onChange();
      },
      onQuality: (quality) => {
        this._smoothen(quality);
        onQuality(quality);
      },
    });
  }

  /** @param {Quality} quality */
  _smoothen(quality) {
    for (const [participant, figures] of quality.of) {
      const delay_ms = this._smoothness.delay_ms(participant, figures, quality.trip_ms, performance.now());
      const { camera, microphone } = this.remote.get(participant) ?? {};
      for (const track of [camera, microphone]) {
        const receiver = track === undefined ? null : this._peer.receiverOf(track);
        if (receiver !== null && "jitterBufferTarget" in receiver) receiver.jitterBufferTarget = delay_ms;
      }
    }
  }

  /** @param {ServerMessage | LocalEvent} message */
  _heard(message) {
    if (message.type === "clock") {
      // Once a second, and nothing of the room changes by it.
      this._options.onClock?.(message);
      return;
    }
    const before = this.state;
    this._apply(message);
    if (showsPictures(before) !== showsPictures(this.state)) void this._peer.refreshLocal();
    switch (message.type) {
      case "welcome":
        this._welcomed(message, before);
        return;
      case "offer":
        this._offered(message);
        return;
      case "line_resumed":
        if (this.state.admission === "admitted") this._tellSources();
        return;
      case "participant":
        this._participantChanged(before);
        return;
      case "rung":
        if (message.participant === this.state.me) announce(text(`room.rung.${message.rung}.mine`));
        return;
      case "still":
        this._options.onStill?.(message);
        return;
      case "chat":
        this._announceLine(message.participant, message.text);
        return;
      default:
    }
  }

  /** @param {ServerMessage | LocalEvent} message */
  _apply(message) {
    this.state = next(this.state, message);
    this._stills.set(this.state.end === null && givesStills(this.state));
    this._peer.setFrugal(sparesSound(this.state));
    if (this.state.end !== null) this._finish();
    this._options.onChange();
  }

  /** @param {Welcome} welcome @param {RoomState} before */
  _welcomed(welcome, before) {
    if (welcome.admission !== "admitted") return;
    if (before.admission === "waiting") this._options.onAdmitted();
    this._told.clear();
    this._peer.open(welcome.participant, welcome.ice_servers);
    this._tellSources();
    for (const line of this.state.pending) this._socket.send({ type: "chat", key: line.key, text: line.text });
    this._admitWaiting();
  }

  /** @param {Offer} offer */
  _offered(offer) {
    this._peer.receive(offer);
  }

  /** @param {RoomState} before */
  _participantChanged(before) {
    const mine = this.state.participants.find((one) => one.id === this.state.me);
    if (mine?.media === "lost") this._peer.lost();
    this._admitWaiting();
    const present = (/** @type {RoomState} */ state) => new Map(others(state).filter((one) => one.connected).map((one) => [one.id, one.name]));
    const [was, is] = [present(before), present(this.state)];
    for (const [id, name] of is) if (!was.has(id)) announce(text("room.joined", { name }));
    for (const one of this.state.participants) {
      if (one.admission === "left" && was.has(one.id)) announce(text("room.gone", { name: one.name }));
    }
  }

  _admitWaiting() {
    if (!this.admitOnArrival || !this.state.may.includes("admit")) return;
    const there = waiting(this.state);
    for (const one of there) this.admit(one.id);
    if (there.length > 0) this.admitOnArrival = false;
  }

  /** @param {string} participant @param {string} words */
  _announceLine(participant, words) {
    const from = this.state.participants.find((one) => one.id === participant);
    if (participant !== this.state.me && from) announce(text("chat.new", { name: from.name, text: words }));
  }

  /** Publish what is there, take back what is not, and say what is silent, each only once. */
  _tellSources() {
    const { media } = this._options;
    const published = media.published();
    const muted = media.muted();
    for (const source of SOURCES) {
      const told = this._told.get(source);
      if (!published.includes(source)) {
        if (this._told.delete(source)) this._socket.send({ type: "unpublish", source });
        continue;
      }
      if (told === undefined) this._socket.send({ type: "publish", source });
      const reason = muted[source] ?? null;
      if (reason !== (told ?? null)) this._socket.send({ type: "mute", source, muted: reason !== null, reason: reason ?? "" });
      this._told.set(source, reason);
    }
  }

  _listen() {
    const now = this._speaker.look(this._peer.heard());
    const { speaker } = this.state;
    if (now.participant === speaker.participant && now.speaking === speaker.speaking) return;
    this._apply({ type: "speaker", ...now });
  }

  _finish() {
    clearInterval(this._listening);
    this._listening = undefined;
    this._socket.stop();
    this._peer.close();
    this._options.media.stop();
    this.remote = new Map();
    this.mediaState = "off";
  }

  get phase() {
    return phase(this.state);
  }
}
