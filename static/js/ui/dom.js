/** Finding and making elements. Text enters the page as text, never as markup. */

/**
 * @template {Element} T
 * @param {string} selector
 * @param {new (...args: never[]) => T} type
 * @param {ParentNode} [root]
 * @returns {T} the first such element; a page without it is broken, and says so
 */
export function find(selector, type, root = document) {
  const found = root.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`The page has no ${selector}.`);
}

/**
 * @template {Element} T
 * @param {string} selector
 * @param {new (...args: never[]) => T} type
 * @param {ParentNode} [root]
 * @returns {T | null}
 */
export function maybe(selector, type, root = document) {
  const found = root.querySelector(selector);
  return found instanceof type ? found : null;
}

/**
 * Make an element. Keys of `attributes` are attribute names; true gives an empty attribute, false and null none;
 * a function is connected as the listener of the event named by the key.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Readonly<Record<string, string | number | boolean | null | undefined | ((event: Event) => unknown)>>} [attributes]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const SPRITE = new URL("../../icons/sprite.svg", import.meta.url);
const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an icon of the sprite: decoration, hidden from assistive tools.
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE.pathname}#${name}`);
  svg.append(use);
  return svg;
}

/**
 * What the server gave this page.
 * @returns {Readonly<Record<string, unknown>>}
 */
export function pageData() {
  return JSON.parse(find("#page", HTMLScriptElement).textContent || "{}");
}

/**
 * Show one of the states of a part: its children with `data-when` that names the state are shown, the others hidden.
 * @param {Element} part
 * @param {string} state
 */
export function showState(part, state) {
  part.setAttribute("data-state", state);
  for (const child of part.querySelectorAll(":scope > [data-when]")) {
    const states = (child.getAttribute("data-when") ?? "").split(" ");
    child.toggleAttribute("hidden", !states.includes(state));
  }
}

/**
 * Say something to those who listen instead of looking.
 * @param {string} words
 */
export function announce(words) {
  const announcer = maybe("#announcer", HTMLElement);
  if (announcer) announcer.textContent = words;
}

/**
 * Run what a button starts: while it runs the button is busy and a second press does nothing.
 * @param {HTMLButtonElement} button
 * @param {() => Promise<unknown>} work
 */
export async function whileBusy(button, work) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-busy");
  }
}
