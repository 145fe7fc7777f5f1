"""From RTP packets to the frames that were encoded: VP8 (RFC 7741) and Opus (RFC 7587)."""

from collections.abc import Iterator
from dataclasses import dataclass

from telehealth.rtp.packet import payload_start

WINDOW = 128
"""Packets that wait for an earlier one: beyond, what is missing counts as lost."""
MAX_FRAME = 1024 * 1024
"""Bytes of one frame; what is larger is dropped."""

_PADDING = 0x20
_MARKER = 0x80
_HALF = 0x8000


@dataclass(frozen=True, slots=True)
class Frame:
    """An encoded frame, with its RTP timestamp; a frame of sound always counts as a keyframe."""

    timestamp: int
    data: bytes
    keyframe: bool


class InOrder:
    """Puts packets in the order of their numbers; gives up what does not come within the window."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._waiting: dict[int, bytes] = {}

    def put(self, packet: bytes) -> Iterator[tuple[bytes, bool]]:
        """Take a well-formed packet; return those whose turn it is, each with whether some before it are lost."""
        number = packet[2] << 8 | packet[3]
        if self._next is None:
            self._next = number
        ahead = (number - self._next) & 0xFFFF
        if ahead >= _HALF:
            return
        self._waiting[number] = packet
        lost = False
        if ahead >= WINDOW or len(self._waiting) > WINDOW:
            self._next = min(self._waiting, key=self._distance)
            lost = True
        while (found := self._waiting.pop(self._next, None)) is not None:
            self._next = (self._next + 1) & 0xFFFF
            yield found, lost
            lost = False

    def _distance(self, number: int) -> int:
        return (number - (self._next or 0)) & 0xFFFF


class Vp8Frames:
    """Puts VP8 frames together; after a loss nothing comes until the next keyframe."""

    def __init__(self) -> None:
        self._order = InOrder()
        self._parts = bytearray()
        self._timestamp: int | None = None
        self._broken = True

    @property
    def needs_keyframe(self) -> bool:
        """Whether nothing will come until one does."""
        return self._broken

    def put(self, packet: bytes) -> list[Frame]:
        """Take a well-formed packet; return the frames that are complete with it."""
        frames = []
        for found, lost in self._order.put(packet):
            if lost:
                self._abandon()
            frame = self._take(found)
            if frame is not None:
                frames.append(frame)
        return frames

    def _take(self, packet: bytes) -> Frame | None:
        payload = payload_of(packet)
        if not payload:
            return None
        timestamp = int.from_bytes(packet[4:8], "big")
        start, begins = descriptor(payload)
        if begins and self._timestamp != timestamp:
            if self._timestamp is not None:
                # The marker of the frame before never came.
                self._abandon()
            self._timestamp = timestamp
        elif self._timestamp != timestamp:
            self._abandon()
            return None
        self._parts += payload[start:]
        if start >= len(payload) or len(self._parts) > MAX_FRAME:
            self._abandon()
            return None
        return self._complete(timestamp) if packet[1] & _MARKER else None

    def _complete(self, timestamp: int) -> Frame | None:
        data = bytes(self._parts)
        self._parts.clear()
        self._timestamp = None
        keyframe = not data[0] & 1
        if keyframe:
            self._broken = False
        return None if self._broken else Frame(timestamp, data, keyframe)

    def _abandon(self) -> None:
        self._parts.clear()
        self._timestamp = None
        self._broken = True


class OpusFrames:
    """Passes on Opus: each packet is a frame, and a lost one is only a gap."""

    needs_keyframe = False

    def __init__(self) -> None:
        self._order = InOrder()

    def put(self, packet: bytes) -> list[Frame]:
        """Take a well-formed packet; return the frames whose turn it is."""
        frames = []
        for found, _ in self._order.put(packet):
            payload = payload_of(found)
            if payload:
                frames.append(Frame(int.from_bytes(found[4:8], "big"), payload, keyframe=True))
        return frames


def payload_of(packet: bytes) -> bytes:
    """Return the payload of a well-formed packet, without padding."""
    padding = packet[-1] if packet[0] & _PADDING else 0
    return packet[payload_start(packet) : len(packet) - padding]


def descriptor(payload: bytes | bytearray) -> tuple[int, bool]:
    """Return the length of the payload descriptor, and whether a frame begins here (RFC 7741 §4.2)."""
    begins = payload[0] & 0x17 == 0x10
    if not payload[0] & 0x80 or len(payload) < 2:
        return 1, begins
    length = 2
    if payload[1] & 0x80:
        long = len(payload) > 2 and payload[2] & 0x80
        length += 2 if long else 1
    if payload[1] & 0x40:
        length += 1
    if payload[1] & 0x30:
        length += 1
    return length, begins
