"""Honest small implementations of what the core needs of the outside: a clock, a bus, an audit trail, ids."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from telehealth.audit import AuditEvent
from telehealth.bus import Delivery, Event, EventId, Gap, Topic
from telehealth.clock import to_ms
from telehealth.errors import Unavailable

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


class FakeClock:
    """A clock that moves only when told to. Implements clock.Clock."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now
        self._monotonic = 1000.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass for both readings."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set_wall(self, now: datetime) -> None:
        """Step the wall clock, as an operator or NTP does; monotonic time does not move."""
        self._now = now


class RecordingBus:
    """A bus in memory that remembers all that was published. Implements bus.Bus.

    Attributes:
        published: Everything, in order.
        failing: While True, `publish` raises Unavailable.
    """

    def __init__(self, *, history: int = 1000, queue: int = 1000) -> None:
        self.published: list[tuple[Topic, Event]] = []
        self.failing = False
        self._count = 0
        self._queue = queue
        self._history: dict[Topic, deque[Delivery]] = defaultdict(lambda: deque(maxlen=history))
        self._newest_lost: dict[Topic, EventId] = {}
        self._listeners: dict[Topic, list[asyncio.Queue[Delivery | Gap]]] = defaultdict(list)

    async def publish_all(self, topic: Topic, events: Sequence[Event]) -> list[EventId]:
        return [await self.publish(topic, event) for event in events]

    async def publish(self, topic: Topic, event: Event) -> EventId:
        if self.failing:
            raise Unavailable("The bus does not answer.")
        self.published.append((topic, event))
        self._count += 1
        delivery = Delivery(EventId(int(to_ms(NOON)), self._count), event)
        kept = self._history[topic]
        if len(kept) == kept.maxlen:
            self._newest_lost[topic] = kept[0].id
        kept.append(delivery)
        for listener in self._listeners[topic]:
            self._deliver(listener, delivery)
        return delivery.id

    @asynccontextmanager
    async def subscribe(
        self, topic: Topic, *, after: EventId | None = None
    ) -> AsyncGenerator[AsyncIterator[Delivery | Gap]]:
        listener: asyncio.Queue[Delivery | Gap] = asyncio.Queue(self._queue)
        if after is not None:
            lost = self._newest_lost.get(topic)
            if lost is not None and after < lost:
                listener.put_nowait(Gap())
            for delivery in self._history[topic]:
                if delivery.id > after:
                    self._deliver(listener, delivery)
        self._listeners[topic].append(listener)
        try:
            yield self._follow(listener)
        finally:
            self._listeners[topic].remove(listener)

    def of(self, topic: Topic) -> list[Event]:
        """Return what was published on the topic."""
        return [event for where, event in self.published if where == topic]

    def listeners(self, topic: Topic) -> int:
        """Return how many follow the topic now."""
        return len(self._listeners[topic])

    @staticmethod
    def _deliver(listener: asyncio.Queue[Delivery | Gap], delivery: Delivery) -> None:
        if listener.full():
            while not listener.empty():
                listener.get_nowait()
            listener.put_nowait(Gap())
            return
        listener.put_nowait(delivery)

    @staticmethod
    async def _follow(listener: asyncio.Queue[Delivery | Gap]) -> AsyncIterator[Delivery | Gap]:
        while True:
            yield await listener.get()


class RecordingAudit:
    """An audit trail in a list. Implements audit.AuditTrail.

    Attributes:
        events: What was recorded, in order.
        failing: While True, `record` raises Unavailable.
    """

    def __init__(self) -> None:
        self.events: list[AuditEvent] = []
        self.failing = False

    async def record(self, event: AuditEvent) -> None:
        if self.failing:
            raise Unavailable("The audit trail does not answer.")
        self.events.append(event)

    @property
    def actions(self) -> list[str]:
        return [event.action for event in self.events]


def counted_ids() -> Callable[[], str]:
    """Return a NewId that counts: 000…01, 000…02, …, as 32 hexadecimal digits."""
    count = 0

    def new_id() -> str:
        nonlocal count
        count += 1
        return f"{count:032x}"

    return new_id
