/** People: list, add, disable. */

import { Problem, api } from "../ui/api.js";
import { confirmed } from "../ui/dialog.js";
import { element, find } from "../ui/dom.js";
import { connectForm, oneLine, showFaults } from "../ui/forms.js";
import { connectList } from "../ui/lists.js";
import { sentence } from "../ui/problems.js";
import { text } from "../ui/text.js";
import { rowButton, tableRow } from "./table.js";

/** @typedef {{ id: string, email: string, name: string, role: string, disabled: boolean }} User */

/** @param {(words: string) => void} tell */
export function connectUsers(tell) {
  const part = find("#users", HTMLElement);
  const body = find("tbody", HTMLTableSectionElement, part);
  const load = connectList(part, async () => /** @type {User[]} */ ((await api("GET", "/users")).users), (users) => {
    body.replaceChildren(...users.map((user) => row(user, tell, load)));
  });
  const form = find("#add-user", HTMLFormElement);
  connectForm(form, async (values) => {
    const name = oneLine(values["user-name"]);
    const { "user-email": email, "user-role": role, "user-password": password, "user-zone": time_zone } = values;
    try {
      await api("POST", "/users", { name, email, role, password, time_zone });
      form.reset();
      tell(text("user.added", { name }));
    } catch (error) {
      const weak = error instanceof Problem && error.code === "weak_password";
      showFaults(form, [{ field: weak ? "user-password" : "", message: sentence(error) }]);
    }
    await load();
  });
  void load();
}

/**
 * @param {User} user
 * @param {(words: string) => void} tell
 * @param {() => Promise<void>} load
 * @returns {HTMLTableRowElement}
 */
function row({ id, name, email, role, disabled }, tell, load) {
  const disable = rowButton({
    label: text("user.disable"),
    of: name,
    tell,
    work: async () => {
      const question = { title: text("user.disable_title", { name }), words: text("user.disable_words"), yes: text("user.disable") };
      if (!(await confirmed(question))) return;
      await api("POST", `/users/${id}/disable`, {});
      await load();
    },
  });
  const pill = element("span", { class: disabled ? "pill pill-notice" : "pill" }, text(disabled ? "user.disabled" : "user.active"));
  const actions = element("div", { class: "row-actions" });
  if (!disabled) actions.append(disable);
  return tableRow([name, email, text(`role.${role}`), pill, actions]);
}
