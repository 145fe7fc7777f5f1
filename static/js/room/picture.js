/** Photos on their way: made small enough, and without what the camera wrote into them, such as the place. */

import { Problem, renewed } from "../ui/api.js";

const LONGEST_SIDE = 2048;
const QUALITY = 0.85;
const TIMEOUT_MS = 60_000;

/**
 * Draw the picture anew as a JPEG.
 *
 * @param {Blob} file
 * @returns {Promise<Blob>}
 */
export async function redrawn(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/jpeg", QUALITY);
  });
}

/**
 * Send a photo; with one key it is kept once, however often it is sent.
 *
 * @param {string} encounter
 * @param {string} key
 * @param {Blob} picture
 * @returns {Promise<void>}
 * @throws {Problem}
 */
export async function sendPhoto(encounter, key, picture) {
  const began = Date.now();
  let response = await post(encounter, key, picture);
  if (response.status === 401 && (await renewed(began))) response = await post(encounter, key, picture);
  if (!response.ok) throw new Problem(response.status, `http_${response.status}`, "");
}

/** @param {string} encounter @param {string} key @param {Blob} picture */
async function post(encounter, key, picture) {
  try {
    return await fetch(`/api/v1/encounters/${encounter}/photos?key=${key}`, {
      method: "POST",
      headers: { "Content-Type": picture.type },
      body: picture,
      credentials: "same-origin",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Problem(0, "offline", "");
  }
}
