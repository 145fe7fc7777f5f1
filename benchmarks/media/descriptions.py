"""Session descriptions of synthetic participants: as little of RFC 8829 as three servers need."""

from collections.abc import Mapping
from dataclasses import dataclass

SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
OPUS = 111
VP8 = 96

_ECHOED = ("a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=extmap:")
_MIRRORED = {"recvonly": "sendonly", "sendonly": "recvonly", "sendrecv": "sendrecv", "inactive": "inactive"}


@dataclass(frozen=True, slots=True)
class Local:
    """What a participant says of itself."""

    ufrag: str
    password: str
    fingerprint: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Remote:
    """How to reach and recognise a server, and who speaks first in DTLS."""

    ufrag: str
    password: str
    fingerprint: tuple[str, str]
    address: tuple[str, int]
    setup: str


@dataclass(frozen=True, slots=True)
class Section:
    """One media section of a description."""

    kind: str
    formats: str
    rejected: bool
    lines: tuple[str, ...]

    def value(self, name: str) -> str:
        """Return the first attribute of this name, or nothing."""
        return next((line.partition(":")[2] for line in self.lines if line.startswith(f"a={name}:")), "")

    @property
    def mid(self) -> str:
        return self.value("mid")

    @property
    def direction(self) -> str:
        return next((line[2:] for line in self.lines if line[2:] in _MIRRORED), "sendrecv")

    @property
    def ssrc(self) -> int:
        return int(self.value("ssrc").split(" ")[0] or 0)

    @property
    def extensions(self) -> dict[str, int]:
        """Ids of header extensions, by URI."""
        pairs = [line.removeprefix("a=extmap:").split(" ") for line in self.lines if line.startswith("a=extmap:")]
        return {pair[1]: int(pair[0].split("/")[0]) for pair in pairs}


def sections(sdp: str) -> list[Section]:
    found = []
    for text in sdp.replace("\r\n", "\n").split("\nm=")[1:]:
        head, *lines = text.strip().split("\n")
        kind, port, _, formats = head.split(" ", 3)
        found.append(Section(kind, formats, port == "0", tuple(lines)))
    return found


def remote(sdp: str) -> Remote:
    """Read where the server is; all lines are bundled onto one transport."""
    lines = sdp.replace("\r\n", "\n").split("\n")

    def first(name: str) -> str:
        return next(line.partition(":")[2] for line in lines if line.startswith(f"a={name}:"))

    algorithm, _, digest = first("fingerprint").partition(" ")
    candidates = [line.split(" ") for line in lines if line.startswith("a=candidate:")]
    udp = next(parts for parts in candidates if parts[2].lower() == "udp" and ":" not in parts[4])
    return Remote(first("ice-ufrag"), first("ice-pwd"), (algorithm, digest), (udp[4], int(udp[5])), first("setup"))


def answer(offer: str, local: Local, ssrcs: Mapping[str, int]) -> str:
    """Accept everything; send with these SSRCs on the lines with these MIDs."""
    parts = sections(offer)
    text = _head([part.mid for part in parts if not part.rejected])
    for part in parts:
        direction = _MIRRORED[part.direction]
        if direction == "sendonly" and part.mid not in ssrcs:
            direction = "inactive"
        text += [f"m={part.kind} {0 if part.rejected else 9} UDP/TLS/RTP/SAVPF {part.formats}"]
        text += _transport(local, "active")
        text += [f"a=mid:{part.mid}", f"a={direction}"]
        text += [line for line in part.lines if line.startswith(_ECHOED)]
        if direction == "sendonly":
            text += [f"a=ssrc:{ssrcs[part.mid]} cname:{local.ufrag}"]
    return "\r\n".join(text) + "\r\n"


def offer(local: Local, audio_ssrc: int, video_ssrc: int, *, direction: str) -> str:
    """Offer to send one voice and one picture, as a browser that uses Opus and VP8 alone would."""
    text = _head(["0", "1"])
    every = (f"a=extmap:2 {SEND_TIME}", f"a=extmap:4 {MID}", f"a=extmap:5 {TRANSPORT_CC}")
    for mid, kind, number, codec, ssrc in (
        ("0", "audio", OPUS, "opus/48000/2", audio_ssrc),
        ("1", "video", VP8, "VP8/90000", video_ssrc),
    ):
        wishes = ("nack", "nack pli", "ccm fir", "goog-remb", "transport-cc") if kind == "video" else ("transport-cc",)
        text += [f"m={kind} 9 UDP/TLS/RTP/SAVPF {number}", *_transport(local, "actpass")]
        text += [f"a=mid:{mid}", f"a={direction}", f"a=rtpmap:{number} {codec}", *every]
        text += [f"a=rtcp-fb:{number} {wish}" for wish in wishes]
        text += [f"a=msid:{local.ufrag} {kind}", f"a=ssrc:{ssrc} cname:{local.ufrag}"]
    return "\r\n".join(text) + "\r\n"


def _head(mids: list[str]) -> list[str]:
    return ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {' '.join(mids)}"]


def _transport(local: Local, setup: str) -> list[str]:
    return [
        f"c=IN IP4 {local.host}",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:sha-256 {local.fingerprint}",
        f"a=setup:{setup}",
        "a=rtcp-mux",
        f"a=candidate:1 1 udp 2130706431 {local.host} {local.port} typ host",
        "a=end-of-candidates",
    ]
