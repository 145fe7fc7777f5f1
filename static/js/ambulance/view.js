/** How the crew's cases look. */

import { element } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { elapsed } from "../ui/time.js";

/** @typedef {import("./calling.js").Case} Case */
/** @typedef {import("./calling.js").Device} Device */

/**
 * @param {Case} one
 * @param {{ now: number, act: (what: "enter" | "ring" | "close", one: Case, button: HTMLButtonElement) => void }} how
 * @returns {HTMLLIElement}
 */
export function caseRow(one, { now, act }) {
  const button = (/** @type {"enter" | "ring" | "close"} */ what, quiet = true) => {
    const made = element("button", { type: "button", class: quiet ? "button button-quiet" : "button" }, text(`ambulance.${what}`));
    made.addEventListener("click", () => act(what, one, made));
    return made;
  };
  const main = element(
    "div",
    { class: "row-main" },
    element("p", { class: `acuity acuity-${one.acuity}` }, text(`acuity.${one.acuity}`)),
    element("p", { class: "row-title" }, text(`complaint.${one.complaint}`)),
    element("p", { class: "quiet" }, `${text(`case.${one.status}`)} · ${elapsed(now - Date.parse(one.opened_at))}`),
  );
  const actions = element("div", { class: "row-actions" }, button("enter", false));
  if (one.status === "open") actions.append(button("ring"));
  actions.append(button("close"));
  return element("li", { class: "row" }, main, actions);
}

/**
 * @param {HTMLSelectElement} select
 * @param {readonly Device[]} devices
 * @param {string} chosen
 */
export function fillMonitors(select, devices, chosen) {
  const option = (/** @type {Device} */ { id, name, simulated, encounter }) => {
    const words = [name, simulated ? text("ambulance.simulated") : "", encounter ? text("ambulance.in_use") : ""];
    return element("option", { value: id }, words.filter(Boolean).join(" · "));
  };
  select.append(...devices.map(option));
  select.value = chosen;
}
