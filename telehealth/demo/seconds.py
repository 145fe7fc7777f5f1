"""What a source yields, second by second: for monitors that send a message each second."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from telehealth.clock import Clock, to_ms
from telehealth.demo.source import CHUNK_S, Chunk, Run, Source
from telehealth.interop.stretch import Stretch
from telehealth.vitals.model import MISSING, RawChannel, RawValue

_CHUNKS = round(1 / CHUNK_S)


@dataclass(frozen=True, slots=True)
class Second:
    """A second of measuring: by the monitor's clock, from when it was switched on (`begin`) to `now`."""

    channels: tuple[RawChannel, ...]
    chunks: tuple[Chunk, ...]
    begin: datetime
    now: datetime

    @property
    def runs(self) -> list[Run]:
        return [run for chunk in self.chunks for run in chunk.runs]

    @property
    def values(self) -> list[RawValue]:
        return [value for chunk in self.chunks for value in chunk.values]

    @property
    def stretches(self) -> list[Stretch]:
        """The waves, each in one piece; those of which nothing was measured are left out."""
        return [stretch for channel in self.channels if (stretch := self._stretch(channel))]

    def _stretch(self, channel: RawChannel) -> Stretch | None:
        runs = [run for run in self.runs if run.channel == channel.number]
        if not any(run.samples for run in runs):
            return None
        missing = MISSING.to_bytes(2, "little", signed=True)
        samples = b"".join(run.samples or missing * run.missing for run in runs)
        return Stretch(channel, self.begin + timedelta(seconds=runs[0].first_index / channel.rate_hz), samples)


async def seconds_of(source: Source, clock: Clock) -> AsyncIterator[Second]:
    """Yield each second once it is over; counted from the start on, so that no rounding adds up."""
    begin, begin_s = clock.now(), clock.monotonic()
    chunks: list[Chunk] = []
    number = 0
    while (chunk := source.chunk(number)) is not None:
        number += 1
        await asyncio.sleep(max(0.0, begin_s + number * CHUNK_S - clock.monotonic()))
        chunks.append(chunk)
        if len(chunks) == _CHUNKS:
            yield Second(source.channels, tuple(chunks), begin, begin + timedelta(seconds=number * CHUNK_S))
            chunks = []


class ParcelWriter:
    """Seconds as parcels (interop.parcels), numbered from one to the next; `sent_at` is added when one is sent."""

    def __init__(self, boot: str) -> None:
        self._boot = boot
        self._sequence: dict[int, int] = {}

    def parcel(self, second: Second) -> dict[str, object]:
        """Return the second as a parcel."""
        values = [
            {"mdc": one.mdc, "value": one.value, "unit": one.unit, "quality": one.quality.value}
            for one in second.values
        ]
        numerics = [{"seq": self._next(0), "taken_at": to_ms(second.now), "values": values}] if values else []
        rates = {channel.number: channel.rate_hz for channel in second.channels}
        begin_ms = to_ms(second.begin)
        waves = [self._wave(run, begin_ms + 1000 * run.first_index / rates[run.channel]) for run in second.runs]
        channels = [_declared(channel) for channel in second.channels]
        return {"boot": self._boot, "channels": channels, "numerics": numerics, "waves": waves}

    def _wave(self, run: Run, starts_at_ms: float) -> dict[str, object]:
        place = {"ch": run.channel, "seq": self._next(run.channel), "first": run.first_index, "starts_at": starts_at_ms}
        if run.missing:
            return {**place, "missing": run.missing}
        return {**place, "samples": base64.b64encode(run.samples).decode()}

    def _next(self, channel: int) -> int:
        self._sequence[channel] = self._sequence.get(channel, -1) + 1
        return self._sequence[channel]


def _declared(channel: RawChannel) -> dict[str, object]:
    return {
        "ch": channel.number,
        "mdc": channel.mdc,
        "label": channel.label,
        "unit": channel.unit,
        "rate": channel.rate_hz,
        "gain": channel.gain,
        "offset": channel.offset,
    }
