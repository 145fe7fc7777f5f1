"""How frames leave a WebSocket: many in one write, and ready-made for many sockets (RFC 6455 §5.2).

aiohttp writes each message with a call of its own. A watcher of waveforms gets some dozen a second, often several at
once, and the same as its neighbours: those are framed once, joined, and handed to the transport together. A server's
frames carry no mask, so the same bytes serve every socket; each write holds whole frames, so aiohttp's own (pings, the
close) fall between them.
"""

import asyncio
import struct
from collections.abc import Sequence

from aiohttp import web

HIGH_BYTES = 64 * 1024
"""With more than this in the transport's buffer, nothing is added."""

COMPRESSED = 0x40
"""The bit that says so of a message (RFC 7692 §6)."""

_POLL_S = 0.02
_TEXT, _BINARY, _PING = 0x81, 0x82, 0x89
_SHORT, _MEDIUM = struct.Struct("!BB"), struct.Struct("!BBH")
_LONG = struct.Struct("!BBQ")
_HEADER_BYTES = {126: _MEDIUM.size, 127: _LONG.size}


class Framed(bytes):
    """A message with its frame around it."""

    __slots__ = ()


Frame = str | bytes


def framed(message: Frame) -> Framed:
    """Return the message as one unmasked frame."""
    return message if isinstance(message, Framed) else enclosed(*opened(message))


def opened(message: Frame) -> tuple[int, bytes]:
    """Return the first octet of the frame of a message, and what stands in it."""
    if isinstance(message, Framed):
        return message[0], message[_HEADER_BYTES.get(message[1], _SHORT.size) :]
    return (_TEXT, message.encode()) if isinstance(message, str) else (_BINARY, message)


def enclosed(first: int, body: bytes) -> Framed:
    """Return the frame that begins with this octet."""
    length = len(body)
    if length < 126:
        return Framed(_SHORT.pack(first, length) + body)
    if length < 65_536:
        return Framed(_MEDIUM.pack(first, 126, length) + body)
    return Framed(_LONG.pack(first, 127, length) + body)


def ping(question: bytes) -> Framed:
    """Return the frame that asks for this back."""
    return enclosed(_PING, question)


class SocketWire:
    """One accepted WebSocket; what it is given leaves as it is. Implements sockets.outbox.Wire."""

    def __init__(self, ws: web.WebSocketResponse, transport: asyncio.WriteTransport) -> None:
        self._ws = ws
        self._transport = transport

    @property
    def full(self) -> bool:
        return self._transport.get_write_buffer_size() > HIGH_BYTES

    def write(self, frames: Sequence[Frame]) -> None:
        if self._ws.closed or self._transport.is_closing():
            raise ConnectionResetError("The socket is closed.")
        self._transport.write(b"".join([framed(frame) for frame in frames]))

    async def drained(self) -> None:
        # Whoever reads slowly is looked at now and then; the transport tells only aiohttp when it has room again.
        while self.full:
            await self.breathe()

    async def breathe(self) -> None:
        """Let a moment pass; ConnectionError if nobody is there any more."""
        await asyncio.sleep(_POLL_S)
        if self._transport.is_closing():
            raise ConnectionResetError("The socket is closed.")

    async def close(self, code: int) -> None:
        # Whoever doesn't read won't drain either: the close frame goes behind what is in the transport's buffer.
        await self._ws.close(code=code, drain=False)
