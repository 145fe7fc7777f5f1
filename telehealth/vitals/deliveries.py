"""Deliveries: what comes in parcels from senders that hold no line open to us (HTTP, MQTT, a browser's journal)."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from telehealth.access import Principal
from telehealth.clock import Clock
from telehealth.errors import TelehealthError, TooMany, Unavailable
from telehealth.ids import DeviceId
from telehealth.vitals.feed import Feed, Incoming
from telehealth.vitals.model import FeedHello
from telehealth.vitals.service import Recorded, VitalsPlane

logger = logging.getLogger(__name__)

IDLE_S = 30.0
"""Who sends nothing for so long counts as gone."""

MAX_SENDERS = 1_000
SWEEP_S = 3.0
LATE_AT_ONCE = 100
FILL_WAIT_S = 5.0
"""How long a parcel waits for its turn among what is back-filled."""

_FILL_STEP_S = 0.05


@dataclass(slots=True)
class _Sender:
    """A device that delivers, and the feed that is open for it."""

    used_at: float
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    hello: FeedHello | None = None
    feed: Feed | None = None


class Deliveries:
    """Records parcels; a feed is kept open between those of one device and one boot, for at most IDLE_S."""

    def __init__(self, plane: VitalsPlane, clock: Clock) -> None:
        self._plane = plane
        self._clock = clock
        self._senders: OrderedDict[DeviceId, _Sender] = OrderedDict()

    async def deliver(self, principal: Principal, hello: FeedHello, batch: Sequence[Incoming]) -> Recorded:
        """Store what a parcel holds and return what is stored of it; raises as VitalsPlane.open_feed and record do."""
        device = DeviceId(principal.subject)
        sender = self._senders.setdefault(device, _Sender(self._clock.monotonic()))
        self._senders.move_to_end(device)
        async with sender.lock:
            sender.used_at = self._clock.monotonic()
            try:
                recorded = await self._record(sender, principal, hello, batch)
            except TooMany:
                raise
            except TelehealthError:
                await self._close(sender)
                raise
        await self._close_some()
        return recorded

    async def close_idle(self) -> None:
        """End the feeds of those who have sent nothing for IDLE_S, or may send no more."""
        before = self._clock.monotonic() - IDLE_S
        for device, sender in list(self._senders.items()):
            if not sender.lock.locked() and (sender.used_at < before or not await self._may_send(sender)):
                await self._drop(device, sender)

    async def _may_send(self, sender: _Sender) -> bool:
        async with sender.lock:
            if sender.feed is None:
                return False
            try:
                await self._plane.record(sender.feed, ())
            except Unavailable:
                return True
            except TelehealthError:
                return False
        return True

    async def sweep(self) -> None:
        """End idle feeds for ever; to be run as a task."""
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                await self.close_idle()
            except Exception:
                # Without this task who is gone would be shown as connected for ever.
                logger.exception("idle deliveries could not be ended; trying again")

    async def aclose(self) -> None:
        """End all feeds."""
        for device, sender in list(self._senders.items()):
            await self._drop(device, sender)

    async def _record(
        self, sender: _Sender, principal: Principal, hello: FeedHello, batch: Sequence[Incoming]
    ) -> Recorded:
        feed = await self._feed(sender, principal, hello)
        self._plane.observe_clock(feed, hello.sent_at_ms)
        live = [message for message in batch if not message.late]
        late = [message for message in batch if message.late]
        recorded = [await self._plane.record(feed, live)] if live else []
        for start in range(0, len(late), LATE_AT_ONCE):
            part = late[start : start + LATE_AT_ONCE]
            await self._wait_to_fill(len(part))
            recorded.append(await self._plane.record(feed, part))
        return Recorded(
            {channel: last for one in recorded for channel, last in one.acks.items()},
            tuple(refusal for one in recorded for refusal in one.refused),
            {channel: last for one in recorded for channel, last in one.filled.items()},
        )

    async def _wait_to_fill(self, count: int) -> None:
        for _ in range(round(FILL_WAIT_S / _FILL_STEP_S)):
            if self._plane.may_fill(count):
                return
            await asyncio.sleep(_FILL_STEP_S)
        raise TooMany("Too much is back-filled at once: send it again in a moment.", code="backfill_busy")

    async def _feed(self, sender: _Sender, principal: Principal, hello: FeedHello) -> Feed:
        feed, known = sender.feed, sender.hello
        if feed is not None and feed.open and known is not None and _same(known, hello):
            return feed
        await self._close(sender)
        opened = await self._plane.open_feed(principal, hello, on_replaced=lambda: None)
        sender.feed, sender.hello = opened, hello
        return opened

    async def _close(self, sender: _Sender) -> None:
        feed, sender.feed = sender.feed, None
        if feed is not None:
            await self._plane.close_feed(feed)

    async def _close_some(self) -> None:
        while len(self._senders) > MAX_SENDERS:
            await self._drop(*next(iter(self._senders.items())))

    async def _drop(self, device: DeviceId, sender: _Sender) -> None:
        if self._senders.get(device) is sender:
            del self._senders[device]
        async with sender.lock:
            await self._close(sender)


def _same(one: FeedHello, other: FeedHello) -> bool:
    # A parcel of numbers alone need not declare the waves again.
    return one.boot == other.boot and (not other.channels or one.channels == other.channels)
