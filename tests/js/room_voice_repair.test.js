import assert from "node:assert/strict";
import { test } from "node:test";

import { withVoiceRepair } from "../../static/js/room/offers.js";

const OFFER = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\n";
const ANSWER = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n";

test("lost sound is asked for when the offer allows it", () => {
  const twice = withVoiceRepair(ANSWER + ANSWER, OFFER);
  assert.equal(twice.split("a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\na=fmtp").length, 3);
  assert.ok(twice.endsWith("useinbandfec=1\r\n"));
});

test("nothing is added that the offer does not have, or that is there already", () => {
  assert.equal(withVoiceRepair(ANSWER, OFFER.replace("a=rtcp-fb:111 nack\r\n", "")), ANSWER);
  assert.equal(withVoiceRepair(ANSWER, "v=0\r\n"), ANSWER);
  const whole = withVoiceRepair(ANSWER, OFFER);
  assert.equal(withVoiceRepair(whole, OFFER), whole);
});
