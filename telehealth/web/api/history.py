"""Stored vitals of an encounter: an interval as it came or reduced, trends, and a strip."""

import asyncio
import base64
import struct
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from telehealth.clock import to_ms
from telehealth.ids import EncounterId
from telehealth.interop.strip_svg import strip_svg
from telehealth.interop.vital_frames import encode_frame, for_watcher
from telehealth.interop.watch_messages import BEFORE_ALL, VitalsJson, event_text
from telehealth.vitals.history import PAGE, Chart, HistoryPage, Stretch, reduced
from telehealth.vitals.model import FrameFlag, Quality, Report, WaveBlock, WaveChannel
from telehealth.web.api.fields import Instant
from telehealth.web.bodies import Answer, Body, answer, query_of
from telehealth.web.context import path_id, principal, services
from telehealth.web.rate_limits import DOCUMENTS, READS

NEXT = "Telehealth-Next"
"""Header with the cursor of the next page of a binary answer."""

_LENGTH = struct.Struct("<I")
_wire = VitalsJson()


class IntervalQuery(Body):
    """Which interval, at most a day; where to go on (`next` of the page before); how.

    `every`: from so many samples of a wave only the least and the most. `format`: `frames` gives, each behind its
    length (u32, little-endian), the messages that the vitals socket would send.
    """

    since: Annotated[Instant, Field(alias="from")]
    until: Instant
    after: Annotated[str, StringConstraints(max_length=80)] = ""
    limit: Annotated[int, Field(ge=1, le=PAGE)] = PAGE
    every: Annotated[int, Field(ge=1, le=1_000)] = 1
    format: Literal["json", "frames"] = "json"


class ChannelOut(Answer):
    """A waveform channel: value = raw × gain + offset."""

    ch: int
    device: str
    mdc: int
    label: str
    unit: str
    rate: float
    gain: float
    offset: float

    @classmethod
    def of(cls, known: WaveChannel) -> "ChannelOut":
        return cls(
            ch=known.number,
            device=known.device_id,
            mdc=known.mdc,
            label=known.label,
            unit=known.unit,
            rate=known.rate_hz,
            gain=known.gain,
            offset=known.offset,
        )


class ValueOut(Answer):
    """One reading."""

    mdc: int
    value: float | None
    unit: str
    quality: Quality


class ReportOut(Answer):
    """Values measured together; instants in milliseconds since 1970."""

    device: str
    taken_at: float
    received_at: float
    demo: bool
    values: list[ValueOut]

    @classmethod
    def of(cls, known: Report) -> "ReportOut":
        values = [ValueOut(mdc=s.mdc, value=s.value, unit=s.unit, quality=s.quality) for s in known.samples]
        return cls(
            device=known.device_id,
            taken_at=to_ms(known.taken_at),
            received_at=to_ms(known.received_at),
            demo=known.demo,
            values=values,
        )


class BlockOut(Answer):
    """Samples that follow each other (16 bits each, little-endian, in base64); `gap`: `count` of them are missing."""

    ch: int
    sequence: int
    first: int
    starts_at: float
    count: int
    gap: bool
    demo: bool
    questionable: bool
    backfill: bool
    epoch: bool
    samples: str

    @classmethod
    def of(cls, block: WaveBlock) -> "BlockOut":
        flags = block.flags
        return cls(
            ch=block.channel,
            sequence=block.sequence,
            first=block.first_index,
            starts_at=block.starts_at_ms,
            count=block.count,
            gap=block.gap,
            demo=bool(flags & FrameFlag.DEMO),
            questionable=bool(flags & FrameFlag.QUESTIONABLE),
            backfill=bool(flags & FrameFlag.BACKFILL),
            epoch=bool(flags & FrameFlag.EPOCH),
            samples=base64.b64encode(block.samples).decode(),
        )


class ReducedOut(Answer):
    """The least and the most raw value of each `every` samples; what is missing makes no entry."""

    ch: int
    every: int
    first: list[int]
    starts_at: list[float]
    least: list[int]
    most: list[int]

    @classmethod
    def of(cls, channel: WaveChannel, every: int, stretches: list[Stretch]) -> "ReducedOut":
        return cls(
            ch=channel.number,
            every=every,
            first=[one.first_index for one in stretches],
            starts_at=[one.starts_at_ms for one in stretches],
            least=[one.least for one in stretches],
            most=[one.most for one in stretches],
        )


class Interval(Answer):
    """A part of an interval, in the order of measuring; `next` is empty at the end."""

    channels: list[ChannelOut]
    numerics: list[ReportOut]
    waves: list[BlockOut]
    reduced: list[ReducedOut]
    next: str


class TrendQuery(Body):
    """Which interval, at most a day; `step` in seconds: 60 or 600."""

    since: Annotated[Instant, Field(alias="from")]
    until: Instant
    step: Annotated[int, Field(ge=1, le=86_400)] = 60


class TrendOut(Answer):
    """One parameter of one device: a point for each step in which it had values."""

    device: str
    mdc: int
    unit: str
    demo: bool
    at: list[float]
    least: list[float]
    most: list[float]
    median: list[float]
    count: list[int]


class Trends(Answer):
    """Trends; `step` in seconds, instants in milliseconds since 1970."""

    step: int
    trends: list[TrendOut]


class StripQuery(Body):
    """From when, how many seconds (1 to 30), and which channels, separated by commas; the first twelve without."""

    since: Annotated[Instant, Field(alias="from")]
    seconds: Annotated[float, Field(ge=1, le=30)] = 10.0
    channels: Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]{0,4}(,[1-9][0-9]{0,4}){0,11})?$")] = ""


async def read_vitals(request: web.Request) -> web.Response:
    chart = await _chart(request)
    asked = query_of(request, IntervalQuery)
    services(request).limits.take(READS, principal(request).subject)
    interval, history = (asked.since, asked.until), services(request).history
    page = await history.page(principal(request), chart, interval, limit=asked.limit, after=asked.after)
    # Beside the loop: a full page takes some tenths of a second, and calls are forwarded on the loop.
    if asked.format == "frames":
        return await asyncio.to_thread(_frames, page)
    return await asyncio.to_thread(lambda: answer(_interval(page, asked.every)))


async def read_trends(request: web.Request) -> web.Response:
    chart = await _chart(request)
    asked = query_of(request, TrendQuery)
    services(request).limits.take(READS, principal(request).subject)
    interval, history = (asked.since, asked.until), services(request).history
    found = await history.trends(principal(request), chart, interval, step_s=asked.step)
    trends = [
        TrendOut(
            device=trend.device_id,
            mdc=trend.mdc,
            unit=trend.unit,
            demo=trend.demo,
            at=[to_ms(point.at) for point in trend.points],
            least=[point.least for point in trend.points],
            most=[point.most for point in trend.points],
            median=[point.middle for point in trend.points],
            count=[point.count for point in trend.points],
        )
        for trend in found
    ]
    return answer(Trends(step=asked.step, trends=trends))


async def read_strip(request: web.Request) -> web.Response:
    chart = await _chart(request)
    asked = query_of(request, StripQuery)
    channels = [int(number) for number in asked.channels.split(",") if number]
    services(request).limits.take(DOCUMENTS, principal(request).subject)
    strip = await services(request).history.strip(
        principal(request), chart, asked.since, asked.seconds, channels=channels
    )
    # Twelve leads of half a minute take a second to draw.
    return web.Response(text=await asyncio.to_thread(strip_svg, strip), content_type="image/svg+xml")


async def _chart(request: web.Request) -> Chart:
    encounter = EncounterId(path_id(request, "encounter"))
    known = await services(request).consultations.measured(principal(request), encounter)
    return Chart(known.id, known.patient_id, known.owners)


def _interval(page: HistoryPage, every: int) -> Interval:
    if every == 1:
        waves, extremes = [BlockOut.of(block) for block in page.blocks], []
    else:
        waves = []
        extremes = [
            ReducedOut.of(channel, every, reduced(_of(page, channel), every, channel.rate_hz))
            for channel in page.channels
        ]
    return Interval(
        channels=[ChannelOut.of(channel) for channel in page.channels],
        numerics=[ReportOut.of(report) for report in page.reports],
        waves=waves,
        reduced=extremes,
        next=page.next,
    )


def _of(page: HistoryPage, channel: WaveChannel) -> list[WaveBlock]:
    return [block for block in page.blocks if block.channel == channel.number]


def _frames(page: HistoryPage) -> web.Response:
    messages = [event_text(_wire.channels(page.channels)).encode()] if page.channels else []
    timed: list[tuple[float, bytes]] = [
        (to_ms(report.taken_at), event_text(_wire.numerics(report)).encode()) for report in page.reports
    ]
    timed += [(block.starts_at_ms, for_watcher(BEFORE_ALL, encode_frame(block))) for block in page.blocks]
    messages += [message for _, message in sorted(timed, key=_when)]
    body = b"".join(_LENGTH.pack(len(message)) + message for message in messages)
    return web.Response(body=body, content_type="application/octet-stream", headers={NEXT: page.next})


def _when(message: tuple[float, bytes]) -> float:
    return message[0]
