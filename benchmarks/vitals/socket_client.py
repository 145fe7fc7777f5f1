"""A WebSocket client that costs little: the load generator must not be what is measured (RFC 6455)."""

import asyncio
import base64
import itertools
import os
import socket
import struct
from collections.abc import Callable
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_MASKED = 0x80
# A mask of zeros is a mask, and leaves the payload as it is: nobody between us and the server could be misled.
_NO_MASK = bytes(4)

_addresses = itertools.count()

Heard = Callable[[int, bytes], None]


class Socket(asyncio.Protocol):
    """One connection. `heard` is called with the opcode and the payload of each message.

    Attributes:
        opened: Done once the server has switched protocols; fails if it does not.
        closed: Done when the connection is gone; its result is the close code, or 1006.
    """

    def __init__(self, request: bytes, heard: Heard) -> None:
        loop = asyncio.get_running_loop()
        self._request = request
        self._heard = heard
        self._buffer = bytearray()
        self._open = False
        self._code = 1006
        self._transport: asyncio.Transport | None = None
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[int] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no subclass.
        self._write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open and not self._switched():
            return
        at, buffer = 0, self._buffer
        while (frame := _frame(buffer, at)) is not None:
            opcode, start, end = frame
            self._take(opcode, bytes(buffer[start:end]))
            at = end
        del buffer[:at]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("the connection was lost before it was open"))
        if not self.closed.done():
            self.closed.set_result(self._code)

    def send(self, payload: bytes, opcode: int = BINARY) -> None:
        """Send one message."""
        length = len(payload)
        if length < 126:
            head = struct.pack("!BB", 0x80 | opcode, _MASKED | length)
        elif length < 65_536:
            head = struct.pack("!BBH", 0x80 | opcode, _MASKED | 126, length)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, _MASKED | 127, length)
        self._write(head + _NO_MASK + payload)

    def stop_reading(self) -> None:
        """Be the watcher who fell asleep."""
        assert self._transport is not None
        self._transport.pause_reading()

    def abort(self) -> None:
        """Be gone without a word."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    def _switched(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        status = bytes(self._buffer[:end]).split(b" ", 2)[1]
        del self._buffer[: end + 4]
        if status != b"101":
            if not self.opened.done():
                self.opened.set_exception(ConnectionError(f"the server answered {status.decode()}"))
            self.abort()
            return False
        self._open = True
        if not self.opened.done():
            self.opened.set_result(None)
        return True

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.send(payload, PONG)
        elif opcode == CLOSE:
            self._code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self.send(payload[:2], CLOSE)
        elif opcode != PONG:
            self._heard(opcode, payload)


async def connect(url: str, heard: Heard, *, token: str = "", receive_buffer: int = 0) -> Socket:
    """Open a connection to `ws://host:port/path`; with `receive_buffer`, the system keeps no more for us unread."""
    parts = urlsplit(url)
    lines = [
        f"GET {parts.path} HTTP/1.1",
        f"Host: {parts.hostname}:{parts.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(),
    ]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Each from an address of its own, as in life: the server counts connections by address.
    number = next(_addresses)
    sock.bind((f"127.1.{number // 250 % 250}.{number % 250 + 1}", 0))
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, (parts.hostname, parts.port))
    _, client = await loop.create_connection(lambda: Socket(request, heard), sock=sock)
    async with asyncio.timeout(30):
        await client.opened
    return client


def _frame(buffer: bytearray, at: int) -> tuple[int, int, int] | None:
    """Return opcode, start and end of the payload of the next whole frame; a server's have no mask and no parts."""
    have = len(buffer) - at
    if have < 2:
        return None
    opcode, length, start = buffer[at] & 0x0F, buffer[at + 1], at + 2
    if length == 126:
        if have < 4:
            return None
        length, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
    elif length == 127:
        if have < 10:
            return None
        length, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
    return (opcode, start, start + length) if start + length <= len(buffer) else None
