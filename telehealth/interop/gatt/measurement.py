"""What a sensor's value means: readings with their quality and its reason, and what is told besides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from telehealth.interop.gatt.numbers import Number
from telehealth.vitals.model import Quality

_RANK = (Quality.GOOD, Quality.QUESTIONABLE, Quality.INVALID)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far readings may be trusted, and the first reason why not further."""

    quality: Quality = Quality.GOOD
    reason: str = ""

    def worse(self, other: "Verdict") -> "Verdict":
        """Return the worse of the two; of two alike the first."""
        return other if _RANK.index(other.quality) > _RANK.index(self.quality) else self


GOOD = Verdict()


@dataclass(frozen=True, slots=True)
class GattReading:
    """One number of a sensor, in the unit that it is sent in; None with the reason why there is none."""

    mdc: int
    value: float | None
    unit: str
    quality: Quality = Quality.GOOD
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one record of a characteristic says.

    Attributes:
        local_time: The sensor's clock when it measured, without a zone; None if it says none.
        notes: What its status says besides: of the body (`irregular_pulse`) or of itself (`battery_low`).
        demo: The sensor says that this is a demonstration or a test.
        details: What is no vital sign, such as the intervals between beats in seconds.
    """

    characteristic: str
    readings: tuple[GattReading, ...]
    local_time: datetime | None = None
    notes: tuple[str, ...] = ()
    demo: bool = False
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def as_data(self) -> dict[str, Any]:
        """Return it ready for JSON, as the page's decoder gives it (static/js/vitals/gatt.js)."""
        return {
            "characteristic": self.characteristic,
            "readings": [
                {"mdc": r.mdc, "value": r.value, "unit": r.unit, "quality": r.quality.value, "reason": r.reason}
                for r in self.readings
            ],
            "local_time": self.local_time.isoformat() if self.local_time else None,
            "notes": list(self.notes),
            "demo": self.demo,
            "details": {name: list(v) if isinstance(v, tuple) else v for name, v in self.details.items()},
        }


def reading(mdc: int, number: Number, unit: str, verdict: Verdict = GOOD, *, power: int = 0) -> GattReading:
    """Return the reading of a number × 10 ^ power under a verdict; what is invalid has no value."""
    if number.special is not None:
        verdict = Verdict(Quality.INVALID, number.special.value).worse(verdict)
    value = None if verdict.quality is Quality.INVALID else number.scaled(power)
    return GattReading(mdc, value, unit, verdict.quality, verdict.reason)


def verdict_of(status: int, bits: Mapping[int, Verdict]) -> Verdict:
    """Return the worst of what the set bits say."""
    worst = GOOD
    for bit, verdict in bits.items():
        if status >> bit & 1:
            worst = worst.worse(verdict)
    return worst


def notes_of(status: int, names: Mapping[int, str]) -> tuple[str, ...]:
    """Return the names of the set bits."""
    return tuple(name for bit, name in names.items() if status >> bit & 1)


def invalid(names: Mapping[int, str]) -> dict[int, Verdict]:
    """Return what makes a value invalid, by bit."""
    return {bit: Verdict(Quality.INVALID, name) for bit, name in names.items()}


def questionable(names: Mapping[int, str]) -> dict[int, Verdict]:
    """Return what makes a value questionable, by bit."""
    return {bit: Verdict(Quality.QUESTIONABLE, name) for bit, name in names.items()}


def present(details: Mapping[str, Any], keep: Iterable[bool]) -> Mapping[str, Any]:
    """Return those details that were sent."""
    return MappingProxyType({name: value for (name, value), kept in zip(details.items(), keep, strict=True) if kept})
