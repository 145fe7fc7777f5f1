/** The last minutes of the main numbers as small curves: a gap stays a gap, what came late is dotted. */

import { element } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { MINUTES, pieces } from "./recording.js";

/** @import { Origin, Part, TileSpec } from "./numerics.js" */
/** @import { Point, Recording } from "./recording.js" */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600;
const HEIGHT = 60;
const RIM = 4;
/** Which numbers, and how much of its unit a curve spans at least: noise shall not look like a crisis. */
const SHOWN = new Map([
  ["heart-rate", 40],
  ["spo2", 10],
  ["resp-rate", 20],
  ["nibp", 60],
  ["art", 60],
]);

/** @typedef {{ spec: TileSpec, root: HTMLElement, svg: SVGSVGElement, range: HTMLElement }} Drawn */
/** @typedef {Readonly<{ from: Origin, points: readonly Point[] }>} Series */
/** Where an alarm began, for a mark on the curve of its number. @typedef {Readonly<{ tile: string, at: number, priority: string }>} AlarmMark */

export class Trends {
  /**
   * @param {HTMLElement} place
   * @param {{ specs: readonly TileSpec[], recording: Recording }} options
   */
  constructor(place, { specs, recording }) {
    this._recording = recording;
    this._drawn = specs.filter((spec) => SHOWN.has(spec.key)).map(made);
    place.replaceChildren(...this._drawn.map((one) => one.root));
  }

  /** @param {number} now @param {readonly AlarmMark[]} [alarms] */
  show(now, alarms = []) {
    const period = { from: now - MINUTES * 60_000, until: now };
    for (const one of this._drawn) {
      const series = one.spec.parts.slice(0, 2).map((part) => best(part, this._recording, period)).filter((found) => found !== null);
      one.root.hidden = series.length === 0;
      if (series.length > 0) draw(one, series, { ...period, alarms: alarms.filter((alarm) => alarm.tile === one.spec.key) });
    }
  }
}

/** @param {TileSpec} spec @returns {Drawn} */
function made(spec) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const range = element("span", { class: "trend-range" });
  const caption = element("figcaption", {}, element("span", { class: "trend-label" }, spec.label), range);
  const root = element("figure", { class: `trend vital vital-${spec.group}`, hidden: true, "data-testid": `trend-${spec.key}` }, caption);
  root.append(svg);
  return { spec, root, svg, range };
}

/** The source that a tile would prefer, of those that have measured. @param {Part} part @param {Recording} recording @param {{ from: number, until: number }} period @returns {Series | null} */
function best(part, recording, { from, until }) {
  for (const origin of part.sources) {
    const points = recording.series(origin.mdc, from, until);
    if (points.some((point) => point.value !== null)) return { from: origin, points };
  }
  return null;
}

/** @param {Drawn} one @param {readonly Series[]} series @param {{ from: number, until: number, alarms: readonly AlarmMark[] }} period */
function draw(one, series, period) {
  const values = series.flatMap(({ points }) => points.map((point) => point.value)).filter((value) => value !== null);
  const decimals = series[0]?.from.decimals ?? 0;
  const seen = { low: Math.min(...values), high: Math.max(...values) };
  const spare = Math.max(0, (SHOWN.get(one.spec.key) ?? 0) - (seen.high - seen.low)) / 2;
  const scale = { low: seen.low - spare, high: seen.high + spare };
  const x = (/** @type {number} */ at) => ((at - period.from) / (period.until - period.from)) * WIDTH;
  const y = (/** @type {number} */ value) =>
    HEIGHT - RIM - ((value - scale.low) / Math.max(scale.high - scale.low, 1e-9)) * (HEIGHT - 2 * RIM);
  const marks = period.alarms.filter(({ at }) => at >= period.from).map(({ at, priority }) => alarmMark(x(at), priority));
  one.svg.replaceChildren(...marks, ...series.flatMap((found) => curves(found, { x, y })));
  const words = { low: seen.low.toFixed(decimals), high: seen.high.toFixed(decimals) };
  one.range.textContent = text("vitals.trend.range", words);
  const now = series.map(({ points }) => points.filter((point) => point.value !== null).at(-1)?.value?.toFixed(decimals) ?? "-?-").join("/");
  one.svg.setAttribute("aria-label", text("vitals.trend.now", { label: one.spec.label, unit: one.spec.unit_label, now, ...words }));
}

/** @param {Series} series @param {{ x: (at: number) => number, y: (value: number) => number }} place */
function curves({ from, points }, { x, y }) {
  // What is measured now and then is a row of points, and no line says what lay between.
  const joined_ms = from.interval_s === 0 ? 0 : Math.max(5000, 3000 * from.interval_s);
  const found = [];
  for (const late of [false, true]) {
    const chosen = points.map((point) => (point.late === late ? point : { ...point, value: null }));
    const strokes = pieces(chosen, joined_ms).map((piece) => {
      const [first] = piece;
      if (first === undefined) return "";
      const rest = piece.slice(1).map((point) => `L${x(point.taken_at).toFixed(1)} ${y(point.value).toFixed(1)}`);
      const start = `M${x(first.taken_at).toFixed(1)} ${y(first.value).toFixed(1)}`;
      // A line of no length is a dot, by its round ends.
      return rest.length === 0 ? `${start}l0 0` : start + rest.join("");
    });
    if (strokes.length > 0) found.push(path(strokes.join(""), late ? "trend-line trend-late" : "trend-line"));
  }
  return found;
}

/** @param {number} x @param {string} priority */
function alarmMark(x, priority) {
  return path(`M${x.toFixed(1)} 0V${HEIGHT}`, `trend-alarm trend-alarm-${priority}`);
}

/** @param {string} d @param {string} name */
function path(d, name) {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("d", d);
  made.setAttribute("class", name);
  made.setAttribute("vector-effect", "non-scaling-stroke");
  return made;
}
