"""An MLLP server: monitors and gateways connect, send a message, and wait for its acknowledgement.

MLLP has no sign-in and no encryption of its own. So we listen on loopback, or with TLS, or where somebody insists; take
connections from the addresses that are allowed only; and take data of devices only that staff registered by their name.
"""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from types import MappingProxyType

from telehealth.errors import Unavailable
from telehealth.ids import DeviceId
from telehealth.ingest.hl7_inbox import Hl7Inbox
from telehealth.interop.hl7.framer import IDLE_S, MAX_MESSAGE, Fault, Framer, framed
from telehealth.metrics import Metrics
from telehealth.vitals.reports import Reports

logger = logging.getLogger(__name__)

CONNECTIONS = 200
SILENCE_S = 300.0
"""A connection on which nothing comes for so long is closed."""

MESSAGE_S = 60.0
"""How long a message may take from its first octet to its last."""

WRITE_S = 10.0
CLOSING_S = 3.0
_READ = 64 * 1024


@dataclass(frozen=True, slots=True)
class MllpOptions:
    """Where and for whom we listen.

    Attributes:
        allowed: Networks that may connect; empty: everybody who can reach us.
    """

    host: str
    port: int
    allowed: Sequence[str] = ()
    tls: ssl.SSLContext | None = None
    connections: int = CONNECTIONS
    message_bytes: int = MAX_MESSAGE
    silence_s: float = SILENCE_S


class MllpServer:
    """Listens from `start` to `aclose`. One message at a time of each connection: the next waits in the line."""

    def __init__(self, options: MllpOptions, inbox: Hl7Inbox, reports: Reports, metrics: Metrics) -> None:
        self._options = options
        self._inbox = inbox
        self._reports = reports
        self._metrics = metrics
        self._allowed = [ip_network(network, strict=False) for network in options.allowed]
        self._open: dict[asyncio.Task[None], _Connection] = {}
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port we really listen on; 0 before `start`."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server is not None else 0

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._open)

    async def start(self) -> None:
        """Begin to listen; Unavailable if the address is taken."""
        options = self._options
        try:
            self._server = await asyncio.start_server(
                self._connected, options.host, options.port, ssl=options.tls, limit=_READ, backlog=options.connections
            )
        except OSError as failure:
            text = f"Can't listen on {options.host}:{options.port}: {failure.strerror}."
            raise Unavailable(text, code="address_in_use") from None
        logger.info("mllp: listening on port %d", self.port)

    async def aclose(self) -> None:
        """Stop listening; what is being stored is still answered, for CLOSING_S at most."""
        if self._server is not None:
            self._server.close()
        for connection in self._open.values():
            connection.stop()
        if self._open:
            _, late = await asyncio.wait([*self._open], timeout=CLOSING_S)
            for task in late:
                self._open[task].abort()

    def revoked(self, device: str | None) -> None:
        """End the connections on which the device was reported of; None: those of any. Who may, connects again."""
        for connection in self._open.values():
            if connection.devices and (device is None or device in connection.devices):
                connection.stop("revoked")

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if not self._may_connect(writer):
            writer.close()
            return
        connection = self._open[task] = _Connection(reader, writer, self._inbox, self._options)
        self._metrics.sockets.labels("mllp").inc()
        reason = "stopped"
        try:
            reason = await connection.serve()
        except (OSError, asyncio.IncompleteReadError):
            reason = "lost"
        finally:
            self._open.pop(task, None)
            self._metrics.sockets.labels("mllp").dec()
            self._metrics.socket_closes.labels("mllp", reason).inc()
            writer.close()
            for device in connection.devices:
                await self._reports.gone(device)

    def _may_connect(self, writer: asyncio.StreamWriter) -> bool:
        peer = writer.get_extra_info("peername")
        address = ip_address(str(peer[0]).partition("%")[0]) if peer else None
        mapped = getattr(address, "ipv4_mapped", None) or address
        if self._allowed and not any(mapped in network for network in self._allowed if mapped is not None):
            self._metrics.socket_closes.labels("mllp", "not_allowed").inc()
            logger.warning("mllp: a connection from an address that is not allowed")
            return False
        if len(self._open) >= self._options.connections:
            self._metrics.socket_closes.labels("mllp", "too_many").inc()
            logger.warning("mllp: too many connections")
            return False
        return True


class _Connection:
    """One sender, from its first octet to its last."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, inbox: Hl7Inbox, options: MllpOptions
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._inbox = inbox
        self._options = options
        self._framer = Framer(options.message_bytes)
        self._begun_at: float | None = None
        self.devices: set[DeviceId] = set()
        self.busy = False
        self._stopping = ""

    def stop(self, why: str = "stopped") -> None:
        """End after the message that is being answered, or now."""
        self._stopping = self._stopping or why
        # Its task is not cancelled: that would leave a message stored and unanswered.
        if not self.busy:
            self._writer.close()

    def abort(self) -> None:
        """End now, whatever is on its way."""
        self._writer.transport.abort()

    async def serve(self) -> str:
        """Answer message after message; return why it ended."""
        while not self._stopping:
            ended, found = await self._heard()
            self.busy = bool(found)
            for one in found:
                if not await self._answer(one):
                    return "no_mllp"
            self.busy = False
            if ended:
                return self._stopping or ended
            self._note_progress(any_found=bool(found))
        return self._stopping

    async def _heard(self) -> tuple[str, list[bytes | Fault]]:
        """Return why nothing more will come, empty if it may, and what has come whole."""
        try:
            async with asyncio.timeout(self._patience()):
                data = await self._reader.read(_READ)
        except TimeoutError:
            if self._framer.waiting:
                return "", self._framer.idle()
            return "silent" if self._begun_at is None else "slow", []
        return ("", self._framer.feed(data)) if data else ("ended", self._framer.idle())

    def _note_progress(self, *, any_found: bool) -> None:
        if not self._framer.inside:
            self._begun_at = None
        elif self._begun_at is None or any_found:
            self._begun_at = asyncio.get_running_loop().time()

    def _patience(self) -> float:
        if self._framer.waiting:
            return IDLE_S
        if self._begun_at is None:
            return self._options.silence_s
        left_s = self._begun_at + MESSAGE_S - asyncio.get_running_loop().time()
        return max(0.0, min(self._options.silence_s, left_s))

    async def _answer(self, found: bytes | Fault) -> bool:
        """Answer a message; return whether to go on."""
        if isinstance(found, Fault):
            await self._send(self._inbox.unreadable(_TEXTS[found.code]))
            return found.code == "no_end"
        answer = await self._inbox.take(found)
        if answer.device is not None:
            self.devices.add(answer.device)
        await self._send(answer.text)
        return True

    async def _send(self, text: str) -> None:
        if not text:
            return
        self._writer.write(framed(text.encode("utf-8")))
        with suppress(TimeoutError):
            async with asyncio.timeout(WRITE_S):
                await self._writer.drain()
                return
        raise ConnectionResetError("the sender does not read its answers")


_TEXTS = MappingProxyType(
    {
        "no_start": "The message has no start (0x0B).",
        "no_end": "The message before had no end (0x1C 0x0D).",
        "too_large": "The message is too large.",
    }
)
