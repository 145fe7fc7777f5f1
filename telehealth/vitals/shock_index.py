"""Shock index: heart rate over systolic pressure (Allgöwer, Burri 1967); 0.5 to 0.7 is usual, 1.0 worrying."""

from datetime import datetime

from telehealth.vitals.scores import Band, Result, rounded

MAX_APART_S = 300.0
"""Rate and pressure belong together only if they were measured within so long of each other."""


def shock_index(heart_rate: float, systolic: float) -> Result:
    """Return the ratio to two decimals."""
    ratio = rounded(heart_rate / systolic, 2)
    band = Band.HIGH if ratio >= 1.0 else Band.MEDIUM if ratio > 0.9 else Band.LOW
    return Result(ratio, {"heart_rate": 0, "systolic": 0}, band)


def belong_together(one: datetime, other: datetime) -> bool:
    """Say whether two measurements may enter one index."""
    return abs((one - other).total_seconds()) <= MAX_APART_S
