/** A patient's start: the next visit, those ahead, and the line for whoever is free. */

import "../i18n/en.js";
import { visitRow } from "../booking/home_view.js";
import { ahead, changeable, enterable } from "../booking/visits.js";
import { api } from "../ui/api.js";
import { confirmed } from "../ui/dialog.js";
import { announce, find, whileBusy } from "../ui/dom.js";
import { connectForm, oneLine, showFaults } from "../ui/forms.js";
import { showRows } from "../ui/keyed.js";
import { connectList } from "../ui/lists.js";
import { sentence } from "../ui/problems.js";
import { text } from "../ui/text.js";
import { browserZone, instant } from "../ui/time.js";
import { enterRoom, rememberVisit, roomUrl } from "../ui/visit.js";

/** @typedef {import("../booking/visits.js").Appointment} Appointment */

const SHOW_AGAIN_MS = 30_000;
const part = find("#visits", HTMLElement);
const list = find("ul", HTMLUListElement, part);
const form = find("#queue", HTMLFormElement);
const zone = part.dataset["zone"] || browserZone();
/** @type {Map<string, string>} */
const names = new Map();
/** @type {readonly Appointment[]} */
let visits = [];

/** @param {readonly Appointment[]} appointments */
function show(appointments) {
  visits = appointments;
  const now = Date.now();
  const next = visits.find((visit) => enterable(visit, now));
  showRows(list, visits, {
    key: (visit) => [visit.id, visit.starts_at, enterable(visit, now), changeable(visit, now), visit === next].join(),
    make: (visit) => visitRow(visit, { zone, now, names, next: next?.id, cancel }),
  });
  find("#next-visit", HTMLElement).hidden = next === undefined;
  if (!next) return;
  find("#next-when", HTMLElement).textContent = instant(new Date(next.starts_at), zone);
  find("#next-with", HTMLElement).textContent = names.get(next.practitioner) ?? "";
  const enter = find("#next-enter", HTMLAnchorElement);
  enter.href = roomUrl(next.encounter);
  enter.onclick = () => rememberVisit(next.encounter);
}

const load = connectList(part, async () => {
  if (names.size === 0) for (const { id, name } of (await api("GET", "/practitioners")).practitioners) names.set(id, name);
  return ahead((await api("GET", "/appointments")).appointments, Date.now());
}, show);

/** @param {Appointment} visit @param {HTMLButtonElement} button */
async function cancel(visit, button) {
  const when = instant(new Date(visit.starts_at), zone);
  const sure = { title: text("home.cancel_title"), words: text("home.cancel_words", { when }), yes: text("home.cancel_yes") };
  if (!(await confirmed(sure))) return;
  await whileBusy(button, async () => {
    try {
      await api("POST", `/appointments/${encodeURIComponent(visit.id)}/cancel`, {});
      announce(text("home.cancelled"));
    } catch (error) {
      announce(sentence(error));
    }
    await load();
  });
}

connectForm(form, async ({ reason }) => {
  try {
    const encounter = await api("POST", "/queue", { reason: oneLine(reason) });
    enterRoom(encounter.id);
  } catch (error) {
    showFaults(form, [{ field: "", message: sentence(error) }]);
  }
});

void load();
setInterval(() => part.dataset["state"] === "filled" && show(visits), SHOW_AGAIN_MS);
