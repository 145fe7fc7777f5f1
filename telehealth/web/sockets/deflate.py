"""Messages made smaller for one slow reader (RFC 7692, permessage-deflate): each is told in terms of those before it.

Curves shrink to half, numbers to a tenth. It costs time and memory for each reader, so whoever keeps up goes without.
"""

import zlib

from telehealth.web.sockets.wire import COMPRESSED, Frame, Framed, enclosed, opened

EXTENSION = "permessage-deflate"
"""What must have been agreed: without parameters, which would narrow what we may do."""

_WINDOW_BITS = -13
_MEMORY = 6
_TAIL = b"\x00\x00\xff\xff"
"""Of a flushed block; the reader adds it again (§7.2.1)."""


class Deflater:
    """The stream of one reader."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, _WINDOW_BITS, _MEMORY)

    def framed(self, frame: Frame) -> Framed:
        """Return the message, compressed, as one frame."""
        opcode, body = opened(frame)
        small = self._stream.compress(body) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        return enclosed(opcode | COMPRESSED, small.removesuffix(_TAIL))
