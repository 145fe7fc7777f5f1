import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Problem, api } from "../../static/js/ui/api.js";

/** @type {Map<string, string>} */
const kept = new Map();

beforeEach(() => {
  kept.clear();
  Object.defineProperty(globalThis, "localStorage", {
    configurable: true,
    value: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => kept.set(key, value),
      removeItem: (key) => kept.delete(key),
    },
  });
});

/** Answers in turn, and remembers what was asked. */
function server(...answers) {
  const asked = [];
  const fetch = async (url, { method, body }) => {
    asked.push(`${method} ${url} ${body ?? ""}`.trim());
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { asked, fetch };
}

const json = (body, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
const refusal = (status, code, detail = "") =>
  new Response(JSON.stringify({ status, code, detail }), { status, headers: { "Content-Type": "application/problem+json" } });

test("a body comes back as it is", async () => {
  const { asked, fetch } = server(json({ name: "Ana" }));
  assert.deepEqual(await api("GET", "/me", undefined, { fetch }), { name: "Ana" });
  assert.deepEqual(asked, ["GET /api/v1/me"]);
});

test("no content is null", async () => {
  const { fetch } = server(new Response(null, { status: 204 }));
  assert.equal(await api("POST", "/auth/logout", {}, { fetch }), null);
});

test("a refusal carries its code", async () => {
  const { fetch } = server(refusal(409, "slot_taken", "Taken."));
  await assert.rejects(api("POST", "/appointments", {}, { fetch }), { name: "Problem", status: 409, code: "slot_taken", detail: "Taken." });
});

test("a page of a proxy is a refusal named by its status", async () => {
  const { fetch } = server(new Response("<h1>Bad gateway</h1>", { status: 502, headers: { "Content-Type": "text/html" } }));
  await assert.rejects(api("GET", "/me", undefined, { fetch }), { status: 502, code: "http_502" });
});

test("a JSON refusal that cannot be read is named by its status", async () => {
  const { fetch } = server(new Response("{", { status: 500, headers: { "Content-Type": "application/json" } }));
  await assert.rejects(api("GET", "/me", undefined, { fetch }), { code: "http_500" });
});

test("no network is told apart from a refusal", async () => {
  const { fetch } = server(new TypeError("failed"));
  await assert.rejects(api("GET", "/me", undefined, { fetch }), (error) => error instanceof Problem && error.code === "offline");
});

test("cookies that ran out are refreshed once, and the request is sent again", async () => {
  const { asked, fetch } = server(refusal(401, "unauthenticated"), json({}), json({ name: "Ana" }));
  assert.deepEqual(await api("GET", "/me", undefined, { fetch }), { name: "Ana" });
  assert.deepEqual(asked, ["GET /api/v1/me", 'POST /api/v1/auth/refresh {"cookies":true}', "GET /api/v1/me"]);
});

test("a second refusal after the refresh is final", async () => {
  const { asked, fetch } = server(refusal(401, "unauthenticated"), json({}), refusal(401, "unauthenticated"));
  await assert.rejects(api("GET", "/me", undefined, { fetch }), { status: 401 });
  assert.equal(asked.length, 3);
});

test("a refused refresh leaves the first refusal", async () => {
  const { fetch } = server(refusal(401, "unauthenticated", "Please sign in."), refusal(401, "token_reused"));
  await assert.rejects(api("GET", "/me", undefined, { fetch }), { code: "unauthenticated", detail: "Please sign in." });
});

test("signing in does not refresh", async () => {
  const { asked, fetch } = server(refusal(401, "wrong_credentials"));
  await assert.rejects(api("POST", "/auth/login", {}, { fetch, refresh: false }), { code: "wrong_credentials" });
  assert.equal(asked.length, 1);
});

test("a refresh by another tab meanwhile is enough", async () => {
  kept.set("refreshed_at", String(Date.now() + 1000));
  const { asked, fetch } = server(refusal(401, "unauthenticated"), json({}));
  await api("GET", "/me", undefined, { fetch });
  assert.deepEqual(asked, ["GET /api/v1/me", "GET /api/v1/me"]);
});
