/** How the work list looks: one row, one action. */

import { element, find } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { clockTime, elapsed } from "../ui/time.js";
import { roomUrl } from "../ui/visit.js";

/** @typedef {import("./messages.js").Ringing} Ringing */
/** @typedef {import("./messages.js").Waiting} Waiting */
/** @typedef {import("./messages.js").Today} Today */

/**
 * @param {Ringing} call
 * @param {(answer: "accept" | "decline", call: Ringing, button: HTMLButtonElement) => void} answer
 * @returns {HTMLLIElement}
 */
export function callRow(call, answer) {
  const what = text(`complaint.${call.complaint}`);
  const accept = element("button", { type: "button", class: "button button-large", "data-testid": "accept-button" }, text("worklist.accept"));
  const decline = element("button", { type: "button", class: "button button-quiet button-large" }, text("worklist.decline"));
  accept.addEventListener("click", () => answer("accept", call, accept));
  decline.addEventListener("click", () => answer("decline", call, decline));
  return element(
    "li",
    { class: "call" },
    element(
      "div",
      { class: "row-main" },
      element("p", { class: `acuity acuity-${call.acuity}` }, text(`acuity.${call.acuity}`)),
      element("p", { class: "row-title" }, what, call.age_band === "unknown" ? "" : ` · ${text(`age.${call.age_band}`)}`),
      element("p", {}, call.paramedic, " · ", element("span", { "data-since": call.since })),
    ),
    element("div", { class: "row-actions" }, accept, decline),
  );
}

/**
 * @param {Waiting} person
 * @param {(person: Waiting, button: HTMLButtonElement) => void} open
 * @returns {HTMLLIElement}
 */
export function waitingRow(person, open) {
  const button = element("button", { type: "button", class: "button", "data-testid": "open-button" }, person.mine ? text("worklist.open") : text("worklist.take"));
  button.append(element("span", { class: "visually-hidden" }, ` ${person.patient}`));
  button.addEventListener("click", () => open(person, button));
  return element(
    "li",
    { class: "row" },
    element(
      "div",
      { class: "row-main" },
      element("p", { class: "row-title" }, person.patient),
      element("p", { class: "quiet" }, text(`kind.${person.kind}`), person.reason ? ` · ${person.reason}` : ""),
    ),
    element("span", { class: "pill" }, element("span", { "data-since": person.since })),
    element("div", { class: "row-actions" }, button),
  );
}

/**
 * @param {Today} visit
 * @param {string} zone
 * @returns {HTMLLIElement}
 */
export function todayRow(visit, zone) {
  const link = element("a", { class: "button button-quiet", href: roomUrl(visit.encounter) }, text("worklist.go"));
  link.append(element("span", { class: "visually-hidden" }, ` ${visit.patient}`));
  return element(
    "li",
    { class: "row" },
    element("span", { class: "row-time" }, clockTime(new Date(visit.starts_at), zone)),
    element(
      "div",
      { class: "row-main" },
      element("p", { class: "row-title" }, visit.patient),
      element("p", { class: "quiet" }, visit.reason || text(`kind.${visit.kind}`)),
    ),
    element("span", { class: visit.status === "in-progress" ? "pill pill-good" : "pill" }, text(`status.${visit.status}`)),
    element("div", { class: "row-actions" }, link),
  );
}

/**
 * Say in each row how long somebody has waited.
 * @param {ParentNode} root
 * @param {number} now on the server's clock
 */
export function showWaits(root, now) {
  for (const place of root.querySelectorAll("[data-since]")) {
    const words = text("worklist.since", { time: elapsed(now - Number(place.getAttribute("data-since"))) });
    if (place.textContent !== words) place.textContent = words;
  }
}

/**
 * A line for the person: something happened that needs no answer.
 * @param {string} id
 * @param {string} words empty hides it
 */
export function tell(id, words) {
  const place = find(`#${id}`, HTMLElement);
  place.hidden = words === "";
  if (place.textContent !== words) place.textContent = words;
}

/**
 * The number of those who want something, in the title of the window.
 * @param {number} count
 */
export function badge(count) {
  const plain = document.title.replace(/^\(\d+\) /, "");
  const title = count > 0 ? `(${count}) ${plain}` : plain;
  if (document.title !== title) document.title = title;
}
