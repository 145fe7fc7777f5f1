/** What can be typed: by its code, in the units that displays show. */

/**
 * @typedef {Readonly<{ name: string, fields: readonly { name: "value" | "systolic" | "diastolic", mdc: number }[],
 *   units: readonly { code: string, shown: string }[] }>} TypedParameter
 */

/** @type {readonly TypedParameter[]} */
export const TYPED = [
  { name: "temperature", fields: [{ name: "value", mdc: 150364 }], units: [unit("Cel", "°C"), unit("[degF]", "°F")] },
  {
    name: "pressure",
    fields: [
      { name: "systolic", mdc: 150021 },
      { name: "diastolic", mdc: 150022 },
    ],
    units: [unit("mm[Hg]", "mmHg"), unit("kPa", "kPa")],
  },
  { name: "pulse", fields: [{ name: "value", mdc: 149514 }], units: [unit("/min", "/min")] },
  { name: "spo2", fields: [{ name: "value", mdc: 150456 }], units: [unit("%", "%")] },
  { name: "breaths", fields: [{ name: "value", mdc: 151562 }], units: [unit("/min", "/min")] },
  { name: "glucose", fields: [{ name: "value", mdc: 160184 }], units: [unit("mg/dL", "mg/dL"), unit("mmol/L", "mmol/L")] },
  { name: "weight", fields: [{ name: "value", mdc: 188736 }], units: [unit("kg", "kg"), unit("[lb_av]", "lb")] },
];

/** @param {string} code @param {string} shown */
function unit(code, shown) {
  return { code, shown };
}

/** A number as people type it: with a comma or a point. @param {string} words @returns {number | null} */
export function typedNumber(words) {
  const plain = words.trim().replace(",", ".");
  return /^\d{1,5}(\.\d{1,3})?$/.test(plain) ? Number(plain) : null;
}
