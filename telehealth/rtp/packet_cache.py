"""The last packets of a stream, to be sent once more on request (RFC 4585 §6.2.1)."""

from telehealth.rtp.sequence import distance

LEAST = 64
MOST = 2048


class PacketCache:
    """A ring of packets by sequence number, as large as the last seconds of its stream need.

    Args:
        size: How many are kept; a power of two, so that the ring stays whole when numbers wrap around.

    Attributes:
        octets: Of all packets that were ever put in.
    """

    __slots__ = ("_mask", "_numbers", "_packets", "octets")

    def __init__(self, size: int) -> None:
        if size < 1 or size & (size - 1) or size > 1 << 15:
            raise ValueError("the size of a packet cache is a power of two up to 2^15")
        self._mask = size - 1
        self._numbers = [-1] * size
        self._packets: list[bytes] = [b""] * size
        self.octets = 0

    def __len__(self) -> int:
        """Tell how many it can hold."""
        return self._mask + 1

    def put(self, number: int, packet: bytes) -> None:
        place = number & self._mask
        self._numbers[place] = number
        self._packets[place] = packet
        self.octets += len(packet)

    def get(self, number: int) -> bytes | None:
        """Return the packet with this sequence number, or None if it never came or is too old."""
        place = number & self._mask
        return self._packets[place] if self._numbers[place] == number else None

    def fit(self, packets: float, newest: int) -> None:
        """Hold at least this many from now on, between LEAST and MOST; what fits stays, the newest first of all."""
        wanted = min(MOST, max(LEAST, 1 << max(0, int(packets) - 1).bit_length()))
        # Shrinking waits until a quarter would do: a stream that breathes must not copy its ring each second.
        if wanted > len(self) or wanted * 4 <= len(self):
            kept = [(number, packet) for number, packet in zip(self._numbers, self._packets, strict=True) if packet]
            kept.sort(key=lambda entry: distance(newest, entry[0]))
            self._mask = wanted - 1
            self.clear()
            octets = self.octets
            for number, packet in kept:
                self.put(number, packet)
            self.octets = octets

    def clear(self) -> None:
        """Forget all: the stream begins anew under another SSRC."""
        size = self._mask + 1
        self._numbers = [-1] * size
        self._packets = [b""] * size
