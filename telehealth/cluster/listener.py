"""What waits for one reader of a topic: bounded; who reads too slowly loses all of it and is told so."""

import asyncio
from collections import deque
from collections.abc import Iterable

from telehealth.bus import Delivery, EventId, Gap

BEGINNING = EventId(0, 0)
"""Before every event."""


class Listener:
    """An asynchronous iterator over deliveries and gaps; ends when it is closed.

    Args:
        limit: How many deliveries may wait, besides the backlog.
        last: Position up to which everything is known; what is not later is passed over.
    """

    def __init__(self, limit: int, last: EventId = BEGINNING) -> None:
        self._limit = limit
        self._last = last
        self._backlog: deque[Delivery] = deque()
        self._waiting: deque[Delivery] = deque()
        self._gap = False
        self._closed = False
        self._wake = asyncio.Event()

    def start(self, backlog: Iterable[Delivery], last: EventId, *, gap: bool) -> None:
        """Put the backlog before what has come in meanwhile, which goes on after its last event, or after `last`."""
        self._backlog.extend(backlog)
        if self._backlog:
            last = self._backlog[-1].id
        self._waiting = deque(delivery for delivery in self._waiting if delivery.id > last)
        self._last = max(self._last, last)
        self._gap = self._gap or gap
        self._wake.set()

    def put(self, delivery: Delivery) -> None:
        """Let the delivery wait for the reader; one that is not later than the last is passed over."""
        if delivery.id <= self._last:
            return
        self._last = delivery.id
        if len(self._waiting) >= self._limit:
            self.lose()
        self._waiting.append(delivery)
        self._wake.set()

    def lose(self, *, restart: bool = False) -> None:
        """Forget what waits and tell the reader; with `restart`, ids may begin anew."""
        self._backlog.clear()
        self._waiting.clear()
        self._gap = True
        if restart:
            self._last = BEGINNING
        self._wake.set()

    def close(self) -> None:
        """Let the reader have what waits, then end."""
        self._closed = True
        self._wake.set()

    def __aiter__(self) -> "Listener":
        return self

    async def __anext__(self) -> Delivery | Gap:
        while True:
            if self._gap:
                self._gap = False
                return Gap()
            if self._backlog:
                return self._backlog.popleft()
            if self._waiting:
                return self._waiting.popleft()
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
