/** The pictures: one large, the others small, oneself last; each stays the same element for as long as it is there. */

import { element, icon } from "../ui/dom.js";
import { text } from "../ui/text.js";

/** @import { Participant, Rung, Source } from "./messages.js" */
/** @import { RemoteTracks } from "./peer.js" */
/** @import { Tile } from "./state.js" */

/**
 * What a tile needs besides its place.
 *
 * @typedef {object} Scene
 * @property {readonly Participant[]} participants
 * @property {string} me
 * @property {ReadonlyMap<string, RemoteTracks>} remote
 * @property {(source: Source) => MediaStreamTrack | null} local
 * @property {boolean} interrupted Whether our own transport is broken, so that all pictures of others stand still.
 * @property {(participant: string) => Rung} rung What somebody's link is good for.
 * @property {string} speaking Who speaks just now, or empty.
 * @property {boolean} mirrored Whether one's own camera is shown as a mirror does.
 */

/** @typedef {{ root: HTMLElement, video: HTMLVideoElement, still: HTMLCanvasElement, rung: HTMLElement, name: HTMLElement, blank: HTMLElement, pin: HTMLButtonElement }} Seat */

export class Stage {
  /**
   * @param {HTMLElement} place
   * @param {object} options
   * @param {(key: string) => void} options.onPin
   * @param {() => void} options.onBlocked The browser does not play sound before somebody presses something.
   * @param {() => void} options.onFirstFrame
   */
  constructor(place, { onPin, onBlocked, onFirstFrame }) {
    this._place = place;
    this._onPin = onPin;
    this._onBlocked = onBlocked;
    this._onFirstFrame = onFirstFrame;
    this._framed = false;
    /** Where the sound goes; empty is where the system sends it. */
    this.speaker = "";
    /** @type {Map<string, Seat>} */
    this._seats = new Map();
  }

  /** @param {readonly Tile[]} tiles @param {Scene} scene */
  show(tiles, scene) {
    const wanted = new Set(tiles.map((tile) => tile.key));
    for (const [key, seat] of this._seats) {
      if (wanted.has(key)) continue;
      seat.video.srcObject = null;
      seat.root.remove();
      this._seats.delete(key);
    }
    tiles.forEach((tile, order) => {
      const seat = this._seats.get(tile.key) ?? this._make(tile.key);
      seat.root.style.order = String(order);
      this._fill(seat, tile, scene);
    });
    this._place.dataset["count"] = String(tiles.length);
    const large = tiles.filter((tile) => tile.place === "main");
    this._place.dataset["mains"] = String(large.length);
    large.forEach((tile, n) => {
      const seat = this._seats.get(tile.key);
      if (seat) seat.root.dataset["half"] = n === 0 ? "first" : "second";
    });
  }

  /** The large picture, if it is somebody else's. @returns {{ video: HTMLVideoElement, participant: string, source: string } | null} */
  get large() {
    for (const [key, seat] of this._seats) {
      if (seat.root.dataset["place"] !== "main" || seat.root.dataset["picture"] !== "on" || key.startsWith("self")) continue;
      const [participant = "", source = ""] = key.split(" ");
      return { video: seat.video, participant, source };
    }
    return null;
  }

  /**
   * Draw a picture of somebody whose moving pictures do not come.
   *
   * @param {string} participant
   * @param {Source} source
   * @param {ImageBitmap} picture
   */
  drawStill(participant, source, picture) {
    const seat = this._seats.get(`${participant} ${source}`);
    if (seat !== undefined) {
      seat.still.width = picture.width;
      seat.still.height = picture.height;
      seat.still.getContext("2d")?.drawImage(picture, 0, 0);
      seat.still.dataset["drawn"] = "true";
    }
    picture.close();
  }

  /** Send the sound of all others to this device, where the browser lets us. @param {string} device */
  async listenOn(device) {
    this.speaker = device;
    for (const seat of this._seats.values()) if (!seat.video.muted) await seat.video.setSinkId?.(device);
  }

  /** Show the large picture in a window of its own, or take it back. */
  async floatLarge() {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await this.large?.video.requestPictureInPicture();
  }

  /** Play what the browser held back; call it from a press. */
  playAll() {
    for (const seat of this._seats.values()) void seat.video.play().catch(() => this._onBlocked());
  }

  /** @param {string} key @returns {Seat} */
  _make(key) {
    const video = element("video", { autoplay: true, playsinline: true });
    video.muted = key.startsWith("self");
    const name = element("figcaption", { class: "seat-name" });
    const blank = element("span", { class: "seat-blank", "aria-hidden": "true" });
    const still = element("canvas", { class: "seat-still" });
    const rung = element("span", { class: "seat-rung" });
    const pin = element("button", { type: "button", class: "seat-pin", click: () => this._onPin(key) });
    const root = element("figure", { class: "seat" }, video, blank, still, name, rung, pin);
    const seat = { root, video, still, rung, name, blank, pin };
    this._seats.set(key, seat);
    this._place.append(root);
    if (!key.startsWith("self")) video.addEventListener("playing", () => this._playing(video));
    // A speaker that has gone meanwhile leaves the sound where the system sends it.
    if (!video.muted && this.speaker !== "") void video.setSinkId(this.speaker).catch(() => undefined);
    return seat;
  }

  /** @param {Seat} seat @param {Tile} tile @param {Scene} scene */
  _fill(seat, tile, scene) {
    const own = tile.key.startsWith("self");
    const person = scene.participants.find((one) => one.id === tile.participant);
    const tracks = own ? ownTracks(tile, scene) : remoteTracks(tile, scene);
    this._attach(seat.video, tracks);
    const rung = scene.rung(tile.participant);
    const stops = !own && (["stills", "audio", "vitals"].includes(rung) || ["stills", "audio", "vitals"].includes(scene.rung(scene.me)));
    const sent = own || person?.sources[tile.source]?.muted === false;
    const picture = !stops && sent && tracks.some((track) => track.kind === "video");
    seat.root.dataset["still"] = String(stops && sent && seat.still.dataset["drawn"] === "true");
    seat.rung.textContent = rung === "video" ? "" : text(`room.rung.${rung}`);
    const what = caption(tile, own, person);
    seat.root.dataset["place"] = tile.place;
    seat.root.dataset["picture"] = picture ? "on" : "off";
    seat.root.dataset["source"] = tile.source;
    const silent = !own && person?.sources.microphone?.muted === true;
    seat.root.dataset["silent"] = String(silent);
    seat.root.dataset["away"] = String(!own && (scene.interrupted || person?.connected === false || person?.media === "lost"));
    const speaks = !own && tile.source === "camera" && scene.speaking === tile.participant;
    seat.root.dataset["speaking"] = String(speaks);
    seat.root.toggleAttribute("data-mirrored", own && tile.source === "camera" && scene.mirrored);
    name(seat.video, own && tile.source === "camera" ? "local-video" : !own && picture ? "remote-video" : "");
    seat.video.setAttribute("aria-label", own ? what : text(`room.${tile.source === "screen" ? "screen" : "picture"}_of`, { name: what }));
    seat.name.textContent = speaks || silent ? text(speaks ? "room.speaking" : "room.mute", { name: what }) : what;
    seat.blank.textContent = initials(own ? (person?.name ?? "") : what);
    showPin(seat.pin, tile, what);
    // With one other person there is nothing to choose from.
    seat.pin.hidden = tile.place === "main" && !tile.pinned && scene.remote.size < 2;
  }

  /** @param {HTMLVideoElement} video @param {readonly MediaStreamTrack[]} tracks */
  _attach(video, tracks) {
    const now = video.srcObject instanceof MediaStream ? video.srcObject.getTracks() : [];
    if (now.length === tracks.length && tracks.every((track) => now.includes(track))) return;
    video.srcObject = tracks.length === 0 ? null : new MediaStream([...tracks]);
    if (tracks.length === 0) return;
    void video.play().catch((/** @type {unknown} */ error) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") this._onBlocked();
    });
  }

  /** @param {HTMLVideoElement} video */
  _playing(video) {
    if (this._framed || video.videoWidth === 0) return;
    this._framed = true;
    this._onFirstFrame();
  }
}

/** What a press on the tile does. @param {HTMLButtonElement} pin @param {Tile} tile @param {string} what */
function showPin(pin, tile, what) {
  const does = tile.pinned ? "unpin" : tile.place === "main" ? "keep" : "enlarge";
  pin.setAttribute("aria-label", text(`room.${does}`, { what }));
  if (pin.dataset["does"] === does) return;
  pin.dataset["does"] = does;
  pin.replaceChildren(icon(does === "unpin" ? "close" : "lock"));
}

/** @param {Tile} tile @param {Scene} scene @returns {readonly MediaStreamTrack[]} */
function ownTracks(tile, scene) {
  const track = scene.local(tile.source);
  return track === null || track.readyState === "ended" ? [] : [track];
}

/** @param {Tile} tile @param {Scene} scene @returns {readonly MediaStreamTrack[]} */
function remoteTracks(tile, scene) {
  const sent = scene.remote.get(tile.participant);
  const tracks = tile.source === "screen" ? [sent?.screen] : [sent?.camera, sent?.microphone];
  return tracks.filter((track) => track !== undefined);
}

/** @param {Tile} tile @param {boolean} own @param {Participant | undefined} person */
function caption(tile, own, person) {
  if (own) return text(tile.source === "screen" ? "room.my_screen" : "room.you");
  return person?.name ?? "";
}

/** @param {HTMLVideoElement} video @param {string} hook */
function name(video, hook) {
  if (hook === "") video.removeAttribute("data-testid");
  else video.setAttribute("data-testid", hook);
}

/** @param {string} whole */
function initials(whole) {
  const words = whole.split(/\s+/).filter((word) => word !== "" && !word.endsWith("."));
  return [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase();
}
