"""`/ws/device`: what a medical device sends, stored in batches and then acknowledged."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import WSMessage, WSMsgType, web

from telehealth.clock import to_ms
from telehealth.consultations.ports import SlowConsumer
from telehealth.errors import Invalid
from telehealth.interop import device_messages as wire
from telehealth.interop.bulk_messages import decode_bulk, is_bulk
from telehealth.interop.vital_frames import decode_frame
from telehealth.vitals.feed import Feed, Incoming
from telehealth.web.context import services
from telehealth.web.guard import bearer
from telehealth.web.services import Services
from telehealth.web.sockets.line import REPLACED, Line, LineLimits, accepted

LIMITS = LineLimits(message_bytes=64 * 1024, rate=200.0, burst=1_000.0, patient=True, deflated=True)
BATCH = 64
"""So many live messages wait at most, and share a transaction."""

WINDOW = 1_024
"""So much back-fill waits at most; a device leaves less than that unacknowledged, or its live data wait, too."""

LATE_BATCH = 100
"""So much back-fill shares a transaction."""

_LATE_PAUSE_S = 0.02
_Queue = asyncio.Queue[Incoming | None]


async def device_socket(request: web.Request) -> web.WebSocketResponse:
    """Take what a device measures."""
    reach = services(request)
    async with accepted(request, "device", LIMITS) as line:
        principal = await reach.accounts.device_principal(bearer(request) or "")
        line.belongs_to(principal.subject)
        hello = wire.parse_client(await line.first())
        if not isinstance(hello, wire.Hello):
            raise Invalid("The first message must be `hello`.", code="bad_message")
        feed = await reach.vitals.open_feed(principal, hello.to_domain(), on_replaced=lambda: _replaced(line))
        try:
            line.outbox.put(_welcome(feed, reach).to_text())
            await _take(line, reach, feed)
        finally:
            await reach.vitals.close_feed(feed)
    return line.ws


def _replaced(line: Line) -> None:
    # Called by the newer connection: whether the older one still reads is none of its business.
    with suppress(SlowConsumer):
        line.outbox.put(wire.Replaced().to_text())
    line.outbox.close(REPLACED)


def _welcome(feed: Feed, reach: Services) -> wire.Welcome:
    return wire.Welcome(
        device=feed.device.id,
        encounter=feed.association.encounter_id,
        last=feed.last,
        server_time=to_ms(reach.clock.now()),
    )


async def _take(line: Line, reach: Services, feed: Feed) -> None:
    """Read and record side by side: what comes while a transaction runs is in the next one."""
    live: _Queue = asyncio.Queue(BATCH)
    late: _Queue = asyncio.Queue(WINDOW)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_record(line, reach, feed, live))
        tasks.create_task(_fill(line, reach, feed, late))
        async for message in line.messages():
            for incoming in _understood(line, reach, feed, message):
                await (late if incoming.late else live).put(incoming)
        await live.put(None)
        await late.put(None)


async def _record(line: Line, reach: Services, feed: Feed, queue: _Queue) -> None:
    more = True
    while more:
        batch, more = await _waiting(queue, BATCH)
        if batch:
            await _record_batch(line, reach, feed, batch)


async def _fill(line: Line, reach: Services, feed: Feed, queue: _Queue) -> None:
    """Record what the device kept meanwhile, a little at a time: what is live goes first, of every device."""
    more = True
    while more:
        batch, more = await _waiting(queue, LATE_BATCH)
        while batch and not reach.vitals.may_fill(len(batch)):  # noqa: ASYNC110 - a bucket sets no Event.
            await asyncio.sleep(_LATE_PAUSE_S)
        if batch:
            await _record_batch(line, reach, feed, batch)


async def _waiting(queue: _Queue, limit: int) -> tuple[list[Incoming], bool]:
    """Return what waits, at least one, and whether more may come."""
    batch: list[Incoming] = []
    message = await queue.get()
    while message is not None:
        batch.append(message)
        if queue.empty() or len(batch) == limit:
            return batch, True
        message = queue.get_nowait()
    return batch, False


async def _record_batch(line: Line, reach: Services, feed: Feed, batch: list[Incoming]) -> None:
    recorded = await reach.vitals.record(feed, batch)
    reach.metrics.frames.labels("stored").inc(len(batch) - len(recorded.refused))
    for refusal in recorded.refused:
        reach.metrics.frames.labels(refusal.code).inc()
        refused = wire.Refused(code=refusal.code, text=refusal.text, ch=refusal.channel, seq=refusal.sequence)
        line.outbox.put(refused.to_text())
    if recorded.acks or recorded.filled:
        line.outbox.put(wire.ack_text(recorded.acks, recorded.filled))


def _understood(line: Line, reach: Services, feed: Feed, message: WSMessage) -> Sequence[Incoming]:
    """Return what is to be recorded; answer the rest."""
    try:
        if message.type is WSMsgType.BINARY:
            return decode_bulk(message.data) if is_bulk(message.data) else (decode_frame(message.data),)
        told = wire.parse_client(message.data)
    except Invalid as error:
        reach.metrics.frames.labels(error.code).inc()
        line.outbox.put(wire.Refused(code=error.code, text=error.text).to_text())
        line.misunderstood()
        return ()
    if isinstance(told, wire.Numerics):
        return (told.to_domain(),)
    if isinstance(told, wire.ClockAsked):
        reach.vitals.observe_clock(feed, told.sent_at)
        now = to_ms(reach.clock.now())
        line.outbox.put(wire.ClockTold(sent_at=told.sent_at, server_time=now).to_text())
        return ()
    line.outbox.put(wire.Refused(code="bad_message", text="There was a hello before.").to_text())
    line.misunderstood()
    return ()
