/** What was measured before this page was opened, page by page, into a recording. */

import { fields, flag, list, number, text, Unreadable } from "../room/reading.js";
import { api } from "../ui/api.js";
import { channelOf, valueOf } from "./messages.js";
import { MINUTES } from "./recording.js";

/** @import { Channel, Frame, Numerics } from "./messages.js" */
/** @import { Fields } from "../room/reading.js" */
/** @import { Recording } from "./recording.js" */

const MOST_PAGES = 200;

/** @typedef {Pick<Numerics, "device" | "taken_at" | "demo" | "late" | "values">} Measured */
/** @typedef {Readonly<{ channels: readonly Channel[], numerics: readonly Measured[], waves: readonly Frame[], next: string }>} Page */

/**
 * Read a page of the interval (docs/api.md).
 *
 * @param {unknown} json
 * @returns {Page}
 * @throws {Unreadable}
 */
export function parsePage(json) {
  const from = fields(json, "the page");
  return {
    channels: list(from, "channels", channelOf),
    numerics: list(from, "numerics", (one) => ({
      device: text(one, "device"),
      taken_at: number(one, "taken_at"),
      demo: flag(one, "demo"),
      late: flag(one, "late"),
      values: list(one, "values", valueOf),
    })),
    waves: list(from, "waves", wave),
    next: text(from, "next"),
  };
}

/** @param {Fields} from @returns {Frame} */
function wave(from) {
  const samples = raw(text(from, "samples"));
  const missing = number(from, "missing");
  return {
    type: "wave",
    id: "0-0",
    channel: number(from, "ch"),
    sequence: number(from, "seq"),
    first: number(from, "first"),
    starts_at: number(from, "starts_at"),
    count: missing > 0 ? missing : samples.length,
    gap: missing > 0,
    demo: flag(from, "demo"),
    questionable: flag(from, "questionable"),
    backfill: flag(from, "late"),
    samples,
  };
}

/** Samples of 16 bits, little-endian, in base64. @param {string} encoded */
function raw(encoded) {
  /** @type {string} */
  let bytes;
  try {
    bytes = atob(encoded);
  } catch {
    throw new Unreadable("the samples are not base64");
  }
  if (bytes.length % 2 !== 0) throw new Unreadable("the samples are not of 16 bits");
  const at = (/** @type {number} */ n) => bytes.charCodeAt(n);
  return Int16Array.from({ length: bytes.length / 2 }, (_, n) => (at(2 * n) | (at(2 * n + 1) << 8)));
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
    const query = new URLSearchParams({ ...period, ...(after === "" ? {} : { after }) });
    const read = parsePage(await api("GET", `/encounters/${encodeURIComponent(encounter)}/vitals?${query}`));
    recording.describe(read.channels);
    for (const one of read.numerics) recording.measured(one);
    for (const one of read.waves) recording.waved(one);
    after = read.next;
    if (after === "") return;
    // The page goes on drawing between two parts.
    await new Promise((done) => setTimeout(done, 0));
  }
}
