/** Another camera, microphone or speaker in the middle of a call. */

import { element } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { devices } from "./media.js";

/** @typedef {"camera" | "microphone" | "speaker"} Device */

/** What each is called by the browser. @type {Readonly<Record<Device, MediaDeviceKind>>} */
const KINDS = { camera: "videoinput", microphone: "audioinput", speaker: "audiooutput" };

/** Whether this browser lets a page choose where the sound goes. */
const CHOOSES_SPEAKER = typeof HTMLMediaElement !== "undefined" && "setSinkId" in HTMLMediaElement.prototype;

export class DeviceMenu {
  /**
   * @param {object} options
   * @param {() => Readonly<Record<Device, string>>} options.chosen Ids of what is in use.
   * @param {(device: Device, id: string) => unknown} options.choose
   */
  constructor({ chosen, choose }) {
    this._chosen = chosen;
    const kinds = /** @type {Device[]} */ (Object.keys(KINDS)).filter((kind) => kind !== "speaker" || CHOOSES_SPEAKER);
    this._selects = new Map(kinds.map((kind) => [kind, element("select", { id: `device-${kind}` })]));
    const fields = [...this._selects].map(([kind, select]) => {
      select.addEventListener("change", () => choose(kind, select.value));
      return element("div", { class: "field" }, element("label", { for: select.id }, text(`device.${kind}`)), select);
    });
    const done = element("button", { type: "button", class: "button" }, text("device.done"));
    this._dialog = element(
      "dialog",
      { "aria-labelledby": "device-menu-title" },
      element("h2", { id: "device-menu-title" }, text("device.title")),
      ...fields,
      element("div", { class: "dialog-actions" }, done),
    );
    done.addEventListener("click", () => this._dialog.close());
    this._fresh = () => void this._list();
  }

  async open() {
    if (this._dialog.open) return;
    document.body.append(this._dialog);
    navigator.mediaDevices?.addEventListener?.("devicechange", this._fresh);
    this._dialog.addEventListener("close", () => this._closed(), { once: true });
    this._dialog.showModal();
    await this._list();
  }

  _closed() {
    navigator.mediaDevices?.removeEventListener?.("devicechange", this._fresh);
    this._dialog.remove();
  }

  async _list() {
    const found = await devices();
    const chosen = this._chosen();
    for (const [kind, select] of this._selects) {
      const named = namedOf(found, kind);
      select.replaceChildren(...named.map(({ id, name }) => element("option", { value: id }, name)));
      select.value = chosen[kind];
      if (select.selectedIndex < 0 && kind === "speaker") select.selectedIndex = 0;
      select.disabled = named.length < 2;
    }
  }
}

/**
 * The devices of a kind with a name each; those that the browser does not name are numbered.
 *
 * @param {readonly Pick<MediaDeviceInfo, "deviceId" | "kind" | "label">[]} found
 * @param {Device} kind
 */
export function namedOf(found, kind) {
  return found
    .filter((device) => device.kind === KINDS[kind])
    .map((device, n) => ({ id: device.deviceId, name: device.label || text("check.device", { kind: text(`device.${kind}`), number: n + 1 }) }));
}
