/** An invitation: the secret of the link opens the visit, on a press and never by itself. */

import "../i18n/en.js";
import { api } from "../ui/api.js";
import { safeNext, takeSecret } from "../ui/arrival.js";
import { find, showState, whileBusy } from "../ui/dom.js";
import { sentence } from "../ui/problems.js";
import { text } from "../ui/text.js";
import { rememberVisit } from "../ui/visit.js";

const part = find("#join", HTMLElement);
const button = find("#open-visit", HTMLButtonElement);
const title = find("#refused-title", HTMLElement);
const reason = find("#refused-reason", HTMLElement);
let secret = "";

/** @param {string} words */
function refuse(words) {
  reason.textContent = words;
  showState(part, "refused");
  title.focus();
}

function arrive() {
  secret = takeSecret() || secret;
  button.disabled = secret === "";
  if (secret) showState(part, "ready");
  else refuse(text("join.incomplete"));
}

async function open() {
  try {
    const { url, encounter } = await api("POST", "/invitations/open", { secret }, { refresh: false });
    rememberVisit(String(encounter));
    location.replace(safeNext(url, location.origin));
  } catch (error) {
    refuse(sentence(error));
  }
}

button.addEventListener("click", () => whileBusy(button, open));
const retry = find("#retry", HTMLButtonElement);
retry.addEventListener("click", () => (secret ? whileBusy(retry, open) : refuse(text("join.incomplete"))));
// A link opened in a tab that shows this page changes the fragment alone.
addEventListener("hashchange", arrive);
arrive();
