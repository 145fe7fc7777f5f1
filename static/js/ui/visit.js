/** The visit this browser was last in, so that every page can lead back to it while it lasts. */

import { api } from "./api.js";
import { recall, remember } from "./storage.js";

const KEY = "visit";
const OPEN = new Set(["planned", "arrived", "in-progress"]);

/**
 * Go to a room and remember it.
 * @param {string} encounter
 * @param {{ now?: boolean }} [options] now: skip the device check
 */
export function enterRoom(encounter, { now = false } = {}) {
  rememberVisit(encounter);
  location.assign(roomUrl(encounter, now));
}

/**
 * @param {string} encounter
 * @param {boolean} [now]
 * @returns {string}
 */
export function roomUrl(encounter, now = false) {
  return `/rooms/${encodeURIComponent(encounter)}${now ? "#now" : ""}`;
}

/** @param {string | null} encounter null once it has ended */
export function rememberVisit(encounter) {
  remember(KEY, encounter);
}

/**
 * The URL of the visit that is still open, or null. One that has ended, or is somebody else's, is forgotten.
 * @returns {Promise<string | null>}
 */
export async function openVisit() {
  const encounter = recall(KEY);
  if (!encounter) return null;
  try {
    const body = await api("GET", `/encounters/${encodeURIComponent(encounter)}`);
    if (OPEN.has(body.status)) return roomUrl(encounter);
  } catch (error) {
    if (!(error instanceof Error) || !("status" in error) || error.status === 0) return null;
  }
  rememberVisit(null);
  return null;
}
