"""Revocations reach the ways in, and a bus that can't be heard closes more rather than less."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from telehealth.bus import REVOCATIONS, Delivery, Event, EventId, Gap, Topic
from telehealth.errors import Unavailable
from telehealth.ids import DeviceId
from telehealth.ingest import revocations
from telehealth.ingest.revocations import Revocations
from tests.doubles import RecordingBus
from tests.ingest.monitor import Monitor, Station
from tests.interop.hl7.wire import BPM, HR, message, row


class DeafBus(RecordingBus):
    """A bus that can't be subscribed to at first."""

    def __init__(self, failures: list[Exception], *, queue: int = 1000) -> None:
        super().__init__(queue=queue)
        self._failures = failures

    @asynccontextmanager
    async def subscribe(
        self, topic: Topic, *, after: EventId | None = None
    ) -> AsyncIterator[AsyncIterator[Delivery | Gap]]:
        if self._failures:
            raise self._failures.pop(0)
        async with super().subscribe(topic, after=after) as deliveries:
            yield deliveries


async def test_who_is_revoked_is_told_and_after_a_fault_anybody_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "AGAIN_S", 0.001)
    heard: asyncio.Queue[DeviceId | None] = asyncio.Queue()
    bus = DeafBus([Unavailable("The bus does not answer."), RuntimeError("oops")])
    following = Revocations(bus, heard.put_nowait)
    await following.start()
    async with asyncio.timeout(5):
        assert [await heard.get(), await heard.get()] == [None, None]
        while heard.empty():
            await bus.publish(REVOCATIONS, Event("revoked", b"d1"))
            await asyncio.sleep(0.001)
        assert await heard.get() == DeviceId("d1")
    await following.aclose()


async def test_after_a_gap_all_who_were_reported_of_must_connect_again(station: Station) -> None:
    await station.a_device()
    async with station.listening() as server:
        reporting, silent = await Monitor.connected(server.port), await Monitor.connected(server.port)
        assert "MSA|CA|42|" in await reporting.ask(message(row(HR, "75", BPM)))
        assert "MSA|AE||" in await silent.ask(b"x")
        server.revoked(None)
        assert await reporting.ended()
        assert "MSA|AE||" in await silent.ask(b"x")
        again = await Monitor.connected(server.port)
        assert "MSA|CA|42|" in await again.ask(message(row(HR, "76", BPM)))
        for monitor in (silent, again):
            await monitor.close()
    assert station.counted("socket_closes")["mllp/revoked"] == 1.0
