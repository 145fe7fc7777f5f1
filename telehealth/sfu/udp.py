"""The one UDP socket of the media plane."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable

from telehealth.clock import Clock
from telehealth.errors import Unavailable
from telehealth.sfu.counters import Counters, Drop
from telehealth.sfu.limits import DATAGRAM_BYTES, DATAGRAMS_PER_WAKEUP, SOCKET_BUFFER_BYTES
from telehealth.sfu.outbox import Outbox
from telehealth.sfu.stun import Address

logger = logging.getLogger(__name__)
Receive = Callable[[bytes, Address, float], None]


class UdpPort:
    """Reads a run of datagrams at each wake-up and sends without ever waiting; what does not fit is dropped."""

    def __init__(self, host: str, port: int, counters: Counters, clock: Clock) -> None:
        self._wished = (host, port)
        self._counters = counters
        self._clock = clock
        self._socket: socket.socket | None = None
        self._outbox: Outbox | None = None
        self._receive: Receive | None = None
        self._afterwards: Callable[[float], object] = _nothing
        self._failed_before = False
        self.port = port

    def open(self, receive: Receive, afterwards: Callable[[float], object] | None = None) -> None:
        """Bind and listen; Unavailable if the port is taken.

        Args:
            receive: Called with each datagram.
            afterwards: Called when all that came at once is handled and what followed from it is sent.
        """
        bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            bound.setblocking(False)  # noqa: FBT003 - the signature is socket's.
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                with contextlib.suppress(OSError):
                    bound.setsockopt(socket.SOL_SOCKET, option, SOCKET_BUFFER_BYTES)
            bound.bind(self._wished)
        except OSError as error:
            bound.close()
            raise Unavailable(f"The media port {self._wished[1]} cannot be opened.", code="media_port") from error
        self.port = bound.getsockname()[1]
        self._socket = bound
        self._outbox = Outbox(bound, self._counters)
        self._receive = receive
        self._afterwards = afterwards or _nothing
        asyncio.get_running_loop().add_reader(bound.fileno(), self._drain)

    def close(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = self._outbox = None

    def send(self, datagram: bytes, address: Address) -> None:
        """Send without waiting, at the latest when what came with this wake-up is handled; or drop."""
        if self._outbox is not None:
            self._outbox.send(datagram, address)

    def _drain(self) -> None:
        bound, receive, outbox = self._socket, self._receive, self._outbox
        if bound is None or receive is None or outbox is None:
            return
        now = self._clock.monotonic()
        outbox.hold()
        try:
            self._read(bound, receive, now)
        finally:
            outbox.release()
        self._afterwards(now)

    def _read(self, bound: socket.socket, receive: Receive, now: float) -> None:
        for _ in range(DATAGRAMS_PER_WAKEUP):
            try:
                datagram, address = bound.recvfrom(DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError:  # An ICMP error for something sent before.
                continue
            try:
                receive(datagram, address, now)
            except Exception as error:
                self._failed(error)

    def _failed(self, error: Exception) -> None:
        # A fault of ours must not stop the traffic of others, nor fill the disk with its traceback.
        self._counters.dropped[Drop.FAILED] += 1
        if not self._failed_before:
            self._failed_before = True
            logger.error("a datagram could not be handled; further ones are only counted", exc_info=error)


def _nothing(now: float) -> None:
    pass
