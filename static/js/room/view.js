/** The phases of the page and what stands in the bar: state in, document out. */

import { announce, element, find, icon } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { stopwatch } from "../ui/time.js";
import { pathWords } from "./people.js";
import { others, phase, status, waiting } from "./state.js";

/** @import { Case } from "./messages.js" */
/** @import { Quality } from "./quality.js" */
/** @import { RoomState, Status } from "./state.js" */

/** @typedef {"check" | "waiting" | "consultation" | "over"} Phase */

/**
 * @typedef {object} ViewActions
 * @property {(participant: string) => void} admit
 * @property {() => void} rejoin
 * @property {string} home Where this person belongs.
 */

export class View {
  /** @param {ViewActions} actions */
  constructor(actions) {
    this._actions = actions;
    this._main = find("main", HTMLElement);
    /** @type {ReadonlyMap<Phase, HTMLElement>} */
    this.sections = new Map([
      ["check", find("#check", HTMLElement)],
      ["waiting", find("#waiting", HTMLElement)],
      ["consultation", find("#room", HTMLElement)],
      ["over", find("#over", HTMLElement)],
    ]);
    /** @type {Phase | null} */
    this.phase = null;
    this._said = "";
    this._knocking = "";
    this._over = "";
    const room = this.section("consultation");
    this._title = find("#room-title", HTMLElement, room);
    this._clock = find("#room-clock", HTMLElement, room);
    this._status = find("#status", HTMLElement, room);
    this._knocks = find("#knocks", HTMLElement, room);
    this._case = find("#case", HTMLElement, room);
    this._lobby = {
      title: find("#lobby-title", HTMLElement, this.section("waiting")),
      words: find("#lobby-words", HTMLElement, this.section("waiting")),
    };
  }

  /** @param {Phase} phase */
  section(phase) {
    return /** @type {HTMLElement} */ (this.sections.get(phase));
  }

  /**
   * Show one phase; the others leave the document, so that nothing hidden is read aloud or found twice.
   *
   * @param {Phase} to
   * @returns {boolean} Whether it is another than before.
   */
  enter(to) {
    if (to === this.phase) return false;
    const first = this.phase === null;
    this.phase = to;
    document.body.dataset["phase"] = to;
    const section = this.section(to);
    section.hidden = false;
    this._main.replaceChildren(section);
    const heading = section.querySelector("h1");
    // On arrival the browser's own order of reading is right; later the focus follows what has changed.
    if (!first && heading instanceof HTMLElement) heading.focus({ preventScroll: true });
    return true;
  }

  /** @param {RoomState} state @param {Parameters<typeof status>[1]} own */
  show(state, own) {
    switch (phase(state)) {
      case "waiting":
        this._showLobby(state);
        return;
      case "over":
        this._showOver(state.end ?? "ended");
        return;
      case "consultation":
        this._showStatus(status(state, own));
        this._showTitle(state);
        this._showKnocks(state);
        this._showCase(state);
    }
  }

  /** @param {number | null} begun_at @param {number} now In the server's time. */
  tick(begun_at, now) {
    this._clock.textContent = begun_at === null ? "" : stopwatch(now - begun_at);
  }

  /** @param {RoomState} state */
  _showLobby({ lobby, line }) {
    const before = (lobby?.position ?? 1) - 1;
    const title = lobby === null ? "waiting.opening" : before === 0 ? "waiting.next" : "waiting.before";
    const words = line === "interrupted" ? "waiting.interrupted" : `waiting.${lobby?.practitioner ?? "away"}`;
    this._lobby.title.textContent = text(title, { count: before });
    const said = lobby === null && line !== "interrupted" ? "" : text(words);
    if (this._lobby.words.textContent !== said) this._lobby.words.textContent = said;
  }

  /** @param {Status} now */
  _showStatus({ key, values, tone }) {
    const words = text(key, values);
    this._status.dataset["tone"] = tone;
    if (words === this._said) return;
    this._said = words;
    find(".status-words", HTMLElement, this._status).textContent = words;
  }

  /** How our own link fares, in a word. @param {Quality} quality */
  showLink({ grade, path }) {
    const link = find("#link", HTMLElement, this.section("consultation"));
    link.dataset["quality"] = grade;
    const words = text(`room.link.${grade}`);
    find(".link-words", HTMLElement, link).textContent = words;
    link.title = [words, pathWords(path)].filter((part) => part !== "").join(", ");
    const sign = find(".link-sign", HTMLElement, link);
    if (sign.childElementCount === 0) sign.append(icon("signal"));
  }

  /** @param {RoomState} state */
  _showTitle(state) {
    const names = others(state).map((one) => one.name);
    const patient = state.encounter?.patient ?? "";
    const own = state.participants.find((one) => one.id === state.me);
    const title = own?.role === "patient" ? names.join(", ") : patient || names.join(", ");
    this._title.textContent = title || text("room.title.alone");
  }

  /** @param {RoomState} state */
  _showKnocks(state) {
    const knocking = state.may.includes("admit") ? waiting(state) : [];
    const key = knocking.map((one) => `${one.id} ${one.name}`).join("\n");
    if (key === this._knocking) return;
    if (knocking.length > 0) announce(text("room.someone_waits", { name: knocking[0]?.name ?? "" }));
    this._knocking = key;
    this._knocks.replaceChildren(
      ...knocking.map((one) =>
        element(
          "div",
          { class: "knock" },
          element("p", {}, icon("person"), " ", text("room.someone_waits", { name: one.name })),
          element(
            "button",
            { type: "button", class: "button", "data-testid": "admit-button", click: () => this._actions.admit(one.id) },
            text("room.admit", { name: one.name }),
          ),
        ),
      ),
    );
  }

  /** Until somebody has come: then one sees it. @param {RoomState} state */
  _showCase(state) {
    const met = state.case?.status === "accepted" && others(state).some((one) => one.connected);
    const words = state.case === null || met ? "" : caseWords(state.case);
    this._case.hidden = words === "";
    if (this._case.textContent !== words) this._case.textContent = words;
  }

  /** @param {NonNullable<RoomState["end"]>} end */
  _showOver(end) {
    if (this._over === end) return;
    this._over = end;
    const section = this.section("over");
    find("#over-title", HTMLElement, section).textContent = text(`over.${end}.title`);
    find("#over-words", HTMLElement, section).textContent = text(`over.${end}.text`);
    find("#over-actions", HTMLElement, section).replaceChildren(...this._overActions(end));
  }

  /** @param {NonNullable<RoomState["end"]>} end @returns {readonly HTMLElement[]} */
  _overActions(end) {
    const home = find("#over-home", HTMLAnchorElement, this.section("over"));
    home.href = this._actions.home;
    const again = (/** @type {string} */ key) =>
      element("button", { type: "button", class: "button button-large", "data-testid": "join-button", click: this._actions.rejoin }, text(key));
    switch (end) {
      case "left":
      case "over":
        return [again("over.return")];
      case "replaced":
        return [again("over.take_back")];
      case "sign_in": {
        const next = encodeURIComponent(location.pathname);
        return [element("a", { class: "button button-large", href: `/login?next=${next}` }, text("over.sign_in"))];
      }
      case "broken":
        return [element("a", { class: "button button-large", href: location.pathname }, text("over.reload"))];
      default:
        return [];
    }
  }
}

/** How the ringing goes, in words. @param {Case} shown */
export function caseWords({ status: stands, rings }) {
  const accepted = rings.find((ring) => ring.state === "accepted");
  if (accepted) return text("case.accepted", { name: accepted.name });
  const ringing = rings.filter((ring) => ring.state === "ringing").map((ring) => ring.name);
  if (stands === "closed") return text("case.closed");
  if (ringing.length > 0) return text("case.ringing", { names: ringing.join(", ") });
  return text(rings.length > 0 ? "case.nobody" : "case.status.open");
}
