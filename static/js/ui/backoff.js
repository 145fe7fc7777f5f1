/** What a client does when a socket closes (docs/protocol.md, Close codes). */

/** @typedef {"again" | "renew" | "stop"} Course */

const STEPS_MS = [500, 1000, 2000, 4000, 8000];
const TOO_MANY_MS = 10_000;

/**
 * @param {number} code of the close
 * @param {number} refused how often in a row the ticket was refused
 * @returns {Course}
 */
export function course(code, refused) {
  switch (code) {
    case 4401:
      return refused < 1 ? "renew" : "stop";
    case 4400:
    case 4403:
    case 4404:
    case 4409:
    case 4410:
      return "stop";
    default:
      return "again";
  }
}

/**
 * How long to wait before the next attempt, with jitter so that a crowd does not come back as one.
 * @param {number} code of the close
 * @param {number} attempt from 0
 * @param {number} chance from 0 to 1
 * @returns {number} milliseconds
 */
export function pause(code, attempt, chance) {
  const step = code === 4429 ? TOO_MANY_MS : (STEPS_MS[Math.min(attempt, STEPS_MS.length - 1)] ?? 0);
  return step * (0.75 + chance / 2);
}
