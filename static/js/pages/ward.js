/** The ward: up to twelve patients who are measured now, the worst first. */

import "../i18n/en.js";
import "../i18n/en_alarms.js";
import "../i18n/en_display.js";
import "../i18n/en_room.js";
import { api } from "../ui/api.js";
import { find, pageData, showState } from "../ui/dom.js";
import { sentence } from "../ui/problems.js";
import { text } from "../ui/text.js";
import { dressPage } from "../vitals/display.js";
import { parseTables } from "../vitals/numerics.js";
import { Bed } from "../ward/bed.js";
import { ordered, parseWard } from "../ward/order.js";

const AGAIN_MS = 15_000;
const AGE_MS = 1000;
/** A patient who has just pressed something shall not slip away from under the finger. */
const REORDER_MS = 5000;

const ward = find("#ward", HTMLElement);
const list = find("#beds", HTMLElement);
const trouble = find("#trouble", HTMLElement);
const count = find("#ward-count", HTMLElement);
const tables = parseTables(pageData()["vitals"]);
/** @type {Map<string, Bed>} */
const beds = new Map();
let orderedAt = 0;

function reorder() {
  const now = performance.now();
  if (now - orderedAt < REORDER_MS || list.matches(":hover, :focus-within")) return;
  orderedAt = now;
  arrange();
}

function arrange() {
  const wanted = ordered([...beds.values()]);
  wanted.forEach((bed, place) => {
    if (list.children[place] !== bed.root) list.insertBefore(bed.root, list.children[place] ?? null);
  });
}

async function refresh() {
  try {
    const found = parseWard(await api("GET", "/ward"));
    trouble.hidden = true;
    const there = new Set(found.beds.map((bed) => bed.encounter));
    for (const [encounter, bed] of beds) {
      if (there.has(encounter)) continue;
      bed.stop();
      beds.delete(encounter);
    }
    for (const one of found.beds) {
      if (beds.has(one.encounter)) continue;
      const bed = new Bed(one, { tables, onChange: reorder });
      beds.set(one.encounter, bed);
      list.append(bed.root);
      bed.start();
      bed.show();
    }
    arrange();
    showState(ward, beds.size > 0 ? "filled" : "empty");
    count.textContent = text("ward.count", { count: beds.size + found.more });
  } catch (error) {
    trouble.textContent = sentence(error);
    trouble.hidden = false;
  }
}

function paint() {
  for (const bed of beds.values()) bed.paint();
  requestAnimationFrame(paint);
}

dressPage();
void refresh();
setInterval(() => void refresh(), AGAIN_MS);
setInterval(() => {
  for (const bed of beds.values()) bed.show();
  reorder();
}, AGE_MS);
requestAnimationFrame(paint);
