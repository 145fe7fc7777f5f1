/** The end of the audit trail. */

import { api } from "../ui/api.js";
import { find } from "../ui/dom.js";
import { connectList } from "../ui/lists.js";
import { text } from "../ui/text.js";
import { tableRow } from "./table.js";

/** @typedef {{ node: string, number: number, at: string, action: string, actor: string, role: string, entity: string, outcome: string }} Entry */

const SHOWN = 50;
const PAGE = 200;
const MOST_READS = 60;

export function connectAudit() {
  const part = find("#audit", HTMLElement);
  const body = find("tbody", HTMLTableSectionElement, part);
  void connectList(part, latest, (entries) => body.replaceChildren(...entries.map(row)))();
}

/** @returns {Promise<Entry[]>} newest first */
async function latest() {
  /** @type {string[]} */
  const nodes = (await api("GET", "/audit")).nodes;
  const ends = await Promise.all(nodes.slice(0, 8).map(endOf));
  return ends.flat().sort((one, other) => Date.parse(other.at) - Date.parse(one.at)).slice(0, SHOWN);
}

/** @param {string} node @returns {Promise<Entry[]>} */
async function endOf(node) {
  const read = async (/** @type {number} */ after) =>
    /** @type {Entry[]} */ ((await api("GET", `/audit?${new URLSearchParams({ node, after: String(after) })}`)).entries);
  const last = await lastNumber(read);
  return read(Math.max(0, last - SHOWN));
}

/**
 * The number of a chain's last entry. Chains are read from their beginning and are long: leap, and leap anew from
 * where there was still something.
 * @param {(after: number) => Promise<readonly { number: number }[]>} read at most PAGE entries after a number
 * @returns {Promise<number>}
 */
export async function lastNumber(read) {
  let page = await read(0);
  let step = PAGE;
  for (let reads = 0; page.length >= PAGE && reads < MOST_READS; reads += 1) {
    const here = page.at(-1)?.number ?? 0;
    const further = await read(here + step - PAGE);
    if (further.length > 0) {
      page = further;
      step *= 2;
    } else if (step > PAGE) step = PAGE;
    else break;
  }
  return page.at(-1)?.number ?? 0;
}

/** @param {Entry} entry @returns {HTMLTableRowElement} */
function row({ number, at, action, actor, role, entity, outcome }) {
  const who = `${text(`role.${role}`)} ${actor.slice(0, 8)}`;
  return tableRow([String(number), at.slice(0, 19).replace("T", " "), who, outcome === "ok" ? action : `${action} (${outcome})`, entity]);
}
