/** Whether this tab was in a visit before it was loaded again. */

/** @param {string} encounter */
export function wasInside(encounter) {
  try {
    return sessionStorage.getItem(`inside:${encounter}`) === "1";
  } catch {
    return false;
  }
}

/** @param {string} encounter @param {boolean} inside */
export function rememberInside(encounter, inside) {
  try {
    if (inside) sessionStorage.setItem(`inside:${encounter}`, "1");
    else sessionStorage.removeItem(`inside:${encounter}`);
  } catch {
    // Without storage a reload shows the check again, which is a detour and no loss.
  }
}
