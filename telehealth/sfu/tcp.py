"""The TCP twin of the media port, for browsers behind firewalls that block UDP (RFC 6544 passive candidates)."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import cast

from telehealth.clock import Clock
from telehealth.errors import Unavailable
from telehealth.rtp.tcp_framing import Frames, frame
from telehealth.sfu.counters import Counters, Drop
from telehealth.sfu.limits import TCP_CONNECTIONS, TCP_FIRST_CHECK_S, TCP_PER_HOST, TCP_STALLED_S, TCP_WAITING_BYTES
from telehealth.sfu.stun import TCP, Address

logger = logging.getLogger(__name__)

Receive = Callable[[bytes, Address, float, Callable[[bytes, Address], None] | None], None]
Gone = Callable[[Address], None]


class TcpPort:
    """Takes connections and hands their frames on as if they were datagrams.

    A connection's address is `tcp:` and the host, with the port: it never equals an address of a datagram.
    """

    def __init__(self, host: str, counters: Counters, clock: Clock, gone: Gone) -> None:
        self._host = host
        self._counters = counters
        self._clock = clock
        self._gone = gone
        self._receive: Receive | None = None
        self._server: asyncio.Server | None = None
        self._streams: set[_Stream] = set()

    def __len__(self) -> int:
        return len(self._streams)

    async def open(self, port: int, receive: Receive) -> None:
        """Listen on this port; Unavailable if it is taken."""
        self._receive = receive
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._stream, self._host, port, backlog=64)
        except OSError as error:
            raise Unavailable(f"The media port {port} cannot be opened for TCP.", code="media_port") from error

    async def aclose(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is not None:
            self._server.close()
        for stream in list(self._streams):
            stream.abort()
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None
        await asyncio.sleep(0)  # The loop tells an aborted connection of its end at its next turn.

    def tick(self, now: float) -> None:
        """Drop who has not proved anything in time, and who takes nothing any more."""
        for stream in list(self._streams):
            if stream.is_idle(now) or stream.is_stalled(now):
                stream.abort()

    def admit(self, stream: "_Stream", host: str) -> bool:
        """Tell whether there is room for a connection from this host, and count it."""
        from_there = sum(other.address[0] == host for other in self._streams)
        if len(self._streams) >= TCP_CONNECTIONS or from_there >= TCP_PER_HOST:
            self._counters.dropped[Drop.TCP_LIMIT] += 1
            return False
        self._streams.add(stream)
        return True

    def received(self, datagram: bytes, stream: "_Stream") -> None:
        """Hand a frame on."""
        if self._receive is None:
            return
        try:
            self._receive(datagram, stream.address, self._clock.monotonic(), stream.send)
        except Exception:
            # A fault of ours must not end the connection of somebody else.
            self._counters.dropped[Drop.FAILED] += 1
            logger.exception("a frame could not be handled")
            stream.abort()

    def sent(self, size: int) -> None:
        self._counters.packets_out += 1
        self._counters.bytes_out += size

    def skipped(self) -> None:
        self._counters.dropped[Drop.TCP_SLOW] += 1

    def malformed(self) -> None:
        self._counters.dropped[Drop.MALFORMED] += 1

    def lost(self, stream: "_Stream") -> None:
        if stream in self._streams:
            self._streams.discard(stream)
            self._gone(stream.address)

    def now(self) -> float:
        return self._clock.monotonic()

    def _stream(self) -> "_Stream":
        return _Stream(self)


class _Stream(asyncio.Protocol):
    """One connection. What does not fit into its buffer is skipped: late pictures are worth nothing."""

    def __init__(self, port: TcpPort) -> None:
        self._port = port
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self._opened_at = port.now()
        self._proved = False
        self._full_since: float | None = None
        self.address: Address = (TCP, 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no asyncio.Transport by descent, only by what they do.
        self._transport = transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        self.address = (TCP + peer[0], peer[1])
        if not self._port.admit(self, self.address[0]):
            transport.abort()
            return
        transport.set_write_buffer_limits(high=TCP_WAITING_BYTES)
        if (raw := transport.get_extra_info("socket")) is not None:
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        try:
            frames = self._frames.feed(data)
        except ValueError:
            self._port.malformed()
            self.abort()
            return
        for datagram in frames:
            self._port.received(datagram, self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._port.lost(self)

    def send(self, datagram: bytes, address: Address) -> None:
        """Send now or skip. Only who passed a check is ever answered, so that an answer proves the peer."""
        self._proved = True
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() + len(datagram) > TCP_WAITING_BYTES:
            self._full_since = self._full_since if self._full_since is not None else self._port.now()
            self._port.skipped()
            return
        self._full_since = None
        transport.write(frame(datagram))
        self._port.sent(len(datagram))

    def is_idle(self, now: float) -> bool:
        return not self._proved and now - self._opened_at > TCP_FIRST_CHECK_S

    def is_stalled(self, now: float) -> bool:
        return self._full_since is not None and now - self._full_since > TCP_STALLED_S

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
