/** A strip that stands still, and a caliper on it; what is live goes on behind it. */

import { element, find } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { browserZone, clockSeconds } from "../ui/time.js";
import { measure, moved } from "./caliper.js";
import { drawStrip, stripWidth } from "./strip.js";

/** @import { Frozen } from "./traces.js" */

const ALL = "all";
const LENGTHS_S = [10, 20, 30];

export class Freeze {
  /**
   * @param {HTMLElement} root
   * @param {{ take: (seconds: number) => { until: number, traces: readonly Frozen[] }, onClose: () => void }} options
   */
  constructor(root, { take, onClose }) {
    this._root = root;
    this._take = take;
    this._onClose = onClose;
    /** @type {readonly Frozen[]} */
    this._traces = [];
    this._until = 0;
    this._seconds = 10;
    /** Times of the marks, in the server's time. */
    this._marks = [0, 0];
    this._title = find(".strip-title", HTMLElement, root);
    this._which = find("#strip-which", HTMLSelectElement, root);
    this._length = find("#strip-length", HTMLSelectElement, root);
    this._paper = find(".strip-paper", HTMLElement, root);
    this._result = find("#strip-result", HTMLElement, root);
    this._cursors = [this._cursor(0), this._cursor(1)];
    this._length.replaceChildren(...LENGTHS_S.map((s) => element("option", { value: s }, text("vitals.strip.seconds", { count: s }))));
    this._which.addEventListener("change", () => this._draw());
    this._length.addEventListener("change", () => {
      this._seconds = Number(this._length.value);
      this._draw();
    });
    find("#strip-close", HTMLButtonElement, root).addEventListener("click", () => this.close());
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  get open() {
    return !this._root.hidden;
  }

  /** Stop the last seconds and show them. */
  show() {
    const { until, traces } = this._take(LENGTHS_S.at(-1) ?? 30);
    this._until = until;
    this._traces = traces;
    const leads = traces.filter((one) => one.channel.unit === "mV");
    const options = traces.map((one) => element("option", { value: one.key }, one.channel.label));
    const all = leads.length > 1 ? [element("option", { value: ALL }, text("vitals.strip.all"))] : [];
    this._which.replaceChildren(...options, ...all);
    this._root.hidden = false;
    this._title.textContent = text("vitals.strip.title", { time: clockSeconds(new Date(until), browserZone()) });
    this._draw();
    this._cursors[0]?.focus({ preventScroll: true });
  }

  close() {
    if (!this.open) return;
    this._root.hidden = true;
    this._paper.replaceChildren();
    this._traces = [];
    this._onClose();
  }

  get _from() {
    return this._until - this._seconds * 1000;
  }

  get _shown() {
    const all = this._which.value === ALL;
    return this._traces.filter((one) => (all ? one.channel.unit === "mV" : one.key === this._which.value));
  }

  _draw() {
    const length_ms = this._seconds * 1000;
    const rows = this._shown.map((one) => {
      const strip = cut(one, this._from);
      const label = element("span", { class: `strip-label trace-${one.group}` }, element("span", { class: "trace-label" }, one.channel.label));
      return element("div", { class: "strip-row" }, label, drawStrip(strip, length_ms, this._root));
    });
    this._paper.replaceChildren(...rows, ...this._cursors);
    this._paper.style.inlineSize = `${stripWidth(length_ms)}px`;
    this._marks = [this._until - 3000, this._until - 2000];
    const scroller = this._paper.parentElement;
    if (scroller) scroller.scrollLeft = scroller.scrollWidth;
    this._measure();
  }

  /** @param {0 | 1} which @returns {HTMLElement} */
  _cursor(which) {
    const cursor = element("div", {
      class: "caliper",
      role: "slider",
      tabindex: "0",
      "data-mark": which,
      "aria-label": text(`vitals.strip.mark.${which}`),
      "aria-valuemin": 0,
    });
    cursor.addEventListener("keydown", (event) => this._key(event, which));
    cursor.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      cursor.setPointerCapture(event.pointerId);
      cursor.focus({ preventScroll: true });
    });
    cursor.addEventListener("pointermove", (event) => {
      if (cursor.hasPointerCapture(event.pointerId)) this._drag(event.clientX, which);
    });
    return cursor;
  }

  /** @param {number} x @param {0 | 1} which */
  _drag(x, which) {
    const box = this._paper.getBoundingClientRect();
    const part = Math.max(0, Math.min(1, (x - box.left) / box.width));
    this._marks[which] = this._from + part * this._seconds * 1000;
    this._measure();
  }

  /** @param {KeyboardEvent} event @param {0 | 1} which */
  _key(event, which) {
    const step = 1000 / (this._shown[0]?.strip.rate ?? 250);
    const mark = { at: this._marks[which] ?? 0, from: this._from, until: this._until, shift: event.shiftKey, step };
    const at = moved(event.key, mark);
    if (at === null) return;
    event.preventDefault();
    this._marks[which] = at;
    this._measure();
    this._cursors[which]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  _measure() {
    const length_ms = this._seconds * 1000;
    this._cursors.forEach((cursor, n) => {
      const at = (this._marks[n] ?? 0) - this._from;
      cursor.style.insetInlineStart = `${(at / length_ms) * 100}%`;
      cursor.setAttribute("aria-valuemax", String(length_ms));
      cursor.setAttribute("aria-valuenow", String(Math.round(at)));
      cursor.setAttribute("aria-valuetext", text("vitals.strip.at", { ms: Math.round(at) }));
    });
    const marks = { from: this._marks[0] ?? 0, to: this._marks[1] ?? 0 };
    const [first] = this._shown;
    if (first === undefined) return;
    const { apart_ms, per_minute } = measure(first.strip, first.channel, marks);
    const changes = this._shown.map(({ channel, strip }) => {
      const { change } = measure(strip, channel, marks);
      const amount = change === null ? "-?-" : `${change.toFixed(2)} ${channel.unit === "1" ? "" : channel.unit}`.trim();
      return this._shown.length > 1 ? `${channel.label} ${amount}` : amount;
    });
    const rate = per_minute === null ? "-?-" : per_minute.toFixed(0);
    this._result.textContent = text("vitals.strip.result", { ms: Math.round(apart_ms), rate, change: changes.join(", ") });
  }
}

/** The last part of a frozen trace. @param {Frozen} frozen @param {number} from @returns {Frozen} */
function cut(frozen, from) {
  const { strip } = frozen;
  const skip = Math.max(0, Math.ceil(((from - strip.starts_at) * strip.rate) / 1000));
  const starts_at = strip.starts_at + (skip * 1000) / strip.rate;
  return { ...frozen, strip: { ...strip, starts_at, samples: strip.samples.subarray(skip), late: strip.late.subarray(skip) } };
}
