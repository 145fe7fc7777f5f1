/** Scores with their age and what they lack, and the few things that only people can see. */

import { element } from "../ui/dom.js";
import { knows, text } from "../ui/text.js";
import { browserZone, clockTime } from "../ui/time.js";
import { entryOf, missing, oldestAt, scoreOf } from "./alarms.js";
import { ageWords } from "./numerics.js";

/** @import { EntryKind, RhythmSeen, Score, ScoreInput, ScoreKind } from "./alarm_messages.js" */
/** @import { Watch } from "./alarms.js" */

/** @type {readonly ScoreKind[]} */
const KINDS = ["news2", "pews", "shock_index", "mews"];
/** @type {readonly (readonly [EntryKind, readonly string[]])[]} */
const CHOICES = [
  ["consciousness", ["A", "C", "V", "P", "U"]],
  ["oxygen", ["no", "yes"]],
  ["spo2_scale", ["1", "2"]],
];

/**
 * @typedef {object} ScoreActions
 * @property {() => void} now
 * @property {(on: boolean) => void} rhythm
 * @property {(entries: Readonly<Record<string, string | number | boolean>>) => void} enter
 */

export class ScoreView {
  /** @param {HTMLElement} root @param {ScoreActions} actions @param {{ mayScale: boolean }} options */
  constructor(root, actions, { mayScale }) {
    this._tiles = new Map(KINDS.map((kind) => [kind, tile(kind)]));
    /** @type {Map<EntryKind, { field: HTMLSelectElement, by: HTMLElement }>} */
    this._entries = new Map();
    const rows = CHOICES.map(([kind, values]) => {
      const label = element("span", {}, text(`entry.${kind}`));
      const field = element("select", { disabled: kind === "spo2_scale" && !mayScale });
      field.addEventListener("change", () => actions.enter({ [kind]: sent(kind, field.value) }));
      field.append(option("", text("entry.unknown")), ...values.map((value) => option(value, text(`entry.${kind}.${value}`))));
      const by = element("span", { class: "quiet small" });
      this._entries.set(kind, { field, by });
      return element("label", { class: "entry-row" }, label, field, by);
    });
    const now = element("button", { type: "button", class: "button button-quiet", "data-testid": "score-now", click: actions.now }, text("score.now"));
    this._follow = element("input", { type: "checkbox", "data-testid": "rhythm-check" });
    this._follow.addEventListener("change", () => actions.rhythm(this._follow.checked));
    this._rhythm = element("p", { class: "rhythm small", role: "status" });
    const follow = element("label", { class: "rhythm-row" }, this._follow, ` ${text("rhythm.check")}`);
    root.append(element("div", { class: "score-tiles" }, ...[...this._tiles.values()].map((one) => one.root)), now, ...rows, follow, this._rhythm);
  }

  /** @param {Watch} watch @param {number} now */
  show(watch, now) {
    for (const [kind, drawn] of this._tiles) write(drawn, scoreOf(watch, kind), now);
    this._showRhythm(watch);
    for (const [kind, { field, by }] of this._entries) {
      const known = entryOf(watch, kind);
      if (document.activeElement !== field) field.value = known?.value ?? "";
      const words = known === null ? "" : text("entry.by", { name: known.by, time: clockTime(new Date(known.at), browserZone()) });
      if (by.textContent !== words) by.textContent = words;
    }
  }

  /** @param {Watch} watch */
  _showRhythm({ rhythm }) {
    const on = rhythm?.on === true;
    if (document.activeElement !== this._follow) this._follow.checked = on;
    const words = rhythm !== null && on ? rhythmWords(rhythm) : "";
    this._rhythm.toggleAttribute("data-differs", rhythm?.checked === false && on);
    if (this._rhythm.textContent !== words) this._rhythm.textContent = words;
  }
}

/** What the beats say, in words that claim nothing. @param {RhythmSeen} seen @returns {string} */
function rhythmWords(seen) {
  if (seen.rate === null) return [text("rhythm.waiting"), ...seen.hints.map((hint) => text(`rhythm.hint.${hint}`))].join(" · ");
  const rate = Math.round(seen.rate);
  if (seen.checked === false) return text("rhythm.differs", { device: seen.device_rate ?? "", rate });
  const hints = seen.hints.map((hint) => text(`rhythm.hint.${hint}`));
  const variability = seen.rmssd_ms === null ? [] : [text("rhythm.variability", { ms: Math.round(seen.rmssd_ms) })];
  return [...(seen.demo ? [text("alarm.demo")] : []), text("rhythm.rate", { rate }), ...variability, ...hints].join(" · ");
}

/** @param {EntryKind} kind @param {string} value */
function sent(kind, value) {
  if (kind === "oxygen") return value === "yes";
  return kind === "spo2_scale" ? Number(value) : value;
}

/** @param {string} value @param {string} words */
function option(value, words) {
  return element("option", { value, disabled: value === "" }, words);
}

/** @typedef {{ root: HTMLElement, total: HTMLElement, band: HTMLElement, notes: HTMLElement, inputs: HTMLElement, shown: string }} DrawnScore */

/** @param {ScoreKind} kind @returns {DrawnScore} */
function tile(kind) {
  const total = element("span", { class: "score-total" });
  const band = element("span", { class: "score-band" });
  const notes = element("span", { class: "score-notes" });
  const head = element("span", { class: "score-name" }, text(`score.${kind}`));
  const inputs = element("ul", { class: "plain-list score-inputs" });
  const details = element("details", { class: "score-details" }, element("summary", {}, text("score.inputs")), inputs);
  return { root: element("div", { class: "score", "data-testid": `score-${kind}` }, head, total, band, notes, details), total, band, notes, inputs, shown: "" };
}

/** @param {DrawnScore} drawn @param {Score | null} score @param {number} now */
function write(drawn, score, now) {
  drawn.root.hidden = score === null && drawn.root.dataset["testid"] !== "score-news2";
  drawn.root.dataset["band"] = score?.band ?? "";
  const total = score === null ? text("score.none") : score.complete ? String(score.total) : text("score.at_least", { total: score.total });
  const words = score === null ? "" : scoreNotes(score, now).join(" · ");
  const band = score === null ? "" : text(`score.band.${score.band}`);
  for (const [place, shown] of /** @type {const} */ ([[drawn.total, total], [drawn.band, band], [drawn.notes, words]])) {
    if (place.textContent !== shown) place.textContent = shown;
  }
  const lines = (score?.inputs ?? []).map((input) => inputWords(input, now, score?.kind !== "shock_index"));
  const key = lines.join("\n");
  if (drawn.shown === key) return;
  drawn.shown = key;
  drawn.inputs.replaceChildren(...lines.map((line) => element("li", {}, line)));
}

/**
 * One input with its points (a ratio has none), its age and where it comes from.
 *
 * @param {ScoreInput} input
 * @param {number} now
 * @param {boolean} pointed
 */
function inputWords({ name, value, points, taken_at, source }, now, pointed) {
  const label = text(`score.input.${name}`);
  if (points === null) return `${label}: ${text("score.input.missing")}`;
  const spoken = `entry.${name}.${value}`;
  const age = taken_at === null ? [] : [ageWords(Math.max(0, now - taken_at))].map((one) => text(one.key, { count: one.count }));
  const scored = pointed ? [text("score.points", { count: points })] : [];
  return [`${label} ${knows(spoken) ? text(spoken) : value}`, ...scored, ...age, source].join(" · ");
}

/** @param {Score} score @param {number} now */
function scoreNotes(score, now) {
  const lacking = missing(score).map((name) => text(`score.input.${name}`));
  const oldest = oldestAt(score);
  const age = oldest === null ? null : ageWords(now - oldest);
  return [
    ...(score.demo ? [text("alarm.demo")] : []),
    ...(score.complete ? [] : [text("score.incomplete", { names: lacking.join(", ") })]),
    text("score.issued", { time: clockTime(new Date(score.at), browserZone()) }),
    ...(age === null ? [] : [text("score.oldest", { age: text(age.key, { count: age.count }) })]),
    score.variant,
  ];
}
