"""A Score: a number issued from vital signs at an instant, kept with what it was made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from telehealth.ids import ScoreId


class ScoreKind(StrEnum):
    """Which score."""

    NEWS2 = "news2"
    SHOCK_INDEX = "shock_index"
    MEWS = "mews"
    PEWS = "pews"


class Consciousness(StrEnum):
    """ACVPU: alert, new confusion, responds to voice, to pain, unresponsive."""

    ALERT = "A"
    CONFUSION = "C"
    VOICE = "V"
    PAIN = "P"
    UNRESPONSIVE = "U"


class Band(StrEnum):
    """What a score calls for; UNKNOWN while what is missing may decide."""

    UNKNOWN = "unknown"
    LOW = "low"
    LOW_MEDIUM = "low_medium"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class ScoreInput:
    """One input of a score.

    Attributes:
        name: `resp_rate`, `spo2`, `oxygen`, `systolic`, `heart_rate`, `consciousness`, `temperature`.
        value: As it was scored, rounded, in the parameter's unit; as text. Empty when there is none young enough.
        points: What it adds; None when it is missing.
        source: Which device parameter (`ECG`, `NIBP`), or who entered it.
    """

    name: str
    value: str
    points: int | None
    taken_at: datetime | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What a score's table gives.

    Attributes:
        total: Of the points that are known; of a ratio, the ratio.
        points: By input; None where it is missing.
    """

    total: float
    points: Mapping[str, int | None]
    band: Band

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(name for name, points in self.points.items() if points is None)

    @property
    def complete(self) -> bool:
        return not self.missing


@dataclass(frozen=True, slots=True)
class Score:
    """An issued score.

    Attributes:
        variant: Which table (`RCP 2017, SpO2 scale 1`); there are many of some names.
        asked_by: Who pressed "score now"; empty when it was issued because it had been stable.
        demo: Made of simulated data; means nothing about anybody.
    """

    id: ScoreId
    kind: ScoreKind
    variant: str
    at: datetime
    total: float
    band: Band
    inputs: tuple[ScoreInput, ...]
    demo: bool
    asked_by: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.inputs if one.points is None)

    @property
    def complete(self) -> bool:
        return not self.missing

    @property
    def oldest_at(self) -> datetime | None:
        """When the oldest of its inputs was measured."""
        return min((one.taken_at for one in self.inputs if one.taken_at is not None), default=None)

    @property
    def key(self) -> tuple[object, ...]:
        """What makes one issue differ from the next: the points, not the jitter below them."""
        return self.variant, self.total, tuple((one.name, one.points) for one in self.inputs)


Steps = Sequence[tuple[float, int]]
"""Upper ends, each included, with their points; the last one has no end."""


def points_in(steps: Steps, value: float) -> int:
    """Return the points of the first step that the value does not exceed."""
    return next((points for end, points in steps if value <= end), steps[-1][1])


def rounded(value: float, decimals: int = 0) -> float:
    """Return the value as one would write it: half goes up."""
    return float(Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))
