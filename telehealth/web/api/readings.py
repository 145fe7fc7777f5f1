"""Readings that people at the bedside bring in: from a sensor paired in the browser, or typed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from telehealth.access import Principal
from telehealth.audit import AuditEvent
from telehealth.clock import to_ms
from telehealth.errors import Invalid
from telehealth.ids import EncounterId
from telehealth.interop.gatt.decoder import decode
from telehealth.interop.gatt.measurement import Measurement
from telehealth.vitals.bedside import ReadingSource
from telehealth.vitals.model import DeviceKind, FeedHello, Quality, RawNumerics, RawValue
from telehealth.vitals.service import Recorded
from telehealth.web.bodies import Answer, Body, answer, body_of
from telehealth.web.context import path_id, principal, services
from telehealth.web.rate_limits import READINGS
from telehealth.web.services import Services

_CONTINUOUS = frozenset({"2A37", "2A5F", "2AA7"})
_RECORDS = 128
"""Records that one value may have: each takes a number of its own after the key's."""

_LATE_MS = 5_000.0
_MINUTE_MS = 60_000.0

_Ms = Annotated[float, Field(ge=0, le=4_102_444_800_000.0, allow_inf_nan=False)]
_Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-z]{8,32}-[0-9]{1,7}$")]
_Sensor = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f\u2028\u2029]{1,60}$", strip_whitespace=True)]
_Number = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
_Mdc = Annotated[int, Field(ge=1, le=0xFFFF_FFFF)]
_Unit = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{0,32}$")]


class DecodedValue(Body):
    """What the page made of a number."""

    mdc: _Mdc
    value: Annotated[float, Field(allow_inf_nan=False)] | None
    unit: _Unit
    quality: Quality


class GattReadingIn(Body):
    """The octets of a characteristic as they came, and what the page made of them.

    Attributes:
        clock_offset_ms: Our clock less the sensor's, if the page has read the sensor's: then its own time counts.
    """

    kind: Literal["gatt"]
    key: _Key
    taken_at: _Ms
    sensor: _Sensor
    characteristic: Annotated[str, StringConstraints(pattern=r"^[0-9A-F]{4}$")]
    bytes: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}){0,512}$")]
    decoded: Annotated[list[DecodedValue], Field(max_length=512)]
    clock_offset_ms: Annotated[float, Field(ge=-4e12, le=4e12, allow_inf_nan=False)] | None = None


class TypedValue(Body):
    """A number that somebody read off a display."""

    mdc: _Mdc
    value: _Number
    unit: _Unit


class TypedReadingIn(Body):
    """Numbers that somebody typed, measured together."""

    kind: Literal["typed"]
    key: _Key
    taken_at: _Ms
    values: Annotated[list[TypedValue], Field(min_length=1, max_length=8)]


class Readings(Body):
    """At most 64 readings, oldest first, by the clock of the browser that says when it sends them."""

    sent_at: _Ms
    readings: Annotated[list[GattReadingIn | TypedReadingIn], Field(min_length=1, max_length=64)]


class ReadingResult(Answer):
    """What became of a reading; whatever it is, it is not to be sent again."""

    key: str
    status: Literal["recorded", "quarantined", "refused"]
    reason: str = ""


class ReadingResults(Answer):
    """What became of each reading, in their order."""

    results: list[ReadingResult]


@dataclass(slots=True)
class _Group:
    """Readings of one source and one journal, which are recorded together."""

    source: ReadingSource
    journal: str
    batch: list[RawNumerics] = field(default_factory=list)
    keys: dict[str, list[RawNumerics]] = field(default_factory=dict)


async def add_readings(request: web.Request) -> web.Response:
    """Record readings; each key once."""
    reach, who = services(request), principal(request)
    encounter = EncounterId(path_id(request, "encounter"))
    body = await body_of(request, Readings)
    reach.limits.take(READINGS, who.subject)
    bedside = await reach.desk.bedside(who, encounter)
    results: dict[str, ReadingResult] = {}
    groups: dict[tuple[ReadingSource, str], _Group] = {}
    for one in body.readings:
        late = body.sent_at - one.taken_at > _LATE_MS
        try:
            source, numerics = _understood(one, who, late=late)
        except Invalid as error:
            results[one.key] = ReadingResult(key=one.key, status="quarantined", reason=error.code)
            await _quarantine(reach, who, encounter, one, error.code)
            continue
        if not numerics:
            results[one.key] = ReadingResult(key=one.key, status="refused", reason="no_value")
            continue
        journal = one.key.rpartition("-")[0]
        group = groups.setdefault((source, journal), _Group(source, journal))
        group.batch += numerics
        group.keys[one.key] = numerics
    for group in groups.values():
        hello = FeedHello(group.journal, body.sent_at, ())
        recorded = await reach.bedside.add(who, bedside, group.source, hello, group.batch)
        results |= {key: _result(key, numerics, recorded) for key, numerics in group.keys.items()}
    return answer(ReadingResults(results=[results[one.key] for one in body.readings]))


def _understood(
    one: GattReadingIn | TypedReadingIn, who: Principal, *, late: bool
) -> tuple[ReadingSource, list[RawNumerics]]:
    number = int(one.key.rpartition("-")[2]) * _RECORDS
    if isinstance(one, TypedReadingIn):
        values = tuple(RawValue(v.value, v.unit, Quality.GOOD, mdc=v.mdc) for v in one.values)
        source = ReadingSource(f"Typed by {who.role.value}", DeviceKind.SPOT)
        return source, [RawNumerics(number, one.taken_at, values, late)]
    measurements = decode(one.characteristic, bytes.fromhex(one.bytes))
    if not _agree(measurements, one.decoded):
        raise Invalid("The page and the server read the octets differently.", code="decoded_differently")
    kind = DeviceKind.SENSOR if one.characteristic in _CONTINUOUS else DeviceKind.SPOT
    source = ReadingSource(one.sensor, kind, simulated=any(measurement.demo for measurement in measurements))
    last_min = max((_session_min(measurement) for measurement in measurements), default=0)
    numerics = []
    for index, measurement in enumerate(measurements[:_RECORDS]):
        values = tuple(RawValue(r.value, r.unit, r.quality, mdc=r.mdc) for r in measurement.readings)
        taken_at = _taken_at(one, measurement) - (last_min - _session_min(measurement)) * _MINUTE_MS
        if values:
            numerics.append(RawNumerics(number + index, max(0.0, taken_at), values, late))
    return source, numerics


def _taken_at(one: GattReadingIn, measurement: Measurement) -> float:
    """Return when it was measured, by the browser's clock: as the sensor says, if its clock is known."""
    if measurement.local_time is None or one.clock_offset_ms is None:
        return one.taken_at
    by_sensor = to_ms(measurement.local_time.replace(tzinfo=UTC)) + one.clock_offset_ms
    return min(by_sensor, one.taken_at)


def _session_min(measurement: Measurement) -> int:
    minutes = measurement.details.get("session_min", 0)
    return minutes if isinstance(minutes, int) else 0


def _agree(measurements: Sequence[Measurement], told: Sequence[DecodedValue]) -> bool:
    ours = [reading for measurement in measurements for reading in measurement.readings]
    return len(ours) == len(told) and all(
        (mine.mdc, mine.unit, mine.quality) == (theirs.mdc, theirs.unit, theirs.quality)
        and _close(mine.value, theirs.value)
        for mine, theirs in zip(ours, told, strict=True)
    )


def _close(mine: float | None, theirs: float | None) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    return math.isclose(mine, theirs, rel_tol=1e-9, abs_tol=1e-9)


def _result(key: str, numerics: Sequence[RawNumerics], recorded: Recorded) -> ReadingResult:
    own = {one.sequence for one in numerics}
    # What is impossible is kept, as invalid; everything else that is named was left out.
    left_out = [r.code for r in recorded.refused if r.sequence in own and r.code != "impossible_value"]
    impossible = any(r.sequence in own and r.code == "impossible_value" for r in recorded.refused)
    if len(left_out) >= sum(len(one.values) for one in numerics):
        return ReadingResult(key=key, status="refused", reason=left_out[0])
    return ReadingResult(
        key=key, status="recorded", reason="impossible_value" if impossible else left_out[0] if left_out else ""
    )


async def _quarantine(
    reach: Services, who: Principal, encounter: EncounterId, one: GattReadingIn | TypedReadingIn, reason: str
) -> None:
    """Keep what was not taken, as it came, for an administrator to look at."""
    reach.metrics.frames.labels(reason).inc()
    event = AuditEvent("reading.quarantined", who.subject, who.role.value, f"encounter/{encounter}", outcome=reason)
    await reach.album.quarantine(event, encounter, one.key, one.model_dump_json().encode())
