/** Signing in with e-mail and password. */

import "../i18n/en.js";
import { api } from "../ui/api.js";
import { safeNext } from "../ui/arrival.js";
import { find, pageData } from "../ui/dom.js";
import { connectForm, showFaults } from "../ui/forms.js";
import { sentence } from "../ui/problems.js";
import { text } from "../ui/text.js";

const form = find("#login", HTMLFormElement);

connectForm(form, async ({ email, password }) => {
  try {
    await api("POST", "/auth/login", { email, password, cookies: true }, { refresh: false });
    location.assign(safeNext(pageData()["next"], location.origin));
  } catch (error) {
    const wrong = error instanceof Error && "status" in error && (error.status === 401 || error.status === 400);
    showFaults(form, [{ field: wrong ? "password" : "", message: wrong ? text("login.wrong") : sentence(error) }]);
  }
});
