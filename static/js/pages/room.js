/** The page of a visit: check, waiting room, consultation. Finds the elements and connects the modules. */

import "../i18n/en_alarms.js";
import "../i18n/en_bedside.js";
import "../i18n/en_display.js";
import "../i18n/en_room.js";
import { pageData } from "../ui/dom.js";
import { RoomPage } from "../room/page.js";
import { dressPage } from "../vitals/display.js";

dressPage();
const page = new RoomPage(pageData());
page.start();
