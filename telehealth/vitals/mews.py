"""MEWS, the Modified Early Warning Score (Subbe et al., QJM 2001;94:521). There are many others of the name."""

from collections.abc import Mapping
from math import inf
from types import MappingProxyType

from telehealth.vitals.scores import Band, Consciousness, Result, Steps, points_in, rounded

VARIANT = "Subbe 2001"

_STEPS: Mapping[str, Steps] = MappingProxyType(
    {
        "systolic": ((70, 3), (80, 2), (100, 1), (199, 0), (inf, 2)),
        "heart_rate": ((40, 2), (50, 1), (100, 0), (110, 1), (129, 2), (inf, 3)),
        "resp_rate": ((8, 2), (14, 0), (20, 1), (29, 2), (inf, 3)),
        "temperature": ((34.9, 2), (38.4, 0), (inf, 2)),
    }
)
# The score knows AVPU: new confusion has no row of its own, and counts as what comes after alert.
_CONSCIOUSNESS = MappingProxyType(
    {
        Consciousness.ALERT: 0,
        Consciousness.CONFUSION: 1,
        Consciousness.VOICE: 1,
        Consciousness.PAIN: 2,
        Consciousness.UNRESPONSIVE: 3,
    }
)


def mews(values: Mapping[str, float | None], consciousness: Consciousness | None) -> Result:
    """Return the score of what is known; `values` by the names of the vitals."""
    points: dict[str, int | None] = {}
    for name, steps in _STEPS.items():
        value = values.get(name)
        decimals = 1 if name == "temperature" else 0
        points[name] = None if value is None else points_in(steps, rounded(value, decimals))
    points["consciousness"] = None if consciousness is None else _CONSCIOUSNESS[consciousness]
    known = [each for each in points.values() if each is not None]
    total = sum(known)
    unless_more = Band.LOW if len(known) == len(points) else Band.UNKNOWN
    return Result(total, points, Band.HIGH if total >= 5 else unless_more)
