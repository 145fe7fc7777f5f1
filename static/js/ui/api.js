/** The HTTP API: JSON in, JSON out, errors as Problem (RFC 9457); cookies are refreshed once when they ran out. */

import { recall, remember } from "./storage.js";

const TIMEOUT_MS = 15_000;
const REFRESHED = "refreshed_at";

/** What the API refused, or why it could not be reached (`code` offline). `code` is the contract. */
export class Problem extends Error {
  /**
   * @param {number} status 0 if nothing answered
   * @param {string} code
   * @param {string} detail for people
   */
  constructor(status, code, detail) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}

/** @typedef {"GET" | "POST" | "PUT" | "DELETE"} Method */
/** @typedef {{ fetch?: typeof fetch, refresh?: boolean, timeoutMs?: number }} Options */

/**
 * Ask the API.
 * @param {Method} method
 * @param {string} path from `/api/v1` on, for example `/slots?…`
 * @param {unknown} [body]
 * @param {Options} [options] refresh: false for what needs nobody
 * @returns {Promise<any>} the body, or null if there is none
 */
export async function api(method, path, body, options = {}) {
  const response = await answered(method, path, body, options);
  if (response.status === 204) return null;
  return response.json();
}

/**
 * Ask the API for what is no JSON.
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<{ body: ArrayBuffer, header: (name: string) => string }>} header: empty if there is none
 */
export async function apiBytes(path, options = {}) {
  const response = await answered("GET", path, undefined, options);
  return { body: await response.arrayBuffer(), header: (name) => response.headers.get(name) ?? "" };
}

/**
 * @param {Method} method
 * @param {string} path
 * @param {unknown} body
 * @param {Options} options
 * @returns {Promise<Response>}
 */
async function answered(method, path, body, options) {
  const began = Date.now();
  let response = await send(method, path, body, options);
  if (response.status === 401 && options.refresh !== false) {
    if (!(await renewed(began, options))) throw await problemOf(response);
    response = await send(method, path, body, options);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/**
 * Get fresh cookies; one tab at a time, for a refresh token may be used once.
 * @param {number} since a refresh after this instant, by any tab, is fresh enough
 * @param {Options} [options]
 * @returns {Promise<boolean>} whether there are fresh cookies
 */
export async function renewed(since, options = {}) {
  const refresh = async () => {
    if (Number(recall(REFRESHED) ?? 0) >= since) return true;
    const response = await send("POST", "/auth/refresh", { cookies: true }, options);
    if (response.ok) remember(REFRESHED, String(Date.now()));
    return response.ok;
  };
  // Browsers have locks in secure contexts only.
  const locks = globalThis.navigator?.locks;
  return locks ? locks.request("refresh", refresh) : refresh();
}

/**
 * @param {Method} method
 * @param {string} path
 * @param {unknown} body
 * @param {Options} options
 * @returns {Promise<Response>}
 */
async function send(method, path, body, options) {
  const ask = options.fetch ?? fetch;
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    return await ask(`/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),
    });
  } catch (error) {
    const slow = error instanceof DOMException && error.name === "TimeoutError";
    throw new Problem(0, slow ? "timeout" : "offline", "");
  }
}

/**
 * Read a refusal; what is no problem document (a proxy's page) is named by its status.
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
async function problemOf(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (!type.includes("json")) return new Problem(response.status, `http_${response.status}`, "");
  try {
    const { code, detail, title } = await response.json();
    return new Problem(response.status, String(code ?? `http_${response.status}`), String(detail ?? title ?? ""));
  } catch {
    return new Problem(response.status, `http_${response.status}`, "");
  }
}
