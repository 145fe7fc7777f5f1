/** What to do after a socket has closed (docs/protocol.md, "Close codes"): pure decisions. */

/**
 * Why a line will not be opened again.
 *
 * @typedef {"broken" | "sign_in" | "forbidden" | "missing" | "replaced" | "over"} StopReason
 */
/**
 * @typedef {{ act: "retry", after_ms: number }
 *   | { act: "new_ticket" }
 *   | { act: "stop", reason: StopReason }} NextStep
 */

const STEPS_MS = [500, 1000, 2000, 4000, 8000];
const TOO_MANY_MS = 10_000;

/**
 * Return how long to wait before the attempt of this number (0 is the first), with jitter of ± 20 %.
 *
 * @param {number} attempt
 * @param {number} chance Uniform in [0, 1).
 */
export function delayMs(attempt, chance) {
  const step = STEPS_MS[Math.min(attempt, STEPS_MS.length - 1)] ?? 8000;
  return Math.round(step * (0.8 + 0.4 * chance));
}

/**
 * Decide after a close.
 *
 * @param {{ code: number, attempt: number, ticketRenewed: boolean, chance: number }} closed `attempt` counts the tries
 *   since the line was last good; `ticketRenewed` says that 4401 has been answered by a new ticket already.
 * @returns {NextStep}
 */
export function afterClose({ code, attempt, ticketRenewed, chance }) {
  switch (code) {
    case 4400:
      return { act: "stop", reason: "broken" };
    case 4401:
      return ticketRenewed ? { act: "stop", reason: "sign_in" } : { act: "new_ticket" };
    case 4403:
      return { act: "stop", reason: "forbidden" };
    case 4404:
      return { act: "stop", reason: "missing" };
    case 4409:
      return { act: "stop", reason: "replaced" };
    case 4410:
      return { act: "stop", reason: "over" };
    case 4429:
      return { act: "retry", after_ms: Math.round(TOO_MANY_MS * (1 + 0.2 * chance)) };
    default:
      return { act: "retry", after_ms: delayMs(attempt, chance) };
  }
}

/**
 * Decide after the request for a ticket was answered by this HTTP status; 0 says that no answer came.
 *
 * @param {{ status: number, attempt: number, chance: number }} refused
 * @returns {NextStep}
 */
export function afterTicketRefused({ status, attempt, chance }) {
  if (status === 401) return { act: "stop", reason: "sign_in" };
  if (status === 403) return { act: "stop", reason: "forbidden" };
  if (status === 404) return { act: "stop", reason: "missing" };
  if (status === 410) return { act: "stop", reason: "over" };
  if (status === 429) return { act: "retry", after_ms: Math.round(TOO_MANY_MS * (1 + 0.2 * chance)) };
  return { act: "retry", after_ms: delayMs(attempt, chance) };
}
