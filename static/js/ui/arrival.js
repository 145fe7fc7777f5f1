/** What links bring: a secret in the fragment, and where to go next. */

/**
 * Take the secret out of the address: it stays in memory, not in the history nor on a photographed screen.
 * @returns {string} empty if there is none
 */
export function takeSecret() {
  const secret = location.hash.slice(1);
  if (secret) history.replaceState(null, "", location.pathname + location.search);
  return secret;
}

/**
 * A place on this site to go on to, whatever the address bar asked for.
 * @param {unknown} next
 * @param {string} origin
 * @returns {string} path of this origin; "/" for anything else
 */
export function safeNext(next, origin) {
  if (typeof next !== "string" || !next.startsWith("/")) return "/";
  try {
    const url = new URL(next, origin);
    return url.origin === origin ? url.pathname + url.search + url.hash : "/";
  } catch {
    return "/";
  }
}
