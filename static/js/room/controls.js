/** The bar of controls: microphone, camera, screen, messages, leave; and ending the visit, with time to think again. */

import { announce, find, icon, maybe } from "../ui/dom.js";
import { text } from "../ui/text.js";

const UNDO_S = 4;

/**
 * @typedef {object} ControlState
 * @property {boolean} microphone
 * @property {boolean} camera
 * @property {boolean} screen
 * @property {boolean} canShare
 * @property {boolean} canFloat The browser shows a picture in a window of its own, and there is one.
 * @property {boolean} canEnd
 * @property {boolean} canSwitch More than one camera, or a phone.
 * @property {boolean} canLight
 * @property {boolean} resumable The system took something away.
 * @property {number} unread
 * @property {boolean} panel
 */

/**
 * @typedef {object} ControlActions
 * @property {() => unknown} microphone
 * @property {() => unknown} camera
 * @property {() => unknown} screen
 * @property {() => unknown} float
 * @property {() => unknown} devices
 * @property {() => unknown} messages
 * @property {() => unknown} switchCamera
 * @property {() => unknown} light
 * @property {() => unknown} resume
 * @property {() => unknown} leave
 * @property {() => unknown} end
 */

export class Controls {
  /** @param {HTMLElement} root @param {ControlActions} actions */
  constructor(root, actions) {
    this._root = root;
    /** @param {string} id */
    const button = (id) => find(`#control-${id}`, HTMLButtonElement, root);
    this._buttons = {
      microphone: button("microphone"),
      camera: button("camera"),
      screen: button("screen"),
      float: button("float"),
      devices: button("devices"),
      messages: button("messages"),
      switchCamera: button("switch"),
      light: button("light"),
      resume: button("resume"),
      leave: button("leave"),
      end: button("end"),
    };
    for (const name of /** @type {const} */ (["microphone", "camera", "screen", "float", "devices", "messages", "switchCamera", "light", "resume", "leave"])) {
      this._buttons[name].addEventListener("click", () => actions[name]());
    }
    this._end = actions.end;
    this._left_s = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._counting = undefined;
    this._buttons.end.addEventListener("click", () => this._askedToEnd());
    document.addEventListener("keydown", (event) => this._key(event, actions));
  }

  /** @param {ControlState} state */
  show(state) {
    this._switch("microphone", state.microphone, "mic", "mic-off");
    this._switch("camera", state.camera, "video", "video-off");
    this._switch("screen", state.screen, "screen", "screen");
    this._buttons.screen.hidden = !state.canShare;
    this._buttons.float.hidden = !state.canFloat;
    this._buttons.switchCamera.hidden = !state.canSwitch;
    this._buttons.light.hidden = !state.canLight;
    this._buttons.resume.hidden = !state.resumable;
    this._buttons.end.hidden = !state.canEnd;
    this._buttons.messages.setAttribute("aria-expanded", String(state.panel));
    const label = state.unread > 0 ? text("control.messages.new", { count: state.unread }) : text("control.messages");
    this._buttons.messages.setAttribute("aria-label", label);
    const badge = maybe(".badge", HTMLElement, this._buttons.messages);
    if (badge) {
      badge.textContent = state.unread > 0 ? String(state.unread) : "";
      badge.hidden = state.unread === 0;
    }
  }

  stop() {
    this._undo();
  }

  /** @param {"microphone" | "camera" | "screen"} name @param {boolean} on @param {string} onSign @param {string} offSign */
  _switch(name, on, onSign, offSign) {
    const button = this._buttons[name];
    const label = text(`control.${name}.${on ? "on" : "off"}`);
    if (button.dataset["label"] === label) return;
    button.dataset["label"] = label;
    button.setAttribute("aria-pressed", String(on));
    find(".control-words", HTMLElement, button).textContent = label;
    find(".control-sign", HTMLElement, button).replaceChildren(icon(on ? onSign : offSign));
  }

  /** The visit ends for everybody and can't be opened again: a slip may be taken back for a few seconds. */
  _askedToEnd() {
    if (this._counting !== undefined) {
      this._undo();
      return;
    }
    this._left_s = UNDO_S;
    announce(text("control.ending.hint", { count: UNDO_S }));
    this._countDown();
    this._counting = setInterval(() => {
      this._left_s -= 1;
      if (this._left_s > 0) this._countDown();
      else {
        this._undo();
        this._end();
      }
    }, 1000);
  }

  _countDown() {
    this._buttons.end.dataset["ending"] = "true";
    find(".control-words", HTMLElement, this._buttons.end).textContent = text("control.ending", { count: this._left_s });
  }

  _undo() {
    clearInterval(this._counting);
    this._counting = undefined;
    delete this._buttons.end.dataset["ending"];
    find(".control-words", HTMLElement, this._buttons.end).textContent = text("control.end");
  }

  /** @param {KeyboardEvent} event @param {ControlActions} actions */
  _key(event, actions) {
    if (!this._root.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLElement && event.target.closest("input, textarea, select")) return;
    if (event.key === "m") actions.microphone();
    else if (event.key === "v") actions.camera();
    else if (event.key === "c") actions.messages();
  }
}
