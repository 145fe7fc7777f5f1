"""VitalsHistory: what was stored of an encounter, read by interval: as it came, as trends, or as a strip."""

import asyncio
import math
import sys
from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from telehealth.access import Action, Principal, require
from telehealth.audit import AuditTrail, event_by
from telehealth.clock import from_ms, to_ms
from telehealth.errors import Invalid
from telehealth.ids import DeviceId, EncounterId, PatientId
from telehealth.vitals.model import MISSING, NUMERICS_CHANNEL, Report, StoredFrame, WaveBlock, WaveChannel
from telehealth.vitals.ports import VitalFrames, VitalsWire

PAGE = 2_000
"""Most frames of a page."""

TREND_PAGE = 500
"""Messages of numerics that are read at a time."""

LONGEST = timedelta(hours=24)
"""Longest interval of a question."""

STRIP_CHANNELS = 12
LONGEST_STRIP_S = 30.0
STEPS = (60, 600)
"""Resolutions of trends, in seconds."""

_AHEAD = timedelta(seconds=10)
"""No frame is longer: one that begins so much earlier may reach into an interval."""

Decode = Callable[[bytes], WaveBlock]


@dataclass(frozen=True, slots=True)
class Chart:
    """Whose vitals are asked for."""

    encounter_id: EncounterId
    patient_id: PatientId
    owners: Collection[str]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Part of an interval, in the order in which it was measured.

    Attributes:
        channels: Those that the blocks are of.
        next: Where the next part begins; empty at the end.
    """

    channels: tuple[WaveChannel, ...]
    reports: tuple[Report, ...]
    blocks: tuple[WaveBlock, ...]
    next: str


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """The values of one parameter within one step, invalid ones left out."""

    at: datetime
    least: float
    most: float
    middle: float
    count: int


@dataclass(frozen=True, slots=True)
class Trend:
    """One parameter of one device over time."""

    device_id: DeviceId
    mdc: int
    unit: str
    demo: bool
    points: tuple[TrendPoint, ...]


@dataclass(frozen=True, slots=True)
class StripRow:
    """The stored samples of one channel: blocks in order, which may lack some."""

    channel: WaveChannel
    blocks: tuple[WaveBlock, ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """Some seconds of some channels."""

    begins_at: datetime
    seconds: float
    rows: tuple[StripRow, ...]


class VitalsHistory:
    """Reads for whoever may see the vitals; each read is audited."""

    def __init__(self, *, frames: VitalFrames, audit: AuditTrail, wire: VitalsWire, decode: Decode) -> None:
        self._frames = frames
        self._audit = audit
        self._wire = wire
        self._decode = decode

    async def page(
        self, principal: Principal, chart: Chart, interval: tuple[datetime, datetime], *, limit: int, after: str
    ) -> HistoryPage:
        """Return what was measured in the interval, a part at a time.

        Raises:
            Invalid: The interval is empty or too long, or `after` is none that a page gave.
        """
        start, end = await self._begin(principal, chart, interval, "vitals.read")
        wanted = max(1, min(limit, PAGE))
        page = await self._frames.between(chart.encounter_id, start, end, limit=wanted, after=after)
        channels = await self._frames.channels(chart.encounter_id)
        # Beside the loop, here and below: much of it takes a while, and calls are forwarded on the loop.
        reports, blocks = await asyncio.to_thread(self._understood, page.frames)
        used = {block.channel for block in blocks}
        of_blocks = tuple(channel for channel in channels if channel.number in used)
        return HistoryPage(of_blocks, tuple(reports), tuple(blocks), page.next)

    async def trends(
        self, principal: Principal, chart: Chart, interval: tuple[datetime, datetime], *, step_s: int
    ) -> Sequence[Trend]:
        """Return least, most and middle value of each parameter and device for each step.

        Raises:
            Invalid: The interval is empty or too long, or there is no such step.
        """
        if step_s not in STEPS:
            raise Invalid("There is no trend with this step.", code="bad_step")
        start, end = await self._begin(principal, chart, interval, "vitals.trends_read")
        gathered = _Gathered(step_s)
        after = ""
        while True:
            page = await self._frames.between(
                chart.encounter_id, start, end, limit=TREND_PAGE, channels={NUMERICS_CHANNEL}, after=after
            )
            await asyncio.to_thread(self._gather, page.frames, gathered)
            if not (after := page.next):
                return await asyncio.to_thread(gathered.trends)

    async def strip(
        self, principal: Principal, chart: Chart, begins_at: datetime, seconds: float, *, channels: Sequence[int]
    ) -> Strip:
        """Return the samples of these channels of the encounter; without channels, of the first twelve that have any.

        Raises:
            Invalid: It is too long, or asks for too many channels or for one that there is not.
        """
        if not 1 <= seconds <= LONGEST_STRIP_S or len(channels) > STRIP_CHANNELS:
            raise Invalid(f"A strip has 1 to {LONGEST_STRIP_S:g} seconds and at most {STRIP_CHANNELS} channels.")
        end = begins_at + timedelta(seconds=seconds)
        await self._begin(principal, chart, (begins_at, end), "vitals.strip_read")
        known = {channel.number: channel for channel in await self._frames.channels(chart.encounter_id)}
        if not set(channels) <= set(known):
            raise Invalid("There is no such channel.", code="unknown_channel")
        blocks = await self._blocks(chart.encounter_id, begins_at, end, {known[one].device_channel for one in channels})
        numbers = list(channels) or sorted(blocks)[:STRIP_CHANNELS]
        rows = [StripRow(known[one], tuple(blocks.get(one, ()))) for one in numbers if one in known]
        return Strip(begins_at, seconds, tuple(rows))

    async def _blocks(
        self, encounter: EncounterId, start: datetime, end: datetime, of_device: Collection[int]
    ) -> dict[int, list[WaveBlock]]:
        """Return the blocks that reach into the interval, by channel of the encounter, in order of their samples."""
        found: dict[int, list[WaveBlock]] = {}
        after = ""
        while True:
            page = await self._frames.between(
                encounter, start - _AHEAD, end, limit=PAGE, channels=of_device or None, after=after
            )
            for block in (await asyncio.to_thread(self._understood, page.frames))[1]:
                found.setdefault(block.channel, []).append(block)
            if not (after := page.next):
                break
        for blocks in found.values():
            blocks.sort(key=lambda block: block.first_index)
        return found

    def _understood(self, frames: Sequence[StoredFrame]) -> tuple[list[Report], list[WaveBlock]]:
        reports = [self._wire.from_stored(f.device_id, f.body) for f in frames if f.channel == NUMERICS_CHANNEL]
        return reports, [self._decode(frame.body) for frame in frames if frame.channel != NUMERICS_CHANNEL]

    def _gather(self, frames: Sequence[StoredFrame], gathered: "_Gathered") -> None:
        for report in self._understood(frames)[0]:
            gathered.add(report)

    async def _begin(
        self, principal: Principal, chart: Chart, interval: tuple[datetime, datetime], action: str
    ) -> tuple[datetime, datetime]:
        require(principal, Action.READ_VITALS, owners=chart.owners)
        start, end = interval
        if not timedelta(0) < end - start <= LONGEST:
            raise Invalid("The interval must be longer than nothing and not longer than a day.", code="bad_interval")
        event = event_by(principal, action, f"encounter/{chart.encounter_id}", patient=chart.patient_id)
        await self._audit.record(event)
        return start, end


class _Gathered:
    """Values by device, parameter and step."""

    def __init__(self, step_s: int) -> None:
        self._step_ms = step_s * 1000
        self._values: dict[tuple[DeviceId, int], dict[int, list[float]]] = {}
        self._seen: dict[tuple[DeviceId, int], tuple[str, bool]] = {}

    def add(self, report: Report) -> None:
        step = math.floor(to_ms(report.taken_at) / self._step_ms)
        for sample in report.samples:
            if sample.value is None:
                continue
            key = (report.device_id, sample.mdc)
            self._values.setdefault(key, {}).setdefault(step, []).append(sample.value)
            self._seen[key] = (sample.unit, report.demo)

    def trends(self) -> list[Trend]:
        return [
            Trend(
                device, mdc, *self._seen[device, mdc], tuple(self._point(step, steps[step]) for step in sorted(steps))
            )
            for (device, mdc), steps in sorted(self._values.items())
        ]

    def _point(self, step: int, values: list[float]) -> TrendPoint:
        at = from_ms(float(step * self._step_ms))
        return TrendPoint(at, min(values), max(values), float(median(values)), len(values))


@dataclass(frozen=True, slots=True)
class Stretch:
    """The least and the most of some samples that follow each other, of those that are there."""

    first_index: int
    starts_at_ms: float
    least: int
    most: int


def reduced(blocks: Sequence[WaveBlock], every: int, rate_hz: float) -> list[Stretch]:
    """Return the extremes of each `every` samples of one channel: peaks stay, and what is missing makes none."""
    found: dict[int, Stretch] = {}
    for block in blocks:
        samples = array("h", block.samples)
        if sys.byteorder == "big":
            samples.byteswap()
        at = 0
        while at < len(samples):
            index = block.first_index + at
            part = [one for one in samples[at : at + every - index % every] if one != MISSING]
            at += every - index % every
            if part:
                found[index // every] = _joined(found.get(index // every), block, index, part, rate_hz)
    return [found[number] for number in sorted(found)]


def _joined(known: Stretch | None, block: WaveBlock, index: int, part: list[int], rate_hz: float) -> Stretch:
    least, most = min(part), max(part)
    if known is not None:
        return Stretch(known.first_index, known.starts_at_ms, min(known.least, least), max(known.most, most))
    return Stretch(index, block.starts_at_ms + (index - block.first_index) * 1000.0 / rate_hz, least, most)
