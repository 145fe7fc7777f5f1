/** How a patient's visits look. */

import { element, icon } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { instant } from "../ui/time.js";
import { roomUrl } from "../ui/visit.js";
import { changeable, enterable } from "./visits.js";

/** @typedef {import("./visits.js").Appointment} Appointment */

/**
 * @param {Appointment} appointment
 * @param {{ zone: string, now: number, names: ReadonlyMap<string, string>, next: string | undefined, cancel: (appointment: Appointment, button: HTMLButtonElement) => void }} how next: id of the visit that stands above the list already
 * @returns {HTMLLIElement}
 */
export function visitRow(appointment, { zone, now, names, next, cancel }) {
  const { id, encounter, starts_at, practitioner, reason } = appointment;
  const when = instant(new Date(starts_at), zone);
  const main = element(
    "div",
    { class: "row-main" },
    element("p", { class: "row-title" }, when),
    element("p", {}, names.get(practitioner) ?? "", reason ? ` · ${reason}` : ""),
  );
  const calendar = element(
    "a",
    { class: "button button-quiet button-small", href: `/api/v1/appointments/${id}/calendar`, download: true, "aria-label": text("home.calendar_of", { when }) },
    icon("calendar"),
    text("home.calendar"),
  );
  const actions = element("div", { class: "row-actions" });
  if (enterable(appointment, now) && id !== next) actions.append(element("a", { class: "button button-small", href: roomUrl(encounter) }, text("home.enter")));
  actions.append(calendar);
  if (changeable(appointment, now)) {
    const move = element("a", { class: "button button-quiet button-small", href: `/book?move=${encodeURIComponent(id)}`, "aria-label": text("home.move_of", { when }) }, text("home.move"));
    const stop = element("button", { type: "button", class: "button button-quiet button-small", "aria-label": text("home.cancel_of", { when }) }, text("home.cancel"));
    stop.addEventListener("click", () => cancel(appointment, stop));
    actions.append(move, stop);
  }
  return element("li", { class: "row" }, main, actions);
}
