/** Which number is shown for each parameter, and how old it is: values in, values out. */

import { choice, fields, list, number, numberOrNull, text } from "../room/reading.js";

/** @import { Device, Numerics, Quality } from "./messages.js" */

/**
 * @typedef {Readonly<{ mdc: number, device: string, value: number | null, taken_at: number, quality: Quality, demo: boolean,
 *   conflict: boolean }>} Reading
 */
/** @typedef {ReadonlyMap<string, Reading>} Readings By MDC code and device. */
/** @typedef {ReadonlyMap<string, Pick<Device, "name" | "kind">>} Devices By id. */

/**
 * Where a number may come from, and how long it is good (telehealth/vitals/codes.py).
 *
 * @typedef {Readonly<{ mdc: number, source: string, decimals: number, interval_s: number, grey_after_s: number,
 *   blank_after_s: number | null }>} Origin
 */
/** @typedef {Readonly<{ name: string, sources: readonly Origin[] }>} Part */
/** @typedef {Readonly<{ key: string, label: string, unit_label: string, group: string, parts: readonly Part[] }>} TileSpec */
/** @typedef {Readonly<{ mdc: number, label: string, unit: string, group: string, low: number, high: number, seconds: number }>} WaveSpec */

/** @typedef {"live" | "grey" | "blank"} Freshness */
/**
 * What a tile shows.
 *
 * @typedef {Readonly<{ key: string, state: Freshness, shown: string, source: string, age_ms: number | null,
 *   ageShown: boolean, questionable: boolean, conflict: boolean, demo: boolean, known: boolean }>} TileState
 */

/** What stands for a value that is absent. */
export const ABSENT = "-?-";

/** What two sources say further apart in time may both be true. */
const CONFLICT_MS = 10_000;
/** A value that was measured once is grey after this, if not later by its kind. */
const SPOT_GREY_S = 60;
/** The better sources first. @type {readonly Device["kind"][]} */
const KINDS = ["registered", "sensor", "spot"];

/**
 * Read the tables that the page brings.
 *
 * @param {unknown} page
 * @returns {{ tiles: readonly TileSpec[], waves: readonly WaveSpec[] }}
 */
export function parseTables(page) {
  const from = fields(page, "vitals");
  return {
    tiles: list(from, "tiles", (tile) => ({
      key: text(tile, "key"),
      label: text(tile, "label"),
      unit_label: text(tile, "unit_label"),
      group: text(tile, "group"),
      parts: list(tile, "parts", (part) => ({ name: text(part, "name"), sources: list(part, "sources", origin) })),
    })),
    waves: list(from, "waves", (wave) => ({
      mdc: number(wave, "mdc"),
      label: text(wave, "label"),
      unit: text(wave, "unit"),
      group: text(wave, "group"),
      low: number(wave, "low"),
      high: number(wave, "high"),
      seconds: number(wave, "seconds"),
    })),
  };
}

/** @param {import("../room/reading.js").Fields} from @returns {Origin} */
function origin(from) {
  return {
    mdc: number(from, "mdc"),
    source: text(from, "source"),
    decimals: number(from, "decimals"),
    interval_s: number(from, "interval_s"),
    grey_after_s: number(from, "grey_after_s"),
    blank_after_s: numberOrNull(from, "blank_after_s"),
  };
}

/** The place of a reading among others. @param {number} mdc @param {string} device */
export function readingKey(mdc, device) {
  return `${mdc} ${device}`;
}

/**
 * Take a message of numerics. An older reading never replaces a newer one.
 *
 * @param {Readings} readings
 * @param {Numerics} message
 * @returns {Readings}
 */
export function heard(readings, message) {
  const changed = new Map(readings);
  for (const { mdc, value, quality, conflict } of message.values) {
    const key = readingKey(mdc, message.device);
    const known = changed.get(key);
    if (known !== undefined && known.taken_at > message.taken_at) continue;
    changed.set(key, {
      mdc,
      device: message.device,
      value: quality === "invalid" ? null : value,
      taken_at: message.taken_at,
      quality,
      demo: message.demo,
      conflict,
    });
  }
  return changed;
}

/** How fresh a reading is. @param {Reading} reading @param {Origin} from @param {number} now @param {boolean} spot @returns {Freshness} */
function freshness(reading, from, now, spot) {
  if (reading.value === null) return "blank";
  const age_s = (now - reading.taken_at) / 1000;
  // What somebody measured once, or typed, is worth its age and does not go away.
  if (!spot && from.blank_after_s !== null && age_s > from.blank_after_s) return "blank";
  return age_s > (spot ? Math.max(from.grey_after_s, SPOT_GREY_S) : from.grey_after_s) ? "grey" : "live";
}

/** @typedef {Readonly<{ from: Origin, reading: Reading, state: Freshness, spot: boolean, label: string }>} Chosen */

/**
 * Choose the source of a part: the best that is live, else the best that is grey, else the newest that is known. Of two
 * devices that measure the same all the time, the clinic's own comes before a sensor of the browser, and that before
 * what was typed; of what is measured now and then, the newest counts.
 *
 * @param {Part} part
 * @param {Readings} readings
 * @param {number} now
 * @param {Devices} devices
 * @returns {Chosen | null}
 */
function choose(part, readings, now, devices) {
  /** @type {Chosen[]} */
  const candidates = [];
  for (const from of part.sources) {
    const same = [...readings.values()].filter((reading) => reading.mdc === from.mdc);
    const several = same.filter((one) => now - one.taken_at < CONFLICT_MS).length > 1;
    for (const reading of same.sort(from.interval_s === 0 ? newestFirst : (a, b) => order(a, b, devices))) {
      const device = devices.get(reading.device);
      const spot = device?.kind === "spot";
      const named = device !== undefined && (several || device.kind !== "registered");
      const label = named ? `${from.source} · ${device.name}` : from.source;
      candidates.push({ from, reading, state: freshness(reading, from, now, spot), spot, label });
    }
  }
  for (const state of /** @type {const} */ (["live", "grey"])) {
    const found = candidates.find((one) => one.state === state);
    if (found) return found;
  }
  return [...candidates].sort((a, b) => b.reading.taken_at - a.reading.taken_at)[0] ?? null;
}

/** What is measured now and then. @param {Reading} a @param {Reading} b */
function newestFirst(a, b) {
  return b.taken_at - a.taken_at;
}

/** What is measured all the time: always the same device first, lest a tile flicker. @param {Reading} a @param {Reading} b @param {Devices} devices */
function order(a, b, devices) {
  const rank = (/** @type {Reading} */ one) => KINDS.indexOf(devices.get(one.device)?.kind ?? "registered");
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (devices.get(a.device)?.kind === "spot") return newestFirst(a, b);
  return a.device < b.device ? -1 : 1;
}

/** Whether sources of a part contradict each other now. @param {Part} part @param {Readings} readings @param {number} now */
function contradicted(part, readings, now) {
  const codes = new Set(part.sources.map((from) => from.mdc));
  return [...readings.values()].some((one) => one.conflict && codes.has(one.mdc) && now - one.taken_at < CONFLICT_MS);
}

/**
 * Say what a tile shows at this instant of the server's time.
 *
 * @param {TileSpec} tile
 * @param {Readings} readings
 * @param {number} now
 * @param {Devices} [devices]
 * @returns {TileState}
 */
export function tileState(tile, readings, now, devices = new Map()) {
  const [first, ...rest] = tile.parts;
  const lead = first === undefined ? null : choose(first, readings, now, devices);
  // The parts of one pressure come from one device.
  const own = new Map([...readings].filter(([, one]) => lead === null || one.device === lead.reading.device));
  const chosen = [lead, ...rest.map((part) => choose(part, own, now, devices))];
  if (lead === null) {
    const nothing = { source: "", age_ms: null, ageShown: false, questionable: false, conflict: false, demo: false };
    return { key: tile.key, state: "blank", shown: ABSENT, known: chosen.some((part) => part !== null), ...nothing };
  }
  const age_ms = Math.max(0, now - lead.reading.taken_at);
  const shown = lead.state === "blank" ? ABSENT : joined(chosen);
  const rare = lead.spot || lead.from.interval_s === 0;
  const late = lead.state !== "live" || rare || age_ms > 2000 * lead.from.interval_s;
  return {
    key: tile.key,
    state: lead.state,
    shown,
    source: lead.label,
    age_ms,
    // What was not measured has no age: a fresh "nothing" must not look like a fresh reading.
    ageShown: late && lead.reading.value !== null,
    questionable: lead.state !== "blank" && chosen.some((part) => part?.reading.quality === "questionable"),
    conflict: tile.parts.some((part) => contradicted(part, readings, now)),
    demo: chosen.some((part) => part?.reading.demo === true),
    known: true,
  };
}

/** Write the parts as clinicians do: 88, or 104/61 (75). @param {readonly (Chosen | null)[]} chosen */
function joined(chosen) {
  const [first, second, third] = chosen.map(written);
  if (second === undefined) return first ?? ABSENT;
  const mean = third === undefined || third === ABSENT ? "" : ` (${third})`;
  return `${first}/${second}${mean}`;
}

/** @param {Chosen | null} part */
function written(part) {
  if (part === null || part.state === "blank" || part.reading.value === null) return ABSENT;
  return part.reading.value.toFixed(part.from.decimals);
}

/** Coarse age as a key of the catalogue and its number. @param {number} age_ms @returns {{ key: string, count: number }} */
export function ageWords(age_ms) {
  const seconds = Math.floor(age_ms / 1000);
  if (seconds < 60) return { key: "vitals.age.seconds", count: seconds };
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return { key: "vitals.age.minutes", count: minutes };
  return { key: "vitals.age.hours", count: Math.floor(minutes / 60) };
}

/** How much of the vitals lies over the picture. @type {readonly ["numbers", "one", "all"]} */
export const DENSITIES = ["numbers", "one", "all"];

/** @typedef {(typeof DENSITIES)[number]} Density */

/** @param {string | null} stored @param {Density} otherwise @returns {Density} */
export function densityOf(stored, otherwise) {
  if (stored === null) return otherwise;
  return DENSITIES.includes(/** @type {Density} */ (stored)) ? choice({ stored }, "stored", DENSITIES) : otherwise;
}

/** @param {Density} density @returns {Density} */
export function nextDensity(density) {
  return DENSITIES[(DENSITIES.indexOf(density) + 1) % DENSITIES.length] ?? "all";
}
