/** How booking looks: the days with their times, and the facts of a choice. */

import { element } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { clockTime, dayName } from "../ui/time.js";
import { dayDate } from "./week.js";

/**
 * @param {import("./week.js").Day} day
 * @param {string} zone
 * @param {string} chosen start of the chosen slot
 * @returns {HTMLElement}
 */
export function dayColumn({ key, slots }, zone, chosen) {
  const [weekday, date] = split(dayName(dayDate(key), "UTC"));
  const id = `day-${key}`;
  const heading = element("h3", { id }, weekday, " ", element("span", {}, date));
  if (slots.length === 0) {
    return element("div", { class: "week-day week-day-empty" }, heading, element("p", { class: "quiet small" }, text("book.none")));
  }
  const tiles = slots.map(({ starts_at }) => timeTile(starts_at, zone, starts_at === chosen, id));
  return element("div", { class: "week-day" }, heading, element("div", { class: "tiles" }, ...tiles));
}

/**
 * @param {string} startsAt
 * @param {string} zone
 * @param {boolean} checked
 * @param {string} day id of the heading that names the day
 * @returns {HTMLElement}
 */
function timeTile(startsAt, zone, checked, day) {
  const input = element("input", { type: "radio", name: "slot", value: startsAt, "aria-describedby": day });
  input.checked = checked;
  return element("label", { class: "tile" }, input, element("span", {}, clockTime(new Date(startsAt), zone)));
}

/**
 * @param {string} name "Tuesday 6 January"
 * @returns {[string, string]}
 */
function split(name) {
  const space = name.indexOf(" ");
  return space < 0 ? [name, ""] : [name.slice(0, space), name.slice(space + 1)];
}

/**
 * @param {HTMLSelectElement} select
 * @param {readonly { id: string, name: string }[]} practitioners
 */
export function fillPractitioners(select, practitioners) {
  select.replaceChildren(...practitioners.map(({ id, name }) => element("option", { value: id }, name)));
}
