"""What the benchmark asks of a system under test."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from aiortc.rtcdtlstransport import RTCCertificate

from benchmarks.media.descriptions import OPUS, VP8
from benchmarks.media.load import Line, Member
from benchmarks.media.processes import Child, child
from benchmarks.media.transport import Transport


class System(Protocol):
    """A server process that carries rooms.

    Attributes:
        name: As in the table.
        pid: The process whose CPU and memory count.
    """

    @property
    def name(self) -> str: ...

    @property
    def pid(self) -> int: ...

    async def fill(self, rooms: int, size: int, *, first: int = 0) -> Sequence[Member]:
        """Fill rooms, numbered from the first: everybody connected, and each subscribed to all others."""
        ...


class Echo:
    """Sends each datagram back where it came from: what the load generator and the kernel need by themselves."""

    name = "echo"

    def __init__(self, process: Child, host: str) -> None:
        self._process = process
        self._host = host
        self._certificate = RTCCertificate.generateCertificate()
        self.pid = process.pid

    async def fill(self, rooms: int, size: int, *, first: int = 0) -> Sequence[Member]:
        address = (self._host, (await self._process.ask(do="port"))["port"])
        return [self._member(address, room, place) for room in range(first, first + rooms) for place in range(size)]

    def _member(self, address: tuple[str, int], room: int, place: int) -> Member:
        transport = Transport(self._host, self._certificate)
        transport.aim(address)
        ssrc = ssrc_of(room, place)
        return Member(transport, transport, Line(ssrc, OPUS, "0", {}), Line(ssrc + 1, VP8, "1", {}))


def ssrc_of(room: int, place: int) -> int:
    """Return an SSRC for a participant's voice; the next one is for the picture."""
    return 1_000_000 + room * 1000 + place * 10


@asynccontextmanager
async def echo(host: str) -> AsyncIterator[Echo]:
    async with child("benchmarks.media.echo_server", host) as process:
        yield Echo(process, host)


async def close_all(members: Sequence[Member]) -> None:
    """Say goodbye on all transports."""
    for transport in {one for member in members for one in (member.sending, member.receiving)}:
        with contextlib.suppress(ConnectionError):
            await transport.aclose()
