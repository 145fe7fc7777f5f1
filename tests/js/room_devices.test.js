import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import "../../static/js/i18n/en_room.js";
import { namedOf } from "../../static/js/room/device_menu.js";
import { LocalMedia } from "../../static/js/room/media.js";

class Track extends EventTarget {
  constructor(/** @type {string} */ kind, /** @type {string} */ device) {
    super();
    this.kind = kind;
    this.device = device;
    this.enabled = true;
    this.readyState = "live";
  }

  stop() {
    this.readyState = "ended";
  }

  getSettings() {
    return { deviceId: this.device };
  }
}

const page = { visibilityState: "visible" };
/** @type {LocalMedia} */
let media;
let taken = 0;

/** @param {any} wanted */
async function getUserMedia(wanted) {
  taken += 1;
  const id = (/** @type {any} */ asked, /** @type {string} */ standard) => asked?.deviceId?.exact ?? asked?.deviceId?.ideal ?? standard;
  const tracks = [];
  if (wanted.video) tracks.push(new Track("video", id(wanted.video, "cam-1")));
  if (wanted.audio) tracks.push(new Track("audio", id(wanted.audio, "mic-1")));
  return { getTracks: () => tracks };
}

/** What the system does to a track. @param {"camera" | "microphone"} source @param {string} event */
const happens = (source, event) => {
  const track = /** @type {any} */ (media.track(source));
  if (event === "ended") track.stop();
  track.dispatchEvent(new Event(event));
};

beforeEach(async () => {
  page.visibilityState = "visible";
  taken = 0;
  const mediaDevices = Object.assign(new EventTarget(), { getUserMedia });
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices, hardwareConcurrency: 2 }, configurable: true });
  Object.assign(globalThis, { document: page });
  media = new LocalMedia({ facing: "user", onChange: () => undefined });
  assert.equal(await media.take("all"), null);
});

test("another device takes over, and the one before is let go", async () => {
  const before = media.track("camera");
  await media.choose("camera", "cam-2");
  assert.equal(media.chosen.camera, "cam-2");
  assert.equal(before?.readyState, "ended");
  assert.deepEqual(media.muted(), {});
  happens("camera", "ended");
  await media.resume();
  assert.equal(media.chosen.camera, "cam-2");
});

test("a microphone that is switched off stays so when another is chosen", async () => {
  await media.switchMicrophone(false);
  await media.choose("microphone", "mic-2");
  assert.equal(media.chosen.microphone, "mic-2");
  assert.equal(media.track("microphone")?.enabled, false);
  assert.deepEqual(media.muted(), { microphone: "user" });
});

test("a camera that is switched off is not taken by choosing one; it counts when it is switched on", async () => {
  await media.switchCameraOn(false);
  await media.choose("camera", "cam-2");
  assert.equal(media.track("camera"), null);
  await media.switchCameraOn(true);
  assert.equal(media.chosen.camera, "cam-2");
});

test("an unplugged device is told as that, and comes back by one press", async () => {
  happens("camera", "ended");
  assert.deepEqual(media.muted(), { camera: "unplugged" });
  assert.ok(media.lost("camera"));
  assert.equal(await media.resume(), null);
  assert.deepEqual(media.muted(), {});
  assert.equal(taken, 2);
});

test("an unplugged device that was switched off comes back switched off, and on by its own button", async () => {
  await media.switchMicrophone(false);
  happens("microphone", "ended");
  await media.resume();
  assert.deepEqual(media.muted(), { microphone: "user" });
  happens("microphone", "ended");
  await media.switchMicrophone(true);
  assert.deepEqual(media.muted(), {});
  assert.equal(media.track("microphone")?.enabled, true);
});

test("plugged in again it comes back by itself", async () => {
  happens("camera", "ended");
  navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  await new Promise((done) => setImmediate(done));
  assert.deepEqual(media.muted(), {});
});

test("a phone call interrupts, and its end brings back what was", async () => {
  await media.switchMicrophone(false);
  happens("microphone", "mute");
  happens("camera", "mute");
  assert.deepEqual(media.muted(), { microphone: "interrupted", camera: "interrupted" });
  happens("microphone", "unmute");
  happens("camera", "unmute");
  assert.deepEqual(media.muted(), { microphone: "user" });
});

test("out of sight only a camera that really stops is hidden, and it is ours to resume once seen again", () => {
  page.visibilityState = "hidden";
  assert.deepEqual(media.muted(), {});
  happens("camera", "mute");
  assert.deepEqual(media.muted(), { camera: "hidden" });
  assert.equal(media.lost("camera"), false);
  page.visibilityState = "visible";
  assert.equal(media.lost("camera"), true);
});

test("devices without a name are numbered within their kind", () => {
  const found = [
    { deviceId: "a", kind: /** @type {const} */ ("videoinput"), label: "" },
    { deviceId: "b", kind: /** @type {const} */ ("audiooutput"), label: "Headphones" },
    { deviceId: "c", kind: /** @type {const} */ ("videoinput"), label: "" },
  ];
  assert.deepEqual(namedOf(found, "camera"), [{ id: "a", name: "Camera 1" }, { id: "c", name: "Camera 2" }]);
  assert.deepEqual(namedOf(found, "speaker"), [{ id: "b", name: "Headphones" }]);
});
