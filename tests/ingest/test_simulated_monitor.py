"""The simulated HL7 monitor: nothing that it measured is lost on the way, whether or not there is a line."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from telehealth.demo.hl7_monitor import Hl7Monitor, Hl7Options
from telehealth.demo.patient import SyntheticPatient
from telehealth.demo.source import Chunk
from telehealth.interop.vital_frames import decode_frame
from telehealth.vitals.model import RawChannel
from tests.builders import ENCOUNTER
from tests.doubles import NOON
from tests.ingest.monitor import Station
from tests.vitals.ward import ADMIN, BEDSIDE


class HurriedClock:
    """A clock by which every moment waited for has come."""

    def __init__(self) -> None:
        self._at = 0.0

    def now(self) -> datetime:
        return NOON - timedelta(seconds=30)

    def monotonic(self) -> float:
        self._at += 1.0
        return self._at


class ShortStay:
    """A patient for so many stretches. Implements demo.source.Source."""

    def __init__(self, chunks: int) -> None:
        self._patient = SyntheticPatient("stable", seed=3)
        self._chunks = chunks
        self.channels: tuple[RawChannel, ...] = self._patient.channels
        self.samples = {channel.number: b"" for channel in self.channels}

    def chunk(self, number: int) -> Chunk | None:
        if number >= self._chunks:
            return None
        chunk = self._patient.chunk(number)
        for run in chunk.runs:
            self.samples[run.channel] += run.samples
        return chunk


async def until_sent(monitor: Hl7Monitor, count: int) -> None:
    async with asyncio.timeout(20):
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(monitor.run())
            while monitor.sent < count:
                await asyncio.sleep(0.01)
            running.cancel()


async def test_what_it_measures_arrives_bit_for_bit(station: Station) -> None:
    await station.a_device(simulated=True)
    stay = ShortStay(50)
    async with station.listening() as server:
        options = Hl7Options("127.0.0.1", server.port, "0011223344556677")
        await until_sent(Hl7Monitor(options, stay, clock=HurriedClock()), 10)
    channels = {c.device_channel: c for c in await station.ward.stores.vital_frames.channels(ENCOUNTER)}
    frames = await station.ward.stores.vital_frames.since(ENCOUNTER, NOON.replace(year=2000), limit=500)
    arrived: dict[int, bytes] = {}
    for frame in sorted(frames, key=lambda frame: frame.sequence):
        if channel := channels.get(frame.channel):
            arrived[channel.mdc] = arrived.get(channel.mdc, b"") + decode_frame(frame.body).samples
    assert arrived == {channel.mdc: stay.samples[channel.number] for channel in stay.channels}
    assert len(station.ward.heard("numerics")) >= 9
    assert station.counted("report_refusals") == {} and station.counted("report_repairs") == {}


async def test_what_is_not_taken_yet_is_sent_again(station: Station) -> None:
    device = await station.a_device(bound=False)
    said: list[str] = []

    async def bind_later() -> None:
        async with asyncio.timeout(10):
            while not said or "CE" not in said[-1]:
                await asyncio.sleep(0.01)
        await station.ward.registry.associate(ADMIN, device, BEDSIDE)

    async with station.listening() as server:
        options = Hl7Options("127.0.0.1", server.port, "00-11-22-33-44-55-66-77")
        monitor = Hl7Monitor(options, ShortStay(15), report=said.append, clock=HurriedClock())
        with suppress(asyncio.CancelledError):
            await asyncio.gather(until_sent(monitor, 3), bind_later())
    assert said[0] == "connected" and "not bound" in said[1]
    assert len(station.ward.heard("wave")) == 9
