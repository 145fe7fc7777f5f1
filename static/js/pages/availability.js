/** A practitioner's weekly hours: list, add, remove. */

import "../i18n/en.js";
import { api } from "../ui/api.js";
import { confirmed } from "../ui/dialog.js";
import { announce, element, find, icon, whileBusy } from "../ui/dom.js";
import { connectForm, showFaults } from "../ui/forms.js";
import { connectList } from "../ui/lists.js";
import { sentence } from "../ui/problems.js";
import { text } from "../ui/text.js";
import { browserZone, dayKey } from "../ui/time.js";

/** @typedef {{ id: string, weekday: number, starts: string, ends: string, slot_minutes: number, time_zone: string, valid_from: string, valid_until: string | null }} Hours */

const part = find("#hours", HTMLElement);
const list = find("ul", HTMLUListElement, part);
const form = find("#add", HTMLFormElement);
const path = `/practitioners/${encodeURIComponent(part.dataset["owner"] ?? "")}/availability`;

/** @param {Hours} hours @returns {HTMLLIElement} */
function row(hours) {
  const { weekday, starts, ends, slot_minutes: count, time_zone, valid_from: from, valid_until: until } = hours;
  const day = text(`weekday.${weekday}`);
  const time = text("availability.span", { starts, ends });
  const remove = element("button", { type: "button", class: "button button-quiet button-small", "aria-label": text("availability.remove_of", { day, time }) }, icon("trash"), text("availability.remove"));
  remove.addEventListener("click", () => void withdraw(hours, `${day} ${time}`, remove));
  const dates = until ? text("availability.between", { from, until }) : text("availability.from", { from });
  const main = element(
    "div",
    { class: "row-main" },
    element("p", { class: "row-title" }, `${day}, ${time}`),
    element("p", { class: "quiet" }, `${text("availability.slots", { count })} · ${time_zone} · ${dates}`),
  );
  return element("li", { class: "row" }, main, element("div", { class: "row-actions" }, remove));
}

const load = connectList(part, async () => {
  /** @type {Hours[]} */
  const hours = (await api("GET", path)).availability;
  return hours.sort((a, b) => a.weekday - b.weekday || a.starts.localeCompare(b.starts));
}, (hours) => list.replaceChildren(...hours.map(row)));

/** @param {Hours} hours @param {string} name @param {HTMLButtonElement} button */
async function withdraw(hours, name, button) {
  const question = { title: text("availability.sure", { name }), words: text("availability.sure_words"), yes: text("availability.sure_yes") };
  if (!(await confirmed(question))) return;
  await whileBusy(button, () => api("DELETE", `${path}/${hours.id}`).catch((error) => announce(sentence(error))));
  await load();
}

connectForm(form, async (values) => {
  const { weekday, starts = "", ends = "", slot_minutes, time_zone, valid_from, valid_until } = values;
  if (ends <= starts) {
    showFaults(form, [{ field: "ends", message: text("availability.order") }]);
    return;
  }
  const hours = { weekday: Number(weekday), starts, ends, slot_minutes: Number(slot_minutes), time_zone, valid_from, valid_until: valid_until || null };
  try {
    await api("POST", path, hours);
    announce(text("availability.added"));
  } catch (error) {
    showFaults(form, [{ field: "", message: sentence(error) }]);
  }
  await load();
});

const zone = find("#time_zone", HTMLInputElement).value || browserZone();
find("#valid_from", HTMLInputElement).value = dayKey(new Date(), zone);
void load();
