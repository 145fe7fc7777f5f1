/** What was measured before this page was opened, page by page, into a recording. */

import { Unreadable } from "../room/reading.js";
import { apiBytes } from "../ui/api.js";
import { parse, parseFrame } from "./messages.js";
import { MINUTES } from "./recording.js";

/** @import { Frame, VitalsMessage } from "./messages.js" */
/** @import { Recording } from "./recording.js" */

const MOST_PAGES = 100;
const OBJECT = "{".charCodeAt(0);

/**
 * Read a page of an interval: the messages that the socket would have sent, each behind its length (docs/api.md).
 *
 * @param {ArrayBuffer} body
 * @returns {readonly (VitalsMessage | Frame)[]}
 * @throws {Unreadable}
 */
export function parsePage(body) {
  const view = new DataView(body);
  const messages = [];
  let at = 0;
  while (at < body.byteLength) {
    if (body.byteLength - at < 4) throw new Unreadable("the page ends within a length");
    const length = view.getUint32(at, true);
    at += 4;
    if (length === 0 || length > body.byteLength - at) throw new Unreadable("the page ends within a message");
    const message = body.slice(at, at + length);
    messages.push(view.getUint8(at) === OBJECT ? parse(new TextDecoder().decode(message)) : parseFrame(message));
    at += length;
  }
  return messages;
}

/**
 * @param {string} encounter
 * @param {Recording} recording
 * @param {number} now Server's time.
 */
export async function loadHistory(encounter, recording, now) {
  const period = { from: new Date(now - MINUTES * 60_000).toISOString(), until: new Date(now).toISOString() };
  let after = "";
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const query = new URLSearchParams({ ...period, format: "frames", ...(after === "" ? {} : { after }) });
    const { body, header } = await apiBytes(`/encounters/${encodeURIComponent(encounter)}/vitals?${query}`);
    for (const message of parsePage(body)) record(recording, message);
    after = header("Telehealth-Next");
    if (after === "") return;
    // What is live goes on being drawn between two parts.
    await new Promise((done) => setTimeout(done, 0));
  }
}

/** @param {Recording} recording @param {VitalsMessage | Frame} message */
function record(recording, message) {
  if (message.type === "channels") recording.describe(message.channels);
  else if (message.type === "numerics") recording.measured(message);
  else if (message.type === "wave") recording.waved(message);
}
