"""The bus of a single process: a ring of events per topic."""

from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from telehealth.bus import Delivery, Event, EventId, Gap, Topic
from telehealth.clock import Clock, to_ms
from telehealth.cluster.listener import BEGINNING, Listener
from telehealth.errors import Unavailable

HISTORY = 4096
QUEUE = 1024
HISTORY_BYTES = 128 * 1024
"""A topic keeps no more: about a minute of three waveforms."""

IDLE_TOPICS = 64


class _Log:
    """A topic's newest events, and who listens."""

    def __init__(self, history: int) -> None:
        self.events: deque[Delivery] = deque()
        self._history = history
        self._bytes = 0
        self.listeners: set[Listener] = set()

    def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Append to the history; the oldest go beyond its limits."""
        self.events.extend(deliveries)
        self._bytes += sum(len(delivery.event.body) for delivery in deliveries)
        while len(self.events) > 1 and (len(self.events) > self._history or self._bytes > HISTORY_BYTES):
            self._bytes -= len(self.events.popleft().event.body)

    def since(self, after: EventId) -> tuple[list[Delivery], bool]:
        """Return what came after, and whether `after` is still known."""
        known = any(delivery.id == after for delivery in self.events)
        return [delivery for delivery in self.events if delivery.id > after], known


class LocalBus:
    """Implements bus.Bus.

    Args:
        clock: Dates the events.
        history: How many events a topic keeps.
        queue: How many events may wait for one listener.
        idle: How many topics without listeners keep their history; the least recently used is forgotten.
    """

    def __init__(self, clock: Clock, *, history: int = HISTORY, queue: int = QUEUE, idle: int = IDLE_TOPICS) -> None:
        self._clock = clock
        self._history = history
        self._queue = queue
        self._idle_limit = idle
        self._live: dict[Topic, _Log] = {}
        self._idle: OrderedDict[Topic, _Log] = OrderedDict()
        self._last = BEGINNING
        self._closed = False

    async def publish(self, topic: Topic, event: Event) -> EventId:
        return (await self.publish_all(topic, (event,)))[0]

    async def publish_all(self, topic: Topic, events: Sequence[Event]) -> Sequence[EventId]:
        if self._closed:
            raise Unavailable("The bus is closed.")
        log = self._live.get(topic) or self._rest(topic, self._idle.get(topic) or _Log(self._history))
        deliveries = [Delivery(self._next_id(), event) for event in events]
        log.keep(deliveries)
        for listener in log.listeners:
            for delivery in deliveries:
                listener.put(delivery)
        return [delivery.id for delivery in deliveries]

    @asynccontextmanager
    async def subscribe(
        self, topic: Topic, *, after: EventId | None = None
    ) -> AsyncIterator[AsyncIterator[Delivery | Gap]]:
        if self._closed:
            raise Unavailable("The bus is closed.")
        if topic not in self._live:
            self._live[topic] = self._idle.pop(topic) if topic in self._idle else _Log(self._history)
        log = self._live[topic]
        listener = Listener(self._queue, self._last)
        if after is not None:
            missed, known = log.since(after)
            listener.start(missed, self._last, gap=not known)
        log.listeners.add(listener)
        try:
            yield listener
        finally:
            log.listeners.discard(listener)
            if not log.listeners and self._live.pop(topic, None) is not None:
                self._rest(topic, log)

    @property
    def topics(self) -> int:
        """Number of topics that are remembered."""
        return len(self._live) + len(self._idle)

    async def aclose(self) -> None:
        """End all listeners."""
        self._closed = True
        for log in self._live.values():
            for listener in log.listeners:
                listener.close()

    def _next_id(self) -> EventId:
        # One counter for all topics: ids grow even if the clock goes back or a topic was forgotten.
        now = int(to_ms(self._clock.now()))
        last = self._last
        self._last = EventId(now, 0) if now > last.ms else EventId(last.ms, last.n + 1)
        return self._last

    def _rest(self, topic: Topic, log: _Log) -> _Log:
        self._idle[topic] = log
        self._idle.move_to_end(topic)
        while len(self._idle) > self._idle_limit:
            self._idle.popitem(last=False)
        return log
