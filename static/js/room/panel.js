/** The side panel: the monitor to read, the chat, the people; it can be put away. */

import { element, find } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { browserZone, clockTime } from "../ui/time.js";
import { People } from "./people.js";
import { unread } from "./state.js";

/** @import { Quality } from "./quality.js" */
/** @import { RoomState } from "./state.js" */

/** @typedef {"vitals" | "chat" | "people"} Tab */

/** @type {readonly Tab[]} */
const TABS = ["vitals", "chat", "people"];

/**
 * @typedef {object} PanelActions
 * @property {(text: string) => void} say
 * @property {(participant: string) => void} remove
 * @property {() => void} seen The chat is in sight.
 * @property {(open: boolean) => void} opened
 */

export class Panel {
  /** @param {HTMLElement} root @param {PanelActions} actions */
  constructor(root, actions) {
    this._root = root;
    this._actions = actions;
    /** @type {Tab} */
    this._tab = "vitals";
    this._lines = find("#chat-lines", HTMLElement, root);
    this._people = new People(find("#people", HTMLElement, root), actions.remove);
    this._input = find("#chat-input", HTMLTextAreaElement, root);
    this._buttons = new Map(TABS.map((tab) => [tab, find(`#tab-${tab}`, HTMLButtonElement, root)]));
    this._shown = "";
    this._connect();
  }

  get open() {
    return !this._root.hidden;
  }

  get tab() {
    return this._tab;
  }

  /** @param {boolean} open @param {Tab} [tab] */
  toggle(open, tab) {
    this._root.hidden = !open;
    if (tab) this.select(tab);
    this._actions.opened(open);
    this._tellIfSeen();
  }

  /** @param {Tab} tab */
  select(tab) {
    this._tab = tab;
    for (const [name, button] of this._buttons) {
      const chosen = name === tab;
      button.setAttribute("aria-selected", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      find(`#pane-${name}`, HTMLElement, this._root).hidden = !chosen;
    }
    if (tab === "chat") this._toEnd();
    this._tellIfSeen();
  }

  focusInput() {
    this._input.focus();
  }

  /** @param {RoomState} state */
  show(state) {
    this._showChat(state);
    this._people.show(state);
    const count = unread(state);
    const badge = find("#tab-chat .badge", HTMLElement, this._root);
    badge.textContent = count === 0 ? "" : String(count);
    badge.hidden = count === 0;
    if (count > 0) this._tellIfSeen();
  }

  /** @param {Quality} quality */
  measured(quality) {
    this._people.measured(quality);
  }

  _tellIfSeen() {
    if (this.open && this._tab === "chat" && document.visibilityState === "visible") this._actions.seen();
  }

  _connect() {
    for (const [tab, button] of this._buttons) {
      button.addEventListener("click", () => this.select(tab));
      button.addEventListener("keydown", (event) => this._moveTab(event, tab));
    }
    const form = find("#chat-form", HTMLFormElement, this._root);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this._submit();
    });
    this._input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this._submit();
    });
  }

  _submit() {
    const words = this._input.value.trim();
    if (words === "") return;
    this._input.value = "";
    this.select("chat");
    this._actions.say(words);
  }

  /** @param {KeyboardEvent} event @param {Tab} from */
  _moveTab(event, from) {
    const forward = document.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const backward = document.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    const step = event.key === forward ? 1 : event.key === backward ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const shown = TABS.filter((tab) => this._buttons.get(tab)?.hidden === false);
    const to = shown[(shown.indexOf(from) + step + shown.length) % shown.length];
    if (!to) return;
    this.select(to);
    this._buttons.get(to)?.focus();
  }

  /** @param {RoomState} state */
  _showChat(state) {
    const names = new Map(state.participants.map((one) => [one.id, one.id === state.me ? text("room.you") : one.name]));
    const key = JSON.stringify([state.chat.map((line) => line.number), state.pending, [...names]]);
    if (key === this._shown) return;
    this._shown = key;
    const arrived = state.chat.map((line) => {
      const time = clockTime(new Date(line.at), browserZone());
      const head = text("chat.from", { name: names.get(line.participant) ?? "", time });
      return chatItem(head, line.text, line.participant === state.me);
    });
    const waiting = state.pending.map((line) => chatItem(text("chat.sending"), line.text, true));
    const all = [...arrived, ...waiting];
    const empty = element("li", { class: "chat-empty" }, text("chat.empty"));
    this._lines.replaceChildren(...(all.length === 0 ? [empty] : all));
    this._toEnd();
  }

  _toEnd() {
    const pane = find("#pane-chat", HTMLElement, this._root);
    pane.scrollTop = pane.scrollHeight;
  }
}

/** @param {string} head @param {string} words @param {boolean} own */
function chatItem(head, words, own) {
  return element(
    "li",
    { class: "chat-line", "data-own": String(own) },
    element("span", { class: "chat-head" }, head),
    element("span", { class: "chat-text", dir: "auto" }, words),
  );
}
