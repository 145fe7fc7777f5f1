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
 * @param {{ wish: Exclude<Wish, "none">, facing: "user" | "environment", camera: string, microphone: string,
 *   strong: boolean, exact?: boolean }} asked `camera` and `microphone` are device ids chosen by hand, or empty; `strong`
 *   says that the machine has power enough for 720p; `exact`, that no other device will do: what is only wished for, the
 *   choice in the browser's own question goes before.
 * @returns {MediaStreamConstraints}
 */
export function constraints({ wish, facing, camera, microphone, strong, exact = false }) {
  return {
    audio: {
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      ...(microphone === "" ? {} : { deviceId: device(microphone, exact) }),
    },
    video: wish === "all" ? pictureConstraints({ facing, camera, strong, exact }) : false,
  };
}

/**
 * @param {{ facing: "user" | "environment", camera: string, strong: boolean, exact?: boolean }} asked
 * @returns {MediaTrackConstraints}
 */
export function pictureConstraints({ facing, camera, strong, exact = false }) {
  return {
    width: { ideal: strong ? 1280 : 640 },
    height: { ideal: strong ? 720 : 480 },
    frameRate: { ideal: 30, max: 30 },
    ...(camera === "" ? { facingMode: { ideal: facing } } : { deviceId: device(camera, exact) }),
  };
}

/** @param {string} id @param {boolean} exact @returns {ConstrainDOMStringParameters} */
function device(id, exact) {
  return exact ? { exact: id } : { ideal: id };
}
