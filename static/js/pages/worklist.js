/** A practitioner's work list, live: ringing ambulances, those who wait, and today. */

import "../i18n/en.js";
import { calling, hasArrival, soundDue } from "../worklist/arrivals.js";
import { WorklistLine } from "../worklist/line.js";
import { badge, callRow, showWaits, tell, todayRow, waitingRow } from "../worklist/view.js";
import { Problem, api } from "../ui/api.js";
import { announce, find, icon, showState, whileBusy } from "../ui/dom.js";
import { showRows } from "../ui/keyed.js";
import { sentence } from "../ui/problems.js";
import { Chime } from "../ui/sound.js";
import { text } from "../ui/text.js";
import { browserZone, zoneName } from "../ui/time.js";
import { enterRoom } from "../ui/visit.js";

/** @typedef {import("../worklist/messages.js").Worklist} Worklist */

const chime = new Chime();
const onCall = find("#on-call", HTMLButtonElement);
const soundHint = find("#sound", HTMLButtonElement);
const ringing = find("#ringing", HTMLElement);
const waiting = find("#waiting", HTMLElement);
const today = find("#today", HTMLElement);
const zone = today.dataset["zone"] || browserZone();
/** @type {ReadonlySet<string> | null} */
let before = null;
let lastSound = 0;
let clockSkew = 0;

/** @param {Worklist} list */
function show(list) {
  clockSkew = list.server_time - Date.now();
  onCall.disabled = false;
  onCall.setAttribute("aria-checked", String(list.on_call));
  ringing.hidden = list.ringing.length === 0;
  showRows(find("ul", HTMLElement, ringing), list.ringing, { key: (call) => call.case, make: (call) => callRow(call, answer) });
  showRows(find("ul", HTMLElement, waiting), list.waiting, {
    key: (person) => `${person.encounter} ${person.mine}`,
    make: (person) => waitingRow(person, open),
  });
  showRows(find("ul", HTMLElement, today), list.today, {
    key: (visit) => `${visit.encounter} ${visit.status} ${visit.starts_at}`,
    make: (visit) => todayRow(visit, zone),
  });
  showState(waiting, list.waiting.length > 0 ? "filled" : "empty");
  showState(today, list.today.length > 0 ? "filled" : "empty");
  showWaits(document, Date.now() + clockSkew);
  notice(list);
}

/** @param {Worklist} list */
function notice(list) {
  const after = calling(list);
  badge(after.size);
  if (hasArrival(before, after)) {
    announce(text("worklist.arrival", { ringing: list.ringing.length, waiting: list.waiting.length }));
    if (soundDue(Date.now(), lastSound)) {
      lastSound = Date.now();
      chime.play();
    }
  }
  before = after;
}

/** @type {(answer: "accept" | "decline", call: import("../worklist/messages.js").Ringing, button: HTMLButtonElement) => void} */
function answer(what, call, button) {
  void whileBusy(button, () =>
    attempt(async () => {
      await api("POST", `/cases/${call.case}/${what}`, {});
      if (what === "accept") enterRoom(call.encounter, { now: true });
    }),
  );
}

/** @type {(person: import("../worklist/messages.js").Waiting, button: HTMLButtonElement) => void} */
function open(person, button) {
  void whileBusy(button, () =>
    attempt(async () => {
      if (!person.mine) await api("POST", `/queue/${person.encounter}/take`, {});
      enterRoom(person.encounter, { now: true });
    }),
  );
}

/** @param {() => Promise<void>} work */
async function attempt(work) {
  tell("trouble", "");
  try {
    await work();
  } catch (error) {
    const late = error instanceof Problem && error.code === "already_accepted";
    tell("trouble", late ? error.detail || text("worklist.late") : sentence(error));
  }
}

onCall.addEventListener("click", () =>
  whileBusy(onCall, () =>
    attempt(async () => {
      const { on } = await api("PUT", "/on-call", { on: onCall.getAttribute("aria-checked") !== "true" });
      onCall.setAttribute("aria-checked", String(on));
    }),
  ),
);

// A browser lets a page sound only after a press, so any press will do. Not at its beginning: what moved then would
// slip away from under the finger.
const unlock = async () => {
  if (chime.ready) return;
  await chime.unlock();
  if (chime.ready) soundHint.replaceChildren(icon("sound"), text("worklist.sound"));
};
soundHint.hidden = false;
addEventListener("click", unlock);
addEventListener("keydown", unlock);
soundHint.addEventListener("click", () => void unlock().then(() => chime.play()));

find("#today-zone", HTMLElement).textContent = text("worklist.zone", { zone: zoneName(zone, new Date()) });
const line = new WorklistLine(show, (state) => tell("line", state === "live" || state === "connecting" ? "" : text(`line.${state}`)));
void line.open();
setInterval(() => showWaits(document, Date.now() + clockSkew), 10_000);
