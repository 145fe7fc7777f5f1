/** The key that signs tokens. */

import { api } from "../ui/api.js";
import { confirmed } from "../ui/dialog.js";
import { find, whileBusy } from "../ui/dom.js";
import { sentence } from "../ui/problems.js";
import { text } from "../ui/text.js";

/** @param {(words: string) => void} tell */
export function connectKeys(tell) {
  const button = find("#rotate-keys", HTMLButtonElement);
  const rotate = async () => {
    if (!(await confirmed({ title: text("keys.title"), words: text("keys.words"), yes: text("keys.yes") }))) return;
    try {
      const { kid } = await api("POST", "/keys/rotate", {});
      tell(text("keys.done", { kid }));
    } catch (error) {
      tell(sentence(error));
    }
  };
  button.addEventListener("click", () => void whileBusy(button, rotate));
}
