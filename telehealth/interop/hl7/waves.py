"""Waveforms in HL7 version 2: an OBR for a stretch of time, samples in NA rows, and rows that say how to read those."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from telehealth.errors import Invalid
from telehealth.interop.hl7.rows import Group, Row
from telehealth.interop.nomenclature import attribute, meaning, unit_of
from telehealth.vitals.codes import WAVES
from telehealth.vitals.reported import (
    MAX_RATE_HZ,
    MAX_SAMPLES,
    MOST_BAD,
    REASONS,
    Collector,
    ObservedWave,
    checked,
    packed,
)
from telehealth.vitals.units import UNITS, linear

WAVE_REQUEST = 69121
RATES, RESOLUTIONS, RANGE = (68320,), (2327, 67917, 67945), 68323
SENTINELS = (197376, 197378, 196660)
ATTRIBUTE_PARTITION = 1

_NUMBER = re.compile(r"[+-]?\d{1,12}(\.\d{1,9})?", re.ASCII)
_SCALED_UNIT = re.compile(r"(?P<factor>\d{1,9}(?:\.\d{1,9})?)\.(?P<unit>[^/]+)/(?P<steps>\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Attributes:
    """How to read the samples of one wave."""

    rate_hz: float | None = None
    resolution: float = 1.0
    resolution_unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    sentinels: frozenset[Decimal] = frozenset()


def is_wave_group(group: Group) -> bool:
    """Say whether OBR-4 announces waves."""
    if group.request is None:
        return False
    plain = {part.upper() for part in group.request.components(4)[:2]}
    return bool(plain & {str(WAVE_REQUEST), "MDC_OBS_WAVE_CTS", "CONTINUOUS WAVEFORM"})


def is_wave(row: Row) -> bool:
    """Say whether the row carries samples."""
    return row.kind == "NA"


def is_attribute(row: Row) -> bool:
    """Say whether the row describes others: a term of the partition for objects, or a sentinel of samples."""
    return any(_describes(attribute(coded)) for coded in row.codes[:1])


def _describes(number: int) -> bool:
    return number >> 16 == ATTRIBUTE_PARTITION or number in SENTINELS or number in RESOLUTIONS


def read_waves(group: Group, flags: tuple[str, ...], found: Collector) -> None:
    """Add the waves of the group, or why they are not taken."""
    waves = [row for row in group.rows if is_wave(row)]
    for row in waves:
        try:
            found.add(_wave(row, group, flags, found, only=len(waves) == 1))
        except Invalid as error:
            found.refuse(error.code, row.name, error.text if error.code not in REASONS else "")


def _wave(row: Row, group: Group, flags: tuple[str, ...], found: Collector, *, only: bool) -> ObservedWave:
    code = meaning(row.codes)
    found.repaired(code.notes)
    wave = WAVES.get(code.mdc)
    if wave is None:
        raise _refusal("unknown_parameter")
    described = _attributes([other for other in group.rows if _belongs(other, row, only=only)])
    numbers, notes = _numbers(row, described)
    found.repaired(notes)
    rate = described.rate_hz
    if rate is None or not 0 < rate <= MAX_RATE_HZ:
        raise _refusal("no_rate")
    gain, offset, unit = _scale(row, described, wave.unit)
    in_bits = packed(numbers)
    at = row.stamp()
    if at is None:
        raise _refusal("no_time")
    found.repaired(at.notes)
    wave_found = ObservedWave(
        code.mdc,
        wave.label,
        unit,
        rate,
        in_bits.step * gain,
        in_bits.base * gain + offset,
        at.at,
        in_bits.samples,
        tuple(dict.fromkeys((*flags, *row.flags, *notes))),
    )
    return checked(wave_found)


def _belongs(other: Row, wave: Row, *, only: bool) -> bool:
    if is_wave(other) or not is_attribute(other):
        return False
    return only or not wave.place or other.place[: len(wave.place)] == wave.place


def _attributes(rows: Sequence[Row]) -> Attributes:
    rate: float | None = None
    resolution, resolution_unit = 1.0, ""
    low = high = None
    sentinels: set[Decimal] = set()
    for row in rows:
        number = attribute(row.codes[0])
        if number in RATES:
            rate = _rate(row)
        elif number in RESOLUTIONS:
            resolution, resolution_unit = float(_required(row.segment.text(5))), _unit(row)
        elif number == RANGE:
            low, high = (_decimal(part) for part in (row.segment.component(5, 1), row.segment.component(5, 2)))
        elif number in SENTINELS:
            sentinels |= {value for part in row.segment.components(5) if (value := _decimal(part)) is not None}
    return Attributes(rate, resolution, resolution_unit, low, high, frozenset(sentinels))


def _rate(row: Row) -> float:
    unit = _unit(row)
    value = float(_required(row.segment.text(5)))
    # The attribute is a frequency by definition; another unit of it is converted.
    return value if not unit else value * linear(unit, "Hz")[0]


def _unit(row: Row) -> str:
    segment = row.segment
    return unit_of(segment.component(6, 1), segment.component(6, 2), segment.component(6, 3))


def _scale(row: Row, described: Attributes, shown: str) -> tuple[float, float, str]:
    """Return gain and offset from raw samples to the unit in which the wave is shown, and that unit."""
    unit, factor = _unit(row), described.resolution
    if written := _SCALED_UNIT.fullmatch(unit):
        unit, factor = written["unit"], float(written["factor"]) / float(written["steps"])
    unit = unit or described.resolution_unit
    if _relative(unit) and not _relative(shown):
        # Steps of the device instead of millivolts: the shape counts, and nothing is claimed of its height.
        return factor * linear(unit, "1")[0], 0.0, "1"
    gain, shift = linear(unit, shown)
    if factor == 0:
        raise _refusal("bad_value")
    return factor * gain, shift, shown


def _relative(unit: str) -> bool:
    return unit in UNITS and UNITS[unit].quantity == "ratio"


def _numbers(row: Row, described: Attributes) -> tuple[list[Decimal | None], tuple[str, ...]]:
    """Return the samples, None for a missing one; Invalid (`bad_samples`) if too many are no numbers."""
    texts, notes = _sample_texts(row)
    if len(texts) > MAX_SAMPLES:
        raise _refusal("too_many")
    numbers: list[Decimal | None] = []
    bad = 0
    for text in texts:
        number = _decimal(text)
        bad += number is None
        numbers.append(None if _is_missing(number, described) else number)
    if not numbers or bad > MOST_BAD * len(numbers):
        raise _refusal("bad_samples")
    return numbers, (*notes, *(["bad_samples"] if bad else []))


def _sample_texts(row: Row) -> tuple[list[str], tuple[str, ...]]:
    raw, marks = row.segment.raw(5), row.segment.delimiters
    if marks.component in raw:
        texts = raw.split(marks.component)
        # A separator after the last sample stands before nothing.
        return (texts[:-1] if not texts[-1].strip() else texts), ()
    if marks.repetition in raw:
        return raw.split(marks.repetition), ("samples_by_repetition",)
    texts = raw.split()
    return texts, ("samples_by_blanks",) if len(texts) > 1 else ()


def _is_missing(number: Decimal | None, described: Attributes) -> bool:
    if number is None or number in described.sentinels:
        return True
    too_low = described.low is not None and number < described.low
    return too_low or (described.high is not None and number > described.high)


def _decimal(text: str) -> Decimal | None:
    stripped = text.strip()
    return Decimal(stripped) if _NUMBER.fullmatch(stripped) else None


def _required(text: str) -> Decimal:
    number = _decimal(text)
    if number is None:
        raise _refusal("bad_value")
    return number


def _refusal(code: str) -> Invalid:
    return Invalid(REASONS[code], code=code)
