"""SampledData: a waveform in one text (https://hl7.org/fhir/R4/datatypes.html#SampledData).

value = data × factor + origin; `period` is milliseconds from one sample to the next. E, U and L stand where the device
had an error or was beyond its range: such samples are missing. Limits that the data themselves exceed, as in published
examples, are only marked.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from telehealth.errors import Invalid
from telehealth.interop.fhir.resources import Resource, number, part, unit
from telehealth.vitals.codes import WAVES
from telehealth.vitals.reported import MAX_RATE_HZ, MAX_SAMPLES, MOST_BAD, REASONS, ObservedWave, Stamp, checked, packed
from telehealth.vitals.units import UNITS, linear

_NUMBER = re.compile(r"[+-]?\d{1,12}(\.\d{1,9})?", re.ASCII)
_GAPS = frozenset({"E", "U", "L"})


def sampled_wave(sampled: Resource, mdc: int, at: Stamp, flags: Sequence[str]) -> ObservedWave:
    """Return the wave; Invalid with the reason why it is not taken."""
    wave = WAVES.get(mdc)
    if wave is None:
        raise _refusal("unknown_parameter")
    if number(sampled, "dimensions") not in (None, 1):
        # Several channels in one text, and one code for all of them.
        raise _refusal("unsupported_value")
    numbers, notes = _numbers(sampled)
    rate_hz = _rate(sampled)
    origin = part(sampled, "origin")
    factor, shift, shown = _scale(unit(origin), wave.unit)
    step, zero = number(sampled, "factor"), number(origin, "value")
    in_bits = packed(numbers)
    gain = float(1 if step is None else step)
    if gain == 0 or zero is None:
        raise _refusal("bad_value")
    found = ObservedWave(
        mdc,
        wave.label,
        shown,
        rate_hz,
        in_bits.step * gain * factor,
        (in_bits.base * gain + float(zero)) * factor + shift,
        at.at,
        in_bits.samples,
        tuple(dict.fromkeys((*flags, *notes, *_beyond(sampled, numbers)))),
    )
    return checked(found)


def _numbers(sampled: Resource) -> tuple[list[Decimal | None], tuple[str, ...]]:
    data = sampled.get("data")
    # split() without an argument: published examples separate with other blanks than U+0020.
    words = data.split() if isinstance(data, str) else []
    if len(words) > MAX_SAMPLES:
        raise _refusal("too_many")
    if not words:
        raise _refusal("no_value")
    numbers = [Decimal(word) if _NUMBER.fullmatch(word) else None for word in words]
    bad = sum(found is None and word not in _GAPS for word, found in zip(words, numbers, strict=True))
    if bad > MOST_BAD * len(words):
        raise _refusal("bad_samples")
    return numbers, ("bad_samples",) if bad else ()


def _rate(sampled: Resource) -> float:
    period = number(sampled, "period")
    if period is None or period <= 0 or not 0 < 1000 / float(period) <= MAX_RATE_HZ:
        raise _refusal("no_rate")
    return 1000 / float(period)


def _scale(sent: str, shown: str) -> tuple[float, float, str]:
    if _relative(sent) and not _relative(shown):
        return linear(sent, "1")[0], 0.0, "1"
    return *linear(sent, shown), shown


def _relative(name: str) -> bool:
    return name in UNITS and UNITS[name].quantity == "ratio"


def _beyond(sampled: Resource, numbers: Sequence[Decimal | None]) -> tuple[str, ...]:
    low, high = number(sampled, "lowerLimit"), number(sampled, "upperLimit")
    outside = any(n is not None and ((low is not None and n < low) or (high is not None and n > high)) for n in numbers)
    return ("beyond_limits",) if outside else ()


def _refusal(code: str) -> Invalid:
    return Invalid(REASONS[code], code=code)
