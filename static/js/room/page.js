/** The page of one visit: which phase it is in, and what each press does. */

import { api } from "../ui/api.js";
import { announce, find, maybe, whileBusy } from "../ui/dom.js";
import { Chime } from "../ui/sound.js";
import { recall, remember } from "../ui/storage.js";
import { text } from "../ui/text.js";
import { rememberVisit } from "../ui/visit.js";
import { AlarmCentre } from "../vitals/alarm_centre.js";
import { VitalsBoard } from "../vitals/board.js";
import { Display } from "../vitals/display.js";
import { densityOf, nextDensity, parseTables } from "../vitals/numerics.js";
import { Alignment } from "./alignment.js";
import { Awake } from "./awake.js";
import { Bedside } from "./bedside.js";
import { Calls } from "./calls.js";
import { DeviceCheck } from "./check.js";
import { Consultation } from "./consultation.js";
import { Controls } from "./controls.js";
import { DeviceMenu } from "./device_menu.js";
import { rememberInside, wasInside } from "./inside.js";
import { LocalMedia } from "./media.js";
import { RUNGS } from "./messages.js";
import { Panel } from "./panel.js";
import { RecordingControls } from "./recording.js";
import { Recordings } from "./recordings.js";
import { Stage } from "./stage.js";
import { others, rungOf, tiles, unread } from "./state.js";
import { pictureOf } from "./stills.js";
import { View } from "./view.js";

/** @import { Density } from "../vitals/numerics.js" */
/** @import { Problem } from "./local_errors.js" */
/** @import { StillOf } from "./messages.js" */

const TICK_MS = 1000;
const WIDE = "(min-width: 64rem)";
const HOMES = new Map([["patient", "/home"], ["practitioner", "/worklist"], ["paramedic", "/ambulance"]]);

export class RoomPage {
  /** @param {Readonly<Record<string, unknown>>} data */
  constructor(data) {
    this._encounter = decodeURIComponent(location.pathname.split("/").at(-1) ?? "");
    const user = /** @type {{ role?: unknown } | null} */ (data["user"] ?? null);
    this._role = typeof user?.role === "string" ? user.role : "patient";
    this._chime = new Chime();
    this._lit = false;
    this._together = 0;
    this._awake = new Awake();
    this._media = new LocalMedia({
      facing: this._role === "paramedic" ? "environment" : "user",
      onChange: () => this._mediaChanged(),
    });
    this._view = new View({
      admit: (participant) => this._visit.admit(participant),
      rejoin: () => void this._rejoin(),
      home: HOMES.get(this._role) ?? "/",
    });
    const visit = { encounter: this._encounter, plain: this._role === "patient" };
    this._check = new DeviceCheck(this._view.section("check"), this._media, visit);
    this._visit = this._newVisit();
    const room = this._view.section("consultation");
    room.dataset["role"] = this._role;
    this._stage = new Stage(find("#stage", HTMLElement, room), {
      onPin: (key) => this._visit.pin(key),
      onBlocked: () => this._soundBlocked(true),
      onFirstFrame: () => performance.mark("first-remote-frame"),
    });
    this._panel = new Panel(find("#panel", HTMLElement, room), {
      say: (words) => this._visit.say(words),
      remove: (participant) => this._visit.remove(participant),
      seen: () => unread(this._visit.state) > 0 && this._visit.chatSeen(),
      opened: (open) => {
        room.dataset["panel"] = open ? "open" : "closed";
        this._show();
      },
    });
    this._devices = new DeviceMenu({
      chosen: () => ({ ...this._media.chosen, speaker: this._stage.speaker }),
      choose: (device, id) => void this._chooseDevice(device, id),
    });
    this._controls = new Controls(find("#controls", HTMLElement, room), this._actions());
    this._alignment = new Alignment({
      picture: () => this._stage.large,
      clock: () => this._visit.clock,
      receiver: (track) => this._visit.receiverOf(track),
    });
    const tables = parseTables(data["vitals"]);
    this._bedside = new Bedside(find("#pane-vitals", HTMLElement, room), this._encounter);
    this._board = new VitalsBoard(places(room), {
      onPhoto: () => void this._bedside.showPhotos(),
      tables,
      plain: this._role === "patient",
      lag_ms: () => this._lag(),
      alarms: new AlarmCentre(
        {
          signals: find("#alarm-signals", HTMLElement, room),
          bar: find("#alarm-bar", HTMLElement, room),
          scores: find("#scores", HTMLElement, room),
          alarms: find("#alarms", HTMLElement, room),
        },
        { encounter: this._encounter, role: this._role },
      ),
      ticket: async () => (await api("POST", "/tickets", { purpose: "vitals", encounter: this._encounter })).ticket,
    });
    const shown = { board: this._board, alignment: this._alignment, tables };
    this._display = new Display(room, { ...shown, encounter: this._encounter, role: this._role, onCover: () => this._uncover() });
    this._recording = new RecordingControls(room, {
      encounter: this._encounter,
      request: () => this._visit.askToRecord(),
      consent: (accepted) => this._visit.consentToRecord(accepted),
      picture: () => this._stage.large?.video ?? null,
      onStill: () => void this._bedside.showPhotos(),
      onRecorded: () => this._showRecordings(),
      say: (words) => this._note(words),
    });
    this._recordings = new Recordings([find("#recordings", HTMLElement, room), find("#over-recordings", HTMLElement)], this._encounter);
    this._boardOn = false;
    this._rung = find("#rung", HTMLSelectElement, room);
    this._rung.addEventListener("change", () => this._visit.lock(RUNGS.find((rung) => rung === this._rung.value) ?? null));
    this._connectRoom(room);
  }

  /** Begin: with the check, or at once for those who pressed "accept" a moment ago or were here before a reload. */
  start() {
    this._connectCheck();
    if (this._role === "practitioner") this._calls().start();
    else find("#check-waiting", HTMLElement, this._view.section("check")).remove();
    const staff = this._role !== "patient";
    if ((staff && location.hash === "#now") || wasInside(this._encounter)) {
      void this._join({ ask: true });
      return;
    }
    this._view.enter("check");
    this._check.start();
  }

  /** On a small screen the side panel lies over the picture. */
  _uncover() {
    if (!matchMedia(WIDE).matches) this._panel.toggle(false);
  }

  /** How far the vitals are to be drawn behind. @returns {number} */
  _lag() {
    return this._display.lag_ms;
  }

  _newVisit() {
    return new Consultation({
      encounter: this._encounter,
      media: this._media,
      onChange: () => this._show(),
      onAdmitted: () => this._admitted(),
      onQuality: (quality) => {
        this._view.showLink(quality);
        this._panel.measured(quality);
      },
      onClock: (clock) => this._alignment.heard(clock),
      onStill: (still) => void this._drawStill(still),
    });
  }

  _connectCheck() {
    const section = this._view.section("check");
    const join = find("#join", HTMLButtonElement, section);
    join.textContent = text(this._role === "patient" ? "room.join.patient" : "room.join.staff");
    join.addEventListener("click", () => void whileBusy(join, () => this._join({ ask: false })));
  }

  _calls() {
    const place = find("#check-waiting", HTMLElement, this._view.section("check"));
    const admit = find("#join-and-admit", HTMLButtonElement, place);
    admit.addEventListener("click", () => {
      this._visit.admitOnArrival = true;
      void whileBusy(admit, () => this._join({ ask: false }));
    });
    place.hidden = false;
    place.replaceChildren();
    const rings = find("#rings", HTMLElement);
    return new Calls({
      encounter: this._encounter,
      chime: this._chime,
      place: rings,
      onWaiting: (name) => {
        // Made new each time: a button that is only hidden would be found twice beside the one in the room.
        admit.textContent = text("room.join_and_admit", { name });
        place.replaceChildren(...(name === "" ? [] : [admit]));
      },
    });
  }

  /** @param {{ ask: boolean }} how `ask`: camera and microphone have not been asked for in a check. */
  async _join({ ask }) {
    performance.mark("join");
    if (navigator.userActivation?.hasBeenActive !== false) void this._chime.unlock().catch(() => undefined);
    const taking = ask ? this._media.take("all").then((problem) => this._orSound(problem)) : this._check.settled();
    this._visit.join();
    rememberInside(this._encounter, true);
    rememberVisit(this._encounter);
    this._view.enter(this._role === "patient" ? "waiting" : "consultation");
    this._phaseChanged();
    await taking;
    this._check.stop();
    this._show();
  }

  /** Who comes without a check gets what there is: sound alone rather than nothing. @param {Problem | null} problem */
  async _orSound(problem) {
    if (problem === null) return;
    const second = await this._media.take("sound");
    if (second !== null) announce(text(`problem.media.${problem}.title`));
  }

  async _rejoin() {
    this._visit = this._newVisit();
    await this._join({ ask: true });
  }

  _admitted() {
    this._chime.play();
    navigator.vibrate?.([200, 100, 200]);
    announce(text("waiting.admitted"));
  }

  _mediaChanged() {
    if (this._view.phase === "check") this._check.refresh();
    else this._visit.mediaChanged();
  }

  _show() {
    const { state } = this._visit;
    if (this._view.phase === null || this._view.phase === "check") return;
    const entered = this._view.enter(this._phaseToShow());
    if (entered) this._phaseChanged();
    this._view.show(state, { media: this._visit.mediaState, muted: this._media.muted() });
    if (this._view.phase === "waiting") this._showOwnPicture();
    if (this._view.phase !== "consultation") return;
    this._showStage();
    this._rung.value = state.rungs[state.me]?.locked ? rungOf(state, state.me) : "";
    this._panel.show(state);
    this._controls.show(this._controlState());
    this._recording.show(state);
  }

  /** Staff see the room from the start; nobody knows yet whether they are let in, and they always are. */
  _phaseToShow() {
    const { state, phase } = this._visit;
    return phase === "waiting" && state.admission === null && this._role !== "patient" ? "consultation" : phase;
  }

  _phaseChanged() {
    const phase = this._view.phase;
    const inside = phase === "consultation";
    if (inside !== this._boardOn) {
      this._boardOn = inside;
      for (const part of [this._board, this._display]) {
        if (inside) part.start();
        else part.stop();
      }
      if (inside) this._bedside.start();
    }
    if (inside || phase === "over") this._showRecordings();
    void this._awake.keep(inside || phase === "waiting");
    if (phase !== "over") return;
    this._controls.stop();
    this._recording.stop();
    this._bedside.stop();
    const end = this._visit.state.end;
    rememberInside(this._encounter, end === "sign_in" || end === "broken");
    if (end === "ended" || end === "cancelled" || end === "removed") rememberVisit(null);
  }

  _showStage() {
    const { state, remote } = this._visit;
    const share = this._media.track("screen") !== null;
    const arranged = tiles(state, { role: this._role, sharing: share, selfLarge: this._role === "paramedic" });
    this._stage.show(arranged, {
      participants: state.participants,
      me: state.me,
      remote,
      local: (source) => this._media.track(source),
      interrupted: this._visit.mediaState === "interrupted",
      rung: (participant) => rungOf(state, participant),
      speaking: state.speaker.speaking ? state.speaker.participant : "",
      mirrored: this._media.facing === "user",
    });
  }

  /** @param {StillOf} still */
  async _drawStill({ participant, source, jpeg }) {
    const picture = await pictureOf(jpeg);
    if (picture === null) return;
    this._stage.drawStill(participant, source, picture);
    this._showStage();
  }

  _showRecordings() {
    if (this._role === "practitioner") void this._recordings.show();
  }

  _showOwnPicture() {
    const video = find("#lobby-picture", HTMLVideoElement, this._view.section("waiting"));
    const camera = this._media.track("camera");
    const shown = video.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks()[0] : undefined;
    if (camera === (shown ?? null)) return;
    video.srcObject = camera === null ? null : new MediaStream([camera]);
    video.hidden = camera === null;
    if (camera !== null) void video.play().catch(() => undefined);
  }

  /** @returns {import("./controls.js").ControlState} */
  _controlState() {
    const { state } = this._visit;
    const muted = this._media.muted();
    const published = this._media.published();
    return {
      microphone: published.includes("microphone") && muted.microphone === undefined,
      camera: published.includes("camera") && muted.camera === undefined,
      screen: published.includes("screen"),
      canShare: state.may.includes("share_screen") && "getDisplayMedia" in (navigator.mediaDevices ?? {}),
      canFloat: document.pictureInPictureEnabled === true && this._stage.large !== null,
      canEnd: state.may.includes("end"),
      canSwitch: matchMedia("(pointer: coarse)").matches,
      canLight: this._media.hasLight,
      resumable: this._media.lost("microphone") || this._media.lost("camera"),
      unread: unread(state),
      panel: this._panel.open,
    };
  }

  /** @returns {import("./controls.js").ControlActions} */
  _actions() {
    return {
      microphone: () => void this._device("microphone", this._media.switchMicrophone(!this._controlState().microphone)),
      camera: () => void this._device("camera", this._media.switchCameraOn(!this._controlState().camera)),
      screen: () => void this._device("screen", this._media.share(!this._controlState().screen)),
      float: () => void this._stage.floatLarge().catch(() => undefined),
      devices: () => void this._devices.open(),
      messages: () => this._messages(),
      switchCamera: () => void this._device("camera", this._media.switchCamera()),
      light: () => {
        this._lit = !this._lit;
        void this._media.light(this._lit).catch(() => undefined);
      },
      resume: () => void this._device("microphone", this._media.resume()),
      leave: () => this._visit.leave(),
      end: () => this._visit.end(),
    };
  }

  /** @param {"microphone" | "camera" | "screen"} source @param {Promise<Problem | null>} work */
  async _device(source, work) {
    const problem = await work;
    const failed = problem !== null && !(source === "screen" && problem === "denied");
    this._note(failed ? text(`problem.media.${source}`) : "");
    this._show();
  }

  /** @param {string} words Empty takes it away. */
  _note(words) {
    const note = find("#room-note", HTMLElement, this._view.section("consultation"));
    note.textContent = words;
    note.hidden = words === "";
  }

  /** @param {import("./device_menu.js").Device} device @param {string} id */
  async _chooseDevice(device, id) {
    if (device === "speaker") await this._stage.listenOn(id).catch(() => this._note(text("problem.media.speaker")));
    else await this._device(device, this._media.choose(device, id));
  }

  _messages() {
    // Whoever presses "Messages" wants them, even if the panel already shows something else.
    const open = !(this._panel.open && this._panel.tab === "chat");
    this._panel.toggle(open, "chat");
    if (open) this._panel.focusInput();
  }

  /** @param {HTMLElement} room */
  _connectRoom(room) {
    const standard = this._role === "patient" ? "numbers" : this._role === "paramedic" ? "one" : "all";
    this._setDensity(room, densityOf(recall(`density:${this._role}`), standard));
    const density = find("#density", HTMLButtonElement, room);
    density.addEventListener("click", () => this._setDensity(room, nextDensity(densityOf(room.dataset["density"] ?? null, "all"))));
    find("#sound", HTMLButtonElement, room).addEventListener("click", () => {
      this._soundBlocked(false);
      this._stage.playAll();
    });
    for (const close of room.querySelectorAll("[data-close-panel]")) {
      close.addEventListener("click", () => {
        this._panel.toggle(false);
        find("#control-messages", HTMLButtonElement, room).focus();
      });
    }
    this._panel.toggle(matchMedia(WIDE).matches, this._role === "patient" ? "chat" : "vitals");
    setInterval(() => this._view.tick(this._begunAt(), this._visit.now()), TICK_MS);
    document.addEventListener("visibilitychange", () => void this._visibilityChanged());
  }

  /** When it began: as the server said, or else when we first were two. @returns {number | null} */
  _begunAt() {
    const { state } = this._visit;
    if (state.encounter === null) return null;
    if (state.encounter.begun_at !== null) return state.encounter.begun_at;
    if (this._together === 0 && others(state).some((one) => one.connected)) this._together = this._visit.now();
    return this._together === 0 ? null : this._together;
  }

  /** @param {HTMLElement} room @param {Density} density */
  _setDensity(room, density) {
    room.dataset["density"] = density;
    remember(`density:${this._role}`, density);
    const label = maybe("#density .control-words", HTMLElement, room);
    if (label) label.textContent = text(`vitals.density.${density}`);
  }

  /** @param {boolean} blocked */
  _soundBlocked(blocked) {
    find("#sound", HTMLButtonElement, this._view.section("consultation")).hidden = !blocked;
  }

  async _visibilityChanged() {
    if (document.visibilityState !== "visible") return;
    void this._awake.keep(this._view.phase === "consultation" || this._view.phase === "waiting");
    if (this._view.phase === "consultation") await this._media.resume();
    this._show();
  }
}

/** @param {HTMLElement} room @returns {import("../vitals/board.js").BoardPlaces} */
function places(room) {
  /** @param {string} id */
  const place = (id) => find(`#${id}`, HTMLElement, room);
  return {
    root: place("vitals"),
    tiles: place("vital-tiles"),
    traces: place("traces"),
    monitor: place("monitor"),
    devices: place("devices"),
    line: place("vitals-line"),
    none: place("no-vitals"),
  };
}
