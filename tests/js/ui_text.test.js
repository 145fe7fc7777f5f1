import assert from "node:assert/strict";
import { test } from "node:test";
import { register, text } from "../../static/js/ui/text.js";

register({ "t.plain": "Hello, {name}", "t.many": { one: "{count} visit", other: "{count} visits" } });

test("parameters are filled in", () => assert.equal(text("t.plain", { name: "Ana {name}" }), "Hello, Ana {name}"));

test("a missing parameter stays visible", () => assert.equal(text("t.plain"), "Hello, {name}"));

test("the plural form is chosen by the count", () => {
  assert.equal(text("t.many", { count: 1 }), "1 visit");
  assert.equal(text("t.many", { count: 0 }), "0 visits");
});

test("an unknown key is shown as it is", () => assert.equal(text("t.nothing"), "t.nothing"));

test("a later catalogue replaces the earlier", () => {
  register({ "t.plain": "Hallo, {name}" });
  assert.equal(text("t.plain", { name: "Bo" }), "Hallo, Bo");
});
