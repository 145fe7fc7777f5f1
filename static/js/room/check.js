/** The device check before joining: picture, level, connection; each failure with its own sentence and a way on. */

import { element, find, icon } from "../ui/dom.js";
import { knows, text } from "../ui/text.js";
import { waysOn } from "./local_errors.js";
import { devices } from "./media.js";
import { Level } from "./level.js";
import { foundWords, mayWork, tryPath } from "./path.js";

/** @import { Problem, Wish } from "./local_errors.js" */
/** @import { LocalMedia } from "./media.js" */

export class DeviceCheck {
  /**
   * @param {HTMLElement} root
   * @param {LocalMedia} media
   * @param {{ encounter: string, plain: boolean }} visit `plain`: in words for a patient.
   */
  constructor(root, media, visit) {
    this._root = root;
    this._media = media;
    this._visit = visit;
    this._trying = new AbortController();
    this._tryAgain = find("#try-path", HTMLButtonElement, root);
    this._tryAgain.addEventListener("click", () => void this._tryConnection());
    // Whoever changes to another network is told at once whether that helps.
    this._online = () => void this._tryConnection();
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
    addEventListener("online", this._online);
    void this._tryConnection();
    void this.take("all");
  }

  /** Wait for a request under way, so that joining does not ask twice. */
  async settled() {
    await this._taking;
  }

  stop() {
    removeEventListener("online", this._online);
    this._trying.abort();
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
    this._trying.abort();
    const trying = (this._trying = new AbortController());
    this._tryAgain.hidden = true;
    this._line("connection", "busy");
    const tried = await tryPath(this._visit.encounter, trying.signal);
    if (trying.signal.aborted) return;
    const works = mayWork(tried);
    this._line("connection", works ? "ok" : "bad", foundWords(tried, this._visit.plain));
    this._tryAgain.hidden = works || tried.path === "old";
    if (!works) find("#check-connection", HTMLElement, this._root).scrollIntoView({ block: "nearest" });
  }

  /** @param {"camera" | "microphone" | "connection"} which @param {"busy" | "ok" | "off" | "bad"} state @param {string} [words] */
  _line(which, state, words = text(`check.${which}.${state}`)) {
    const line = find(`#check-${which}`, HTMLElement, this._root);
    line.dataset["state"] = state;
    find(".check-words", HTMLElement, line).textContent = words;
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
