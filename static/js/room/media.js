/** Our own camera, microphone and screen (W3C Media Capture): taken, changed, silenced, and lost without our doing. */

import { constraints, problemOf } from "./local_errors.js";

/** @import { MuteReason, Source } from "./messages.js" */
/** @import { Problem, Wish } from "./local_errors.js" */

export class LocalMedia {
  /**
   * @param {object} options
   * @param {"user" | "environment"} options.facing Which camera of a phone comes first.
   * @param {() => void} options.onChange A track came, went, or fell silent.
   */
  constructor({ facing, onChange }) {
    this._facing = facing;
    this._onChange = onChange;
    this._camera = "";
    this._microphone = "";
    /** @type {Map<Source, MediaStreamTrack>} */
    this._tracks = new Map();
    /** @type {Map<Source, MuteReason>} */
    this._muted = new Map();
    /** @type {Wish} */
    this.wish = "all";
    navigator.mediaDevices?.addEventListener?.("devicechange", () => void this._devicesChanged());
  }

  get facing() {
    return this._facing;
  }

  /** Ids of the devices in use. */
  get chosen() {
    return { camera: this._deviceOf("camera"), microphone: this._deviceOf("microphone") };
  }

  /** @param {Source} source */
  track(source) {
    return this._tracks.get(source) ?? null;
  }

  /** What we want to send: a camera switched off for a moment stays published. @returns {readonly Source[]} */
  published() {
    /** @type {Source[]} */
    const all = ["camera", "microphone", "screen"];
    return all.filter((source) => this._tracks.has(source) || this._muted.has(source));
  }

  /** Which sources are silent, and why. @returns {Readonly<Partial<Record<Source, MuteReason>>>} */
  muted() {
    return Object.fromEntries(this._muted);
  }

  /**
   * Take what is wished.
   *
   * @param {Wish} wish
   * @returns {Promise<Problem | null>} What went wrong, if something did; what we had before stays then.
   */
  async take(wish) {
    if (wish === "none") {
      this.wish = wish;
      this.drop("camera");
      this.drop("microphone");
      return null;
    }
    if (!navigator.mediaDevices?.getUserMedia) return "insecure";
    try {
      const stream = await navigator.mediaDevices.getUserMedia(this._constraints(wish));
      this.wish = wish;
      if (wish === "sound") this.drop("camera");
      for (const track of stream.getTracks()) this._adopt(track.kind === "video" ? "camera" : "microphone", track);
      return null;
    } catch (error) {
      return problemOf(error);
    }
  }

  /**
   * Use another device from now on.
   *
   * @param {"camera" | "microphone"} source
   * @param {string} device
   * @returns {Promise<Problem | null>}
   */
  async choose(source, device) {
    if (source === "camera") this._camera = device;
    else this._microphone = device;
    // What is switched off stays so; the choice counts when it is switched on.
    if (source === "camera" && this._muted.get("camera") === "user") return null;
    return this._retake(source, { exact: true });
  }

  /** Change between the camera that faces us and the one that looks away. @returns {Promise<Problem | null>} */
  async switchCamera() {
    this._facing = this._facing === "user" ? "environment" : "user";
    this._camera = "";
    // A phone opens one camera at a time: the first has to be let go before the second is asked for.
    this._tracks.get("camera")?.stop();
    return this._retake("camera");
  }

  /**
   * Switch the microphone on or off. The track stays, so that it answers at once.
   *
   * @param {boolean} on
   * @returns {Promise<Problem | null>}
   */
  async switchMicrophone(on) {
    const track = this._tracks.get("microphone");
    if (track) track.enabled = on;
    if (!track || track.readyState === "ended") return on ? this._retake("microphone") : null;
    this._silence("microphone", on ? null : "user");
    return null;
  }

  /**
   * Switch the camera on or off. Off lets the device go: its light goes out, which is what people look for.
   *
   * @param {boolean} on
   * @returns {Promise<Problem | null>}
   */
  async switchCameraOn(on) {
    if (on) return this._retake("camera");
    const track = this._tracks.get("camera");
    this._tracks.delete("camera");
    track?.stop();
    this._silence("camera", "user");
    return null;
  }

  /** Share the screen, or stop. @param {boolean} on @returns {Promise<Problem | null>} */
  async share(on) {
    if (!on) {
      this.drop("screen");
      return null;
    }
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: false });
      const track = stream.getVideoTracks()[0];
      if (!track) return "no_device";
      track.contentHint = "detail";
      this._adopt("screen", track);
      return null;
    } catch (error) {
      return problemOf(error);
    }
  }

  /** Light the lamp beside the camera, where there is one. @param {boolean} on */
  async light(on) {
    const lamp = /** @type {MediaTrackConstraintSet} */ (/** @type {unknown} */ ({ torch: on }));
    await this._tracks.get("camera")?.applyConstraints({ advanced: [lamp] });
  }

  get hasLight() {
    const track = this._tracks.get("camera");
    return track !== undefined && "torch" in (track.getCapabilities?.() ?? {});
  }

  /** Give the source up. @param {Source} source */
  drop(source) {
    const track = this._tracks.get(source);
    this._tracks.delete(source);
    this._muted.delete(source);
    track?.stop();
    this._onChange();
  }

  /** Give everything up. */
  stop() {
    for (const track of this._tracks.values()) track.stop();
    this._tracks.clear();
    this._muted.clear();
  }

  /** Whether the system took the source away, and a press may bring it back. @param {Source} source */
  lost(source) {
    const reason = this._muted.get(source);
    // What stopped out of sight mostly comes back by itself; if it has not when we are seen again, it is asked for.
    return reason === "interrupted" || reason === "unplugged" || (reason === "hidden" && document.visibilityState === "visible");
  }

  /** Take back what the system took away (a phone call, another program). @returns {Promise<Problem | null>} */
  async resume() {
    /** @type {Problem | null} */
    let problem = null;
    for (const source of /** @type {const} */ (["microphone", "camera"])) {
      if (this.lost(source)) problem = (await this._retake(source)) ?? problem;
    }
    return problem;
  }

  /**
   * @param {"camera" | "microphone"} source
   * @param {{ exact?: boolean }} [how] `exact`: the chosen device or none; otherwise another may stand in for it.
   * @returns {Promise<Problem | null>}
   */
  async _retake(source, { exact = false } = {}) {
    if (!navigator.mediaDevices?.getUserMedia) return "insecure";
    const asked = this._constraints("all", exact);
    try {
      const wanted = source === "camera" ? { video: asked.video ?? true } : { audio: asked.audio ?? true };
      const stream = await navigator.mediaDevices.getUserMedia(wanted);
      for (const track of stream.getTracks()) this._adopt(source, track);
      return null;
    } catch (error) {
      return problemOf(error);
    }
  }

  /** @param {Exclude<Wish, "none">} wish */
  _constraints(wish, exact = false) {
    const asked = {
      facing: this._facing,
      camera: this._camera,
      microphone: this._microphone,
      strong: (navigator.hardwareConcurrency ?? 2) > 4,
    };
    return constraints({ wish, exact, ...asked });
  }

  /** @param {Source} source @param {MediaStreamTrack} track */
  _adopt(source, track) {
    const old = this._tracks.get(source);
    this._tracks.set(source, track);
    if (old && old !== track) old.stop();
    // Who has switched the microphone off is not heard because another is plugged in.
    track.enabled = source !== "microphone" || old?.enabled !== false;
    track.addEventListener("ended", () => this._ended(source, track));
    track.addEventListener("mute", () => this._systemMuted(source, track, true));
    track.addEventListener("unmute", () => this._systemMuted(source, track, false));
    this._silence(source, track.enabled ? null : "user");
  }

  /** @param {Source} source @param {MediaStreamTrack} track */
  _ended(source, track) {
    if (this._tracks.get(source) !== track) return;
    if (source === "screen") this.drop("screen");
    else this._silence(source, "unplugged");
  }

  /** @param {Source} source @param {MediaStreamTrack} track @param {boolean} silent */
  _systemMuted(source, track, silent) {
    if (this._tracks.get(source) !== track) return;
    if (silent) this._silence(source, document.visibilityState === "hidden" ? "hidden" : "interrupted");
    else this._silence(source, track.enabled ? null : "user");
  }

  /** @param {Source} source @param {MuteReason | null} reason */
  _silence(source, reason) {
    if (reason === null) this._muted.delete(source);
    else this._muted.set(source, reason);
    this._onChange();
  }

  async _devicesChanged() {
    const gone = [...this._muted].some(([source, reason]) => source !== "screen" && reason === "unplugged");
    if (gone) await this.resume();
    this._onChange();
  }

  /** @param {Source} source */
  _deviceOf(source) {
    return this._tracks.get(source)?.getSettings().deviceId ?? "";
  }
}

/**
 * List cameras, microphones and speakers; labels are empty until the person has allowed one.
 *
 * @returns {Promise<readonly MediaDeviceInfo[]>}
 */
export async function devices() {
  const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return all.filter((device) => device.deviceId !== "");
}
