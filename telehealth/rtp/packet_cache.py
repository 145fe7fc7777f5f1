"""The last packets of a stream, to be sent once more on request (RFC 4585 §6.2.1)."""


class PacketCache:
    """A ring of packets by sequence number.

    Args:
        size: How many are kept; a power of two, so that the ring stays whole when numbers wrap around.
    """

    __slots__ = ("_mask", "_numbers", "_packets")

    def __init__(self, size: int) -> None:
        if size < 1 or size & (size - 1) or size > 1 << 15:
            raise ValueError("the size of a packet cache is a power of two up to 2^15")
        self._mask = size - 1
        self._numbers = [-1] * size
        self._packets: list[bytes] = [b""] * size

    def put(self, number: int, packet: bytes) -> None:
        place = number & self._mask
        self._numbers[place] = number
        self._packets[place] = packet

    def get(self, number: int) -> bytes | None:
        """Return the packet with this sequence number, or None if it never came or is too old."""
        place = number & self._mask
        return self._packets[place] if self._numbers[place] == number else None

    def clear(self) -> None:
        """Forget all: the stream begins anew under another SSRC."""
        size = self._mask + 1
        self._numbers = [-1] * size
        self._packets = [b""] * size
