"""A bad network in user space: a UDP relay that loses, delays and reorders by seed; `tc netem` is often missing."""

import asyncio
import random
import socket
from dataclasses import dataclass

Address = tuple[str, int]
SEGMENT = 1400
"""Octets that a connection sends at once."""
AGAIN_S = 0.05


@dataclass(frozen=True, slots=True)
class Link:
    """One direction of a path.

    Attributes:
        loss: Share of datagrams lost.
        burst: Mean length of a run of losses; 1 is independent loss, more is Gilbert's two-state model.
        delay_s: One way.
        jitter_s: At most this much on top, evenly spread; it may reorder.
        bitrate_bps: What fits through, with a queue of `queue_s` before it; 0 is no limit.
    """

    loss: float = 0.0
    burst: float = 1.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    bitrate_bps: float = 0.0
    queue_s: float = 0.3


class Impairment:
    """Decides for each datagram of one direction whether it arrives, and after which time."""

    def __init__(self, link: Link, seed: int) -> None:
        self.link = link
        self.lost = 0
        self.passed = 0
        self._chance = random.Random(seed)
        self._bad = False
        self._free_at = 0.0

    def delay(self, size: int, now: float) -> float | None:
        """Return the seconds until it arrives, or None if it does not."""
        queued = self._queued(size, now)
        if queued is None or self._loses():
            self.lost += 1
            return None
        self.passed += 1
        return queued + self.link.delay_s + self._chance.random() * self.link.jitter_s

    def _loses(self) -> bool:
        link = self.link
        if link.loss <= 0.0:
            return False
        if link.burst <= 1.0:
            return self._chance.random() < link.loss
        leave = 1.0 / link.burst
        enter = leave * link.loss / (1.0 - link.loss)
        self._bad = self._chance.random() >= leave if self._bad else self._chance.random() < enter
        return self._bad

    def _queued(self, size: int, now: float) -> float | None:
        if not self.link.bitrate_bps:
            return 0.0
        begins = max(now, self._free_at)
        if begins - now > self.link.queue_s:
            return None
        self._free_at = begins + 8 * (size + 28) / self.link.bitrate_bps
        return self._free_at - now


class Relay:
    """Stands between clients and one server address; each client gets a source port of its own towards the server.

    Attributes:
        up, down: May be replaced while it runs.
        open: False cuts the path.
    """

    def __init__(self, server: Address, up: Impairment, down: Impairment) -> None:
        self.up = up
        self.down = down
        self.open = True
        self.port = 0
        self._server = server
        self._closed = False
        self._listening: asyncio.DatagramTransport | None = None
        self._ways: dict[Address, asyncio.DatagramTransport] = {}

    async def start(self, port: int = 0) -> "Relay":
        loop = asyncio.get_running_loop()
        self._listening, _ = await loop.create_datagram_endpoint(
            lambda: _Receiver(self._from_client), local_addr=("127.0.0.1", port)
        )
        self.port = self._listening.get_extra_info("sockname")[1]
        return self

    def close(self) -> None:
        self._closed = True
        for way in (self._listening, *self._ways.values()):
            if way is not None:
                way.close()
        self._ways.clear()

    def rebind(self) -> None:
        """Give every client another source port towards the server, as a NAT that forgot its bindings does."""
        for way in self._ways.values():
            way.close()
        self._ways.clear()

    def _from_client(self, datagram: bytes, client: Address) -> None:
        delay = self._passes(self.up, datagram)
        if delay is not None:
            asyncio.get_running_loop().call_later(delay, self._to_server, datagram, client)

    def _passes(self, way: Impairment, datagram: bytes) -> float | None:
        if not self.open:
            return None
        return way.delay(len(datagram), asyncio.get_running_loop().time())

    def _to_server(self, datagram: bytes, client: Address) -> None:
        if self._closed:
            return
        way = self._ways.get(client)
        if way is None:
            asyncio.get_running_loop().create_task(self._open_way(client, datagram))
        else:
            way.sendto(datagram, self._server)

    async def _open_way(self, client: Address, datagram: bytes) -> None:
        def back(answer: bytes, _: Address) -> None:
            delay = self._passes(self.down, answer)
            if delay is not None:
                asyncio.get_running_loop().call_later(delay, self._to_client, answer, client)

        if client not in self._ways:
            way, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Receiver(back), local_addr=("127.0.0.1", 0)
            )
            if self._closed or client in self._ways:
                way.close()
            else:
                self._ways[client] = way
        if not self._closed:
            self._ways[client].sendto(datagram, self._server)

    def _to_client(self, datagram: bytes, client: Address) -> None:
        if self._listening is not None and not self._listening.is_closing():
            self._listening.sendto(datagram, client)


class TcpRelay:
    """Stands between clients and one server port; what it carries waits in the same queues as a UDP relay's.

    Nothing is lost on a connection: what finds the queue full is tried again a moment later, as TCP does.

    Attributes:
        up, down: Share them with a `Relay`, and both share one link.
    """

    def __init__(self, server: Address, up: Impairment, down: Impairment) -> None:
        self.up = up
        self.down = down
        self.port = 0
        self._server = server
        self._listening: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()

    async def start(self) -> "TcpRelay":
        self._listening = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=SEGMENT)
        self.port = self._listening.sockets[0].getsockname()[1]
        return self

    async def aclose(self) -> None:
        if self._listening is not None:
            self._listening.close()
        carrying = list(self._carrying)
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)

    async def _accept(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        far_socket = socket.socket()
        # A window as small as a narrow link has: else all would wait in buffers of this machine.
        far_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * SEGMENT)
        far_socket.setblocking(False)
        await asyncio.get_running_loop().sock_connect(far_socket, self._server)
        far, to_far = await asyncio.open_connection(sock=far_socket, limit=SEGMENT)
        for reader, writer, way in ((near, to_far, "up"), (far, to_near, "down")):
            task = asyncio.get_running_loop().create_task(self._carry(reader, writer, way))
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        loop = asyncio.get_running_loop()
        try:
            while segment := await reader.read(SEGMENT):
                link: Impairment = getattr(self, way)
                while (delay := link.delay(len(segment) + 40, loop.time())) is None:
                    await asyncio.sleep(AGAIN_S)
                await asyncio.sleep(delay)
                writer.write(segment)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, receive: object) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._receive(data, addr)  # type: ignore[operator]
