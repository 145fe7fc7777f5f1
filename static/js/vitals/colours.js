/** The colours of the parameters: which sets there are, and which colour a trace has on this page. */

/** Sets of colours by site (static/css/monitor.css). @type {readonly ["standard", "alternative"]} */
export const PALETTES = ["standard", "alternative"];

/** @typedef {(typeof PALETTES)[number]} Palette */

/** @type {Readonly<Record<string, string>>} */
const PROPERTIES = {
  ecg: "--param-ecg",
  pleth: "--param-spo2",
  pressure: "--param-art",
  pulmonary: "--param-pap",
  venous: "--param-cvp",
  resp: "--param-resp",
  co2: "--param-co2",
};

const PLAIN = "#e8eef2";

/** @param {string | null} stored @returns {Palette} */
export function paletteOf(stored) {
  return PALETTES.find((palette) => palette === stored) ?? "standard";
}

/**
 * The colour in which a trace of this group is drawn there.
 *
 * @param {Element} place
 * @param {string} group
 */
export function colourOf(place, group) {
  const property = PROPERTIES[group];
  if (property === undefined) return PLAIN;
  return getComputedStyle(place).getPropertyValue(property).trim() || PLAIN;
}
