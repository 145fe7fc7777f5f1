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

_POLL_S = 0.02
_TEXT, _BINARY = 0x81, 0x82
_SHORT, _MEDIUM = struct.Struct("!BB"), struct.Struct("!BBH")
_LONG = struct.Struct("!BBQ")


class Framed(bytes):
    """A message with its frame around it."""

    __slots__ = ()


Frame = str | bytes


def framed(message: Frame) -> Framed:
    """Return the message as one unmasked frame."""
    if isinstance(message, Framed):
        return message
    text = isinstance(message, str)
    body = message.encode() if isinstance(message, str) else message
    opcode, length = (_TEXT if text else _BINARY), len(body)
    if length < 126:
        return Framed(_SHORT.pack(opcode, length) + body)
    if length < 65_536:
        return Framed(_MEDIUM.pack(opcode, 126, length) + body)
    return Framed(_LONG.pack(opcode, 127, length) + body)


class SocketWire:
    """One accepted WebSocket without compression. Implements sockets.outbox.Wire."""

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
            await asyncio.sleep(_POLL_S)
            if self._transport.is_closing():
                raise ConnectionResetError("The socket is closed.")

    async def close(self, code: int) -> None:
        # Whoever doesn't read won't drain either: the close frame goes behind what is in the transport's buffer.
        await self._ws.close(code=code, drain=False)
