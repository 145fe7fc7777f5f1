/** What people at the bedside bring in themselves: sensors, typed values, photos; and how these fare. */

import { api } from "../ui/api.js";
import { announce, element, find, icon } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { browserZone, clockTime } from "../ui/time.js";
import { bluetoothOf, Sensors } from "../vitals/bluetooth.js";
import { Courier } from "../vitals/courier.js";
import { openJournal } from "../vitals/journal.js";
import { AddReading } from "./add_reading.js";
import { redrawn, sendPhoto } from "./picture.js";

/** @import { SensorValue } from "../vitals/bluetooth.js" */
/** @import { CourierState, Result } from "../vitals/courier.js" */

/** @typedef {Readonly<{ id: string, created_at: string }>} Photo */

const MOST_PHOTOS = 12;

export class Bedside {
  /** @param {HTMLElement} root the pane of the readings @param {string} encounter */
  constructor(root, encounter) {
    this._encounter = encounter;
    this._list = find("#sensors", HTMLElement, root);
    this._photos = find("#photos", HTMLElement, root);
    this._note = find("#bedside-note", HTMLElement, root);
    this._add = find("#add-reading", HTMLButtonElement, root);
    this._sensors = new Sensors({ onValue: (value) => void this._measured(value), onChange: () => this._showSensors() });
    this._courier = new Courier({
      encounter,
      journal: openJournal(),
      send: (sent_at, readings) => api("POST", `/encounters/${encounter}/readings`, { sent_at, readings }),
      onResults: (results) => this._arrived(results),
      onState: (state) => this._showCourier(state),
    });
    this._on = false;
    this._add.addEventListener("click", () => this._open());
  }

  start() {
    if (this._on) return;
    this._on = true;
    this._courier.start();
    void this.showPhotos();
  }

  stop() {
    this._on = false;
    this._courier.stop();
    this._sensors.stop();
  }

  async showPhotos() {
    try {
      const { photos } = await api("GET", `/encounters/${this._encounter}/photos`);
      this._photos.replaceChildren(...photos.slice(-MOST_PHOTOS).map((/** @type {Photo} */ one) => this._photo(one)));
    } catch {
      // They are asked for again with the next one; the readings matter more.
    }
  }

  _open() {
    const dialog = new AddReading({
      bluetooth: bluetoothOf(),
      pair: (bluetooth) => this._sensors.pair(bluetooth),
      typed: (values) => this._courier.add({ kind: "typed", taken_at: Date.now(), values }),
      photo: (file) => this._sendPhoto(file),
    });
    dialog.open();
  }

  /** @param {SensorValue} value */
  async _measured({ sensor, characteristic, bytes, measurements, at, clock_offset_ms }) {
    const decoded = (measurements ?? []).flatMap((one) =>
      one.readings.map(({ mdc, value, unit, quality }) => ({ mdc, value, unit, quality })),
    );
    await this._courier.add({ kind: "gatt", taken_at: at, sensor, characteristic, bytes, decoded, clock_offset_ms });
  }

  /** @param {Blob} file */
  async _sendPhoto(file) {
    const picture = await redrawn(file);
    await sendPhoto(this._encounter, crypto.randomUUID(), picture);
    await this.showPhotos();
  }

  /** @param {readonly Result[]} results */
  _arrived(results) {
    const worst = results.find(({ status }) => status !== "recorded") ?? results.find(({ reason }) => reason !== "");
    if (!worst) return;
    const words =
      worst.status === "quarantined"
        ? text("bedside.quarantined")
        : text("bedside.typed.refused", { reason: reasonWords(worst.reason) });
    // A sensor that tells nothing (no finger in it) says so on its tile.
    if (worst.reason !== "no_value") this._say(words);
  }

  /** @param {CourierState} state */
  _showCourier({ waiting }) {
    this._say(waiting === 0 ? "" : text("bedside.waiting", { count: waiting }));
  }

  /** @param {string} words */
  _say(words) {
    if (this._note.textContent === words) return;
    this._note.textContent = words;
    this._note.hidden = words === "";
  }

  _showSensors() {
    const rows = this._sensors.list.map((sensor) =>
      element(
        "li",
        { class: "sensor", "data-state": sensor.state, "data-testid": "sensor" },
        element("span", {}, `${sensor.name}: ${text(`bedside.sensor.${sensor.state}`)}`),
        element(
          "button",
          {
            type: "button",
            class: "icon-button",
            "aria-label": text("bedside.sensor.remove", { name: sensor.name }),
            click: () => this._sensors.remove(sensor),
          },
          icon("close"),
        ),
      ),
    );
    this._list.replaceChildren(...rows);
    const lost = this._sensors.list.find((sensor) => sensor.state === "lost");
    if (lost) announce(`${lost.name}: ${text("bedside.sensor.lost")}`);
  }

  /** @param {Photo} photo */
  _photo({ id, created_at }) {
    const source = `/api/v1/encounters/${this._encounter}/photos/${id}`;
    const alt = text("bedside.photo.alt", { time: clockTime(new Date(created_at), browserZone()) });
    const picture = element("img", { src: source, alt, loading: "lazy", "data-testid": "photo" });
    return element("li", {}, element("a", { href: source, target: "_blank", rel: "noopener" }, picture));
  }
}

/** @param {string} reason */
function reasonWords(reason) {
  const key = `bedside.reason.${reason}`;
  const words = text(key);
  return words === key ? text("bedside.reason.other") : words;
}

