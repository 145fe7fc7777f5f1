/** Why a browser gave no camera or microphone, by the names of W3C Media Capture (getUserMedia, step 10). */

/**
 * @typedef {"denied" | "no_device" | "busy" | "unsuitable" | "insecure" | "unknown"} Problem
 */

/** @typedef {"all" | "sound" | "none"} Wish */

/**
 * Name what went wrong.
 *
 * @param {unknown} error What getUserMedia threw.
 * @returns {Problem}
 */
export function problemOf(error) {
  const name = typeof error === "object" && error !== null && "name" in error ? error.name : "";
  switch (name) {
    case "NotAllowedError":
    case "PermissionDeniedError":
      return "denied";
    case "NotFoundError":
    case "DevicesNotFoundError":
      return "no_device";
    case "NotReadableError":
    case "TrackStartError":
    case "AbortError":
      return "busy";
    case "OverconstrainedError":
      return "unsuitable";
    case "SecurityError":
    case "TypeError":
      return "insecure";
    default:
      return "unknown";
  }
}

/**
 * Ways on after the problem, best first. Whoever has no camera may still have a voice, and whoever has neither may
 * still write and be seen on the monitor.
 *
 * @param {Wish} tried
 * @returns {readonly Wish[]}
 */
export function waysOn(tried) {
  if (tried === "all") return ["sound", "none"];
  return ["none"];
}

/**
 * What to ask the browser for.
 *
 * @param {{ wish: Exclude<Wish, "none">, facing: "user" | "environment", camera: string, microphone: string }} asked
 *   `camera` and `microphone` are device ids chosen by hand, or empty.
 * @returns {MediaStreamConstraints}
 */
export function constraints({ wish, facing, camera, microphone }) {
  return {
    audio: {
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      ...(microphone === "" ? {} : { deviceId: { ideal: microphone } }),
    },
    video: wish === "all" ? pictureConstraints(facing, camera) : false,
  };
}

/**
 * @param {"user" | "environment"} facing
 * @param {string} camera
 * @returns {MediaTrackConstraints}
 */
export function pictureConstraints(facing, camera) {
  return {
    width: { min: 320, ideal: 1280 },
    height: { min: 240, ideal: 720 },
    frameRate: { ideal: 30, max: 30 },
    ...(camera === "" ? { facingMode: { ideal: facing } } : { deviceId: { ideal: camera } }),
  };
}
