import assert from "node:assert/strict";
import { test } from "node:test";
import "../../static/js/i18n/en.js";
import { safeNext } from "../../static/js/ui/arrival.js";
import { Problem } from "../../static/js/ui/api.js";
import { faultMessage, oneLine } from "../../static/js/ui/forms.js";
import { sentence } from "../../static/js/ui/problems.js";
import { effective } from "../../static/js/ui/theme.js";
import { roomUrl } from "../../static/js/ui/visit.js";

test("one goes on within this site only", () => {
  const here = "https://clinic.example";
  assert.equal(safeNext("/rooms/ab?x=1#now", here), "/rooms/ab?x=1#now");
  for (const bad of ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", null, 7]) {
    assert.equal(safeNext(bad, here), "/");
  }
});

test("a switch overrides the system's theme, anything else does not", () => {
  assert.equal(effective("day", true), "day");
  assert.equal(effective("room", false), "room");
  assert.equal(effective(null, true), "room");
  assert.equal(effective("purple", false), "day");
});

test("a known code has our words, an unknown one the server's, a stranger neither", () => {
  assert.match(sentence(new Problem(0, "offline", "")), /no connection/);
  assert.equal(sentence(new Problem(409, "new_code", "Too late.")), "Too late.");
  assert.match(sentence(new Problem(500, "http_500", "")), /wrong on our side/);
  assert.match(sentence(new RangeError("?")), /wrong on our side/);
});

test("what is wrong with a field is worded", () => {
  const none = { valueMissing: false, typeMismatch: false, tooShort: false };
  assert.equal(faultMessage({ ...none, valueMissing: true }, "Password", { type: "password" }), "Enter: Password");
  assert.match(faultMessage({ ...none, typeMismatch: true }, "E-mail", { type: "email" }), /name@example/);
  assert.equal(faultMessage({ ...none, tooShort: true }, "Password", { type: "password", minLength: 15 }), "Password must have at least 15 characters");
  assert.equal(faultMessage(none, "Day", { type: "date" }), "Check: Day");
});

test("several lines become one", () => assert.equal(oneLine(" a\n\tb  c\u2028"), "a b c"));

test("the address of a room carries nothing but the encounter", () => {
  assert.equal(roomUrl("ab/../c"), "/rooms/ab%2F..%2Fc");
  assert.equal(roomUrl("ab", true), "/rooms/ab#now");
});
