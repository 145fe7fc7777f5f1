"""`/ws/room`: carries messages between a browser and the room it is in."""

from aiohttp import WSMsgType, web

from telehealth.accounts.model import Purpose
from telehealth.consultations.messages import Hello, parse_client
from telehealth.errors import Invalid
from telehealth.web.context import services
from telehealth.web.sockets.line import LineLimits, accepted

LIMITS = LineLimits(message_bytes=64 * 1024, rate=20.0, burst=80.0)
"""Wider than what the room itself allows: it says why it refuses."""


async def room_socket(request: web.Request) -> web.WebSocketResponse:
    """Take part in a consultation."""
    rooms = services(request).rooms
    async with accepted(request, "room", LIMITS) as line:
        hello = parse_client(await line.first())
        if not isinstance(hello, Hello):
            raise Invalid("The first message must be `hello`.", code="bad_message")
        ticket = await line.admit(hello.ticket, Purpose.ROOM)
        connection = await rooms.connect(ticket, line.outbox)
        try:
            async for message in line.messages():
                if message.type is not WSMsgType.TEXT:
                    line.misunderstood()
                    continue
                await rooms.receive(connection, message.data)
        finally:
            await rooms.disconnect(connection)
    return line.ws
