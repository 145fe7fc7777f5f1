/** Fresh cookies, then on to where the person was going. */

import "../i18n/en.js";
import { renewed } from "../ui/api.js";
import { safeNext } from "../ui/arrival.js";
import { find, pageData } from "../ui/dom.js";
import { sentence } from "../ui/problems.js";

const next = safeNext(pageData()["next"], location.origin);
try {
  const fresh = await renewed(Date.now());
  location.replace(fresh ? next : `/login?next=${encodeURIComponent(next)}`);
} catch (error) {
  const trouble = find("#renew-trouble", HTMLElement);
  trouble.textContent = sentence(error);
  trouble.hidden = false;
}
