/** Booking: who, when, why; a summary; done. */

import "../i18n/en.js";
import { dayColumns, fillPractitioners } from "../booking/view.js";
import { Booking } from "../booking/booking.js";
import { week } from "../booking/week.js";
import { Problem } from "../ui/api.js";
import { announce, find, showState, whileBusy } from "../ui/dom.js";
import { connectForm, oneLine, showFaults } from "../ui/forms.js";
import { connectList } from "../ui/lists.js";
import { sentence } from "../ui/problems.js";
import { text } from "../ui/text.js";
import { browserZone, clockTime, dayKey, dayName, instant, zoneName } from "../ui/time.js";

const part = find("#booking", HTMLElement);
const form = find("#choose", HTMLFormElement);
const days = find("#days", HTMLElement);
const who = find("#practitioner", HTMLSelectElement);
const earlier = find("#earlier", HTMLButtonElement);
const later = find("#later", HTMLButtonElement);
const nextFree = find("#next-free", HTMLButtonElement);
const confirm = find("#confirm", HTMLButtonElement);
const zone = part.dataset["zone"] || browserZone();
const booking = new Booking(zone, new URLSearchParams(location.search).get("move"));

const wide = matchMedia("(min-width: 60rem)");

/** @param {string} id @param {string} words */
const put = (id, words) => void (find(`#${id}`, HTMLElement).textContent = words);

/** @param {"choose" | "summary" | "done"} step */
function go(step) {
  showState(part, step);
  find(`#${step}-title`, HTMLElement).focus();
  scrollTo(0, 0);
}

/** @param {string} id @param {string} words empty hides it */
function tell(id, words) {
  put(id, words);
  find(`#${id}`, HTMLElement).hidden = words === "";
}

const load = connectList(find("#week", HTMLElement), slotsOfWeek, (slots) => {
  const shown = week(slots, booking.first, zone);
  days.replaceChildren(...dayColumns(shown, { zone, chosen: booking.slot, wide: wide.matches }));
  earlier.disabled = booking.first <= booking.earliest;
  put("zone", text("book.zone", { zone: zoneName(zone, new Date(`${booking.first}T12:00:00Z`)) }));
  if (!shown.some((day) => day.slots.length > 0)) void offerNextFree();
});

async function slotsOfWeek() {
  if (booking.practitioners.length === 0) {
    await booking.begin();
    fillPractitioners(who, booking.practitioners);
    who.value = booking.practitioner;
  }
  return booking.week();
}

async function offerNextFree() {
  nextFree.hidden = true;
  find("#none-ahead", HTMLElement).hidden = true;
  const slot = await booking.nextFree().catch(() => null);
  find("#none-ahead", HTMLElement).hidden = slot !== null;
  nextFree.hidden = slot === null;
  if (!slot) return;
  const at = new Date(slot.starts_at);
  nextFree.textContent = text("book.next_free", { day: dayName(at, zone), time: clockTime(at, zone) });
  nextFree.onclick = () => {
    booking.first = dayKey(at, zone);
    void load();
  };
}

wide.addEventListener("change", () => {
  for (const day of days.querySelectorAll("details")) day.open ||= wide.matches;
});
earlier.addEventListener("click", () => whileBusy(earlier, async () => (booking.turn(-1), load())));
later.addEventListener("click", () => whileBusy(later, async () => (booking.turn(1), load())));
who.addEventListener("change", () => {
  booking.practitioner = who.value;
  booking.slot = "";
  void load();
});

connectForm(form, async (values) => {
  if (!values["slot"]) {
    showFaults(form, [{ field: "slot", message: text("book.choose_time") }]);
    tell("slot-error", text("book.choose_time"));
    return;
  }
  tell("slot-error", "");
  tell("notice", "");
  tell("summary-trouble", "");
  booking.slot = values["slot"];
  if (!booking.moving) booking.reason = oneLine(values["reason"]);
  put("summary-when", instant(new Date(booking.slot), zone));
  put("summary-with", booking.practitionerName);
  put("summary-reason", booking.reason || text("book.no_reason"));
  history.pushState("summary", "");
  go("summary");
});

find("#back", HTMLButtonElement).addEventListener("click", () => history.back());
addEventListener("popstate", () => {
  if (part.dataset["state"] === "summary") go("choose");
});

confirm.addEventListener("click", () => whileBusy(confirm, book));

async function book() {
  try {
    const appointment = await booking.confirm();
    put("done-when", instant(new Date(appointment.starts_at), zone));
    put("done-with", booking.practitionerName);
    find("#calendar", HTMLAnchorElement).href = `/api/v1/appointments/${encodeURIComponent(appointment.id)}/calendar`;
    history.replaceState("done", "", "/book");
    go("done");
  } catch (error) {
    if (error instanceof Problem && error.code === "slot_taken") await timeIsGone();
    else tell("summary-trouble", sentence(error));
  }
}

async function timeIsGone() {
  const words = text("book.gone", { when: instant(new Date(booking.slot), zone) });
  booking.slot = "";
  history.back();
  go("choose");
  tell("notice", words);
  announce(words);
  await load();
}

if (booking.moving) {
  put("choose-title", text("book.move_title"));
  find("#done-title span", HTMLElement).textContent = text("book.moved");
  confirm.textContent = text("book.move_confirm");
  find("#who", HTMLElement).hidden = true;
  find("#why", HTMLElement).hidden = true;
}
void load();
