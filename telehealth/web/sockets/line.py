"""Line: one accepted socket, from its opening handshake to its close."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import WSMessage, WSMsgType, web

from telehealth.accounts.model import Purpose, Ticket
from telehealth.consultations.ports import SlowConsumer
from telehealth.errors import Forbidden, Gone, Invalid, NotFound, TelehealthError, TooMany, Unauthenticated, Unavailable
from telehealth.rtp.token_bucket import TokenBucket
from telehealth.web.context import came_from, services
from telehealth.web.rate_limits import SOCKETS
from telehealth.web.same_origin import is_ours
from telehealth.web.services import Services
from telehealth.web.sockets.deflate import EXTENSION
from telehealth.web.sockets.open_sockets import OpenSocket
from telehealth.web.sockets.outbox import REPLACED_BY_SERVER, SLOW, Outbox, Wire
from telehealth.web.sockets.pace import Pace
from telehealth.web.sockets.paced_wire import PacedWire
from telehealth.web.sockets.wire import SocketWire

logger = logging.getLogger(__name__)

HELLO_S = 5.0
MISUNDERSTOOD = 4400
UNAUTHENTICATED = 4401
REPLACED = 4409
ENDED = 4410
TOO_MANY = 4429
_CODES: tuple[tuple[type[TelehealthError], int], ...] = (
    (Invalid, MISUNDERSTOOD),
    (Unauthenticated, UNAUTHENTICATED),
    (Forbidden, 4403),
    (NotFound, 4404),
    (Gone, ENDED),
    (TooMany, TOO_MANY),
)
_PING_S = 10.0
_CLOSE_S = 2.0
_PAUSE_S = 0.05
_PATIENCE = 3
"""So many messages may be incomprehensible."""


def code_of(error: TelehealthError) -> int:
    """Return the close code that says what an error says; whoever can't be told anything comes back."""
    if error.code == "replaced":
        return REPLACED
    return next((code for kind, code in _CODES if isinstance(error, kind)), REPLACED_BY_SERVER)


@dataclass(frozen=True, slots=True)
class LineLimits:
    """What may come in: bytes in a message, messages a second on average, and at once.

    Attributes:
        patient: Beyond the rate, reading pauses (and the sender waits); otherwise the line is closed.
        deflated: Whether messages may be compressed, if the other side wants that (RFC 7692); the limit is of what they
            become.
    """

    message_bytes: int
    rate: float
    burst: float
    patient: bool = False
    deflated: bool = False


class Line:
    """A socket with its outbox and its limits."""

    def __init__(
        self, ws: web.WebSocketResponse, socket: OpenSocket, reach: Services, limits: LineLimits, pace: Pace | None
    ) -> None:
        self.ws = ws
        self.outbox = socket.outbox
        self._socket = socket
        self._reach = reach
        self._patient = limits.patient
        self._pace = pace
        self._bucket = TokenBucket(limits.rate, limits.burst, reach.clock.monotonic())
        self._misunderstood = 0

    async def first(self) -> str:
        """Return the text of the first message; TimeoutError if it doesn't come, Invalid if it is none."""
        message = await self.ws.receive(timeout=HELLO_S)
        if message.type is not WSMsgType.TEXT:
            raise Invalid("The first message must be `hello`.", code="bad_message")
        return str(message.data)

    async def messages(self) -> AsyncIterator[WSMessage]:
        """Yield what comes; over the rate, wait or close the line."""
        async for message in self.ws:
            while not self._bucket.take(1, self._reach.clock.monotonic()):
                self._reach.metrics.refused.labels("messages").inc()
                if not self._patient:
                    self.outbox.close(TOO_MANY)
                    return
                await asyncio.sleep(_PAUSE_S)
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                yield message
            elif message.type is WSMsgType.PING:
                await self.ws.pong(message.data)
            elif message.type is WSMsgType.PONG and self._pace is not None:
                self._pace.answered(bytes(message.data))

    def belongs_to(self, subject: str) -> None:
        """Say whose it is, so that it ends with their rights."""
        self._reach.sockets.name(self._socket, subject)

    async def admit(self, ticket: str, purpose: Purpose) -> Ticket:
        """Return what the ticket says; Unauthenticated if it is not good for this."""
        opened = await self._reach.accounts.open_ticket(ticket, purpose)
        self.belongs_to(opened.subject)
        return opened

    def misunderstood(self) -> None:
        """Count a message that could not be understood; the third closes the line."""
        self._misunderstood += 1
        if self._misunderstood >= _PATIENCE:
            self.outbox.close(MISUNDERSTOOD)


def require_own_page(request: web.Request) -> None:
    """Refuse a browser's socket from another site; what sends no Origin is no browser."""
    public_url = services(request).settings.public_url
    if is_ours(request, public_url=public_url, scheme=came_from(request).scheme) is False:
        raise Forbidden("This must come from our own pages.", code="cross_site")


def _ending(error: Exception, kind: str, reach: Services) -> int:
    """Return the close code for what ended a line."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TelehealthError) and (error.status < 500 or isinstance(error, Unavailable)):
        return code_of(error)
    if isinstance(error, TimeoutError | SlowConsumer):
        return SLOW
    logger.error("a %s socket failed", kind, exc_info=error)
    reach.metrics.errors.labels(f"{kind}_socket").inc()
    return REPLACED_BY_SERVER


def _transport(request: web.Request) -> asyncio.Transport:
    if request.transport is None:
        raise ConnectionResetError("The socket is closed.")
    return request.transport


def _wire(ws: web.WebSocketResponse, request: web.Request, pace: Pace | None) -> Wire:
    wire = SocketWire(ws, _transport(request))
    if pace is None:
        return wire
    return PacedWire(wire, pace, deflates=ws.headers.get("Sec-WebSocket-Extensions", "").strip() == EXTENSION)


@asynccontextmanager
async def accepted(
    request: web.Request, kind: str, limits: LineLimits, *, outbox: Outbox | None = None, paced: bool = False
) -> AsyncGenerator[Line]:
    """Accept the socket; at the end of the context it is closed, with the code that an error asks for.

    One whose reader is `paced` gets no more at once than comes through.
    """
    require_own_page(request)
    reach = services(request)
    reach.limits.from_address(SOCKETS, came_from(request).address)
    ws = web.WebSocketResponse(
        timeout=_CLOSE_S,
        autoping=not paced,
        heartbeat=_PING_S,
        compress=limits.deflated,
        max_msg_size=limits.message_bytes,
        writer_limit=64 * 1024,
    )
    pace = Pace(reach.clock) if paced else None
    with reach.sockets.opening(kind, outbox or Outbox()) as socket:
        await ws.prepare(request)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(socket.outbox.write_to(_wire(ws, request, pace)))
                try:
                    yield Line(ws, socket, reach, limits, pace)
                except Exception as error:
                    # The socket ends here; what nobody foresaw is in the log.
                    socket.outbox.close(_ending(error, kind, reach))
                finally:
                    socket.outbox.close(1000)
        finally:
            # A reader that never reads leaves bytes in the transport, and those keep it open.
            if socket.outbox.code == SLOW and request.transport is not None:
                request.transport.abort()
