/** How booking looks: the days with their times, and the facts of a choice. */

import { element } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { clockTime, dayName } from "../ui/time.js";
import { dayDate } from "./week.js";

/**
 * The days side by side where there is room; on a phone one under the other, the first with times unfolded.
 * @param {readonly import("./week.js").Day[]} days
 * @param {{ zone: string, chosen: string, wide: boolean }} how chosen: start of the chosen slot
 * @returns {HTMLElement[]}
 */
export function dayColumns(days, { zone, chosen, wide }) {
  const holds = (/** @type {import("./week.js").Day} */ day) => day.slots.some(({ starts_at }) => starts_at === chosen);
  const unfolded = days.find(holds) ?? days.find(({ slots }) => slots.length > 0);
  return days.map((day) => dayColumn(day, { zone, chosen, open: wide || day === unfolded }));
}

/**
 * @param {import("./week.js").Day} day
 * @param {{ zone: string, chosen: string, open: boolean }} how
 * @returns {HTMLElement}
 */
function dayColumn({ key, slots }, { zone, chosen, open }) {
  const [weekday, date] = split(dayName(dayDate(key), "UTC"));
  const id = `day-${key}`;
  const heading = element("h3", { id }, weekday, " ", element("span", {}, date));
  if (slots.length === 0) {
    return element("div", { class: "week-day week-day-empty" }, heading, element("p", { class: "quiet small" }, text("book.none")));
  }
  const tiles = slots.map(({ starts_at }) => timeTile(starts_at, zone, starts_at === chosen, id));
  const count = element("span", { class: "week-count" }, text("book.count", { count: slots.length }));
  const summary = element("summary", {}, heading, count);
  return element("details", { class: "week-day", open }, summary, element("div", { class: "tiles" }, ...tiles));
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
