/** What every page has: the theme switch, signing out, and the way back to an open visit. */

import "../i18n/en.js";
import { api } from "../ui/api.js";
import { maybe, whileBusy } from "../ui/dom.js";
import { connectThemeSwitch } from "../ui/theme.js";
import { openVisit, rememberVisit } from "../ui/visit.js";

const themeSwitch = maybe("#theme-switch", HTMLButtonElement);
if (themeSwitch) connectThemeSwitch(themeSwitch);

const signOut = maybe("#sign-out", HTMLButtonElement);
signOut?.addEventListener("click", () =>
  whileBusy(signOut, async () => {
    rememberVisit(null);
    try {
      await api("POST", "/auth/logout", {}, { refresh: false });
    } finally {
      location.assign("/login");
    }
  }),
);

const strip = maybe("#return-to-visit", HTMLElement);
if (strip?.hidden && signOut) {
  const url = await openVisit();
  const link = maybe("a", HTMLAnchorElement, strip);
  if (url && link) {
    link.href = url;
    strip.hidden = false;
  }
}
