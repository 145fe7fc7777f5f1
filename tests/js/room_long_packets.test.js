import assert from "node:assert/strict";
import { test } from "node:test";

import { withLongPackets } from "../../static/js/room/offers.js";

const SOUND = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtcp-mux\r\n";
const PICTURES = "m=video 9 UDP/TLS/RTP/SAVPF 96 102\r\na=rtpmap:96 VP8/90000\r\na=fmtp:102 packetization-mode=1\r\n";

test("every line of sound asks for few long packets, and nothing else changes", () => {
  const asked = withLongPackets(SOUND + PICTURES + SOUND);
  assert.equal(asked.split("useinbandfec=1;ptime=60;maxptime=60;maxaveragebitrate=12000\r\na=ptime:60\r\na=rtcp-mux\r\n").length, 3);
  assert.ok(asked.includes(PICTURES));
});

test("an offer without sound stays as it is", () => {
  assert.equal(withLongPackets(PICTURES), PICTURES);
});
