"""Limits: between what values nothing is said, by age and for one patient, and who set them.

The adult values are a proposal within what monitors come with; no norm says which they must be. Rates of children:
1st, 5th, 95th and 99th percentile in hospital, from Bonafide et al., "Development of Heart and Respiratory Rate
Percentile Curves for Hospitalized Children", Pediatrics 2013;131:e1150; pressures and saturation by the same bands.
A limit is crossed when the value lies beyond it, not when it equals it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType

from telehealth.errors import Invalid
from telehealth.vitals.apnoea import LEAST_S, MOST_S, USUAL_S
from telehealth.vitals.vital_signs import SIGNS, Vital

MAX_DELAY_S = 60.0


@dataclass(frozen=True, slots=True)
class Limit:
    """The limits of one vital; None: none.

    Attributes:
        low, high: Yellow: a medium alarm beyond them.
        very_low, very_high: Red: a high alarm beyond them.
        delay_s: How long a value must lie beyond yellow before anything is said (not of episodic values).
        urgent_delay_s: The same of red.
        hysteresis: How far within the limit a value must be before the alarm ends.
        apnoea_s: Of the respiratory rate: after how long without a breath there is a high alarm.
    """

    vital: Vital
    low: float | None = None
    high: float | None = None
    very_low: float | None = None
    very_high: float | None = None
    delay_s: float = 5.0
    urgent_delay_s: float = 5.0
    hysteresis: float = 0.0
    apnoea_s: float = USUAL_S

    def checked(self) -> "Limit":
        """Return it if it makes sense; Invalid (`bad_limit`) if not."""
        sign = SIGNS[self.vital]
        known = [v for v in (self.very_low, self.low, self.high, self.very_high) if v is not None]
        if any(value not in sign.range for value in known):
            raise Invalid(f"A limit of {sign.label} lies beyond what can be measured.", code="bad_limit")
        if known != sorted(known) or (self.low is not None and self.low == self.high):
            raise Invalid(f"The limits of {sign.label} are out of order.", code="bad_limit")
        if not all(0 <= delay <= MAX_DELAY_S for delay in (self.delay_s, self.urgent_delay_s)):
            raise Invalid(f"A delay is 0 to {MAX_DELAY_S:.0f} seconds.", code="bad_limit")
        if not LEAST_S <= self.apnoea_s <= MOST_S:
            raise Invalid(f"Apnoea is told after {LEAST_S:.0f} to {MOST_S:.0f} seconds.", code="bad_limit")
        return self


@dataclass(frozen=True, slots=True)
class SetLimit:
    """A limit in force. `set_by` is empty for one that follows from the age."""

    limit: Limit
    set_by: str = ""
    set_by_name: str = ""
    set_at: datetime | None = None


Four = tuple[float | None, float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Limits of an age, in months from `from_months` to before the next band's.

    Attributes:
        heart_rate, resp_rate, systolic, spo2, temperature: Very low, low, high, very high.
    """

    name: str
    from_months: int
    heart_rate: Four
    resp_rate: Four
    systolic: Four
    spo2: Four
    temperature: Four


_WARM_BABY: Four = (35.0, 36.0, 38.0, 39.0)
_WARM: Four = (35.0, 36.0, 38.0, 41.0)
_INFANT: Four = (88, 91, None, None)
_CHILD: Four = (89, 92, None, None)

CHILDREN = (
    AgeBand("0–3 months", 0, (107, 113, 171, 181), (25, 30, 60, 66), (55, 60, 105, 115), _INFANT, _WARM_BABY),
    AgeBand("3–6 months", 3, (104, 108, 167, 175), (24, 28, 52, 64), (60, 65, 110, 120), _INFANT, _WARM_BABY),
    AgeBand("6–9 months", 6, (98, 104, 160, 168), (23, 26, 49, 61), (65, 70, 115, 120), _INFANT, _WARM_BABY),
    AgeBand("9–12 months", 9, (93, 101, 150, 161), (22, 24, 46, 58), (68, 73, 118, 130), _INFANT, _WARM_BABY),
    AgeBand("12–18 months", 12, (88, 97, 148, 156), (21, 23, 43, 53), (70, 75, 120, 130), _CHILD, _WARM_BABY),
    AgeBand("18–24 months", 18, (82, 92, 142, 149), (19, 21, 40, 46), (72, 77, 122, 130), _CHILD, _WARM_BABY),
    AgeBand("2–3 years", 24, (76, 87, 135, 142), (18, 20, 36, 38), (74, 79, 124, 140), _CHILD, _WARM),
    AgeBand("3–4 years", 36, (70, 82, 130, 136), (17, 19, 31, 33), (76, 81, 126, 140), _CHILD, _WARM),
    AgeBand("4–6 years", 48, (65, 77, 124, 131), (17, 18, 28, 29), (78, 83, 128, 140), _CHILD, _WARM),
    AgeBand("6–8 years", 72, (59, 71, 117, 123), (16, 17, 25, 27), (82, 87, 130, 150), _CHILD, _WARM),
    AgeBand("8–12 years", 96, (52, 66, 109, 115), (14, 16, 23, 25), (86, 91, 130, 150), _CHILD, _WARM),
    AgeBand("12–15 years", 144, (47, 61, 102, 108), (12, 15, 22, 25), (90, 97, 130, 160), _CHILD, _WARM),
    AgeBand("15–18 years", 180, (43, 57, 100, 115), (11, 14, 21, 25), (90, 100, 130, 180), _CHILD, _WARM),
)
ADULT = AgeBand(
    "adult",
    216,
    heart_rate=(40, 50, 120, 140),
    resp_rate=(6, 8, 30, 35),
    systolic=(70, 90, 160, 200),
    spo2=(85, 90, None, None),
    temperature=(32.0, 35.0, 39.0, 41.0),
)
AGE_BANDS = (*CHILDREN, ADULT)

# Delay, delay when urgent, hysteresis: enough that a moved finger says nothing, and not so much that an event does.
_TIMING = MappingProxyType(
    {
        Vital.HEART_RATE: (5.0, 5.0, 3.0),
        Vital.SPO2: (10.0, 5.0, 2.0),
        Vital.RESP_RATE: (10.0, 10.0, 2.0),
        Vital.SYSTOLIC: (5.0, 5.0, 5.0),
        Vital.DIASTOLIC: (5.0, 5.0, 5.0),
        Vital.MEAN: (5.0, 5.0, 5.0),
        Vital.ETCO2: (10.0, 10.0, 2.0),
        Vital.TEMPERATURE: (0.0, 0.0, 0.2),
        Vital.GLUCOSE: (0.0, 0.0, 0.0),
    }
)
_ADULT_ONLY: Mapping[Vital, Four] = MappingProxyType(
    {
        Vital.DIASTOLIC: (None, 50, 90, 120),
        Vital.MEAN: (50, 60, 110, 130),
    }
)
_ALL_AGES: Mapping[Vital, Four] = MappingProxyType(
    {
        Vital.ETCO2: (15, 25, 50, 65),
        Vital.GLUCOSE: (54, 70, 180, 250),
    }
)


def age_in_months(born: date, today: date) -> int:
    """Return the completed months of life; 0 for a date to come."""
    months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
    return max(0, months)


def band_of(months: int | None) -> AgeBand:
    """Return the band of an age in months; that of adults when nobody knows the age."""
    if months is None:
        return ADULT
    return max((band for band in AGE_BANDS if band.from_months <= months), key=lambda band: band.from_months)


def default_limits(band: AgeBand) -> dict[Vital, Limit]:
    """Return the limits that an age begins with."""
    rows: dict[Vital, Four] = {
        Vital.HEART_RATE: band.heart_rate,
        Vital.SPO2: band.spo2,
        Vital.RESP_RATE: band.resp_rate,
        Vital.SYSTOLIC: band.systolic,
        Vital.TEMPERATURE: band.temperature,
        **_ALL_AGES,
        **(_ADULT_ONLY if band is ADULT else {}),
    }
    return {vital: _limit(vital, rows[vital]) for vital in SIGNS if vital in rows}


def _limit(vital: Vital, four: Four) -> Limit:
    very_low, low, high, very_high = four
    delay_s, urgent_delay_s, hysteresis = _TIMING[vital]
    return Limit(vital, low, high, very_low, very_high, delay_s, urgent_delay_s, hysteresis)


def in_force(band: AgeBand, own: Iterable[SetLimit]) -> dict[Vital, SetLimit]:
    """Return the limits of a patient: those set for them, else those of the age."""
    limits = {vital: SetLimit(limit) for vital, limit in default_limits(band).items()}
    return limits | {one.limit.vital: one for one in own}


_AUTOMATIC = MappingProxyType(
    {
        Vital.HEART_RATE: ((0.8, 0.0), (1.25, 0.0), (35.0, 240.0)),
        Vital.RESP_RATE: ((0.5, 0.0), (1.5, 0.0), (6.0, 55.0)),
        Vital.SYSTOLIC: ((0.68, 10.0), (0.86, 38.0), (45.0, 270.0)),
        Vital.TEMPERATURE: ((1.0, -0.5), (1.0, 0.5), (28.0, 42.0)),
    }
)
"""Low and high as factor and shift of the present value, and the range that they are clipped to."""


def proposed(limits: Mapping[Vital, Limit], values: Mapping[Vital, float]) -> dict[Vital, Limit]:
    """Return limits around the present values, as monitors propose them; nobody applies them but a person.

    Red limits that would lie within the new yellow ones move out to them.
    """
    found = {}
    for vital, (below, above, (least, most)) in _AUTOMATIC.items():
        if vital not in limits or vital not in values:
            continue
        decimals = SIGNS[vital].decimals
        low = round(min(most, max(least, values[vital] * below[0] + below[1])), decimals)
        high = round(min(most, max(least, values[vital] * above[0] + above[1])), decimals)
        if low < high:
            found[vital] = _around(limits[vital], low, high)
    return found


def _around(limit: Limit, low: float, high: float) -> Limit:
    very_low = limit.very_low if limit.very_low is None else min(limit.very_low, low)
    very_high = limit.very_high if limit.very_high is None else max(limit.very_high, high)
    return replace(limit, low=low, high=high, very_low=very_low, very_high=very_high)
