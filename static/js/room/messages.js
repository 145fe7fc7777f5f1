/** The messages of the room socket (docs/protocol.md, "Room"): types, and the way in from JSON. */

import { choice, fields, flag, list, number, object, text, texts, unreachable } from "./reading.js";

/** @import { Fields } from "./reading.js" */

/** @typedef {"camera" | "microphone" | "screen"} Source */
/** @typedef {"user" | "interrupted" | "unplugged" | "hidden" | ""} MuteReason */
/** @typedef {"waiting" | "admitted" | "left" | "removed"} Admission */
/** @typedef {"connecting" | "connected" | "suspect" | "lost" | ""} MediaState */
/** @typedef {{ muted: boolean, reason: MuteReason }} SourceState */
/** @typedef {Readonly<Partial<Record<Source, SourceState>>>} Sources */
/**
 * @typedef {Readonly<{ id: string, name: string, role: string, admission: Admission, connected: boolean,
 *   media: MediaState, sources: Sources }>} Participant
 */
/** @typedef {Readonly<{ id: string, kind: string, status: string, patient: string, begun_at: number | null }>} Encounter */
/** @typedef {Readonly<{ name: string, state: string }>} Ring */
/** @typedef {Readonly<{ id: string, status: string, complaint: string, acuity: string, rings: readonly Ring[] }>} Case */
/** @typedef {"full" | "small"} Layer In which size a source is sent. */
/** @typedef {Readonly<{ mid: string, participant: string, source: Source, layer: Layer }>} OfferedTrack */

/**
 * @typedef {Readonly<{ type: "welcome", version: number, participant: string, admission: Admission,
 *   may: readonly string[], encounter: Encounter, participants: readonly Participant[], chat: readonly ChatLine[],
 *   ice_servers: readonly RTCIceServer[], server_time: number }>} Welcome
 */
/** @typedef {Readonly<{ type: "participant", participant: Participant }>} ParticipantChanged */
/** @typedef {Readonly<{ type: "lobby", position: number, waiting: number, practitioner: "in_room" | "away" }>} Lobby */
/** @typedef {Readonly<{ type: "offer", negotiation: number, sdp: string, tracks: readonly OfferedTrack[] }>} Offer */
/** @typedef {Readonly<{ type: "chat", number: number, participant: string, text: string, at: number, key: string }>} ChatLine */
/**
 * When a frame was taken; `rate` timestamps are a second, and they wrap at 2³².
 *
 * @typedef {Readonly<{ type: "clock", participant: string, source: Source, rtp: number, at: number, rate: number }>} Clock
 */
/** @typedef {"video" | "reduced" | "stills" | "audio" | "vitals"} Rung What a link is good for, best first. */
/** @typedef {Readonly<{ type: "rung", participant: string, rung: Rung, locked: boolean }>} RungOf */
/**
 * A picture of somebody whose moving pictures do not come; `jpeg` in base64.
 *
 * @typedef {Readonly<{ type: "still", participant: string, source: Source, jpeg: string, at: number }>} StillOf
 */
/** @typedef {Readonly<{ type: "case", case: Case }>} CaseChanged */
/**
 * Whether the visit is recorded; participants' ids, empty for none.
 *
 * @typedef {Readonly<{ type: "recording", state: "off" | "asking" | "on", by: string, accepted: readonly string[],
 *   refused: string }>} Recording
 */
/** @typedef {Readonly<{ type: "ended", reason: "finished" | "cancelled" }>} Ended */
/** @typedef {Readonly<{ type: "removed" }>} Removed */
/** @typedef {Readonly<{ type: "replaced" }>} Replaced */
/** @typedef {Readonly<{ type: "error", code: string, text: string, about: string }>} Refusal */
/** @typedef {Readonly<{ type: "pong", sent_at: number, server_time: number }>} Pong */
/**
 * @typedef {Welcome | ParticipantChanged | Lobby | Offer | ChatLine | CaseChanged | Ended | Removed | Replaced |
 *   Clock | RungOf | StillOf | Recording | Refusal | Pong} ServerMessage
 */

/**
 * @typedef {Readonly<{ type: "hello", version: 1, ticket: string }>
 *   | Readonly<{ type: "connect" | "leave" | "end" | "record_request" }>
 *   | Readonly<{ type: "record_consent", accepted: boolean }>
 *   | Readonly<{ type: "answer", negotiation: number, sdp: string }>
 *   | Readonly<{ type: "publish" | "unpublish", source: Source }>
 *   | Readonly<{ type: "mute", source: Source, muted: boolean, reason: MuteReason }>
 *   | Readonly<{ type: "lock", rung: Rung | null }>
 *   | Readonly<{ type: "still", source: Source, jpeg: string }>
 *   | Readonly<{ type: "chat", key: string, text: string }>
 *   | Readonly<{ type: "admit" | "remove", participant: string }>
 *   | Readonly<{ type: "ping", sent_at: number }>} ClientMessage
 */

/** Sources in the order in which they are offered. @type {readonly Source[]} */
export const SOURCES = ["camera", "microphone", "screen"];

/** What a link is good for, best first. @type {readonly Rung[]} */
export const RUNGS = ["video", "reduced", "stills", "audio", "vitals"];

/** A line of chat has at most so many characters (docs/protocol.md). */
export const CHAT_LIMIT = 2000;

/** @type {readonly ServerMessage["type"][]} */
const TYPES = [
  "welcome", "participant", "lobby", "offer", "clock", "rung", "still", "chat", "case", "recording", "ended", "removed", "replaced",
  "error", "pong",
];

/**
 * Read one message of the server.
 *
 * @param {string} json
 * @returns {ServerMessage}
 * @throws {import("./reading.js").Unreadable}
 */
export function parse(json) {
  const from = object(json);
  const type = choice(from, "type", TYPES);
  switch (type) {
    case "welcome":
      return welcome(from);
    case "participant":
      return { type, participant: participant(fields(from["participant"], "participant")) };
    case "lobby":
      return {
        type,
        position: number(from, "position"),
        waiting: number(from, "waiting"),
        practitioner: choice(from, "practitioner", ["in_room", "away"]),
      };
    case "offer":
      return {
        type,
        negotiation: number(from, "negotiation"),
        sdp: text(from, "sdp"),
        tracks: list(from, "tracks", (track) => ({
          mid: text(track, "mid"),
          participant: text(track, "participant"),
          source: choice(track, "source", SOURCES),
          layer: choice(track, "layer", ["full", "small"]),
        })),
      };
    case "clock":
      return {
        type,
        participant: text(from, "participant"),
        source: choice(from, "source", SOURCES),
        rtp: number(from, "rtp"),
        at: number(from, "at"),
        rate: number(from, "rate"),
      };
    case "rung":
      return {
        type,
        participant: text(from, "participant"),
        rung: choice(from, "rung", RUNGS),
        locked: flag(from, "locked"),
      };
    case "still":
      return {
        type,
        participant: text(from, "participant"),
        source: choice(from, "source", SOURCES),
        jpeg: text(from, "jpeg"),
        at: number(from, "at"),
      };
    case "chat":
      return chatLine(from);
    case "case":
      return { type, case: ambulanceCase(fields(from["case"], "case")) };
    case "recording":
      return {
        type,
        state: choice(from, "state", ["off", "asking", "on"]),
        by: text(from, "by"),
        accepted: texts(from, "accepted"),
        refused: text(from, "refused"),
      };
    case "ended":
      return { type, reason: choice(from, "reason", ["finished", "cancelled"]) };
    case "removed":
    case "replaced":
      return { type };
    case "error":
      return { type, code: text(from, "code"), text: text(from, "text"), about: text(from, "about") };
    case "pong":
      return { type, sent_at: number(from, "sent_at"), server_time: number(from, "server_time") };
    default:
      return unreachable(type);
  }
}

/** @param {Fields} from @returns {Welcome} */
function welcome(from) {
  const encounter = fields(from["encounter"], "encounter");
  return {
    type: "welcome",
    version: number(from, "version"),
    participant: text(from, "participant"),
    admission: choice(from, "admission", ["waiting", "admitted"]),
    may: texts(from, "may"),
    encounter: {
      id: text(encounter, "id"),
      kind: text(encounter, "kind"),
      status: text(encounter, "status"),
      patient: text(encounter, "patient"),
      begun_at: typeof encounter["begun_at"] === "number" ? encounter["begun_at"] : null,
    },
    participants: list(from, "participants", participant),
    chat: list(from, "chat", chatLine),
    ice_servers: list(from, "ice_servers", iceServer),
    server_time: number(from, "server_time"),
  };
}

/** @param {Fields} from @returns {Participant} */
function participant(from) {
  const sources = fields(from["sources"], "sources");
  /** @type {Partial<Record<Source, SourceState>>} */
  const known = {};
  for (const source of SOURCES) {
    if (sources[source] === undefined) continue;
    const state = fields(sources[source], source);
    known[source] = {
      muted: flag(state, "muted"),
      reason: choice(state, "reason", ["", "user", "interrupted", "unplugged", "hidden"]),
    };
  }
  return {
    id: text(from, "id"),
    name: text(from, "name"),
    role: text(from, "role"),
    admission: choice(from, "admission", ["waiting", "admitted", "left", "removed"]),
    connected: flag(from, "connected"),
    media: choice(from, "media", ["", "connecting", "connected", "suspect", "lost"]),
    sources: known,
  };
}

/** @param {Fields} from @returns {ChatLine} */
function chatLine(from) {
  return {
    type: "chat",
    number: number(from, "number"),
    participant: text(from, "participant"),
    text: text(from, "text"),
    at: number(from, "at"),
    key: text(from, "key"),
  };
}

/** @param {Fields} from @returns {Case} */
function ambulanceCase(from) {
  return {
    id: text(from, "id"),
    status: text(from, "status"),
    complaint: text(from, "complaint"),
    acuity: text(from, "acuity"),
    rings: list(from, "rings", (ring) => ({ name: text(ring, "name"), state: text(ring, "state") })),
  };
}

/** @param {Fields} from @returns {RTCIceServer} */
function iceServer(from) {
  const urls = typeof from["urls"] === "string" ? from["urls"] : [...texts(from, "urls")];
  if (from["username"] === undefined) return { urls };
  return { urls, username: text(from, "username"), credential: text(from, "credential") };
}
