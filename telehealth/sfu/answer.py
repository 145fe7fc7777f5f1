"""Reads a browser's answer: only what we act on, from bounded text (RFC 8866 grammar, RFC 8829 answers).

Candidates in it are not even looked at: the browser comes to us.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from telehealth.errors import Invalid
from telehealth.sfu.aiortc_hooks import HASHES, Fingerprint
from telehealth.sfu.limits import MEDIA_LINES, SDP_BYTES, SDP_LINES
from telehealth.sfu.offer import PAYLOAD_TYPES, Kind, OfferedLine
from telehealth.sfu.stun import Credentials

_ICE = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_DIGEST = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){19,63}")
_NUMBER = re.compile(r"[0-9]{1,10}")
_DIRECTIONS = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})


@dataclass(frozen=True, slots=True)
class AnsweredLine:
    """What the browser does with one line; `ssrc` is what it sends with, if it says so, `repair` retransmissions."""

    mid: str
    kind: Kind
    sends: bool
    receives: bool
    ssrc: int | None
    repair: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser accepted, and how it will prove who it is."""

    credentials: Credentials
    fingerprints: frozenset[Fingerprint]
    lines: tuple[AnsweredLine, ...]


@dataclass(slots=True)
class _Section:
    """Attributes of the session or of one media line, the first of each name; those that repeat apart."""

    media: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    fingerprints: list[str] = field(default_factory=list)

    def add(self, name: str, value: str) -> None:
        if name == "fingerprint":
            self.fingerprints.append(value)
        elif name in _DIRECTIONS:
            self.attributes.setdefault("direction", name)
        else:
            self.attributes.setdefault(name, value)


def parse_answer(sdp: str, offered: Sequence[OfferedLine]) -> Answer:
    """Return the answer to these lines; Invalid (`bad_sdp`) if it is none."""
    session, *media = _sections(sdp)
    if len(media) != len(offered):
        raise _bad("The answer has another number of media lines than the offer.")
    lines = tuple(_line(section, session, line) for section, line in zip(media, offered, strict=True))
    if len({section.attributes.get("ice-ufrag", "") for section in media} - {""}) > 1:
        raise _bad("The answer asks for more than one transport: lines must be bundled.")
    first = media[0]
    setup = first.attributes.get("setup") or session.attributes.get("setup")
    if setup != "active":
        raise _bad("The browser must be the DTLS client (setup:active).")
    return Answer(
        credentials=_credentials(first, session),
        fingerprints=_fingerprints(first.fingerprints or session.fingerprints),
        lines=lines,
    )


def _sections(sdp: str) -> list[_Section]:
    if len(sdp) > SDP_BYTES or len(sdp.encode("utf-8", "replace")) > SDP_BYTES:
        raise _bad("The answer is too long.")
    sections = [_Section()]
    for kind, value in _fields(sdp):
        if kind == "m":
            sections.append(_Section(media=value))
            if len(sections) > MEDIA_LINES + 1:
                raise _bad("The answer has too many media lines.")
        elif kind == "a":
            name, _, content = value.partition(":")
            sections[-1].add(name, content)
    if len(sections) == 1:
        raise _bad("The answer has no media line.")
    return sections


def _fields(sdp: str) -> Iterator[tuple[str, str]]:
    lines = sdp.split("\n", SDP_LINES + 1)
    if len(lines) > SDP_LINES:
        raise _bad("The answer has too many lines.")
    if lines[0].rstrip("\r") != "v=0":
        raise _bad("The answer is not SDP.")
    for line in lines:
        text = line.rstrip("\r")
        if not text:
            continue
        if text[1:2] != "=" or not text.isprintable():
            raise _bad("The answer is not SDP.")
        yield text[0], text[2:]


def _line(section: _Section, session: _Section, offered: OfferedLine) -> AnsweredLine:
    kind, port, *formats = section.media.split(" ", 64) if " " in section.media else ("", "")
    if kind != offered.kind or section.attributes.get("mid") != offered.mid:
        raise _bad("The lines of the answer are not those of the offer.")
    if not _NUMBER.fullmatch(port):
        raise _bad("A media line of the answer is malformed.")
    # Rejected lines, and those in which the browser found no codec of ours, carry nothing.
    usable = int(port) != 0 and any(str(number) in formats[1:] for number in PAYLOAD_TYPES[offered.kind])
    if usable and "rtcp-mux" not in section.attributes:
        raise _bad("RTP and RTCP must share one port (rtcp-mux).")
    default = session.attributes.get("direction", "sendrecv")
    direction = section.attributes.get("direction", default) if usable else "inactive"
    return AnsweredLine(
        mid=offered.mid,
        kind=offered.kind,
        sends=direction in ("sendonly", "sendrecv"),
        receives=direction in ("recvonly", "sendrecv"),
        ssrc=_ssrc(section.attributes.get("ssrc")),
        repair=_repair(section.attributes.get("ssrc-group")),
    )


def _repair(value: str | None) -> int | None:
    semantics, _, rest = (value or "").partition(" ")
    numbers = rest.split(" ", 8)
    return _ssrc(numbers[1]) if semantics == "FID" and len(numbers) == 2 else None


def _ssrc(value: str | None) -> int | None:
    if value is None:
        return None
    number = value.partition(" ")[0]
    if not _NUMBER.fullmatch(number) or not 0 < int(number) < 1 << 32:
        raise _bad("An SSRC of the answer is malformed.")
    return int(number)


def _credentials(first: _Section, session: _Section) -> Credentials:
    ufrag = first.attributes.get("ice-ufrag") or session.attributes.get("ice-ufrag", "")
    password = first.attributes.get("ice-pwd") or session.attributes.get("ice-pwd", "")
    if not _ICE.fullmatch(ufrag) or not _PASSWORD.fullmatch(password):
        raise _bad("The answer lacks ICE credentials.")
    return Credentials(ufrag, password)


def _fingerprints(values: Sequence[str]) -> frozenset[Fingerprint]:
    found = set()
    for value in values[:8]:
        algorithm, _, digest = value.partition(" ")
        if algorithm.lower() in HASHES and _DIGEST.fullmatch(digest):
            found.add(Fingerprint(algorithm.lower(), digest.upper()))
    if not found:
        raise _bad("The answer has no certificate fingerprint that we can check.")
    return frozenset(found)


def _bad(text: str) -> Invalid:
    return Invalid(text, code="bad_sdp")
