/** The editor of limits: four numbers for each vital, who set them, and a proposal that nobody applies but a person. */

import { element } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { browserZone, clockTime } from "../ui/time.js";

/** @import { Limit } from "./alarm_messages.js" */
/** @import { Watch } from "./alarms.js" */

/** After how many seconds without a breath there may be an alarm. */
const APNOEA_S = [10, 15, 20, 25, 30, 35, 40];
const SIDES = /** @type {const} */ (["very_low", "low", "high", "very_high"]);

/** @typedef {Readonly<{ vital: string, very_low: number | null, low: number | null, high: number | null, very_high: number | null, apnoea_s?: number | null }>} Edited */

/**
 * @typedef {object} LimitActions
 * @property {(limits: readonly Edited[]) => Promise<void>} set
 * @property {() => Promise<readonly Edited[]>} propose
 */

export class LimitsView {
  /** @param {HTMLElement} root @param {LimitActions} actions */
  constructor(root, actions) {
    this._actions = actions;
    this._of = element("p", { class: "quiet small" });
    this._said = element("p", { class: "small", role: "status" });
    this._rows = element("tbody", {});
    /** @type {Map<string, HTMLInputElement[]>} */
    this._fields = new Map();
    this._apnoea = element("select", { id: "limits-apnoea", change: () => this._touched() }, ...APNOEA_S.map((seconds) => element("option", { value: seconds }, text("limits.seconds", { seconds }))));
    /** @type {ReadonlyMap<string, Limit>} */
    this._known = new Map();
    this._shown = "";
    this._dirty = false;
    const head = element("tr", {}, element("td", {}), ...SIDES.map((side) => element("th", { scope: "col" }, text(`limits.${side}`))));
    const save = element("button", { type: "submit", class: "button", "data-testid": "limits-save" }, text("limits.save"));
    const propose = element(
      "button",
      { type: "button", class: "button button-quiet", click: () => void this._propose() },
      text("limits.propose"),
    );
    const form = element(
      "form",
      {
        submit: (event) => {
          event.preventDefault();
          void this._save();
        },
      },
      element("table", { class: "limits" }, element("thead", {}, head), this._rows),
      element("div", { class: "cluster" }, save, propose),
      this._said,
    );
    form.noValidate = true;
    root.append(this._of, form);
  }

  /** @param {Watch} watch */
  show(watch) {
    const key = JSON.stringify(watch.limits);
    if (key === this._shown || this._dirty) return;
    this._shown = key;
    this._of.textContent = text(watch.ageKnown ? "limits.of" : "limits.age_unknown", { band: watch.band });
    this._fields.clear();
    this._known = new Map(watch.limits.map((limit) => [limit.vital, limit]));
    this._rows.replaceChildren(...watch.limits.flatMap((limit) => (limit.apnoea_s === null ? [this._row(limit)] : [this._row(limit), this._apnoeaRow(limit.apnoea_s)])));
  }

  /** @param {Limit} limit */
  _row(limit) {
    const fields = SIDES.map((side) =>
      element("input", {
        type: "text",
        inputmode: "decimal",
        value: limit[side] === null ? "" : limit[side].toFixed(limit.decimals),
        "aria-label": text("limits.field", { label: limit.label, side: text(`limits.${side}`) }),
        input: () => this._touched(),
      }),
    );
    this._fields.set(limit.vital, fields);
    const who = limit.set_by === "" || limit.set_at === null ? "" : text("limits.set_by", { name: limit.set_by, time: clockTime(new Date(limit.set_at), browserZone()) });
    const name = element("th", { scope: "row" }, limit.label, element("span", { class: "limits-who" }, who));
    return element("tr", { "data-vital": limit.vital }, name, ...fields.map((field) => element("td", {}, field)));
  }

  /** @param {number} seconds */
  _apnoeaRow(seconds) {
    this._apnoea.value = String(seconds);
    const label = element("label", { for: "limits-apnoea" }, text("limits.apnoea"));
    return element("tr", {}, element("th", { scope: "row" }, label), element("td", { colspan: 4 }, this._apnoea));
  }

  _touched() {
    this._dirty = true;
  }

  /** @param {string} vital @param {readonly HTMLInputElement[]} fields @returns {Edited} */
  _edited(vital, fields) {
    const one = edited(vital, fields);
    return typeof this._known.get(vital)?.apnoea_s === "number" ? { ...one, apnoea_s: Number(this._apnoea.value) } : one;
  }

  async _save() {
    const limits = [...this._fields].map(([vital, fields]) => this._edited(vital, fields)).filter((one) => this._differs(one));
    if (limits.length === 0) {
      this._dirty = false;
      this._said.textContent = text("limits.unchanged");
      return;
    }
    try {
      await this._actions.set(limits);
      this._dirty = false;
      this._said.textContent = text("limits.saved");
    } catch (problem) {
      this._said.textContent = problem instanceof Error && problem.message !== "" ? problem.message : text("alarm.failed");
    }
  }

  /** Only what was changed gets a new name beside it. @param {Edited} one */
  _differs(one) {
    const known = this._known.get(one.vital);
    return known === undefined || SIDES.some((side) => known[side] !== one[side]) || (one.apnoea_s ?? null) !== known.apnoea_s;
  }

  async _propose() {
    try {
      const proposal = await this._actions.propose();
      for (const one of proposal) {
        this._fields.get(one.vital)?.forEach((field, n) => {
          const side = SIDES[n];
          if (side) field.value = one[side] === null ? "" : String(one[side]);
        });
      }
      this._dirty = proposal.length > 0;
      this._said.textContent = text(proposal.length > 0 ? "limits.proposed" : "limits.nothing");
    } catch {
      this._said.textContent = text("alarm.failed");
    }
  }
}

/** @param {string} vital @param {readonly HTMLInputElement[]} fields @returns {Edited} */
function edited(vital, fields) {
  const [very_low = null, low = null, high = null, very_high = null] = fields.map((field) => {
    const words = field.value.trim().replace(",", ".");
    return words === "" ? null : Number(words);
  });
  return { vital, very_low, low, high, very_high };
}
