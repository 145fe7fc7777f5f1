/** Stills instead of moving pictures: one small JPEG every few seconds while somebody waits for it. */

/** @import { Source } from "./messages.js" */

const EVERY_MS = 4000;
const WIDTH = 320;
/** Characters of base64 that a message may have (docs/protocol.md). */
const MOST = 40_000;
const QUALITIES = [0.55, 0.35, 0.2];

export class Stills {
  /**
   * @param {object} options
   * @param {(source: Source) => MediaStreamTrack | null} options.track
   * @param {(source: Source, jpeg: string) => void} options.send
   */
  constructor({ track, send }) {
    this._track = track;
    this._send = send;
    this._video = document.createElement("video");
    this._video.muted = true;
    this._video.playsInline = true;
    this._canvas = document.createElement("canvas");
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._timer = undefined;
  }

  /** @param {boolean} wanted */
  set(wanted) {
    if (wanted === (this._timer !== undefined)) return;
    if (wanted) {
      this._timer = setInterval(() => void this._take(), EVERY_MS);
      void this._take();
      return;
    }
    clearInterval(this._timer);
    this._timer = undefined;
    this._video.srcObject = null;
  }

  async _take() {
    const source = this._track("screen") === null ? "camera" : "screen";
    const track = this._track(source);
    if (track === null || track.readyState === "ended") return;
    const shown = this._video.srcObject instanceof MediaStream ? this._video.srcObject.getVideoTracks()[0] : undefined;
    if (shown !== track) this._video.srcObject = new MediaStream([track]);
    await this._video.play().catch(() => undefined);
    const { videoWidth, videoHeight } = this._video;
    if (videoWidth === 0) return;
    this._canvas.width = Math.min(WIDTH, videoWidth);
    this._canvas.height = Math.round((this._canvas.width * videoHeight) / videoWidth);
    this._canvas.getContext("2d")?.drawImage(this._video, 0, 0, this._canvas.width, this._canvas.height);
    const fitting = QUALITIES.map((quality) => this._canvas.toDataURL("image/jpeg", quality).split(",")[1] ?? "").find(
      (jpeg) => jpeg !== "" && jpeg.length <= MOST,
    );
    if (fitting !== undefined && this._timer !== undefined) this._send(source, fitting);
  }
}

/**
 * The picture of a still, to be drawn; null if it is none.
 *
 * @param {string} jpeg
 * @returns {Promise<ImageBitmap | null>}
 */
export async function pictureOf(jpeg) {
  try {
    const bytes = Uint8Array.from(atob(jpeg), (letter) => letter.charCodeAt(0));
    return await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  } catch {
    return null;
  }
}
