"""A site's table of PEWS as JSON; what it looks like stands in docs/operations.md."""

from itertools import pairwise
from math import inf
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from telehealth.errors import Invalid
from telehealth.vitals.pews import NUMBERS, PewsBand, PewsTable
from telehealth.vitals.scores import Consciousness, Steps

MAX_BYTES = 65_536

_Points = Annotated[int, Field(ge=0, le=10)]
_Months = Annotated[int, Field(ge=0, le=216)]
_Step = tuple[Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] | None, _Points]
_Steps = Annotated[list[_Step], Field(min_length=1, max_length=20)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Band(_Part):
    from_months: _Months
    to_months: _Months
    resp_rate: _Steps | None = None
    spo2: _Steps | None = None
    systolic: _Steps | None = None
    heart_rate: _Steps | None = None
    temperature: _Steps | None = None
    oxygen: _Points | None = None
    consciousness: dict[str, _Points] | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.from_months >= self.to_months:
            raise ValueError("a band ends after it begins")
        if self.consciousness is not None and set(self.consciousness) != set(Consciousness):
            raise ValueError("consciousness needs points for A, C, V, P and U")
        for name in NUMBERS:
            steps = getattr(self, name)
            if steps is not None:
                _require_rising(name, [end for end, _ in steps])
        return self

    def to_domain(self) -> PewsBand:
        given = {name: getattr(self, name) for name in NUMBERS}
        levels = self.consciousness
        return PewsBand(
            self.from_months,
            self.to_months,
            {name: _steps(steps) for name, steps in given.items() if steps is not None},
            self.oxygen,
            None if levels is None else {level: levels[level] for level in Consciousness},
        )


class _Table(_Part):
    name: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,60}$")]
    medium: Annotated[int, Field(ge=1, le=60)]
    high: Annotated[int, Field(ge=1, le=60)]
    bands: Annotated[list[_Band], Field(min_length=1, max_length=30)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if any(one.to_months > other.from_months for one, other in pairwise(self.bands)):
            raise ValueError("the bands stand in order and do not overlap")
        if self.medium > self.high:
            raise ValueError("medium comes before high")
        return self


def pews_table(raw: bytes) -> PewsTable:
    """Return the table; Invalid (`bad_pews_table`), with the place and the reason, for anything else."""
    if len(raw) > MAX_BYTES:
        raise Invalid("The table of PEWS is too long.", code="bad_pews_table")
    try:
        read = _Table.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the table"
        raise Invalid(f"The table of PEWS can't be used: {place}: {first['msg']}.", code="bad_pews_table") from None
    return PewsTable(read.name, read.medium, read.high, [band.to_domain() for band in read.bands])


def _require_rising(name: str, ends: list[float | None]) -> None:
    *inner, last = ends
    known = [end for end in inner if end is not None]
    if last is not None or len(known) != len(inner) or any(one >= other for one, other in pairwise(known)):
        raise ValueError(f"the steps of {name} rise, and the last one alone ends with null")


def _steps(steps: list[_Step]) -> Steps:
    return [(inf if end is None else end, points) for end, points in steps]
