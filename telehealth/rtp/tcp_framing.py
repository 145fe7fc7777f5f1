"""Datagrams on a stream: two bytes of length before each (RFC 4571)."""

LONGEST = 2048
"""Of a frame that we take; a peer that announces more is not one of ours."""


class Frames:
    """Cuts a stream into frames, however it comes in pieces."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take a piece of the stream; return the frames that are whole now. ValueError for one that is too long."""
        data = self._rest + data
        frames = []
        position = 0
        while position + 2 <= len(data):
            length = data[position] << 8 | data[position + 1]
            if length > LONGEST:
                raise ValueError("a frame longer than any packet")
            end = position + 2 + length
            if end > len(data):
                break
            frames.append(data[position + 2 : end])
            position = end
        self._rest = data[position:]
        return frames


def frame(datagram: bytes) -> bytes:
    """Return the datagram with its length before it."""
    return len(datagram).to_bytes(2, "big") + datagram
