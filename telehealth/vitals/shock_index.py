"""Shock index: heart rate over systolic pressure (Allgöwer, Burri 1967); 0.5 to 0.7 is usual, 1.0 worrying.

A child's is higher: from four to sixteen years that of the age counts (SIPA; Acker et al., J Pediatr Surg 2015;50:331),
below nobody has said what is usual.
"""

from datetime import datetime

from telehealth.vitals.scores import Band, Result, rounded

ADULT_MONTHS = 17 * 12
_USUAL_OF_CHILDREN = ((13 * 12, 0.9), (7 * 12, 1.0), (4 * 12, 1.22))
"""From which age on, the oldest first, and what the index is at most."""

MAX_APART_S = 300.0
"""Rate and pressure belong together only if they were measured within so long of each other."""


def shock_index(heart_rate: float, systolic: float, months: int | None = None) -> Result:
    """Return the ratio to two decimals; `months` None: an adult."""
    ratio = rounded(heart_rate / systolic, 2)
    return Result(ratio, {"heart_rate": 0, "systolic": 0}, _band(ratio, months))


def _band(ratio: float, months: int | None) -> Band:
    if months is None or months >= ADULT_MONTHS:
        return Band.HIGH if ratio >= 1.0 else Band.MEDIUM if ratio > 0.9 else Band.LOW
    usual = next((most for from_months, most in _USUAL_OF_CHILDREN if months >= from_months), None)
    if usual is None:
        return Band.UNKNOWN
    return Band.HIGH if ratio > usual else Band.LOW


def belong_together(one: datetime, other: datetime) -> bool:
    """Say whether two measurements may enter one index."""
    return abs((one - other).total_seconds()) <= MAX_APART_S
