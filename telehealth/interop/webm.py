"""WebM: Matroska with VP8 and Opus, written as a stream that is never gone back in (RFC 9559, RFC 8794).

The segment has no stated length and no index, so the file is whole up to wherever it ends. Frames are taken as they
were encoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CLUSTER_MS = 5_000
"""How much time a cluster covers at most."""
CLUSTER_BYTES = 1024 * 1024
"""A cluster that has so much is ended early."""
MAX_TRACKS = 126
"""A track's number takes one byte (RFC 8794 §4)."""

_UNKNOWN = b"\x01" + b"\xff" * 7
_SEGMENT = 0x18538067
_INFO = 0x1549A966
_TRACKS = 0x1654AE6B
_TRACK_ENTRY = 0xAE
_CLUSTER = 0x1F43B675
_SIMPLE_BLOCK = 0xA3
_KEYFRAME = 0x80
_RELATIVE = 32_767
"""A block's time counts from its cluster's, in 16 bits."""
_OPUS_PRE_SKIP = 312
_VP8_KEYFRAME_HEAD = 10


@dataclass(frozen=True, slots=True)
class WebmTrack:
    """A track: its codec, its name for people, and the size of its pictures."""

    codec: Literal["vp8", "opus"]
    name: str
    width: int = 640
    height: int = 480


def picture_size(keyframe: bytes) -> tuple[int, int]:
    """Return width and height of a VP8 keyframe (RFC 6386 §9.1); (640, 480) if it is too short to tell."""
    if len(keyframe) < _VP8_KEYFRAME_HEAD or keyframe[3:6] != b"\x9d\x01\x2a":
        return 640, 480
    width = int.from_bytes(keyframe[6:8], "little") & 0x3FFF
    height = int.from_bytes(keyframe[8:10], "little") & 0x3FFF
    return (width, height) if width and height else (640, 480)


def webm_head(tracks: Sequence[WebmTrack]) -> bytes:
    """Return what a file with these tracks begins with; they are numbered from 1."""
    if not 1 <= len(tracks) <= MAX_TRACKS:
        raise ValueError("a file has 1 to 126 tracks")
    head = b"".join(
        (
            _number(0x4286, 1),
            _number(0x42F7, 1),
            _number(0x42F2, 4),
            _number(0x42F3, 8),
            _element(0x4282, b"webm"),
            _number(0x4287, 4),
            _number(0x4285, 2),
        )
    )
    info = _number(0x2AD7B1, 1_000_000) + _element(0x4D80, b"telehealth") + _element(0x5741, b"telehealth")
    entries = b"".join(_track(number, track) for number, track in enumerate(tracks, start=1))
    segment = _SEGMENT.to_bytes(4, "big") + _UNKNOWN
    return _element(0x1A45DFA3, head) + segment + _element(_INFO, info) + _element(_TRACKS, entries)


class WebmClusters:
    """Gathers frames into clusters; what is held is bounded by CLUSTER_MS and CLUSTER_BYTES."""

    def __init__(self) -> None:
        self._blocks: list[tuple[int, bytes]] = []
        self._size = 0
        self._begins = 0

    def add(self, track: int, at_ms: int, frame: bytes, *, keyframe: bool) -> bytes:
        """Take a frame of a track; return the cluster that is complete before it, if one is."""
        done = b""
        if self._blocks and not self._has_room(at_ms, len(frame)):
            done = self.flush()
        if not self._blocks:
            self._begins = max(0, at_ms)
        relative = max(-_RELATIVE, at_ms - self._begins)
        flags = _KEYFRAME if keyframe else 0
        block = bytes([0x80 | track]) + relative.to_bytes(2, "big", signed=True) + bytes([flags]) + frame
        self._blocks.append((at_ms, _element(_SIMPLE_BLOCK, block)))
        self._size += len(block)
        return done

    def flush(self, until_ms: int | None = None) -> bytes:
        """Return what is gathered as a cluster, of until then if that is given; nothing if nothing is."""
        blocks = [block for at_ms, block in self._blocks if until_ms is None or at_ms <= until_ms]
        self._blocks.clear()
        self._size = 0
        return _element(_CLUSTER, _number(0xE7, self._begins) + b"".join(blocks)) if blocks else b""

    def _has_room(self, at_ms: int, size: int) -> bool:
        return -_RELATIVE < at_ms - self._begins < CLUSTER_MS and self._size + size <= CLUSTER_BYTES


def _track(number: int, track: WebmTrack) -> bytes:
    common = _number(0xD7, number) + _number(0x73C5, number) + _number(0x9C, 0) + _element(0x536E, track.name.encode())
    if track.codec == "vp8":
        size = _number(0xB0, track.width) + _number(0xBA, track.height)
        return _element(_TRACK_ENTRY, common + _number(0x83, 1) + _element(0x86, b"V_VP8") + _element(0xE0, size))
    # OpusHead, RFC 7845 §5.1: two channels at 48 kHz, little-endian.
    private = b"OpusHead\x01\x02" + _OPUS_PRE_SKIP.to_bytes(2, "little") + (48_000).to_bytes(4, "little") + bytes(3)
    sound = _element(0xB5, b"\x47\x3b\x80\x00") + _number(0x9F, 2)
    codec = _element(0x86, b"A_OPUS") + _element(0x63A2, private)
    delays = _number(0x56AA, 6_500_000) + _number(0x56BB, 80_000_000)
    return _element(_TRACK_ENTRY, common + _number(0x83, 2) + codec + delays + _element(0xE1, sound))


def _number(name: int, value: int) -> bytes:
    return _element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _element(name: int, content: bytes) -> bytes:
    """Return an element: its id, its length in as few bytes as hold it (RFC 8794 §4), its content."""
    length = next(size for size in range(1, 9) if len(content) < (1 << 7 * size) - 1)
    size = (len(content) | 1 << 7 * length).to_bytes(length, "big")
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + size + content
