/** Draws a strip that stands still on squared paper: 25 mm/s, and 10 mm/mV where it is millivolts. */

import { element } from "../ui/dom.js";
import { extremes, LARGE_MS, LARGE_MV, SMALL_MS, SMALL_MV } from "./caliper.js";
import { colourOf } from "./colours.js";
import { MISSING } from "./messages.js";
import { PX_PER_MM } from "./sweep.js";

/** @import { Frozen } from "./traces.js" */

const MM_PER_S = 25;
const MM_PER_MV = 10;
const LEAST_MM = 20;
const MOST_MM = 60;
const OTHER_MM = 25;

/** Width of a strip in CSS pixels. @param {number} length_ms */
export function stripWidth(length_ms) {
  return Math.round((length_ms / 1000) * MM_PER_S * PX_PER_MM);
}

/**
 * @param {Frozen} frozen
 * @param {number} length_ms
 * @param {Element} place Whose colours it has.
 * @returns {HTMLCanvasElement}
 */
export function drawStrip(frozen, length_ms, place) {
  const { channel, group, strip } = frozen;
  const ratio = Math.min(globalThis.devicePixelRatio || 1, 2);
  const millivolts = channel.unit === "mV";
  const seen = extremes(strip, channel) ?? { low: 0, high: 1 };
  const wanted_mm = (seen.high - seen.low) * MM_PER_MV + 6;
  const height_mm = millivolts ? Math.max(LEAST_MM, Math.min(MOST_MM, Math.ceil(wanted_mm / 5) * 5)) : OTHER_MM;
  const width = stripWidth(length_ms);
  const height = Math.round(height_mm * PX_PER_MM);
  const canvas = element("canvas", { role: "img", "aria-label": channel.label });
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.inlineSize = `${width}px`;
  canvas.style.blockSize = `${height}px`;
  const pen = canvas.getContext("2d");
  if (pen === null) return canvas;
  pen.scale(ratio, ratio);
  const middle = (seen.low + seen.high) / 2;
  const perUnit = millivolts ? MM_PER_MV * PX_PER_MM : (height - 12) / Math.max(seen.high - seen.low, 1e-9);
  grid(pen, { width, height, millivolts });
  curve(pen, frozen, { y: (value) => height / 2 - (value - middle) * perUnit, colour: colourOf(place, group) });
  return canvas;
}

/** @param {CanvasRenderingContext2D} pen @param {{ width: number, height: number, millivolts: boolean }} paper */
function grid(pen, { width, height, millivolts }) {
  const lines = [
    { ms: SMALL_MS, mv: SMALL_MV, colour: "#243036" },
    { ms: LARGE_MS, mv: LARGE_MV, colour: "#3d4e57" },
  ];
  for (const { ms, mv, colour } of lines) {
    pen.beginPath();
    const across = (ms / 1000) * MM_PER_S * PX_PER_MM;
    for (let n = 0; n * across <= width; n += 1) line(pen, n * across, 0, n * across, height);
    const up = mv * MM_PER_MV * PX_PER_MM;
    // From the middle: there lies a large line, and so the squares fit whatever the height.
    const least = -Math.floor(height / 2 / up);
    for (let n = least; millivolts && n <= -least; n += 1) line(pen, 0, height / 2 + n * up, width, height / 2 + n * up);
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    pen.stroke();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} toX @param {number} toY */
function line(pen, x, y, toX, toY) {
  pen.moveTo(Math.round(x) + 0.5, Math.round(y) + 0.5);
  pen.lineTo(Math.round(toX) + 0.5, Math.round(toY) + 0.5);
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {Frozen} frozen
 * @param {{ y: (value: number) => number, colour: string }} how
 */
function curve(pen, { channel, strip }, { y, colour }) {
  const perSample = (MM_PER_S * PX_PER_MM) / strip.rate;
  for (const late of [0, 1]) {
    pen.beginPath();
    let down = false;
    strip.samples.forEach((raw, n) => {
      const there = raw !== MISSING && strip.late[n] === late;
      if (there && down) pen.lineTo(n * perSample, y(raw * channel.gain + channel.offset));
      else if (there) pen.moveTo(n * perSample, y(raw * channel.gain + channel.offset));
      down = there;
    });
    pen.setLineDash(late ? [3, 2] : []);
    pen.globalAlpha = late ? 0.7 : 1;
    pen.lineWidth = 1.5;
    pen.lineJoin = "round";
    pen.strokeStyle = colour;
    pen.stroke();
  }
}
