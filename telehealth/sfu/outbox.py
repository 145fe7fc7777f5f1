"""Sends what one wake-up brought in as few system calls as it can: runs of equal length to one address together.

A picture comes as a burst of packets of one length. Linux cuts one long message into such datagrams itself
(UDP_SEGMENT, udp(7)); elsewhere, and where a network card refuses, each goes alone.
"""

import contextlib
import socket
import struct
from collections.abc import Iterator, Sequence

from telehealth.sfu.counters import Counters, Drop
from telehealth.sfu.stun import Address

UDP_SEGMENT = 103
"""Of Linux; Python does not name it."""
RUN = 32
"""Datagrams in one message: together they stay below the 65,507 bytes that one may have."""


class Outbox:
    """Holds datagrams back between `hold` and `release`, and sends without ever waiting; what does not fit is dropped.

    Order is kept for each address.
    """

    def __init__(self, sending: socket.socket, counters: Counters) -> None:
        self._socket = sending
        self._counters = counters
        self._held: dict[Address, list[bytes]] = {}
        self._holds = False
        self._segments = False
        with contextlib.suppress(OSError):
            sending.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
            self._segments = True

    def hold(self) -> None:
        """Keep what is sent from now on until `release`, if that is of use here."""
        self._holds = self._segments

    def release(self) -> None:
        """Send what was held."""
        self._holds = False
        if not self._held:
            return
        held, self._held = self._held, {}
        for address, datagrams in held.items():
            if len(datagrams) == 1:
                self._send(datagrams[0], address)
            else:
                for run in runs(datagrams):
                    self._send_run(run, address)

    def send(self, datagram: bytes, address: Address) -> None:
        """Send at once or drop, or hold; a full buffer and an unreachable address count alike."""
        if not self._holds:
            self._send(datagram, address)
        elif (waiting := self._held.get(address)) is not None:
            waiting.append(datagram)
        else:
            self._held[address] = [datagram]

    def _send(self, datagram: bytes, address: Address) -> None:
        try:
            self._socket.sendto(datagram, address)
        except OSError:
            self._counters.dropped[Drop.SOCKET] += 1
            return
        self._counters.packets_out += 1
        self._counters.bytes_out += len(datagram)

    def _send_run(self, run: Sequence[bytes], address: Address) -> None:
        if len(run) == 1:
            self._send(run[0], address)
            return
        length = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", len(run[0])))]
        try:
            sent = self._socket.sendmsg(run, length, 0, address)
        except BlockingIOError:
            self._counters.dropped[Drop.SOCKET] += len(run)
            return
        except OSError:
            # Too long for this path, or a device that cannot: one by one, it may yet go.
            for datagram in run:
                self._send(datagram, address)
            return
        self._counters.packets_out += len(run)
        self._counters.bytes_out += sent


def runs(datagrams: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Cut into pieces that can be one message: all of one length, the last one perhaps shorter."""
    start, past = 0, len(datagrams)
    while start < past:
        size, end = len(datagrams[start]), start + 1
        while end < past and end - start < RUN and len(datagrams[end]) == size:
            end += 1
        if end < past and end - start < RUN and 0 < len(datagrams[end]) < size:
            end += 1
        yield datagrams[start:end]
        start = end
