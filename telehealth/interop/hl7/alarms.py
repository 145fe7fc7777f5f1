"""IHE PCD-04 (ORU^R40): alarms of devices. Each OBR is one alarm; its rows say what, of what, how urgent, whether on.

The codes changed between editions: both sets are read. Without a priority an alarm counts as medium, and says so.
"""

import re
from dataclasses import dataclass
from types import MappingProxyType

from telehealth.errors import Invalid
from telehealth.interop.hl7.rows import Group, Row
from telehealth.interop.nomenclature import attribute, in_unit, meaning, unit_of
from telehealth.vitals.codes import PARAMETERS
from telehealth.vitals.reported import REASONS, Collector, ReportedAlarm
from telehealth.vitals.units import linear

EVENT = 196616
SOURCE, PHASE, STATE, INACTIVATION, PRIORITY, KIND, TEXT = (
    "source",
    "phase",
    "state",
    "inactivation",
    "prio",
    "kind",
    "text",
)

_ROWS = MappingProxyType(
    {
        68480: SOURCE,
        68164: SOURCE,
        68481: PHASE,
        68165: PHASE,
        68482: STATE,
        68166: STATE,
        68483: INACTIVATION,
        68167: INACTIVATION,
        68484: PRIORITY,
        68168: PRIORITY,
        68485: KIND,
        68546: TEXT,
    }
)
_PRIORITIES = MappingProxyType({"PN": "none", "PL": "low", "PM": "medium", "PH": "high"})
_KINDS = MappingProxyType({"SP": "physiological", "ST": "technical", "SA": "advisory"})
_SIDES = MappingProxyType({"L": "low", "LL": "low", "H": "high", "HH": "high"})
_EVENT_PARTITION = 3
_NUMBER = re.compile(r"[+-]?\d{1,12}(\.\d{1,9})?", re.ASCII)
_LIMITS = re.compile(r"(?P<low>[+-]?\d+(?:\.\d+)?)?\s*-\s*(?P<high>[+-]?\d+(?:\.\d+)?)?", re.ASCII)
_BOUND = re.compile(r"(?P<side>[<>])=?\s*(?P<bound>[+-]?\d+(?:\.\d+)?)", re.ASCII)
_LINE = re.compile(r"[^\x00-\x1f\x7f]{0,200}")
_WORD = re.compile(r"[A-Za-z0-9_.\- ]{1,60}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """OBX-7: within these the device does not alarm."""

    low: float | None = None
    high: float | None = None


def limits(text: str) -> Limits:
    """Return the limits in OBX-7 (`50-120`, `<500`, `>50`); none for anything else."""
    if found := _BOUND.fullmatch(text):
        bound = float(found["bound"])
        return Limits(high=bound) if found["side"] == "<" else Limits(low=bound)
    found = _LIMITS.fullmatch(text)
    if found is None:
        return Limits()
    return Limits(*(float(end) if end else None for end in (found["low"], found["high"])))


def read_alarm(group: Group, flags: tuple[str, ...], found: Collector) -> None:
    """Add the alarm of one OBR, or why it is not taken."""
    if group.request is None:
        found.refuse("no_code", "rows without OBR")
        return
    try:
        found.add(_alarm(group, flags, found))
    except Invalid as error:
        found.refuse(error.code, f"OBR-{group.requested(1)[:6]}")


def _alarm(group: Group, flags: tuple[str, ...], found: Collector) -> ReportedAlarm:
    event = next((row for row in group.rows if _event(row)), None)
    said = {name: row for row in group.rows if (name := _ROWS.get(attribute(row.codes[0]) if row.codes else 0))}
    if event is None and not said:
        raise Invalid(REASONS["no_code"], code="no_code")
    measured = next((row for row in group.rows if row.kind in ("NM", "SN") and row is not event), None)
    marks = frozenset[str]().union(*(row.marks for row in group.rows))
    priority = _priority(said, marks)
    at = (event or group.rows[0]).stamp()
    found.repaired(at.notes if at else ("time_of_receipt",))
    value, unit, source, bounds = _measured(measured)
    return ReportedAlarm(
        instance=_instance(group),
        event=_event(event) if event else 0,
        event_name=_word(event.segment.component(3, 2)) if event else "",
        source=source or _source(said),
        text=_line(_text(said, event)),
        phase=_said(said, PHASE),
        state=_said(said, STATE),
        inactivation=_said(said, INACTIVATION),
        priority=priority or "medium",
        kind=next((kind for mark, kind in _KINDS.items() if mark in marks | {_said(said, KIND).upper()}), ""),
        at=at.at if at else None,
        value=value,
        unit=unit,
        low=bounds.low,
        high=bounds.high,
        priority_given=bool(priority),
        flags=tuple(dict.fromkeys((*flags, *(flag for row in group.rows for flag in row.flags), *_side(marks)))),
    )


def _event(row: Row) -> int:
    """Return the code of the event that the row names in OBX-3 or, of the general one, in OBX-5; 0 if none."""
    number = attribute(row.codes[0]) if row.codes else 0
    if number == EVENT:
        inner = row.segment.text(5)
        return int(inner) if inner.isascii() and inner.isdigit() and len(inner) <= 10 else EVENT
    return number if number >> 16 == _EVENT_PARTITION else 0


def _priority(said: dict[str, Row], marks: frozenset[str]) -> str:
    written = _said(said, PRIORITY).upper()
    return next((name for mark, name in _PRIORITIES.items() if mark in marks | {written}), "")


def _side(marks: frozenset[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(side for mark, side in _SIDES.items() if mark in marks))


def _measured(row: Row | None) -> tuple[float | None, str, int, Limits]:
    if row is None:
        return None, "", 0, Limits()
    source = meaning(row.codes).mdc
    text, bounds = row.segment.text(5), limits(row.segment.raw(7))
    sent = unit_of(row.segment.component(6, 1), row.segment.component(6, 2), row.segment.component(6, 3))
    meant = in_unit(source, sent)
    parameter = PARAMETERS.get(meant.mdc)
    if parameter is None or not _NUMBER.fullmatch(text) or not sent:
        return None, "", source, bounds
    factor, shift = linear(meant.unit, parameter.unit)
    ends = (None if end is None else round(end * factor + shift, 6) for end in (bounds.low, bounds.high))
    return round(float(text) * factor + shift, 6), parameter.unit, source, Limits(*ends)


def _source(said: dict[str, Row]) -> int:
    row = said.get(SOURCE)
    if row is None:
        return 0
    text = row.segment.text(5)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0


def _instance(group: Group) -> str:
    """Return what start and end of an alarm share: OBR-29 if it refers to the first, else OBR-3."""
    assert group.request is not None
    parent = [part for part in group.request.subcomponents(29) if part]
    own = [part for part in group.request.components(3) if part]
    return _line("/".join((parent or own)[:3]))[:100]


def _text(said: dict[str, Row], event: Row | None) -> str:
    if TEXT in said:
        return said[TEXT].segment.text(5)
    if event is None:
        return ""
    inner = event.segment.component(5, 2)
    return inner or event.segment.text(5)


def _said(said: dict[str, Row], name: str) -> str:
    return _word(said[name].segment.text(5)) if name in said else ""


def _word(text: str) -> str:
    return text.strip() if _WORD.fullmatch(text.strip()) else ""


def _line(text: str) -> str:
    stripped = text.strip()[:200]
    return stripped if _LINE.fullmatch(stripped) else ""
