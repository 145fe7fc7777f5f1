/** A crew's phone: own cases, and a new one in at most three taps. */

import "../i18n/en.js";
import { Calling, proposed } from "../ambulance/calling.js";
import { caseRow, fillMonitors } from "../ambulance/view.js";
import { Problem, api } from "../ui/api.js";
import { confirmed, told } from "../ui/dialog.js";
import { announce, find, showState, whileBusy } from "../ui/dom.js";
import { values } from "../ui/forms.js";
import { connectList } from "../ui/lists.js";
import { sentence } from "../ui/problems.js";
import { recall, remember } from "../ui/storage.js";
import { text } from "../ui/text.js";
import { enterRoom, roomUrl } from "../ui/visit.js";

/** @typedef {import("../ambulance/calling.js").Case} Case */
/** @typedef {import("../ambulance/calling.js").Device} Device */

const MONITOR = "monitor";
const part = find("#ambulance", HTMLElement);
const form = find("#case", HTMLFormElement);
const ring = find("#ring", HTMLButtonElement);
const monitor = find("#monitor", HTMLSelectElement);
const trouble = find("#trouble", HTMLElement);
const openAnyway = find("#open-anyway", HTMLAnchorElement);
const cases = find("#open-cases", HTMLElement);
let calling = new Calling();

const load = connectList(cases, async () => /** @type {Case[]} */ ((await api("GET", "/cases")).cases), (found) => {
  find("ul", HTMLUListElement, cases).replaceChildren(...found.map((one) => caseRow(one, { now: Date.now(), act })));
});

/** @param {string} words empty hides it */
function tell(words) {
  trouble.textContent = words;
  trouble.hidden = words === "";
}

/** @type {(what: "enter" | "ring" | "close", one: Case, button: HTMLButtonElement) => void} */
function act(what, one, button) {
  void whileBusy(button, async () => {
    if (what === "enter") return enterRoom(one.encounter, { now: true });
    const question = { title: text("ambulance.sure"), words: text("ambulance.sure_words"), yes: text("ambulance.sure_yes") };
    if (what === "close" && !(await confirmed(question))) return;
    try {
      await api("POST", `/cases/${one.id}/${what}`, {});
      if (what === "ring") return enterRoom(one.encounter, { now: true });
    } catch (error) {
      await told({ title: text("ambulance.failed"), words: sentence(error) });
    }
    return load();
  });
}

const newCase = find("#new-case", HTMLButtonElement);
newCase.addEventListener("click", () => {
  calling = new Calling();
  tell("");
  openAnyway.hidden = true;
  showState(part, "form");
  find("#case-title", HTMLElement).focus();
});

find("#back-to-cases", HTMLButtonElement).addEventListener("click", () => {
  showState(part, "cases");
  void load();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void whileBusy(ring, ringNow);
});

async function ringNow() {
  tell("");
  remember(MONITOR, monitor.value || null);
  const { complaint = "other", acuity = "yellow", age_band = "unknown" } = values(form);
  try {
    const outcome = await calling.ring({ complaint, acuity, age_band }, monitor.value);
    if (outcome === "nobody_on_call") return nobody();
    if (outcome === "rung_without_monitor") await told({ title: text("ambulance.rung"), words: text("ambulance.no_monitor"), done: text("ambulance.enter") });
    enterRoom(calling.opened?.encounter ?? "", { now: true });
  } catch (error) {
    const offline = error instanceof Problem && error.status === 0;
    tell(offline ? text("ambulance.offline") : sentence(error));
  }
}

function nobody() {
  tell(text("ambulance.nobody"));
  openAnyway.href = roomUrl(calling.opened?.encounter ?? "", true);
  openAnyway.hidden = false;
}

async function loadMonitors() {
  /** @type {Device[]} */
  const devices = (await api("GET", "/devices")).devices.filter((/** @type {Device} */ device) => !device.revoked);
  fillMonitors(monitor, devices, proposed(devices, recall(MONITOR)));
}

// Until here a press would have been lost, and a crew doesn't press twice.
newCase.disabled = false;
void load();
// Without the list the crew can still ring; a monitor is bound from the room then.
loadMonitors().catch((error) => announce(sentence(error)));
