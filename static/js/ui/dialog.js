/** Questions that stop the page: only for what can't be undone, or what must be read once. */

import { element } from "./dom.js";
import { text } from "./text.js";

/**
 * Show a dialog until one of its buttons is pressed or it is dismissed.
 * @param {{ title: string, body: readonly (Node | string)[], actions: readonly { label: string, value: string, quiet?: boolean }[] }} content
 * @returns {Promise<string>} the value of the button; empty if dismissed
 */
export function ask({ title, body, actions }) {
  const heading = element("h2", { id: "dialog-title" }, title);
  const buttons = actions.map(({ label, value, quiet }) =>
    element("button", { type: "button", class: quiet ? "button button-quiet" : "button", value }, label),
  );
  const dialog = element(
    "dialog",
    { "aria-labelledby": "dialog-title" },
    heading,
    ...body.map((part) => (typeof part === "string" ? element("p", {}, part) : part)),
    element("div", { class: "dialog-actions" }, ...buttons),
  );
  const { promise, resolve } = promised();
  for (const button of buttons) button.addEventListener("click", () => dialog.close(button.value));
  dialog.addEventListener("close", () => {
    resolve(dialog.returnValue);
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
  return promise;
}

/**
 * Ask for a yes; the safe answer is the quiet one and dismissing means no.
 * @param {{ title: string, words: string, yes: string, no?: string }} question
 * @returns {Promise<boolean>}
 */
export async function confirmed({ title, words, yes, no = text("dialog.no") }) {
  const actions = [
    { label: yes, value: "yes" },
    { label: no, value: "no", quiet: true },
  ];
  return (await ask({ title, body: [words], actions })) === "yes";
}

/**
 * Tell something that must be read before going on.
 * @param {{ title: string, words: string, done?: string }} news
 */
export async function told({ title, words, done = text("dialog.close") }) {
  await ask({ title, body: [words], actions: [{ label: done, value: "done" }] });
}

/** @returns {{ promise: Promise<string>, resolve: (value: string) => void }} */
function promised() {
  /** @type {(value: string) => void} */
  let resolve = () => {};
  /** @type {Promise<string>} */
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
