/** A demonstration link signs its person in at once. */

import "../i18n/en.js";
import { api } from "../ui/api.js";
import { safeNext, takeSecret } from "../ui/arrival.js";
import { find, showState } from "../ui/dom.js";
import { sentence } from "../ui/problems.js";
import { text } from "../ui/text.js";
import { rememberVisit } from "../ui/visit.js";

const part = find("#demo", HTMLElement);

/** @param {string} words */
function refuse(words) {
  find("#refused-reason", HTMLElement).textContent = words;
  showState(part, "refused");
  find("#refused-title", HTMLElement).focus();
}

async function enter() {
  const secret = takeSecret();
  if (!secret) {
    refuse(text("join.incomplete"));
    return;
  }
  showState(part, "entering");
  try {
    const { url } = await api("POST", "/demo/enter", { secret }, { refresh: false });
    const room = /^\/rooms\/([0-9a-f]+)/.exec(String(url));
    rememberVisit(room?.[1] ?? null);
    location.replace(safeNext(url, location.origin));
  } catch (error) {
    refuse(sentence(error));
  }
}

addEventListener("hashchange", () => {
  if (location.hash) void enter();
});
void enter();
