"""`/ws/vitals`: what the devices of an encounter measure, to whoever may see it, from where they left off."""

import asyncio
from functools import lru_cache

from aiohttp import web

from telehealth.accounts.model import Purpose
from telehealth.bus import Delivery, Event, EventId, Gap, room_topic, vitals_topic
from telehealth.clock import to_ms
from telehealth.consultations.messages import parse_case
from telehealth.errors import Invalid
from telehealth.ids import EncounterId
from telehealth.interop import watch_messages as wire
from telehealth.interop.vital_frames import for_watcher
from telehealth.vitals.service import Snapshot
from telehealth.web.context import services
from telehealth.web.services import Services
from telehealth.web.sockets.line import ENDED, Line, LineLimits, accepted
from telehealth.web.sockets.outbox import Outbox
from telehealth.web.sockets.wire import Framed, framed

LIMITS = LineLimits(message_bytes=4 * 1024, rate=5.0, burst=20.0, deflated=True)
"""Also of answers to our questions, two a second."""

SHARED = 1_024
STALL_S = 10.0
"""A link may be so narrow, and come back: until then what waits here is bounded, and not old."""
_GAP = wire.Gap().to_text()


async def vitals_socket(request: web.Request) -> web.WebSocketResponse:
    """Show the vitals of an encounter as they come."""
    reach = services(request)
    outbox = Outbox(gap=_GAP, clock=reach.clock, stall_s=STALL_S)
    async with accepted(request, "vitals", LIMITS, outbox=outbox, paced=True) as line:
        hello = wire.parse_client(await line.first())
        if not isinstance(hello, wire.Hello):
            raise Invalid("The first message must be `hello`.", code="bad_message")
        ticket = await line.admit(hello.ticket, Purpose.VITALS)
        after = EventId.parse(hello.after) if hello.after else None
        async with asyncio.TaskGroup() as tasks:
            showing = tasks.create_task(_show(reach, line.outbox, ticket.encounter_id, after))
            ending = tasks.create_task(_end(reach, line.outbox, ticket.encounter_id))
            await _answer(reach, line)
            showing.cancel()
            ending.cancel()
    return line.ws


async def _show(reach: Services, outbox: Outbox, encounter: EncounterId, after: EventId | None) -> None:
    async with reach.bus.subscribe(vitals_topic(encounter), after=after) as events:
        # Taken after the subscription began, so that nothing falls between the two.
        snapshot = await reach.vitals.snapshot(encounter)
        outbox.put(_welcome(snapshot, reach, resumed=after is not None))
        if after is None:
            _put_latest(snapshot, outbox)
        await _put_watch(reach, outbox, encounter)
        async for item in events:
            if isinstance(item, Gap):
                outbox.put(_GAP)
                _put_latest(await reach.vitals.snapshot(encounter), outbox)
                await _put_watch(reach, outbox, encounter)
            else:
                _put_event(item, outbox)


async def _end(reach: Services, outbox: Outbox, encounter: EncounterId) -> None:
    """Close the line when the encounter ends."""
    async with reach.bus.subscribe(room_topic(encounter)) as events:
        # It may have ended since the ticket was given, or in a gap.
        await _close_if_ended(reach, outbox, encounter)
        async for item in events:
            if not isinstance(item, Delivery):
                await _close_if_ended(reach, outbox, encounter)
            elif _is_end(item.event):
                outbox.close(ENDED)


async def _close_if_ended(reach: Services, outbox: Outbox, encounter: EncounterId) -> None:
    if (await reach.desk.encounter(encounter)).ended:
        outbox.close(ENDED)


def _is_end(event: Event) -> bool:
    if event.kind == "case_changed":
        return parse_case(event.body).status == "closed"
    return event.kind == "encounter_ended"


def _welcome(snapshot: Snapshot, reach: Services, *, resumed: bool) -> str:
    now = reach.clock.now()
    return wire.welcome(snapshot.devices, snapshot.channels, resumed=resumed, server_time=now).to_text()


def _put_latest(snapshot: Snapshot, outbox: Outbox) -> None:
    for body in snapshot.numerics:
        outbox.put(wire.event_text(body))


async def _put_watch(reach: Services, outbox: Outbox, encounter: EncounterId) -> None:
    """Tell how alarms, limits, entries and scores stand."""
    for body in await reach.watch.known(encounter):
        outbox.put(wire.event_text(body))


def _put_event(delivery: Delivery, outbox: Outbox) -> None:
    if delivery.event.kind == "wave":
        outbox.put_wave(_message(delivery))
    else:
        outbox.put(_message(delivery))


@lru_cache(maxsize=SHARED)
def _message(delivery: Delivery) -> Framed:
    """Return what every watcher of the encounter gets: made by the first, shared by the others."""
    if delivery.event.kind == "wave":
        return framed(for_watcher(delivery.id, delivery.event.body))
    return framed(wire.event_text(delivery.event.body, delivery.id))


async def _answer(reach: Services, line: Line) -> None:
    async for message in line.messages():
        try:
            asked = wire.parse_client(message.data)
        except Invalid as error:
            line.outbox.put(wire.Refused(code=error.code, text=error.text, about="").to_text())
            line.misunderstood()
            continue
        if isinstance(asked, wire.Ping):
            pong = wire.Pong(sent_at=asked.sent_at, server_time=to_ms(reach.clock.now()))
            line.outbox.put(pong.to_text())
