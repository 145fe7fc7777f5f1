"""Sources that contradict each other: the same vital sign, at the same time, by two of them, too far apart."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from telehealth.vitals.codes import TILES
from telehealth.vitals.model import Quality, Report, Sample

WITHIN = timedelta(seconds=10)
"""What was measured further apart may both be true."""


@dataclass(frozen=True, slots=True)
class _Tolerance:
    """How far two sources may differ: this much, or this share of the lesser, whichever is more."""

    least: float
    share: float = 0.0

    def holds(self, one: float, other: float) -> bool:
        return abs(one - other) <= max(self.least, self.share * min(abs(one), abs(other)))


_HEART = frozenset(next(tile for tile in TILES if tile.key == "heart-rate").parts[0].sources)
_TOLERANCES: Mapping[str, _Tolerance] = MappingProxyType(
    {
        "heart-rate": _Tolerance(10, 0.2),
        "pulse-rate": _Tolerance(10, 0.2),
        "spo2": _Tolerance(5),
        "resp-rate": _Tolerance(5, 0.3),
        "nibp": _Tolerance(20),
        "art": _Tolerance(20),
        "etco2": _Tolerance(8),
        "temperature": _Tolerance(1),
        "glucose": _Tolerance(20, 0.2),
    }
)
_BY_CODE: Mapping[int, _Tolerance] = MappingProxyType(
    {
        mdc: _TOLERANCES[tile.key]
        for tile in reversed(TILES)
        if tile.key in _TOLERANCES
        for part in tile.parts
        for mdc in part.sources
    }
)


def conflicting(report: Report, known: Iterable[Report]) -> frozenset[int]:
    """Return which parameters of a report another source contradicts.

    Rates of the heart are compared whatever their source; anything else only with the same parameter of another
    device, for two places of the body may well differ. A demonstration contradicts nobody, and nobody it.
    """
    # One report may be known under several parameters.
    others = {id(one): one for one in known if one.demo is report.demo and one is not report}.values()
    near = [one for one in others if abs(one.taken_at - report.taken_at) <= WITHIN]
    return frozenset(
        sample.mdc
        for sample in report.samples
        if any(_contradict(report, sample, one, other) for one in near for other in one.samples)
        or any(_contradict(report, sample, report, other) for other in report.samples)
    )


def _contradict(mine: Report, sample: Sample, theirs: Report, other: Sample) -> bool:
    tolerance = _BY_CODE.get(sample.mdc)
    if tolerance is None or not (_comparable(sample) and _comparable(other)):
        return False
    both_hearts = sample.mdc in _HEART and other.mdc in _HEART and sample.mdc != other.mdc
    same_elsewhere = sample.mdc == other.mdc and mine.device_id != theirs.device_id
    if not (both_hearts or same_elsewhere) or sample.value is None or other.value is None:
        return False
    return not tolerance.holds(sample.value, other.value)


def _comparable(sample: Sample) -> bool:
    return sample.value is not None and sample.quality is Quality.GOOD
