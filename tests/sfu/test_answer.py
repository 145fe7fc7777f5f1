"""Answers: those of browsers, and those of nobody."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from telehealth.errors import Invalid
from telehealth.sfu.aiortc_hooks import Fingerprint
from telehealth.sfu.answer import parse_answer
from telehealth.sfu.limits import MEDIA_LINES, SDP_BYTES, SDP_LINES
from telehealth.sfu.offer import Direction, Kind, OfferedLine
from telehealth.sfu.stun import Credentials

OFFERED = (OfferedLine("1", Kind.AUDIO, Direction.RECEIVE), OfferedLine("2", Kind.VIDEO, Direction.RECEIVE))
DIGEST = ":".join(["0a"] * 32)

# In the form of Chromium 156.
CHROMIUM = f"""v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 1 2
a=extmap-allow-mixed
a=msid-semantic: WMS
m=audio 52772 UDP/TLS/RTP/SAVPF 111
c=IN IP4 203.0.113.7
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1467250027 1 udp 2122260223 203.0.113.7 52772 typ host generation 0 network-id 1
a=candidate:1467250027 1 udp 2122260223 8fd2c0a5-52ce-4e22-8a1d-1f0b6fd0a0c1.local 52772 typ host
a=ice-ufrag:Yv7+
a=ice-pwd:0123456789abcdefABCDEF/+
a=ice-options:trickle
a=fingerprint:sha-256 {DIGEST}
a=setup:active
a=mid:1
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendonly
a=msid:- 4b8e5f1e-3c56-4d1e-a2f5-f1b2c3d4e5f6
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=ssrc:1473564932 cname:y5Biaswhhj8poSAS
m=video 9 UDP/TLS/RTP/SAVPF 96 102
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:Yv7+
a=ice-pwd:0123456789abcdefABCDEF/+
a=fingerprint:sha-256 {DIGEST}
a=setup:active
a=mid:2
a=inactive
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
""".replace("\n", "\r\n")

# In the form of Firefox: fingerprint at session level, and no word of the SSRCs, as browsers may answer too.
FIREFOX = f"""v=0
o=mozilla...THIS_IS_SDPARTA-99.0 8 0 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 {DIGEST.upper()}
a=ice-options:trickle
a=msid-semantic:WMS *
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=recvonly
a=end-of-candidates
a=ice-pwd:0123456789abcdef0123456789abcdef
a=ice-ufrag:01234567
a=mid:1
a=rtcp-mux
a=setup:active
m=video 9 UDP/TLS/RTP/SAVPF 96
a=sendonly
a=ice-pwd:0123456789abcdef0123456789abcdef
a=ice-ufrag:01234567
a=mid:2
a=rtcp-mux
a=setup:active
""".replace("\n", "\r\n")


def test_what_chromium_answers_is_read() -> None:
    answer = parse_answer(CHROMIUM, OFFERED)
    assert answer.credentials == Credentials("Yv7+", "0123456789abcdefABCDEF/+")
    assert answer.fingerprints == {Fingerprint("sha-256", DIGEST.upper())}
    audio, video = answer.lines
    assert (audio.mid, audio.sends, audio.receives, audio.ssrc) == ("1", True, False, 1473564932)
    assert (video.mid, video.sends, video.receives, video.ssrc) == ("2", False, False, None)


def test_what_firefox_answers_is_read() -> None:
    answer = parse_answer(FIREFOX, OFFERED)
    audio, video = answer.lines
    assert (audio.receives, audio.sends) == (True, False)
    assert (video.sends, video.ssrc) == (True, None)
    assert answer.fingerprints == {Fingerprint("sha-256", DIGEST.upper())}


def test_what_firefox_really_answers_is_read() -> None:
    """Firefox 153 ESR in a room of two; addresses, keys and names are replaced."""
    offered = [
        *(OfferedLine(mid, kind, Direction.RECEIVE) for mid, kind in (("1", Kind.AUDIO), ("2", Kind.VIDEO))),
        *(OfferedLine(mid, kind, Direction.SEND) for mid, kind in (("3", Kind.AUDIO), ("4", Kind.VIDEO))),
    ]
    sdp = Path(__file__).with_name("firefox_answer.sdp").read_text().replace("\n", "\r\n")
    answer = parse_answer(sdp, offered)
    assert [(line.mid, line.sends, line.receives) for line in answer.lines] == [
        ("1", True, False),
        ("2", True, False),
        ("3", False, True),
        ("4", False, True),
    ]
    assert [line.ssrc for line in answer.lines[:2]] == [2533537505, 1168110557]
    assert answer.lines[1].repair == 3585283970


@pytest.mark.parametrize(
    "change",
    [
        lambda sdp: sdp.replace("m=video 9", "m=video 0"),
        lambda sdp: sdp.replace("SAVPF 96", "SAVPF 120"),
        lambda sdp: sdp.replace("UDP/TLS/RTP/SAVPF 96", ""),
    ],
    ids=["rejected", "no codec of ours", "no codec at all"],
)
def test_a_line_that_carries_nothing_neither_sends_nor_receives(change: Callable[[str], str]) -> None:
    video = parse_answer(change(FIREFOX), OFFERED).lines[1]
    assert not video.sends
    assert not video.receives


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda sdp: "", "empty"),
        (lambda sdp: "hello", "no SDP"),
        (lambda sdp: "v=0\r\n", "no media line"),
        (lambda sdp: sdp + "a=x:" + "x" * SDP_BYTES, "too long"),
        (lambda sdp: sdp + "a=x:" + "é" * (SDP_BYTES // 2), "too long in bytes"),
        (lambda sdp: sdp + "a=x\r\n" * SDP_LINES, "too many lines"),
        (lambda sdp: sdp + "m=audio 9 X 0\r\n" * MEDIA_LINES, "too many media lines"),
        (lambda sdp: sdp + "m=audio 9 X 0\r\n", "one line more than offered"),
        (lambda sdp: sdp.replace("a=mid:1", "a=mid:9"), "another mid"),
        (lambda sdp: sdp.replace("m=audio", "m=video"), "another kind"),
        (lambda sdp: sdp.replace("m=audio 9", "m=audio x"), "no port"),
        (lambda sdp: sdp.replace("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m="), "an empty media line"),
        (lambda sdp: sdp.replace("a=rtcp-mux", "a=rtcp:9"), "no rtcp-mux"),
        (lambda sdp: sdp.replace("setup:active", "setup:passive"), "server instead of client"),
        (lambda sdp: sdp.replace("a=setup:active", "a=x"), "no role"),
        (lambda sdp: sdp.replace("a=ice-ufrag:01234567", "a=ice-ufrag:0"), "short user fragment"),
        (lambda sdp: sdp.replace("a=ice-pwd:", "a=ice-pwd: "), "malformed password"),
        (lambda sdp: sdp.replace("a=ice-ufrag:01234567", "a=ice-ufrag:76543210", 1), "two transports"),
        (lambda sdp: sdp.replace("sha-256", "md5"), "a weak hash"),
        (lambda sdp: sdp.replace(DIGEST.upper(), "zz"), "no hash"),
        (lambda sdp: sdp + "a=ssrc:x cname:y\r\n", "no SSRC"),
        (lambda sdp: sdp + "a=ssrc:4294967296 cname:y\r\n", "an SSRC out of range"),
        (lambda sdp: sdp + "a=mid\x00\r\n", "a control character"),
        (lambda sdp: sdp + "garbage\r\n", "a line without a type"),
    ],
)
def test_what_cannot_be_used_is_refused(change: Callable[[str], str], why: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_answer(change(FIREFOX), OFFERED)
        pytest.fail(why)
    assert refused.value.code == "bad_sdp"


def test_ten_thousand_damaged_answers_are_refused_or_read_but_never_more() -> None:
    chance = random.Random(20260101)
    alphabet = "\r\n=:; /0123456789abmcvtsipudxé\x00\u2028-+"
    for _ in range(10_000):
        text = chance.choice((CHROMIUM, FIREFOX))
        for _ in range(chance.randint(1, 8)):
            start = chance.randrange(len(text) + 1)
            end = min(len(text), start + chance.choice((0, 1, 1, 5, 200)))
            junk = "".join(chance.choices(alphabet, k=chance.choice((0, 1, 3, 12))))
            text = text[:start] + junk + text[end:]
        try:
            parse_answer(text, OFFERED)
        except Invalid:
            continue
