"""The delimiters, escapes and characters of HL7 version 2 (chapter 2): from octets to segments, fields and components.

Liberal in what it takes: what is put right is counted in `repairs`, and what cannot be read raises Invalid.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType

from telehealth.errors import Invalid

MAX_SEGMENTS = 5_000
MAX_FIELDS = 200

_HEADER_TYPE = re.compile(r"[A-Z]{3}(\^[A-Z]\d\d|\^[A-Z]{3}|$)", re.ASCII)
_VERSION = re.compile(r"2\.\d", re.ASCII)
_SEGMENT_NAME = re.compile(r"[A-Z][A-Z0-9]{2}", re.ASCII)
_HEX = re.compile(r"X([0-9A-Fa-f]{2}){1,64}", re.ASCII)

_CODECS = MappingProxyType(
    {
        "": "ascii",
        "ASCII": "ascii",
        "ISO IR6": "ascii",
        "UNICODE UTF-8": "utf-8",
        "UNICODE": "utf-8",
        "UTF-8": "utf-8",
        "UTF8": "utf-8",
        **{f"8859/{n}": f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
        **{f"ISO-8859-{n}": f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    }
)


@dataclass(frozen=True, slots=True)
class Delimiters:
    """MSH-1 and MSH-2."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One line; fields are numbered as in the standard, from 1."""

    name: str
    fields: tuple[str, ...]
    delimiters: Delimiters

    def raw(self, number: int) -> str:
        """Return the field as it stands, without blanks around it; empty if there is none."""
        return self.fields[number - 1].strip() if number <= len(self.fields) else ""

    def repetitions(self, number: int) -> list[str]:
        """Return the repetitions of the field as they stand."""
        raw = self.raw(number)
        return [part.strip() for part in raw.split(self.delimiters.repetition)] if raw else []

    def text(self, number: int) -> str:
        """Return the first component of the field, unescaped."""
        return self.component(number, 1)

    def component(self, number: int, which: int) -> str:
        """Return a component of the field's first repetition, unescaped and without blanks around it."""
        parts = self.components(number)
        return parts[which - 1] if which <= len(parts) else ""

    def components(self, number: int) -> list[str]:
        """Return the components of the field's first repetition, unescaped and without blanks around them."""
        first = self.raw(number).split(self.delimiters.repetition, 1)[0]
        return [self._plain(part).strip() for part in first.split(self.delimiters.component)]

    def subcomponents(self, number: int) -> list[str]:
        """Return the subcomponents of the last component that has any, or the components."""
        for part in self.raw(number).split(self.delimiters.component):
            if self.delimiters.subcomponent in part:
                return [self._plain(sub).strip() for sub in part.split(self.delimiters.subcomponent)]
        return self.components(number)

    def _plain(self, text: str) -> str:
        return unescaped(text, self.delimiters) if self.delimiters.escape in text else text


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its header by the numbers of the standard, and all segments with the header first.

    Attributes:
        size: Length in characters.
        shift: How many fields the header is displaced to the right.
        repairs: How often each kind of oddity was put right.
    """

    segments: tuple[Segment, ...]
    shift: int = 0
    repairs: Counter[str] = field(default_factory=Counter)
    size: int = 0

    @property
    def header(self) -> Segment:
        return self.segments[0]

    def msh(self, number: int) -> str:
        """Return MSH-n as it stands; MSH-3 to -6, which come before the displacement, as they were sent."""
        return self.header.raw(number + (self.shift if number >= 7 else 0))

    def msh_text(self, number: int) -> str:
        """Return the first component of MSH-n."""
        return self.header.text(number + (self.shift if number >= 7 else 0))

    def of(self, *names: str) -> Iterator[Segment]:
        """Yield the segments with these names, in order."""
        return (segment for segment in self.segments if segment.name in names)

    @property
    def type(self) -> tuple[str, str]:
        """What it is: message code and trigger event (`ORU`, `R01`)."""
        parts = self.header.components(9 + self.shift)
        return parts[0], parts[1] if len(parts) > 1 else ""

    @property
    def control_id(self) -> str:
        return self.msh(10)


def parse(data: bytes) -> Message:
    """Return the message in the octets.

    Raises:
        Invalid: `bad_message`: it does not begin with a header, or has two; `bad_header`: fields of the header are not
            in any consistent place; `too_many`: more segments or fields than a message has.
    """
    text, repairs = _decoded(data.lstrip(b"\xef\xbb\xbf \r\n\t"))
    if "\n" in text:
        repairs["line_ends"] += 1
        text = text.replace("\r\n", "\r").replace("\n", "\r")
    delimiters = _delimiters(text)
    lines = text.split("\r")
    if len(lines) > MAX_SEGMENTS:
        raise Invalid("The message has too many segments.", code="too_many")
    segments = tuple(_segment(line, delimiters, repairs) for line in lines if line.strip())
    known = tuple(segment for segment in segments if segment is not None)
    if any(segment.name == "MSH" for segment in known[1:]):
        # What follows is of another message, perhaps of another device.
        raise Invalid("There is more than one message where one belongs.", code="bad_message")
    return Message(known, _shift(known[0], repairs), repairs, len(text))


def _decoded(data: bytes) -> tuple[str, Counter[str]]:
    repairs: Counter[str] = Counter()
    if not data.startswith(b"MSH") or b"\x00" in data:
        raise Invalid("The message does not begin with MSH.", code="bad_message")
    separator = data[3:4]
    first_line = re.split(rb"[\r\n]", data, maxsplit=1)[0]
    fields = first_line.split(separator) if separator else []
    named = fields[17].decode("latin-1").split("~")[0].strip().upper() if len(fields) > 17 else ""
    codec = _CODECS.get(named)
    if codec is None:
        repairs["unknown_charset"] += 1
    # What is not said is most often ASCII or UTF-8: that UTF-8 fits by chance is unlikely.
    for candidate in (codec or "utf-8", *(("utf-8",) if codec == "ascii" else ())):
        try:
            return data.decode(candidate), repairs
        except UnicodeDecodeError:
            repairs["charset"] += 1
    return data.decode("latin-1"), repairs


def _delimiters(text: str) -> Delimiters:
    field_mark, marks = text[3:4], text[4:8]
    escape = marks[2:3] if marks[2:3] not in (field_mark, "") else "\\"
    sub = marks[3:4] if marks[3:4] not in (field_mark, "") else "&"
    all_of_them = field_mark + marks[:2] + escape + sub
    plain = any(mark.isalnum() or mark.isspace() or not mark.isprintable() for mark in all_of_them)
    if len(set(all_of_them)) != 5 or plain:
        raise Invalid("The message does not say by what its fields are separated.", code="bad_message")
    return Delimiters(field_mark, marks[0], marks[1], escape, sub)


def _segment(line: str, delimiters: Delimiters, repairs: Counter[str]) -> Segment | None:
    stripped = line.strip()
    name, _, rest = stripped.partition(delimiters.field)
    if not _SEGMENT_NAME.fullmatch(name):
        repairs["no_segment"] += 1
        return None
    fields = rest.split(delimiters.field, MAX_FIELDS)
    if len(fields) > MAX_FIELDS:
        raise Invalid("A segment has too many fields.", code="too_many")
    # The separator itself is MSH-1.
    return Segment(name, (delimiters.field, *fields) if name == "MSH" else tuple(fields), delimiters)


def _shift(header: Segment, repairs: Counter[str]) -> int:
    """Return by how many fields the header is displaced, found by its message type and confirmed by its version."""
    for number in range(7, min(len(header.fields), 13) + 1):
        if not _HEADER_TYPE.match(_caret(header.raw(number), header.delimiters)):
            continue
        version = header.raw(number + 3)
        if number == 9 and not _VERSION.match(version):
            # In its place: what is wrong with the version is another question.
            return 0
        if _VERSION.match(version):
            if number != 9:
                repairs["shifted_header"] += 1
            return number - 9
    raise Invalid("The fields of MSH are not where they belong.", code="bad_header")


def _caret(text: str, delimiters: Delimiters) -> str:
    return text.replace(delimiters.component, "^")


def unescaped(text: str, delimiters: Delimiters) -> str:
    """Return the text with its escape sequences resolved; those that mean formatting are dropped."""
    plain = {
        "F": delimiters.field,
        "S": delimiters.component,
        "R": delimiters.repetition,
        "E": delimiters.escape,
        "T": delimiters.subcomponent,
        ".br": " ",
    }

    def resolve(found: re.Match[str]) -> str:
        inner = found.group(1)
        if _HEX.fullmatch(inner):
            return bytes.fromhex(inner[1:]).decode("latin-1")
        return plain.get(inner, "")

    mark = re.escape(delimiters.escape)
    return re.sub(f"{mark}([^{mark}]{{0,200}}){mark}", resolve, text)


def escaped(text: str, delimiters: Delimiters) -> str:
    """Return the text with everything escaped that would be read as structure."""
    marks = {
        delimiters.escape: "E",
        delimiters.field: "F",
        delimiters.component: "S",
        delimiters.repetition: "R",
        delimiters.subcomponent: "T",
    }
    out = [f"{delimiters.escape}{marks[c]}{delimiters.escape}" if c in marks else _visible(c) for c in text]
    return "".join(out)


def _visible(char: str) -> str:
    return char if char.isprintable() else " "


STANDARD = Delimiters("|", "^", "~", "\\", "&")
