"""PEWS, a paediatric early warning score by the site's own table: there is no one table for all, and none is ours.

A table gives bands of age, each with the points of its inputs; which inputs a score has is the table's choice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telehealth.vitals.scores import Band, Consciousness, Result, Steps, points_in, rounded

NUMBERS = ("resp_rate", "spo2", "systolic", "heart_rate", "temperature")
"""Inputs that are measured; besides these there are `oxygen` and `consciousness`."""


@dataclass(frozen=True, slots=True)
class PewsBand:
    """The points of an age, in months from `from_months` to before `to_months`.

    Attributes:
        steps: By input that is measured, upper ends with their points.
        oxygen: Points of breathing oxygen; None: it is no input.
        consciousness: Points by letter; None: it is no input.
    """

    from_months: int
    to_months: int
    steps: Mapping[str, Steps]
    oxygen: int | None = None
    consciousness: Mapping[Consciousness, int] | None = None


@dataclass(frozen=True, slots=True)
class PewsTable:
    """A table of a site; from so many points on the band is medium, or high."""

    name: str
    medium: int
    high: int
    bands: Sequence[PewsBand]

    def band_of(self, months: int | None) -> PewsBand | None:
        """Return the band of an age; None if the table has none, or nobody knows the age."""
        if months is None:
            return None
        return next((band for band in self.bands if band.from_months <= months < band.to_months), None)


def pews(
    table: PewsTable,
    band: PewsBand,
    values: Mapping[str, float | None],
    *,
    oxygen: bool | None,
    consciousness: Consciousness | None,
) -> Result:
    """Return the score of what is known, and what is missing."""
    points: dict[str, int | None] = {}
    for name, steps in band.steps.items():
        value = values.get(name)
        decimals = 1 if name == "temperature" else 0
        points[name] = None if value is None else points_in(steps, rounded(value, decimals))
    if band.oxygen is not None:
        points["oxygen"] = None if oxygen is None else band.oxygen * oxygen
    if band.consciousness is not None:
        points["consciousness"] = None if consciousness is None else band.consciousness[consciousness]
    known = [each for each in points.values() if each is not None]
    total = sum(known)
    # What is missing can only make it more.
    unless_more = Band.LOW if len(known) == len(points) else Band.UNKNOWN
    reached = Band.HIGH if total >= table.high else Band.MEDIUM if total >= table.medium else unless_more
    return Result(total, points, reached)
