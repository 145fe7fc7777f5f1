/**
 * Reads unknown JSON strictly: each function returns the value in its type, or throws `Unreadable` with the place.
 *
 * A message that is not as `docs/protocol.md` says is dropped whole: half a roster is worse than the last good one.
 */

/** The text or object is not what the protocol says. */
export class Unreadable extends Error {}

/** @typedef {Readonly<Record<string, unknown>>} Fields */

/** @param {unknown} value @param {string} place @returns {Fields} */
export function fields(value, place) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Unreadable(`${place} is no object`);
  return /** @type {Fields} */ (value);
}

/** @param {string} json @returns {Fields} */
export function object(json) {
  /** @type {unknown} */
  let value;
  try {
    value = JSON.parse(json);
  } catch {
    throw new Unreadable("this is not JSON");
  }
  return fields(value, "the message");
}

/** @param {Fields} from @param {string} name @returns {string} */
export function text(from, name) {
  const value = from[name];
  if (typeof value !== "string") throw new Unreadable(`${name} is no text`);
  return value;
}

/** @param {Fields} from @param {string} name @returns {number} */
export function number(from, name) {
  const value = from[name];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Unreadable(`${name} is no number`);
  return value;
}

/** @param {Fields} from @param {string} name @returns {number | null} */
export function numberOrNull(from, name) {
  return from[name] === null || from[name] === undefined ? null : number(from, name);
}

/** @param {Fields} from @param {string} name @returns {boolean} */
export function flag(from, name) {
  const value = from[name];
  if (typeof value !== "boolean") throw new Unreadable(`${name} is neither true nor false`);
  return value;
}

/**
 * @template {string} T
 * @param {Fields} from
 * @param {string} name
 * @param {readonly T[]} choices
 * @returns {T}
 */
export function choice(from, name, choices) {
  const found = choices.find((allowed) => allowed === from[name]);
  if (found === undefined) throw new Unreadable(`${name} is none of ${choices.join(", ")}`);
  return found;
}

/**
 * @template T
 * @param {Fields} from
 * @param {string} name
 * @param {(item: Fields) => T} read
 * @returns {readonly T[]}
 */
export function list(from, name, read) {
  const value = from[name];
  if (!Array.isArray(value)) throw new Unreadable(`${name} is no list`);
  return value.map((item) => read(fields(item, name)));
}

/** @param {Fields} from @param {string} name @returns {readonly string[]} */
export function texts(from, name) {
  const value = from[name];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
    throw new Unreadable(`${name} is no list of texts`);
  }
  return value;
}

/**
 * What TypeScript knows cannot happen; a newer server may do it all the same.
 *
 * @param {never} value
 * @returns {never}
 */
export function unreachable(value) {
  throw new Unreadable(`unexpected: ${JSON.stringify(value)}`);
}
