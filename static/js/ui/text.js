/** Visible text by key: catalogues are registered by the pages, `text` fills in the parameters. */

/** @typedef {string | Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>} Phrase */
/** @typedef {Readonly<Record<string, string | number>>} Params */

/** @type {Map<string, Phrase>} */
const phrases = new Map();

/**
 * Add phrases; a later catalogue (a translation) replaces the earlier.
 * @param {Readonly<Record<string, Phrase>>} catalogue
 */
export function register(catalogue) {
  for (const [key, phrase] of Object.entries(catalogue)) phrases.set(key, phrase);
}

/** @returns {boolean} whether there is such a phrase
 * @param {string} key */
export function knows(key) {
  return phrases.has(key);
}

/**
 * Return the phrase of the key with `{name}` replaced; a phrase with plural forms is chosen by `count`.
 * An unknown key is returned as it is: wrong, but visible.
 * @param {string} key
 * @param {Params} [params]
 * @returns {string}
 */
export function text(key, params = {}) {
  const phrase = phrases.get(key);
  if (phrase === undefined) return key;
  const chosen = typeof phrase === "string" ? phrase : plural(phrase, Number(params["count"] ?? 0));
  return chosen.replace(/\{(\w+)\}/g, (whole, name) => String(params[name] ?? whole));
}

/**
 * @param {Exclude<Phrase, string>} phrase
 * @param {number} count
 * @returns {string}
 */
function plural(phrase, count) {
  const rule = new Intl.PluralRules(language()).select(count);
  return phrase[rule] ?? phrase.other;
}

/** @returns {string} the language of the page */
export function language() {
  return (typeof document !== "undefined" && document.documentElement.lang) || "en";
}
