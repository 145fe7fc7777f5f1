/** The dialog in which a reading is added: by a sensor, by typing, by a photo; none is a second choice. */

import { Problem } from "../ui/api.js";
import { element } from "../ui/dom.js";
import { sentence } from "../ui/problems.js";
import { text } from "../ui/text.js";
import { TYPED, typedNumber } from "./typed_values.js";

/** @import { Bluetooth, Sensor } from "../vitals/bluetooth.js" */
/** @import { TypedParameter } from "./typed_values.js" */

/** @typedef {{ mdc: number, value: number, unit: string }} TypedValue */
/**
 * @typedef {object} Ways
 * @property {Bluetooth | null} bluetooth
 * @property {(bluetooth: Bluetooth) => Promise<Sensor | null>} pair
 * @property {(values: TypedValue[]) => Promise<void>} typed
 * @property {(file: Blob) => Promise<void>} photo
 */

export class AddReading {
  /** @param {Ways} ways */
  constructor(ways) {
    this._ways = ways;
    this._note = element("p", { role: "status", class: "quiet" });
    /** @type {HTMLDialogElement} */
    this._dialog = element(
      "dialog",
      { "aria-labelledby": "add-reading-title", class: "add-reading", "data-testid": "add-reading-dialog" },
      element("h2", { id: "add-reading-title" }, text("bedside.title")),
      this._bySensor(),
      this._byTyping(),
      this._byPhoto(),
      this._note,
      element(
        "div",
        { class: "dialog-actions" },
        element("button", { type: "button", class: "button button-quiet", click: () => this._dialog.close() }, text("bedside.done")),
      ),
    );
    this._dialog.addEventListener("close", () => this._dialog.remove());
  }

  open() {
    document.body.append(this._dialog);
    this._dialog.showModal();
  }

  _bySensor() {
    const { bluetooth } = this._ways;
    const head = element("h3", {}, text("bedside.pair.title"));
    if (bluetooth === null) return element("section", {}, head, element("p", {}, text("bedside.pair.none")));
    const press = element("button", { type: "button", class: "button", "data-testid": "pair-sensor" }, text("bedside.pair"));
    press.addEventListener("click", () => void this._pair(bluetooth));
    return element("section", {}, head, element("p", { class: "quiet small" }, text("bedside.pair.words")), press);
  }

  /** @param {Bluetooth} bluetooth */
  async _pair(bluetooth) {
    try {
      if ((await this._ways.pair(bluetooth)) !== null) this._dialog.close();
    } catch {
      this._note.textContent = text("bedside.pair.failed");
    }
  }

  _byTyping() {
    const choose = select(
      "typed-parameter",
      TYPED.map(({ name }) => [name, text(`bedside.parameter.${name}`)]),
    );
    const fields = element("div", { class: "typed-fields" });
    const form = element(
      "form",
      { novalidate: true, "data-testid": "typed-form" },
      field("typed-parameter", text("bedside.parameter"), choose),
      fields,
      element("button", { type: "submit", class: "button" }, text("bedside.typed.send")),
    );
    const chosen = () => TYPED.find(({ name }) => name === choose.value) ?? TYPED[0];
    const show = () => fields.replaceChildren(...inputs(chosen()));
    choose.addEventListener("change", show);
    show();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this._type(form, chosen());
    });
    return element("section", {}, element("h3", {}, text("bedside.typed.title")), form);
  }

  /** @param {HTMLFormElement} form @param {TypedParameter | undefined} parameter */
  async _type(form, parameter) {
    if (!parameter) return;
    const given = new FormData(form);
    const unit = String(given.get("typed-unit") ?? "");
    /** @type {TypedValue[]} */
    const values = [];
    for (const { name, mdc } of parameter.fields) {
      const input = form.elements.namedItem(`typed-${name}`);
      const value = typedNumber(String(given.get(`typed-${name}`) ?? ""));
      if (!(input instanceof HTMLInputElement)) return;
      if (value === null) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      if (value === null) {
        input.focus();
        return;
      }
      values.push({ mdc, value, unit });
    }
    await this._ways.typed(values);
    this._note.textContent = text("bedside.typed.sent");
    for (const input of form.querySelectorAll("input")) input.value = "";
  }

  _byPhoto() {
    const input = element("input", { type: "file", id: "reading-photo", accept: "image/*", capture: "environment" });
    input.addEventListener("change", () => void this._photo(input));
    return element(
      "section",
      {},
      element("h3", {}, text("bedside.photo.title")),
      field("reading-photo", text("bedside.photo"), input),
    );
  }

  /** @param {HTMLInputElement} input */
  async _photo(input) {
    const file = input.files?.[0];
    if (!file) return;
    this._note.textContent = text("bedside.photo.sending");
    try {
      await this._ways.photo(file);
      this._note.textContent = text("bedside.photo.sent");
    } catch (error) {
      const reason = error instanceof Problem ? sentence(error) : text("bedside.reason.other");
      this._note.textContent = text("bedside.photo.failed", { reason });
    }
    input.value = "";
  }
}

/** @param {TypedParameter | undefined} parameter */
function inputs(parameter) {
  if (!parameter) return [];
  const numbers = parameter.fields.map(({ name }) => {
    const input = element("input", { id: `typed-${name}`, name: `typed-${name}`, inputmode: "decimal", autocomplete: "off" });
    return field(`typed-${name}`, text(`bedside.${name}`), input);
  });
  const units = parameter.units.map(({ code, shown }) => /** @type {const} */ ([code, shown]));
  return [...numbers, field("typed-unit", text("bedside.unit"), select("typed-unit", units))];
}

/** @param {string} id @param {string} label @param {HTMLElement} control */
function field(id, label, control) {
  return element("div", { class: "field" }, element("label", { for: id }, label), control);
}

/** @param {string} id @param {readonly (readonly [string, string])[]} options */
function select(id, options) {
  const made = options.map(([value, shown]) => element("option", { value }, shown));
  return element("select", { id, name: id }, ...made);
}
