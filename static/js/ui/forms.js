/** Forms: what is wrong stands at the field and in a summary above, which gets the focus. */

import { element, find, maybe } from "./dom.js";
import { text } from "./text.js";

/** @typedef {{ field: string, message: string }} Fault */
/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Control */

/**
 * Take the browser's own checks over, so that they are worded and placed by us.
 * @param {HTMLFormElement} form
 * @param {(values: Readonly<Record<string, string>>) => Promise<unknown>} submit
 */
export function connectForm(form, submit) {
  form.noValidate = true;
  let busy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    const faults = faultsOf(form);
    showFaults(form, faults);
    if (faults.length > 0) return;
    const button = maybe("button[type=submit]", HTMLButtonElement, form);
    busy = true;
    button?.setAttribute("aria-busy", "true");
    try {
      await submit(values(form));
    } finally {
      busy = false;
      button?.removeAttribute("aria-busy");
    }
  });
}

/**
 * @param {HTMLFormElement} form
 * @returns {Readonly<Record<string, string>>}
 */
export function values(form) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const [name, value] of new FormData(form)) if (typeof value === "string") found[name] = value;
  return found;
}

/**
 * What the API takes as one line: line breaks become spaces.
 * @param {string | undefined} words
 * @returns {string}
 */
export function oneLine(words) {
  return (words ?? "").replace(/\s+/g, " ").trim();
}

/**
 * @param {HTMLFormElement} form
 * @returns {Fault[]}
 */
function faultsOf(form) {
  return controls(form)
    .filter((control) => !control.validity.valid)
    .map((control) => ({ field: control.name, message: faultMessage(control.validity, labelOf(control), control) }));
}

/**
 * Word what is wrong with a value.
 * @param {Readonly<Pick<ValidityState, "valueMissing" | "typeMismatch" | "tooShort">>} validity
 * @param {string} label
 * @param {{ type: string, minLength?: number }} control
 * @returns {string}
 */
export function faultMessage(validity, label, control) {
  if (validity.valueMissing) return text("form.missing", { label });
  if (validity.typeMismatch && control.type === "email") return text("form.email");
  if (validity.tooShort) return text("form.short", { label, count: control.minLength ?? 0 });
  return text("form.wrong", { label });
}

/**
 * Show the faults; a fault of no field (`field` empty) stands in the summary alone.
 * @param {HTMLFormElement} form
 * @param {readonly Fault[]} faults
 */
export function showFaults(form, faults) {
  for (const control of controls(form)) {
    const fault = faults.find(({ field }) => field === control.name);
    const message = maybe(`#${CSS.escape(control.id)}-error`, HTMLElement, form);
    control.closest(".field")?.toggleAttribute("data-invalid", fault !== undefined);
    if (fault) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
    if (!message) continue;
    message.textContent = fault?.message ?? "";
    message.hidden = fault === undefined;
  }
  const summary = find(".error-summary", HTMLElement, form);
  summary.hidden = faults.length === 0;
  find("ul", HTMLUListElement, summary).replaceChildren(...faults.map((fault) => item(form, fault)));
  if (faults.length > 0) summary.focus();
}

/**
 * @param {HTMLFormElement} form
 * @param {Fault} fault
 * @returns {HTMLLIElement}
 */
function item(form, fault) {
  const control = controls(form).find(({ name }) => name === fault.field);
  if (!control) return element("li", {}, fault.message);
  const go = (/** @type {Event} */ event) => {
    event.preventDefault();
    control.focus();
  };
  return element("li", {}, element("a", { href: `#${control.id}`, click: go }, fault.message));
}

/**
 * @param {HTMLFormElement} form
 * @returns {Control[]}
 */
function controls(form) {
  /** @type {Control[]} */
  const found = [];
  for (const part of form.elements) if (isControl(part) && part.name) found.push(part);
  return found;
}

/**
 * @param {Element} part
 * @returns {part is Control}
 */
function isControl(part) {
  return (
    part instanceof HTMLInputElement || part instanceof HTMLTextAreaElement || part instanceof HTMLSelectElement
  );
}

/**
 * @param {Control} control
 * @returns {string}
 */
function labelOf(control) {
  const label = control.labels?.[0];
  return label?.firstChild?.textContent?.trim() ?? control.name;
}
