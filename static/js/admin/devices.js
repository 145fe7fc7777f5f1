/** Devices: add, new credential, revoke, and whom they measure. */

import { api } from "../ui/api.js";
import { ask, confirmed } from "../ui/dialog.js";
import { element, find, icon } from "../ui/dom.js";
import { connectForm, oneLine, showFaults } from "../ui/forms.js";
import { connectList } from "../ui/lists.js";
import { sentence } from "../ui/problems.js";
import { text } from "../ui/text.js";
import { changeSignals } from "./signals.js";
import { rowButton, tableRow } from "./table.js";

/** @typedef {{ id: string, name: string, model: string, simulated: boolean, revoked: boolean, encounter: string | null }} Device */
/** @typedef {(words: string) => void} Tell */

/** @param {Tell} tell */
export function connectDevices(tell) {
  const part = find("#devices", HTMLElement);
  const body = find("tbody", HTMLTableSectionElement, part);
  const load = connectList(part, async () => /** @type {Device[]} */ ((await api("GET", "/devices")).devices), (devices) => {
    body.replaceChildren(...devices.map((device) => row(device, tell, load)));
  });
  const form = find("#add-device", HTMLFormElement);
  connectForm(form, async (values) => {
    const device = { name: oneLine(values["device-name"]), model: oneLine(values["device-model"]), simulated: values["simulated"] === "yes" };
    try {
      const { name, credential } = await api("POST", "/devices", device);
      form.reset();
      await load();
      await showCredential(name, credential);
    } catch (error) {
      showFaults(form, [{ field: "", message: sentence(error) }]);
    }
  });
  void load();
}

/**
 * @param {Device} device
 * @param {Tell} tell
 * @param {() => Promise<void>} load
 * @returns {HTMLTableRowElement}
 */
function row(device, tell, load) {
  const { id, name, model, simulated, revoked, encounter } = device;
  const button = (/** @type {string} */ label, /** @type {() => Promise<unknown>} */ work) => rowButton({ label: text(label), of: name, tell, work });
  const bind = button("device.bind", async () => (await bindTo(device)) && load());
  const free = button("device.free", async () => {
    await api("PUT", `/devices/${id}/association`, { encounter: null });
    await load();
  });
  const rotate = button("device.rotate", () => renewCredential(device));
  const revoke = button("device.revoke", async () => (await revokeNow(device)) && load());
  const state = revoked ? "device.revoked" : simulated ? "device.simulated" : "device.in_use";
  const signals = encounter ? [button("device.signals", () => changeSignals(name, encounter))] : [];
  const actions = revoked ? [] : [encounter ? free : bind, ...signals, rotate, revoke];
  const target = encounter ? element("code", { title: encounter }, encounter.slice(0, 8)) : text("device.nobody");
  const pill = element("span", { class: revoked ? "pill pill-notice" : "pill" }, text(state));
  return tableRow([name, model || "–", target, pill, element("div", { class: "row-actions" }, ...actions)]);
}

/** @param {Device} device */
async function renewCredential({ id, name }) {
  const question = { title: text("device.rotate_title", { name }), words: text("device.rotate_words"), yes: text("device.rotate") };
  if (!(await confirmed(question))) return;
  const { credential } = await api("POST", `/devices/${id}/rotate`, {});
  await showCredential(name, credential);
}

/** @param {Device} device @returns {Promise<boolean>} */
async function revokeNow({ id, name }) {
  const question = { title: text("device.revoke_title", { name }), words: text("device.revoke_words"), yes: text("device.revoke") };
  if (!(await confirmed(question))) return false;
  await api("POST", `/devices/${id}/revoke`, {});
  return true;
}

/** @param {Device} device @returns {Promise<boolean>} */
async function bindTo({ id, name }) {
  const input = element("input", { id: "bind-encounter", autocomplete: "off", spellcheck: "false", class: "mono" });
  const label = element("label", { for: "bind-encounter" }, text("device.bind_label"));
  const actions = [
    { label: text("device.bind"), value: "yes" },
    { label: text("dialog.no"), value: "no", quiet: true },
  ];
  const answer = await ask({ title: text("device.bind_title", { name }), body: [element("div", { class: "field" }, label, input)], actions });
  if (answer !== "yes") return false;
  await api("PUT", `/devices/${id}/association`, { encounter: input.value.trim() });
  return true;
}

/**
 * The one time that a credential is seen.
 * @param {string} name
 * @param {string} credential
 */
async function showCredential(name, credential) {
  const input = element("input", { readonly: true, value: credential, "aria-label": text("device.credential") });
  const copy = element("button", { type: "button", class: "button button-quiet" }, icon("copy"), text("device.copy"));
  copy.addEventListener("click", async () => {
    input.select();
    await navigator.clipboard.writeText(credential).catch(() => undefined);
    copy.replaceChildren(icon("check"), text("device.copied"));
  });
  await ask({
    title: text("device.credential_title", { name }),
    body: [text("device.credential_words"), element("div", { class: "secret" }, input, copy)],
    actions: [{ label: text("device.credential_done"), value: "done" }],
  });
}
