/** Messages of `/ws/worklist` (docs/protocol.md, Work list). */

/** @typedef {{ case: string, encounter: string, complaint: string, acuity: string, age_band: string, paramedic: string, since: number }} Ringing */
/** @typedef {{ encounter: string, kind: string, patient: string, reason: string, since: number, mine: boolean }} Waiting */
/** @typedef {{ encounter: string, kind: string, patient: string, reason: string, starts_at: number, status: string, mine: boolean }} Today */
/** @typedef {{ type: "worklist", on_call: boolean, server_time: number, ringing: Ringing[], waiting: Waiting[], today: Today[] }} Worklist */
/** @typedef {{ type: "pong", sent_at: number, server_time: number }} Pong */
/** @typedef {{ type: "error", code: string, text: string, about: string }} Refusal */
/** @typedef {Worklist | Pong | Refusal} Message */

/** @type {Readonly<Record<string, Readonly<Record<string, "string" | "number" | "boolean" | "array">>>>} */
const FIELDS = {
  worklist: { on_call: "boolean", server_time: "number", ringing: "array", waiting: "array", today: "array" },
  pong: { sent_at: "number", server_time: "number" },
  error: { code: "string", text: "string", about: "string" },
};

/**
 * Read a message; null if it is none of ours.
 * @param {unknown} raw
 * @returns {Message | null}
 */
export function parse(raw) {
  if (typeof raw !== "string") return null;
  try {
    const message = JSON.parse(raw);
    const fields = Object.hasOwn(FIELDS, message?.type) ? FIELDS[message.type] : null;
    if (!fields) return null;
    const fits = Object.entries(fields).every(([name, type]) =>
      type === "array" ? Array.isArray(message[name]) : typeof message[name] === type,
    );
    return fits ? message : null;
  } catch {
    return null;
  }
}
