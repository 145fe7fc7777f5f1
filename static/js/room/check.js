/** The device check before joining: picture, level, connection; each failure with its own sentence and a way on. */

import { element, find, icon } from "../ui/dom.js";
import { knows, text } from "../ui/text.js";
import { waysOn } from "./local_errors.js";
import { devices } from "./media.js";
import { Level } from "./level.js";

/** @import { Problem, Wish } from "./local_errors.js" */
/** @import { LocalMedia } from "./media.js" */

const SLOW_MS = 800;

export class DeviceCheck {
  /**
   * @param {HTMLElement} root
   * @param {LocalMedia} media
   */
  constructor(root, media) {
    this._root = root;
    this._media = media;
    this._preview = find("#preview", HTMLVideoElement, root);
    this._problem = find("#check-problem", HTMLElement, root);
    this._level = new Level(find("#level", HTMLElement, root));
    /** @type {Promise<Problem | null> | null} */
    this._taking = null;
    for (const source of /** @type {const} */ (["camera", "microphone"])) {
      const select = this._select(source);
      select.addEventListener("change", () => void this._choose(source, select.value));
    }
  }

  /** Begin all three checks. */
  start() {
    void this._tryConnection();
    void this.take("all");
  }

  /** Wait for a request under way, so that joining does not ask twice. */
  async settled() {
    await this._taking;
  }

  stop() {
    this._level.stop();
    this._preview.srcObject = null;
  }

  /** Follow the tracks as they are now. */
  refresh() {
    const camera = this._media.track("camera");
    const shown = this._preview.srcObject instanceof MediaStream ? this._preview.srcObject.getVideoTracks()[0] : null;
    if ((camera ?? null) !== (shown ?? null)) {
      this._preview.srcObject = camera === null ? null : new MediaStream([camera]);
      if (camera !== null) void this._preview.play().catch(() => undefined);
    }
    this._root.toggleAttribute("data-mirrored", this._media.facing === "user");
    this._level.follow(this._media.track("microphone"));
  }

  /** @param {Wish} wish */
  async take(wish) {
    this._problem.hidden = true;
    this._line("camera", wish === "all" ? "busy" : "off");
    this._line("microphone", wish === "none" ? "off" : "busy");
    this._taking = this._media.take(wish);
    const problem = await this._taking;
    this.refresh();
    if (problem === null) {
      this._line("camera", wish === "all" ? "ok" : "off");
      this._line("microphone", wish === "none" ? "off" : "ok");
      await this._listDevices();
      return;
    }
    if (wish === "all") this._line("camera", "bad");
    this._line("microphone", "bad");
    this._explain(problem, wish);
  }

  /** @param {Problem} problem @param {Wish} tried */
  _explain(problem, tried) {
    const particular = `problem.media.${problem}.${browserFamily(navigator.userAgent)}`;
    const help = problem === "denied" ? particular : `problem.media.${problem}.help`;
    const again = element("button", { type: "button", class: "button button-quiet", click: () => this.take(tried) }, text("check.again"));
    const ways = waysOn(tried).map((wish) =>
      element("button", { type: "button", class: "button button-quiet", click: () => this.take(wish) }, text(`check.way.${wish}`)),
    );
    this._problem.replaceChildren(
      element("h2", {}, text(`problem.media.${problem}.title`)),
      element("p", {}, text(knows(help) ? help : "problem.media.unknown.help")),
      element("div", { class: "check-ways" }, again, ...ways),
    );
    this._problem.hidden = false;
  }

  async _tryConnection() {
    this._line("connection", "busy");
    if (!("RTCPeerConnection" in globalThis) || !("WebSocket" in globalThis)) {
      this._line("connection", "bad", "check.connection.old");
      return;
    }
    const began = performance.now();
    try {
      const answer = await fetch("/livez", { cache: "no-store", signal: AbortSignal.timeout(8000) });
      const slow = performance.now() - began > SLOW_MS;
      this._line("connection", answer.ok ? "ok" : "bad", slow && answer.ok ? "check.connection.slow" : undefined);
    } catch {
      this._line("connection", "bad");
    }
  }

  /** @param {"camera" | "microphone" | "connection"} which @param {"busy" | "ok" | "off" | "bad"} state @param {string} [key] */
  _line(which, state, key = `check.${which}.${state}`) {
    const line = find(`#check-${which}`, HTMLElement, this._root);
    line.dataset["state"] = state;
    find(".check-words", HTMLElement, line).textContent = text(key);
    const sign = { busy: "clock", ok: "check", off: "info", bad: "close" }[state];
    find(".check-sign", HTMLElement, line).replaceChildren(icon(sign));
  }

  async _listDevices() {
    const found = await devices();
    for (const [source, kind] of /** @type {const} */ ([["camera", "videoinput"], ["microphone", "audioinput"]])) {
      const select = this._select(source);
      const ofKind = found.filter((device) => device.kind === kind);
      const label = text(`check.${source}`) === `check.${source}` ? "" : text(`check.${source}`);
      select.replaceChildren(
        ...ofKind.map((device, n) =>
          element("option", { value: device.deviceId }, device.label || text("check.device", { kind: label, number: n + 1 })),
        ),
      );
      select.value = this._media.chosen[source];
      select.disabled = ofKind.length < 2;
    }
    find("#check-devices", HTMLElement, this._root).hidden = found.every((device) => device.kind === "audiooutput");
  }

  /** @param {"camera" | "microphone"} source @param {string} device */
  async _choose(source, device) {
    const problem = await this._media.choose(source, device);
    this.refresh();
    if (problem === null) this._line(source, "ok");
    else this._explain(problem, "all");
  }

  /** @param {"camera" | "microphone"} source */
  _select(source) {
    return find(`#choose-${source}`, HTMLSelectElement, this._root);
  }
}

/**
 * Which browser it is, as far as the words for permissions differ.
 *
 * @param {string} agent
 * @returns {"chromium" | "firefox" | "safari" | "other"}
 */
export function browserFamily(agent) {
  if (/Firefox|FxiOS/.test(agent)) return "firefox";
  if (/Chrom(e|ium)|Edg|CriOS/.test(agent)) return "chromium";
  if (/Safari/.test(agent)) return "safari";
  return "other";
}
