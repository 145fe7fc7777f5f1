/**
 * What this page knows of the room, and how each message changes it: values in, values out, no browser.
 *
 * The server's `welcome` carries the whole state, so a new connection begins from it and nothing is merged by guess.
 */

import { unreachable } from "./reading.js";

/** @import { Admission, Case, ChatLine, Encounter, Lobby, MuteReason, Participant, Recording, Rung, ServerMessage, Source } from "./messages.js" */
/** @import { StopReason } from "../ui/retry.js" */
/** @import { Speaking } from "./speaker.js" */

/**
 * Things that happen in this page rather than on the server.
 *
 * @typedef {Readonly<{ type: "line_opening" }>
 *   | Readonly<{ type: "line_interrupted" }>
 *   | Readonly<{ type: "line_resumed" }>
 *   | Readonly<{ type: "line_stopped", reason: StopReason }>
 *   | Readonly<{ type: "said", key: string, text: string }>
 *   | Readonly<{ type: "chat_seen" }>
 *   | Readonly<{ type: "pinned", key: string }>
 *   | Readonly<{ type: "speaker", participant: string, speaking: boolean }>
 *   | Readonly<{ type: "left" }>} LocalEvent
 */

/** @typedef {StopReason | "ended" | "cancelled" | "removed" | "left"} End */

/**
 * @typedef {Readonly<{
 *   line: "opening" | "open" | "interrupted",
 *   end: End | null,
 *   me: string,
 *   admission: Admission | null,
 *   may: readonly string[],
 *   encounter: Encounter | null,
 *   participants: readonly Participant[],
 *   lobby: Lobby | null,
 *   chat: readonly ChatLine[],
 *   pending: readonly Readonly<{ key: string, text: string }>[],
 *   seen: number,
 *   case: Case | null,
 *   recording: Recording,
 *   rungs: Readonly<Record<string, Readonly<{ rung: Rung, locked: boolean }>>>,
 *   pinned: readonly string[],
 *   speaker: Speaking,
 *   refusal: Readonly<{ code: string, text: string, about: string }> | null,
 * }>} RoomState
 */

const CHAT_KEPT = 500;
const PENDING_KEPT = 20;
const PINNED_MOST = 2;

/** @type {Recording} */
const NOT_RECORDED = Object.freeze({ type: "recording", state: "off", by: "", accepted: [], refused: "" });

/** @type {RoomState} */
export const START = Object.freeze({
  line: "opening",
  end: null,
  me: "",
  admission: null,
  may: [],
  encounter: null,
  participants: [],
  lobby: null,
  chat: [],
  pending: [],
  seen: 0,
  case: null,
  recording: NOT_RECORDED,
  rungs: {},
  pinned: [],
  speaker: Object.freeze({ participant: "", speaking: false }),
  refusal: null,
});

/**
 * Return the state after the message or event.
 *
 * @param {RoomState} state
 * @param {ServerMessage | LocalEvent} message
 * @returns {RoomState}
 */
export function next(state, message) {
  switch (message.type) {
    case "welcome":
      return welcomed(state, message);
    case "participant":
      return withParticipant(state, message.participant);
    case "lobby":
      return { ...state, lobby: message };
    case "chat":
      return withLine(state, message);
    case "case":
      return { ...state, case: message.case };
    case "recording":
      return { ...state, recording: message };
    case "ended":
      return { ...state, end: message.reason === "cancelled" ? "cancelled" : "ended" };
    case "removed":
    case "replaced":
      return { ...state, end: message.type };
    case "error":
      return { ...state, refusal: { code: message.code, text: message.text, about: message.about } };
    case "rung":
      return { ...state, rungs: { ...state.rungs, [message.participant]: { rung: message.rung, locked: message.locked } } };
    case "offer":
    case "clock":
    case "still":
    case "pong":
      return state;
    case "line_opening":
      return { ...state, line: "opening", end: null };
    case "line_interrupted":
      return state.end === null ? { ...state, line: "interrupted" } : state;
    case "line_resumed":
      return state.line === "interrupted" ? { ...state, line: "open" } : state;
    case "line_stopped":
      return state.end === null ? { ...state, end: message.reason } : state;
    case "said":
      return { ...state, pending: [...state.pending, { key: message.key, text: message.text }].slice(-PENDING_KEPT) };
    case "chat_seen":
      return { ...state, seen: lastNumber(state.chat) };
    case "pinned":
      return withPin(state, message.key);
    case "speaker":
      return { ...state, speaker: { participant: message.participant, speaking: message.speaking } };
    case "left":
      return { ...state, end: "left" };
    default:
      return unreachable(message);
  }
}

/** @param {RoomState} state @param {import("./messages.js").Welcome} welcome @returns {RoomState} */
function welcomed(state, welcome) {
  const chat = welcome.chat.slice(-CHAT_KEPT);
  const arrived = new Set(chat.map((line) => line.key));
  return {
    ...state,
    line: "open",
    end: null,
    me: welcome.participant,
    admission: welcome.admission,
    may: welcome.may,
    encounter: welcome.encounter,
    participants: welcome.participants,
    lobby: welcome.admission === "waiting" ? state.lobby : null,
    // Those that are not at their best follow.
    rungs: {},
    // So does this, unless it was never asked for.
    recording: NOT_RECORDED,
    chat,
    pending: state.pending.filter((line) => !arrived.has(line.key)),
    // What stood there before this page was opened has been read, or can be read again at leisure.
    seen: state.me === "" ? lastNumber(chat) : state.seen,
    refusal: null,
  };
}

/** @param {RoomState} state @param {Participant} changed @returns {RoomState} */
function withParticipant(state, changed) {
  const known = state.participants.some((one) => one.id === changed.id);
  const participants = known
    ? state.participants.map((one) => (one.id === changed.id ? changed : one))
    : [...state.participants, changed];
  return { ...state, participants };
}

/** @param {RoomState} state @param {ChatLine} line @returns {RoomState} */
function withLine(state, line) {
  const pending = state.pending.filter((one) => one.key !== line.key);
  if (state.chat.some((one) => one.number === line.number)) return { ...state, pending };
  const chat = [...state.chat, line].sort((a, b) => a.number - b.number).slice(-CHAT_KEPT);
  return { ...state, chat, pending };
}

/** Pressed again, a pin is let go; two are kept at most, the newest. @param {RoomState} state @param {string} key @returns {RoomState} */
function withPin(state, key) {
  const kept = state.pinned.filter((one) => one !== key);
  return { ...state, pinned: kept.length < state.pinned.length ? kept : [...kept, key].slice(-PINNED_MOST) };
}

/** @param {readonly ChatLine[]} chat */
function lastNumber(chat) {
  return chat.at(-1)?.number ?? 0;
}

/**
 * Say which of the phases the page is in, once it has joined.
 *
 * @param {RoomState} state
 * @returns {"waiting" | "consultation" | "over"}
 */
export function phase(state) {
  if (state.end !== null) return "over";
  return state.admission === "admitted" ? "consultation" : "waiting";
}

/** Number of lines of others that have not been looked at. @param {RoomState} state */
export function unread(state) {
  return state.chat.filter((line) => line.number > state.seen && line.participant !== state.me).length;
}

/** Myself in the roster. @param {RoomState} state @returns {Participant | undefined} */
export function myself(state) {
  return state.participants.find((one) => one.id === state.me);
}

/** What somebody's link is good for. @param {RoomState} state @param {string} participant @returns {Rung} */
export function rungOf(state, participant) {
  return state.rungs[participant]?.rung ?? "video";
}

/** Whether we are to send moving pictures: our link carries them, and so does that of anybody else, or they are recorded. @param {RoomState} state */
export function showsPictures(state) {
  if (!carriesPictures(state, state.me)) return false;
  const there = others(state);
  return there.length === 0 || state.recording.state === "on" || there.some((one) => carriesPictures(state, one.id));
}

/** @param {RoomState} state @param {string} participant */
function carriesPictures(state, participant) {
  return ["video", "reduced"].includes(rungOf(state, participant));
}

/**
 * Whether somebody waits for stills of us: one whose link is weak, or all others when ours is.
 *
 * @param {RoomState} state
 */
export function givesStills(state) {
  const mine = rungOf(state, state.me);
  return mine === "stills" || (carriesPictures(state, state.me) && others(state).some((one) => rungOf(state, one.id) === "stills"));
}

/** Whether sound is to be sent sparingly: our own link is narrow, or that of somebody who hears us. @param {RoomState} state */
export function sparesSound(state) {
  return !carriesPictures(state, state.me) || others(state).some((one) => !carriesPictures(state, one.id));
}

/** The others who are in the room, connected or expected back. @param {RoomState} state */
export function others(state) {
  return state.participants.filter((one) => one.id !== state.me && one.admission === "admitted");
}

/** Those who wait to be let in. @param {RoomState} state */
export function waiting(state) {
  return state.participants.filter((one) => one.admission === "waiting" && one.connected);
}

/** A tile on the stage: whose, which of their pictures, and where it stands. */
/** @typedef {Readonly<{ key: string, participant: string, source: "camera" | "screen", place: "main" | "side" | "self", pinned: boolean }>} Tile */

/** Whom each role wants to see large, best first. @type {Readonly<Record<string, readonly string[]>>} */
const WANTED = {
  practitioner: ["patient", "paramedic", "practitioner"],
  patient: ["practitioner", "paramedic", "patient"],
  paramedic: ["practitioner", "patient", "paramedic"],
};

/**
 * Arrange the tiles: one large, or the two that are pinned; the others beside it, oneself last. Among several others
 * the one who speaks is large.
 *
 * @param {RoomState} state
 * @param {{ role: string, sharing: boolean, selfLarge: boolean }} wish `selfLarge` puts one's own camera in the large
 *   place unless something is pinned.
 * @returns {readonly Tile[]}
 */
export function tiles(state, { role, sharing, selfLarge }) {
  const there = others(state).filter((one) => one.connected || hasPicture(one));
  const order = WANTED[role] ?? [];
  const rank = (/** @type {Participant} */ one) => (order.indexOf(one.role) + order.length + 1) % (order.length + 1);
  const ranked = [...there].sort((a, b) => rank(a) - rank(b));
  const screens = ranked.filter((one) => one.sources.screen !== undefined);
  const keys = [
    ...screens.map((one) => ({ key: `${one.id} screen`, participant: one.id, source: /** @type {const} */ ("screen") })),
    ...ranked.map((one) => ({ key: `${one.id} camera`, participant: one.id, source: /** @type {const} */ ("camera") })),
  ];
  const mine = [
    ...(sharing ? [{ key: "self screen", participant: state.me, source: /** @type {const} */ ("screen") }] : []),
    { key: "self camera", participant: state.me, source: /** @type {const} */ ("camera") },
  ];
  const all = [...keys, ...mine];
  const pinned = all.map((tile) => tile.key).filter((key) => state.pinned.includes(key));
  const speaker = ranked.length > 1 ? ranked.find((one) => one.id === state.speaker.participant) : undefined;
  const preferred = screens.length > 0 ? keys[0]?.key : selfLarge ? "self camera" : speaker ? `${speaker.id} camera` : keys[0]?.key;
  const main = pinned.length > 0 ? pinned : [preferred];
  return all.map((tile) => ({ ...tile, place: placeOf(tile.key, main), pinned: pinned.includes(tile.key) }));
}

/** @param {string} key @param {readonly (string | undefined)[]} main @returns {Tile["place"]} */
function placeOf(key, main) {
  if (main.includes(key)) return "main";
  return key.startsWith("self") ? "self" : "side";
}

/** @param {Participant} one */
function hasPicture(one) {
  return one.sources.camera !== undefined || one.sources.microphone !== undefined || one.sources.screen !== undefined;
}

/** One sentence of the status line: a key of the catalogue, its values, and how loud it is. */
/** @typedef {Readonly<{ key: string, values: Readonly<Record<string, string>>, tone: "good" | "note" | "trouble" }>} Status */

/**
 * What is the matter, whose it is, and only the most important of it.
 *
 * @param {RoomState} state
 * @param {{ media: "off" | "connecting" | "connected" | "interrupted", muted: Readonly<Partial<Record<Source, MuteReason>>> }} own
 *   How our own transport fares, and which of our sources are silent, and why.
 * @returns {Status}
 */
export function status(state, own) {
  if (state.line === "opening") return { key: "room.status.opening", values: {}, tone: "note" };
  if (state.line === "interrupted") return { key: "room.status.line_interrupted", values: {}, tone: "trouble" };
  if (own.media === "interrupted") return { key: "room.status.media_interrupted", values: {}, tone: "trouble" };
  const mine = ownMute(own.muted);
  if (mine !== null && mine.tone === "trouble") return mine;
  const people = others(state);
  for (const trouble of [lineTrouble, interruptedTrouble, unpluggedTrouble, hiddenTrouble]) {
    const found = people.map(trouble).find((one) => one !== null);
    if (found) return found;
  }
  if (mine !== null) return mine;
  const silent = people.find((one) => one.sources.microphone?.muted === true);
  if (silent) return about("room.status.their_microphone_off", silent, "note");
  const dark = people.find((one) => one.sources.camera?.muted === true);
  if (dark) return about("room.status.their_camera_off", dark, "note");
  if (people.length === 0) return { key: "room.status.alone", values: {}, tone: "note" };
  if (own.media === "connecting") return { key: "room.status.connecting", values: {}, tone: "note" };
  return { key: "room.status.live", values: {}, tone: "good" };
}

/** @param {Readonly<Partial<Record<Source, MuteReason>>>} muted @returns {Status | null} */
function ownMute(muted) {
  if (muted.microphone === "interrupted" || muted.camera === "interrupted") {
    return { key: "room.status.my_interrupted", values: {}, tone: "trouble" };
  }
  if (muted.microphone === "unplugged") return { key: "room.status.my_microphone_unplugged", values: {}, tone: "trouble" };
  if (muted.camera === "unplugged") return { key: "room.status.my_camera_unplugged", values: {}, tone: "trouble" };
  if (muted.microphone !== undefined) return { key: "room.status.my_microphone_off", values: {}, tone: "note" };
  return null;
}

/** @param {Participant} one @returns {Status | null} */
function lineTrouble(one) {
  const away = !one.connected || one.media === "suspect" || one.media === "lost";
  return away ? about("room.status.their_line", one, "trouble") : null;
}

/** @param {Participant} one @returns {Status | null} */
function interruptedTrouble(one) {
  return mutedBecause(one, "interrupted") ? about("room.status.their_interrupted", one, "trouble") : null;
}

/** @param {Participant} one @returns {Status | null} */
function unpluggedTrouble(one) {
  if (one.sources.microphone?.reason === "unplugged") return about("room.status.their_microphone_unplugged", one, "trouble");
  if (one.sources.camera?.reason === "unplugged") return about("room.status.their_camera_unplugged", one, "trouble");
  return null;
}

/** @param {Participant} one @returns {Status | null} */
function hiddenTrouble(one) {
  return mutedBecause(one, "hidden") ? about("room.status.their_hidden", one, "note") : null;
}

/** @param {Participant} one @param {MuteReason} reason */
function mutedBecause(one, reason) {
  return Object.values(one.sources).some((source) => source.muted && source.reason === reason);
}

/** @param {string} key @param {Participant} one @param {Status["tone"]} tone @returns {Status} */
function about(key, one, tone) {
  return { key, values: { name: one.name }, tone };
}
