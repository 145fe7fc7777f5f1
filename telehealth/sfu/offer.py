"""The offer that we send to a browser, as text (RFC 8829; RFC 8843 BUNDLE; RFC 8839 ICE-lite).

Payload types and header-extension ids are ours and the same for everybody, so that a packet can pass unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from telehealth.sfu.aiortc_hooks import Fingerprint
from telehealth.sfu.media_settings import Protocol
from telehealth.sfu.stun import Credentials

OPUS = 111
VP8 = 96
H264 = 102
REPAIRS = {97: VP8, 103: H264}
"""Payload types of retransmissions (RFC 4588), and of what they repeat."""

AUDIO_LEVEL_ID = 1
SEND_TIME_ID = 2
ORIENTATION_ID = 3
MID_ID = 4
TRANSPORT_CC_ID = 5

_TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"


CLOCK_RATES = {OPUS: 48_000, VP8: 90_000, H264: 90_000}


class Kind(StrEnum):
    """Kind of a media line."""

    AUDIO = "audio"
    VIDEO = "video"


PAYLOAD_TYPES = {Kind.AUDIO: (OPUS,), Kind.VIDEO: (VP8, H264)}

_CODECS = {
    Kind.AUDIO: (
        f"a=rtpmap:{OPUS} opus/48000/2",
        f"a=fmtp:{OPUS} minptime=10;useinbandfec=1",
        f"a=rtcp-fb:{OPUS} nack",
        f"a=extmap:{AUDIO_LEVEL_ID} urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    ),
    Kind.VIDEO: (
        f"a=rtpmap:{VP8} VP8/90000",
        *(f"a=rtcp-fb:{VP8} {feedback}" for feedback in ("nack", "nack pli", "ccm fir", "goog-remb")),
        f"a=rtpmap:{H264} H264/90000",
        f"a=fmtp:{H264} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        *(f"a=rtcp-fb:{H264} {feedback}" for feedback in ("nack", "nack pli", "ccm fir", "goog-remb")),
        f"a=extmap:{ORIENTATION_ID} urn:3gpp:video-orientation",
    ),
}
_EVERY_LINE = (
    f"a=extmap:{SEND_TIME_ID} http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    f"a=extmap:{MID_ID} urn:ietf:params:rtp-hdrext:sdes:mid",
    "a=rtcp-mux",
    "a=rtcp-rsize",
)


class Direction(StrEnum):
    """Of a media line, seen from the server."""

    RECEIVE = "recvonly"
    SEND = "sendonly"
    INACTIVE = "inactive"
    ENDED = "ended"
    """The line is rejected (port 0) and may be used again under another mid (RFC 8829 §5.2.2)."""


@dataclass(frozen=True, slots=True)
class OfferedLine:
    """One media line; `stream` and `ssrc` say what we send on it, or sent until it paused."""

    mid: str
    kind: Kind
    direction: Direction
    stream: str = ""
    ssrc: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How the browser reaches and recognises us."""

    credentials: Credentials
    fingerprint: Fingerprint
    addresses: tuple[str, ...]
    port: int
    protocols: tuple[Protocol, ...] = ("udp",)


def offer_text(endpoint: Endpoint, lines: Sequence[OfferedLine], *, version: int) -> str:
    """Return the SDP; the first line is never an ended one, since the bundle hangs on it."""
    bundle = " ".join(line.mid for line in lines if line.direction is not Direction.ENDED)
    text = [
        "v=0",
        f"o=- 1 {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        f"a=group:BUNDLE {bundle}",
        "a=msid-semantic:WMS *",
    ]
    for line in lines:
        text += _media(endpoint, line)
    return "\r\n".join(text) + "\r\n"


def _media(endpoint: Endpoint, line: OfferedLine) -> list[str]:
    ended = line.direction is Direction.ENDED
    port = 0 if ended else endpoint.port
    repaired = line.kind is Kind.VIDEO and line.direction is Direction.RECEIVE
    formats = " ".join(str(number) for number in (*PAYLOAD_TYPES[line.kind], *(REPAIRS if repaired else ())))
    text = [
        f"m={line.kind} {port} UDP/TLS/RTP/SAVPF {formats}",
        f"c=IN IP4 {endpoint.addresses[0]}",
        f"a=mid:{line.mid}",
        f"a={Direction.INACTIVE if ended else line.direction}",
        f"a=ice-ufrag:{endpoint.credentials.ufrag}",
        f"a=ice-pwd:{endpoint.credentials.password}",
        f"a=fingerprint:{endpoint.fingerprint.algorithm} {endpoint.fingerprint.value}",
        "a=setup:actpass",
        *_EVERY_LINE,
        *_CODECS[line.kind],
        *(_congestion(line.kind) if line.direction is Direction.RECEIVE else ()),
        *(_repairs() if repaired else ()),
    ]
    if line.ssrc is not None:
        text.append(f"a=msid:{line.stream} {line.mid}")
        text.append(f"a=ssrc:{line.ssrc} cname:{line.stream}")
        text.append(f"a=ssrc:{line.ssrc} msid:{line.stream} {line.mid}")
    # On every line: until it has answered, the peer may yet refuse to bundle (RFC 8843 §7.2).
    return text + _candidates(endpoint)


def _congestion(kind: Kind) -> list[str]:
    # Only for what comes to us: towards viewers the numbers of others' transports mean nothing.
    feedback = [f"a=rtcp-fb:{number} transport-cc" for number in PAYLOAD_TYPES[kind]]
    return [*feedback, f"a=extmap:{TRANSPORT_CC_ID} {_TRANSPORT_CC}"]


def _repairs() -> list[str]:
    # Only for what comes to us: a browser then fills its probes for bandwidth with retransmissions, which we keep from
    # viewers, instead of empty packets among the pictures. Towards viewers a packet is repeated as it was.
    return [
        text
        for number, repeated in REPAIRS.items()
        for text in (f"a=rtpmap:{number} rtx/90000", f"a=fmtp:{number} apt={repeated}")
    ]


def _candidates(endpoint: Endpoint) -> list[str]:
    found = []
    for place, address in enumerate(endpoint.addresses):
        where = f"{address} {endpoint.port} typ host"
        if "udp" in endpoint.protocols:
            # Type preference of host candidates, earlier addresses first (RFC 8445 §5.1.2).
            found.append(f"a=candidate:{place + 1} 1 udp {(126 << 24) + ((65535 - place) << 8) + 255} {where}")
        if "tcp" in endpoint.protocols:
            # Below all of UDP; direction preference of a passive candidate (RFC 6544 §4.2).
            priority = (90 << 24) + ((4 << 13 | 8191 - place) << 8) + 255
            found.append(f"a=candidate:{place + 101} 1 tcp {priority} {where} tcptype passive")
    return [*found, "a=end-of-candidates"]
