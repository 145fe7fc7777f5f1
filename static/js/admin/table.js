/** Tables of the administration: rows of cells, and the quiet buttons at their end. */

import { element, whileBusy } from "../ui/dom.js";
import { sentence } from "../ui/problems.js";

/**
 * @param {readonly (Node | string)[]} cells the first names the row
 * @returns {HTMLTableRowElement}
 */
export function tableRow(cells) {
  const [first = "", ...others] = cells;
  return element("tr", {}, element("td", { class: "row-title" }, first), ...others.map((cell) => element("td", {}, cell)));
}

/**
 * A button that does something and says when it could not.
 * @param {{ label: string, of: string, tell: (words: string) => void, work: () => Promise<unknown> }} action of: the row's name, for those who hear the button alone
 * @returns {HTMLButtonElement}
 */
export function rowButton({ label, of, tell, work }) {
  const button = element("button", { type: "button", class: "button button-quiet button-small", "aria-label": `${label}: ${of}` }, label);
  button.addEventListener("click", () => void whileBusy(button, () => work().catch((error) => tell(sentence(error)))));
  return button;
}
