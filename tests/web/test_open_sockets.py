"""All open sockets of a node: counted, and closed with the rights of their owners."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

import pytest

from telehealth.accounts import revocations
from telehealth.bus import REVOCATIONS, Delivery, Event, EventId, Gap, Topic
from telehealth.errors import TooMany
from telehealth.metrics import Figure, Metrics
from telehealth.web.sockets.open_sockets import REVOKED, OpenSockets
from telehealth.web.sockets.outbox import REPLACED_BY_SERVER, Outbox
from tests.doubles import RecordingBus


async def until(outbox: Outbox, code: int) -> None:
    async with asyncio.timeout(2):
        while outbox.code != code:
            await asyncio.sleep(0)


async def test_a_revocation_closes_the_sockets_of_that_subject_alone() -> None:
    bus = RecordingBus()
    sockets = OpenSockets(bus, Metrics(), limit=10)
    await sockets.start()
    hers, his, nobodys = Outbox(), Outbox(), Outbox()
    with sockets.opening("room", hers) as one, sockets.opening("room", his) as two, sockets.opening("room", nobodys):
        sockets.name(one, "ana")
        sockets.name(two, "bo")
        await bus.publish(REVOCATIONS, Event("revoked", b"ana"))
        await until(hers, REVOKED)
        assert (his.code, nobodys.code) == (None, None)
    await sockets.aclose()


async def test_when_revocations_were_missed_everybody_shows_a_new_ticket() -> None:
    bus = RecordingBus(queue=1)
    sockets = OpenSockets(bus, Metrics(), limit=10)
    await sockets.start()
    outbox = Outbox()
    with sockets.opening("room", outbox) as socket:
        sockets.name(socket, "ana")
        for _ in range(3):
            await bus.publish(REVOCATIONS, Event("revoked", b"somebody"))
        await until(outbox, REPLACED_BY_SERVER)
    await sockets.aclose()


async def test_a_bus_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "AGAIN_S", 0.0)
    bus = RecordingBus()
    sockets = OpenSockets(bus, Metrics(), limit=10)
    await sockets.start()
    outbox = Outbox()
    with sockets.opening("room", outbox) as socket:
        sockets.name(socket, "ana")
        await bus.publish(REVOCATIONS, Event("revoked", b"\xff"))
        assert outbox.code is None
        sockets._revocations._bus = BrokenBus()
        bus._listeners[REVOCATIONS][0].put_nowait(None)  # type: ignore[arg-type]
        await until(outbox, REPLACED_BY_SERVER)
        sockets._revocations._bus = bus
    again = Outbox()
    with sockets.opening("room", again) as socket:
        sockets.name(socket, "ana")
        async with asyncio.timeout(2):
            while not bus.listeners(REVOCATIONS):
                await asyncio.sleep(0)
        await bus.publish(REVOCATIONS, Event("revoked", b"ana"))
        await until(again, REVOKED)
    await sockets.aclose()


class BrokenBus:
    """A bus that cannot be used. Implements bus.Bus."""

    async def publish(self, topic: Topic, event: Event) -> EventId:
        raise ZeroDivisionError

    async def publish_all(self, topic: Topic, events: Sequence[Event]) -> Sequence[EventId]:
        raise ZeroDivisionError

    def subscribe(
        self, topic: Topic, *, after: EventId | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Delivery | Gap]]:
        raise ZeroDivisionError


async def test_there_are_no_more_than_the_limit() -> None:
    sockets = OpenSockets(RecordingBus(), Metrics(), limit=1)
    with sockets.opening("room", Outbox()), pytest.raises(TooMany), sockets.opening("room", Outbox()):
        pass
    with sockets.opening("room", Outbox()):
        pass


def test_a_figure_that_somebody_else_keeps_is_read_when_asked() -> None:
    metrics, kept = Metrics(), [1.0]
    metrics.follow(lambda: [Figure("rooms", "Rooms.", kept[0]), Figure("packets", "Packets.", kept[0], total=True)])
    kept[0] = 7.0
    text = metrics.text().decode()
    assert "\nrooms 7.0\n" in text
    assert "\npackets_total 7.0\n" in text
