"""OBX segments as a tree: what each row says, where it stands in the containment, and when it was measured.

The time of a row is its own OBX-14, else that of the nearest row above it in the containment (OBX-4), else OBR-7, else
MSH-7. A time without a zone is of the sender's zone: the one that we were told for it, never the server's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from types import MappingProxyType
from zoneinfo import ZoneInfo

from telehealth.errors import Invalid
from telehealth.interop.hl7.parse import Message, Segment
from telehealth.interop.hl7.times import stamp, zone_of
from telehealth.interop.nomenclature import Coded
from telehealth.vitals.model import Quality
from telehealth.vitals.reported import CORRECTED, DEMO, TEST, UNCONFIRMED, Stamp

MAX_DEPTH = 12

_FLAGS = MappingProxyType({"DEMO": DEMO, "TEST": TEST, "INV": "invalid", "QUES": "questionable", "CAL": "calibration"})
_ABNORMAL = MappingProxyType({"L": "low", "H": "high", "LL": "very_low", "HH": "very_high"})
_INVALID = frozenset({"INV", "CAL", "NAV", "OFF"})
_QUESTIONABLE = frozenset({"QUES", "ERLY", "EARLY"})


@dataclass(frozen=True, slots=True)
class Reading:
    """How a sender's messages are to be read.

    Attributes:
        zone: Of the sender's times that name none; None: that of MSH-7, and failing that `default_zone`.
        accept_x: Take values of rows that say "no result" (OBX-11 X) as unconfirmed; else they are refused.
        debug_is_test: MSH-11 `D` (debugging) means a test, as `T` does; some sites send it in earnest.
    """

    zone: tzinfo | None = None
    default_zone: tzinfo | None = UTC
    accept_x: bool = True
    debug_is_test: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """An OBR and the rows under it."""

    request: Segment | None
    rows: tuple["Row", ...]

    def requested(self, number: int) -> str:
        """Return OBR-n as it stands."""
        return self.request.raw(number) if self.request else ""


@dataclass(frozen=True, slots=True)
class Row:
    """An OBX in its place."""

    segment: Segment
    place: tuple[str, ...]
    group_time: str
    times: "Times" = field(repr=False)

    @property
    def codes(self) -> tuple[Coded, ...]:
        """OBX-3: the code, and the alternate one."""
        parts = (self.segment.components(3) + [""] * 6)[:6]
        both = (Coded(*parts[:3]), Coded(*parts[3:]))
        return tuple(coded for coded in both if coded.code or coded.name)

    @property
    def name(self) -> str:
        """What to call the row to people: its place and its code."""
        code = self.segment.component(3, 2) or self.segment.component(3, 1)
        return f"OBX-{self.segment.raw(1)[:6]} {code}".strip()

    @property
    def kind(self) -> str:
        """OBX-2."""
        return self.segment.raw(2).upper()

    @property
    def structural(self) -> bool:
        """Whether the row only says where others stand."""
        return not self.segment.raw(5)

    @property
    def marks(self) -> frozenset[str]:
        """OBX-8, as a set: their order varies."""
        return frozenset(mark.split("^")[0].upper() for mark in self.segment.repetitions(8))

    @property
    def status(self) -> str:
        """OBX-11."""
        return self.segment.raw(11).upper()

    def stamp(self) -> Stamp | None:
        """Return when it was measured, None if nobody says; Invalid (`bad_time`, `no_time_zone`)."""
        return self.times.of(self)

    @property
    def flags(self) -> tuple[str, ...]:
        """What OBX-8, -11 and -17 say of the value."""
        found = [flag for mark, flag in (*_FLAGS.items(), *_ABNORMAL.items()) if mark in self.marks]
        found += [UNCONFIRMED] if self.status in ("X", "P", "S", "I") else []
        found += [CORRECTED] if self.status in ("C", "W") else []
        methods = {part.strip().upper() for part in self.segment.raw(17).replace("~", "^").split("^")}
        return (*found, *(["aperiodic"] if "APERIODIC" in methods else []))

    @property
    def quality(self) -> Quality:
        """How far OBX-8 and -11 let the value be trusted."""
        if self.marks & _INVALID:
            return Quality.INVALID
        doubtful = bool(self.marks & _QUESTIONABLE) or UNCONFIRMED in self.flags
        return Quality.QUESTIONABLE if doubtful else Quality.GOOD


def zone_named(name: str) -> tzinfo:
    """Return the zone with this IANA name; Invalid (`unknown_zone`)."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise Invalid("There is no time zone of that name.", code="unknown_zone") from None


class Times:
    """Finds the time of a row by the rule of the containment; of a text, with the zone that holds for the message."""

    def __init__(self, message: Message, reading: Reading) -> None:
        self._sent = message.msh_text(7)
        self._zone = reading.zone or zone_of(self._sent) or reading.default_zone
        self._by_place: dict[tuple[str, ...], str] = {}

    def note(self, row: Row) -> None:
        """Take note of a row that has a time of its own."""
        if (own := row.segment.text(14)) and row.place:
            self._by_place[row.place] = own

    def sent(self) -> Stamp | None:
        """Return MSH-7; Invalid (`bad_time`, `no_time_zone`)."""
        return stamp(self._sent, self._zone) if self._sent else None

    def of(self, row: Row) -> Stamp | None:
        for text in (row.segment.text(14), self._above(row.place), row.group_time, self._sent):
            if text:
                return stamp(text, self._zone)
        return None

    def _above(self, place: tuple[str, ...]) -> str:
        """Return the time of the nearest row above: `1.16.1.0` stands above `1.16.1.4`, and `1.16.0.0` above that."""
        for depth in range(len(place) - 1, 0, -1):
            parent = place[:depth]
            padded = parent + ("0",) * (len(place) - depth)
            if found := self._by_place.get(parent) or self._by_place.get(padded):
                return found
        return ""


def groups(message: Message, times: "Times") -> Iterator[Group]:
    """Yield each OBR with its rows; rows before any OBR are a group of their own."""
    request: Segment | None = None
    rows: list[Row] = []
    for segment in message.of("OBR", "OBX"):
        if segment.name == "OBR":
            if rows or request:
                yield Group(request, tuple(rows))
            request, rows = segment, []
            continue
        row = Row(segment, _place(segment), request.text(7) if request else "", times)
        times.note(row)
        rows.append(row)
    if rows or request:
        yield Group(request, tuple(rows))


def _place(segment: Segment) -> tuple[str, ...]:
    return tuple(segment.text(4).split(".")[:MAX_DEPTH]) if segment.text(4) else ()


def is_test(message: Message, reading: Reading) -> bool:
    """Say whether MSH-11 calls the message a test (T), or the site says that D does."""
    processing = message.msh_text(11).upper()
    return processing == "T" or (processing == "D" and reading.debug_is_test)
