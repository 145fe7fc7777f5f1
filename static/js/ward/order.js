/** Which patients of a ward come first: pure. */

import { calls, open, scoreOf } from "../vitals/alarms.js";

/** @import { Priority, Score } from "../vitals/alarm_messages.js" */
/** @import { Watch } from "../vitals/alarms.js" */

/** @typedef {Readonly<{ score: Score | null, alarm: Priority | null, text: string }>} Concern */

/** @type {Readonly<Record<Priority, number>>} */
const RANK = { low: 1, medium: 2, high: 3 };

/**
 * How it stands with a patient: the score, and the worst of the alarms that are open.
 *
 * @param {Watch} watch
 * @returns {Concern}
 */
export function concern(watch) {
  const alarms = open(watch).filter((alarm) => !alarm.late && alarm.state !== "pending");
  const calling = alarms.filter(calls);
  const [worst] = [...(calling.length > 0 ? calling : alarms)].sort((a, b) => RANK[b.priority] - RANK[a.priority]);
  return { score: scoreOf(watch, "news2"), alarm: worst?.priority ?? null, text: worst?.text ?? "" };
}

/** @typedef {Readonly<{ name: string, concern: Concern }>} Placed */

/**
 * Order by score, highest first; then by alarm; then by name. A score of simulated values moves nobody up.
 *
 * @template {Placed} T
 * @param {readonly T[]} beds
 * @returns {readonly T[]}
 */
export function ordered(beds) {
  return [...beds].sort(
    (a, b) => total(b.concern) - total(a.concern) || alarmRank(b.concern) - alarmRank(a.concern) || a.name.localeCompare(b.name),
  );
}

/** @param {Concern} concern */
function total({ score }) {
  return score === null || score.demo ? -1 : score.total;
}

/** @param {Concern} concern */
function alarmRank({ alarm }) {
  return alarm === null ? 0 : RANK[alarm];
}

/** @param {unknown} answer Of `GET /api/v1/ward`. @returns {{ beds: readonly { encounter: string, patient: string }[], more: number }} */
export function parseWard(answer) {
  const from = /** @type {{ beds?: unknown, more?: unknown } | null} */ (answer);
  if (!Array.isArray(from?.beds)) return { beds: [], more: 0 };
  const beds = from.beds.filter((bed) => typeof bed?.encounter === "string" && typeof bed?.patient === "string");
  return { beds: beds.slice(0, 12), more: typeof from.more === "number" ? from.more : 0 };
}
