"""What a message of another system says once it is understood (HL7, FHIR, …): observations, waves, alarms, the rest.

A Reported is what an adapter makes of a message, before anybody has asked whose it is: numbers are as they were sent,
times by the sender's clock. What could not be taken stands in `quarantined`, each with its reason.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from telehealth.errors import Invalid
from telehealth.vitals.model import MISSING, Quality

MAX_OBSERVATIONS = 2_000
"""Observations, waves, alarms and refusals of one message, together."""

MAX_SAMPLES = 500_000
MOST_BAD = 0.05
"""A wave with a larger share of samples that are no numbers is not taken."""

MAX_RATE_HZ = 20_000.0
_LARGEST_MV = 10.0

DEMO, TEST, UNCONFIRMED, CORRECTED, RETRACTED = "demo", "test", "unconfirmed", "corrected", "entered_in_error"
"""Flags with an effect; others are only kept."""

REASONS = MappingProxyType(
    {
        "bad_condition": "The condition must be `identifier=system|value`.",
        "bad_samples": "Too many samples of the wave are no numbers.",
        "bad_time": "The time cannot be read.",
        "bad_value": "The value is not of its type.",
        "before_association": "It was measured while the device was another patient's.",
        "cancelled": "The observation was cancelled.",
        "codes_disagree": "The codes beside each other mean different things.",
        "deleted": "The observation is withdrawn.",
        "entered_in_error": "The observation was entered in error; what it said is taken off the display.",
        "future_time": "It was measured in the future.",
        "impossible_value": "The value is impossible.",
        "implausible_scale": "The wave is of a size that no such wave has: its unit or resolution must be wrong.",
        "no_code": "The observation has no code.",
        "no_rate": "The wave has no sampling rate.",
        "no_time": "Nobody says when it was measured.",
        "no_time_zone": "The time names no zone.",
        "no_value": "The source says that it has no value.",
        "not_final": "The observation is only registered.",
        "out_of_range": "The samples do not fit into 16 bits.",
        "references_only": "The observation only refers to others; references are not followed.",
        "repeated_parameter": "Another value of the parameter, of the same moment, came first.",
        "too_many": "The message has too many observations.",
        "transaction_refused": "Another entry of the transaction is refused, so nothing of it is taken.",
        "unit_disagrees": "Number and name of the unit are of different units.",
        "unit_required": "The value has no unit.",
        "unknown_parameter": "The parameter is not known.",
        "unknown_unit": "The unit is not known, or not one of this parameter.",
        "unsupported_request": "An entry asks for something else than to POST its resource.",
        "unsupported_resource": "Only observations are taken.",
        "unsupported_value": "The value is of a type that is not taken.",
    }
)
"""What a refusal says, by code."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """When something was measured, by the sender's clock."""

    at: datetime
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """One observation.

    Attributes:
        text: What it says where that is no number (a rhythm, `< 20`); then `value` is None.
        taken_at: None: when it was received.
        flags: Why it is less than a plain value, and what was repaired to read it.
        identity: What makes a repeat of it recognisable; empty: what it says and when.
    """

    mdc: int
    value: float | None
    unit: str
    taken_at: datetime | None
    quality: Quality = Quality.GOOD
    text: str = ""
    flags: tuple[str, ...] = ()
    identity: str = ""


@dataclass(frozen=True, slots=True)
class ObservedWave:
    """Samples that follow each other: value = raw × gain + offset, in `unit`; raw ones are 16 bits, little-endian."""

    mdc: int
    label: str
    unit: str
    rate_hz: float
    gain: float
    offset: float
    starts_at: datetime
    samples: bytes
    flags: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return len(self.samples) // 2

    def values(self) -> list[float | None]:
        """Return the samples in `unit`; None for a missing one."""
        raw = memoryview(self.samples).cast("h")
        return [None if n == MISSING else round(n * self.gain + self.offset, 9) for n in raw]


def checked(wave: ObservedWave) -> ObservedWave:
    """Return the wave; Invalid (implausible_scale) if it is of a size that no such wave has.

    The number of "volt" where millivolts are meant is a factor of a thousand, and such messages exist.
    """
    if wave.unit == "mV" and any(value is not None and abs(value) > _LARGEST_MV for value in wave.values()):
        raise Invalid(REASONS["implausible_scale"], code="implausible_scale")
    return wave


@dataclass(frozen=True, slots=True)
class ReportedAlarm:
    """An alarm of the device itself, as it says it.

    Attributes:
        instance: What the start, the updates and the end of one alarm have in common.
        event: MDC code of the event (too low, lead off, …); 0 if none is known.
        source: MDC code of the parameter.
        priority: `low`, `medium`, `high` or `none`; without one given it counts as medium.
        kind: `physiological`, `technical`, `advisory`, or empty.
        inactivation: `enabled`, `audio-paused`, `alarm-off`, …
    """

    instance: str
    event: int
    event_name: str
    source: int
    text: str
    phase: str
    state: str
    inactivation: str
    priority: str
    kind: str
    at: datetime | None
    value: float | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    priority_given: bool = True
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What was not taken, and why; `what` says which part of the message, without any value."""

    code: str
    what: str
    detail: str = ""

    @property
    def text(self) -> str:
        return f"{REASONS[self.code]} {self.detail}".strip()


@dataclass(frozen=True, slots=True)
class Reported:
    """All that a message says.

    Attributes:
        repairs: How often each kind of oddity was put right to read it.
        sent_at: When it was sent, by the sender's clock, if it says so.
        identity: What makes a repeat of the message recognisable.
        aliases: Who sent it, by its own words: (system, value), the narrowest first.
    """

    observed: tuple[Observed, ...] = ()
    waves: tuple[ObservedWave, ...] = ()
    alarms: tuple[ReportedAlarm, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    repairs: Mapping[str, int] = field(default_factory=dict)
    sent_at: datetime | None = None
    identity: str = ""
    aliases: tuple[tuple[str, str], ...] = ()

    @property
    def takes_something(self) -> bool:
        return bool(self.observed or self.waves or self.alarms)


class Collector:
    """Gathers a Reported; raises Invalid (too_many) beyond MAX_OBSERVATIONS."""

    def __init__(self) -> None:
        self.observed: list[Observed] = []
        self.waves: list[ObservedWave] = []
        self.alarms: list[ReportedAlarm] = []
        self.quarantined: list[Quarantined] = []
        self.repairs: Counter[str] = Counter()

    def add(self, *found: Observed | ObservedWave | ReportedAlarm) -> None:
        for one in found:
            self._room()
            if isinstance(one, Observed):
                self.observed.append(one)
            elif isinstance(one, ObservedWave):
                self.waves.append(one)
            else:
                self.alarms.append(one)

    def refuse(self, code: str, what: str, detail: str = "") -> None:
        self._room()
        self.quarantined.append(Quarantined(code, what[:120], detail[:200]))

    def repaired(self, names: Iterable[str]) -> None:
        self.repairs.update(names)

    def _room(self) -> None:
        so_far = len(self.observed) + len(self.waves) + len(self.alarms) + len(self.quarantined)
        if so_far >= MAX_OBSERVATIONS:
            raise Invalid(REASONS["too_many"], code="too_many")


@dataclass(frozen=True, slots=True)
class Packed:
    """Numbers as 16-bit samples: number = raw × step + base."""

    samples: bytes
    step: float
    base: float


def packed(numbers: Sequence[Decimal | None]) -> Packed:
    """Return the numbers, None for a missing one, as samples from which each comes back exactly.

    Raises:
        Invalid: `out_of_range`: they span more than 16 bits hold at their finest decimal.
    """
    places = max((-_exponent(number) for number in numbers if number is not None), default=0)
    places = min(9, max(0, places))
    raw = [None if number is None else int((number * 10**places).to_integral_value()) for number in numbers]
    known = [n for n in raw if n is not None]
    base = _base(min(known, default=0), max(known, default=0))
    out = bytearray()
    for n in raw:
        shifted = MISSING if n is None else n - base
        if n is not None and not -32767 <= shifted <= 32767:
            raise Invalid(REASONS["out_of_range"], code="out_of_range")
        out += shifted.to_bytes(2, "little", signed=True)
    return Packed(bytes(out), 10.0**-places, base * 10.0**-places)


def _exponent(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _base(low: int, high: int) -> int:
    if low >= -32767 and high <= 32767:
        return 0
    # Coarse steps: the next block of the channel should have the same.
    return round((low + high) / 2 / 16_384) * 16_384
