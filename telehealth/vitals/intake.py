"""From a Reported to what is kept: samples judged, waves in frames, each with a key that makes a repeat recognisable.

Nothing here asks whose it is, and nothing is stored: that is the business of vitals.reports. What is measured at one
moment and says the same is the same measurement, however often it is sent: a cuff's pressure that stands in each
message until the next one keeps its age, and a message that comes again changes nothing.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from telehealth.vitals.codes import PARAMETERS, TEXTS
from telehealth.vitals.model import Quality, RawValue, Sample
from telehealth.vitals.readings import consistent, judge
from telehealth.vitals.reported import DEMO, RETRACTED, TEST, Observed, ObservedWave, Quarantined, Reported
from telehealth.vitals.units import convert

AHEAD = timedelta(seconds=60)
"""What is dated further in the future than this is not taken."""

CLOCKS_DISAGREE = "clocks_disagree"
"""Flag of what was stamped after the message that tells of it: one of the two clocks is wrong."""

_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Moment:
    """Samples of one moment, to be kept as one report.

    Attributes:
        key: 63 bits that a repeat has in common with it, and nothing else.
    """

    key: int
    taken_at: datetime
    demo: bool
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Intake:
    """What a message comes to: moments to keep, waves to keep, and what is not kept."""

    moments: tuple[Moment, ...]
    waves: tuple[ObservedWave, ...]
    quarantined: tuple[Quarantined, ...]


def taken_in(reported: Reported, received_at: datetime, offset: timedelta = timedelta(0)) -> Intake:
    """Judge what was reported; `offset` is what the sender's clock lacks to ours."""
    refused = list(reported.quarantined)
    together: dict[tuple[datetime | None, bool, str], list[Observed]] = {}
    latest = received_at + AHEAD
    for said in reported.observed:
        observed, lacks = (said, offset) if _by_the_sender_s_clock(said, reported) else (_doubted(said), _NOTHING)
        if observed.taken_at is not None and observed.taken_at + lacks > latest:
            refused.append(Quarantined("future_time", name_of(observed.mdc)))
            continue
        together.setdefault((observed.taken_at, is_demo(observed.flags), observed.identity), []).append(observed)
    moments = []
    for (stamp, demo, identity), group in together.items():
        lacks = _NOTHING if CLOCKS_DISAGREE in group[0].flags else offset
        taken_at = stamp + lacks if stamp else received_at
        samples = _samples(group, taken_at, received_at, refused)
        if samples:
            moments.append(Moment(_key(_said(reported, stamp, identity, group)), taken_at, demo, samples))
    waves = [wave for wave in reported.waves if wave.starts_at + offset <= latest]
    refused += [Quarantined("future_time", wave.label) for wave in reported.waves if wave.starts_at + offset > latest]
    return Intake(tuple(moments), tuple(waves), tuple(refused))


def _by_the_sender_s_clock(observed: Observed, reported: Reported) -> bool:
    """Say whether the stamp can be of the clock that dated the message: nothing is told before it was measured."""
    if observed.taken_at is None or reported.sent_at is None:
        return True
    return observed.taken_at <= reported.sent_at + AHEAD


def _doubted(observed: Observed) -> Observed:
    """Return it with a time that stands as it was stamped: what the sender's clock lacks says nothing of this one."""
    quality = Quality.INVALID if observed.quality is Quality.INVALID else Quality.QUESTIONABLE
    return replace(observed, quality=quality, flags=(*observed.flags, CLOCKS_DISAGREE))


def is_demo(flags: Iterable[str]) -> bool:
    """Say whether what carries the flags means nothing about anybody."""
    return DEMO in flags or TEST in flags


def name_of(mdc: int) -> str:
    """Return what to call a parameter."""
    return PARAMETERS[mdc].reference if mdc in PARAMETERS else str(mdc)


def _samples(
    group: Sequence[Observed], taken_at: datetime, received_at: datetime, refused: list[Quarantined]
) -> tuple[Sample, ...]:
    found: dict[int, Sample] = {}
    for observed in group:
        sample, faults = _sample(observed, taken_at, received_at)
        refused.extend(Quarantined(fault, name_of(observed.mdc)) for fault in faults)
        if sample is None:
            continue
        if sample.mdc in found:
            refused.append(Quarantined("repeated_parameter", name_of(observed.mdc)))
            continue
        if sample.value is None and not sample.text and not faults:
            why = RETRACTED if RETRACTED in observed.flags else "no_value"
            refused.append(Quarantined(why, name_of(observed.mdc)))
        found[sample.mdc] = sample
    return tuple(consistent(found).values())


def _sample(observed: Observed, taken_at: datetime, received_at: datetime) -> tuple[Sample | None, tuple[str, ...]]:
    if observed.text:
        return _spoken(observed, taken_at, received_at), ()
    raw = RawValue(observed.value, observed.unit, observed.quality, mdc=observed.mdc)
    judged = judge((raw,), taken_at, received_at)
    if not judged.samples:
        return None, judged.faults
    (sample,) = judged.samples
    return replace(sample, flags=observed.flags), judged.faults


def _spoken(observed: Observed, taken_at: datetime, received_at: datetime) -> Sample:
    """Return the sample of a text; a bound (`< 20`) is converted to the parameter's unit, and stays a text."""
    unit, text = observed.unit, observed.text
    if observed.mdc not in TEXTS and unit:
        unit = PARAMETERS[observed.mdc].unit
        comparator, _, number = text.partition(" ")
        text = f"{comparator} {round(convert(float(number), observed.unit, unit), 6):g}"
    return Sample(
        observed.mdc,
        None,
        unit,
        None,
        observed.unit,
        taken_at,
        received_at,
        observed.quality if observed.mdc in TEXTS else Quality.QUESTIONABLE,
        text,
        observed.flags,
    )


def _said(reported: Reported, stamp: datetime | None, identity: str, group: Sequence[Observed]) -> str:
    """Return what a repeat says, too: its identifier, or else its time and values."""
    if identity:
        return f"identifier|{identity}"
    said = sorted(f"{o.mdc}={o.value!r}{o.unit}{o.text}{o.quality}" for o in group)
    # Without a time, what tells a repeat from the same value measured again is the message's own name.
    return "|".join((*said, stamp.isoformat() if stamp else reported.identity))


def _key(said: str) -> int:
    return int.from_bytes(hashlib.sha256(said.encode("utf-8", "replace")).digest()[:8]) >> 1
