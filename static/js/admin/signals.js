/** Alarms of the patient whom a device measures: an administrator turns them off here, and on again. */

import { api } from "../ui/api.js";
import { ask } from "../ui/dialog.js";
import { element } from "../ui/dom.js";
import { text } from "../ui/text.js";
import { browserZone, clockTime } from "../ui/time.js";
import { signals as readSignals } from "../vitals/alarm_messages.js";

/** @import { Signals } from "../vitals/alarm_messages.js" */

/** @type {readonly ["on", "audio_off", "alarm_off"]} */
const STATES = ["on", "audio_off", "alarm_off"];

/** Ask how the alarms shall be from now on. @param {string} name of the device @param {string} encounter */
export async function changeSignals(name, encounter) {
  const path = `/encounters/${encounter}/signals`;
  const known = readSignals((await api("GET", path)).signals);
  const wanted = await ask({
    title: text("device.signals_title", { name }),
    body: [
      element("p", {}, element("strong", {}, text(`device.signals.${known.state}`)), ...who(known)),
      text("device.signals_words"),
      text("device.signals_frame"),
    ],
    actions: [
      ...STATES.filter((state) => state !== known.state).map((state) => ({ label: text(`device.signals.set.${state}`), value: state })),
      { label: text("dialog.no"), value: "", quiet: true },
    ],
  });
  if (wanted !== "") await api("PUT", path, { state: wanted });
}

/** @param {Signals} signals */
function who({ by, at }) {
  return by === "" || at === null ? [] : [` ${text("device.signals_by", { name: by, time: clockTime(new Date(at), browserZone()) })}`];
}
