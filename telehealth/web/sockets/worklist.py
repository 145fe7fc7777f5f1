"""`/ws/worklist`: the whole list at first and whenever something changes, at most four times a second."""

import asyncio

from aiohttp import web

from telehealth.access import Principal
from telehealth.accounts.model import Purpose
from telehealth.bus import WORKLIST
from telehealth.clock import to_ms
from telehealth.errors import Invalid
from telehealth.interop import worklist_messages as wire
from telehealth.web.context import services
from telehealth.web.services import Services
from telehealth.web.sockets.line import Line, LineLimits, accepted

LIMITS = LineLimits(message_bytes=4 * 1024, rate=2.0, burst=20.0)
PAUSE_S = 0.25


async def worklist_socket(request: web.Request) -> web.WebSocketResponse:
    """Show a practitioner's work list as it changes."""
    reach = services(request)
    async with accepted(request, "worklist", LIMITS) as line:
        hello = wire.parse_client(await line.first())
        if not isinstance(hello, wire.Hello):
            raise Invalid("The first message must be `hello`.", code="bad_message")
        ticket = await line.admit(hello.ticket, Purpose.WORKLIST)
        principal = Principal(ticket.subject, ticket.role, ticket.patient)
        async with asyncio.TaskGroup() as tasks:
            showing = tasks.create_task(_show(reach, line, principal))
            await _answer(reach, line)
            showing.cancel()
    return line.ws


async def _show(reach: Services, line: Line, principal: Principal) -> None:
    async with reach.bus.subscribe(WORKLIST) as changes:
        changed = asyncio.Event()
        changed.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_send_when(changed, reach, line, principal))
            async for _ in changes:
                changed.set()


async def _send_when(changed: asyncio.Event, reach: Services, line: Line, principal: Principal) -> None:
    while True:
        await changed.wait()
        changed.clear()
        line.outbox.put((await reach.worklists.of(principal)).to_text())
        await asyncio.sleep(PAUSE_S)


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
