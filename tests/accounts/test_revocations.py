"""Revocations reach who holds connections open, and a bus that can't be heard closes more rather than less."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from telehealth.accounts import revocations
from telehealth.accounts.revocations import Revocations
from telehealth.bus import REVOCATIONS, Delivery, Event, EventId, Gap, Topic
from telehealth.errors import Unavailable
from tests.doubles import RecordingBus


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
    heard: asyncio.Queue[str | None] = asyncio.Queue()
    bus = DeafBus([Unavailable("The bus does not answer."), RuntimeError("oops")])
    following = Revocations(bus, heard.put_nowait)
    await following.start()
    async with asyncio.timeout(5):
        assert [await heard.get(), await heard.get()] == [None, None]
        while heard.empty():
            await bus.publish(REVOCATIONS, Event("revoked", b"d1"))
            await asyncio.sleep(0.001)
        assert await heard.get() == "d1"
    await following.aclose()
