"""NEWS2, the National Early Warning Score (Royal College of Physicians, 2017): for adults from 16 years on.

Not for children, not in pregnancy. Values are rounded before they are scored, so that the bands have no holes. What is
missing is missing: never 0, never "alert", never "air".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType

from telehealth.vitals.scores import Band, Consciousness, Result, Steps, points_in, rounded

LEAST_MONTHS = 16 * 12

MAX_AGE_S: Mapping[str, float] = MappingProxyType(
    {
        "resp_rate": 300.0,
        "spo2": 300.0,
        "oxygen": 14_400.0,
        "systolic": 3_600.0,
        "heart_rate": 300.0,
        "consciousness": 14_400.0,
        "temperature": 14_400.0,
    }
)
"""By input, how old it may be; in the order of the chart."""

_RESP_RATE: Steps = ((8, 3), (11, 1), (20, 0), (24, 2), (inf, 3))
_SPO2_SCALE_1: Steps = ((91, 3), (93, 2), (95, 1), (inf, 0))
_SPO2_SCALE_2: Steps = ((83, 3), (85, 2), (87, 1), (inf, 0))
_SPO2_SCALE_2_OXYGEN: Steps = ((83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (inf, 3))
_SYSTOLIC: Steps = ((90, 3), (100, 2), (110, 1), (219, 0), (inf, 3))
_HEART_RATE: Steps = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (inf, 3))
_TEMPERATURE: Steps = ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (inf, 2))


@dataclass(frozen=True, slots=True)
class News2Inputs:
    """What is known; None: not, or too old.

    Attributes:
        spo2_scale: 2 only where a practitioner has signed that the target is 88–92 %.
        oxygen: Whether the patient breathes oxygen.
    """

    resp_rate: float | None = None
    spo2: float | None = None
    spo2_scale: int = 1
    oxygen: bool | None = None
    systolic: float | None = None
    heart_rate: float | None = None
    consciousness: Consciousness | None = None
    temperature: float | None = None


def news2(given: News2Inputs) -> Result:
    """Return the score of what is known, and what is missing."""
    points = {
        "resp_rate": _scored(_RESP_RATE, given.resp_rate),
        "spo2": _spo2(given),
        "oxygen": None if given.oxygen is None else 2 * given.oxygen,
        "systolic": _scored(_SYSTOLIC, given.systolic),
        "heart_rate": _scored(_HEART_RATE, given.heart_rate),
        "consciousness": None if given.consciousness is None else 3 * (given.consciousness is not Consciousness.ALERT),
        "temperature": _scored(_TEMPERATURE, given.temperature, decimals=1),
    }
    known = [each for each in points.values() if each is not None]
    return Result(sum(known), points, _band(known, complete=len(known) == len(points)))


def _scored(steps: Steps, value: float | None, *, decimals: int = 0) -> int | None:
    return None if value is None else points_in(steps, rounded(value, decimals))


def _spo2(given: News2Inputs) -> int | None:
    if given.spo2 is None:
        return None
    value = rounded(given.spo2)
    if given.spo2_scale == 1:
        return points_in(_SPO2_SCALE_1, value)
    if value >= 93 and given.oxygen is None:
        # High is good on air and bad on oxygen: nobody has said which.
        return None
    return points_in(_SPO2_SCALE_2_OXYGEN if given.oxygen else _SPO2_SCALE_2, value)


def _band(known: list[int], *, complete: bool) -> Band:
    """Return what is reached already; a part that is missing can only make it more."""
    total = sum(known)
    if total >= 7:
        return Band.HIGH
    if total >= 5:
        return Band.MEDIUM
    if 3 in known:
        return Band.LOW_MEDIUM
    return Band.LOW if complete else Band.UNKNOWN
