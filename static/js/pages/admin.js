/** Administration: devices, people, keys and the audit trail, each its own part. */

import "../i18n/en.js";
import { connectAudit } from "../admin/audit.js";
import { connectDevices } from "../admin/devices.js";
import { connectKeys } from "../admin/keys.js";
import { connectUsers } from "../admin/users.js";
import { announce, find } from "../ui/dom.js";

const notice = find("#notice", HTMLElement);

/** @param {string} words */
function tell(words) {
  notice.textContent = words;
  notice.hidden = words === "";
  announce(words);
}

connectDevices(tell);
connectUsers(tell);
connectKeys(tell);
connectAudit();
