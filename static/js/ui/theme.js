/** The two themes, day and room (dark): the system decides, a switch overrides it. */

import { recall, remember } from "./storage.js";

const KEY = "theme";

/** @typedef {"day" | "room"} Theme */

/**
 * Say which theme is shown.
 * @param {string | null} chosen what the switch said last
 * @param {boolean} systemIsDark
 * @returns {Theme}
 */
export function effective(chosen, systemIsDark) {
  if (chosen === "day" || chosen === "room") return chosen;
  return systemIsDark ? "room" : "day";
}

/**
 * Connect a button that changes between the themes; it disappears where a page has a theme of its own.
 * @param {HTMLButtonElement} button
 */
export function connectThemeSwitch(button) {
  const root = document.documentElement;
  if (!root.hasAttribute("data-theme-switchable")) {
    button.hidden = true;
    return;
  }
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    const theme = effective(recall(KEY), system.matches);
    button.setAttribute("aria-pressed", String(theme === "room"));
  };
  button.addEventListener("click", () => {
    const next = effective(recall(KEY), system.matches) === "room" ? "day" : "room";
    remember(KEY, next);
    root.setAttribute("data-theme", next);
    show();
  });
  system.addEventListener("change", show);
  show();
}
