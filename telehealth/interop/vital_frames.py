"""The binary waveform frame of `/ws/device` and `/ws/vitals` (docs/protocol.md, Vitals)."""

import math
import struct

from telehealth.bus import EventId
from telehealth.errors import Invalid
from telehealth.vitals.model import FrameFlag, WaveBlock

VERSION = 1
MAX_SAMPLES = 4096
MAX_FRAME_BYTES = 28 + 2 * MAX_SAMPLES
LATEST_MS = 4_102_444_800_000.0
"""2100-01-01T00:00Z: a clock beyond it is wrong, not late."""

_HEADER = struct.Struct("<BBHIQdHBB")
_PREFIX = struct.Struct("<QQ")
_WAVE, _GAP = 1, 2
_KNOWN_FLAGS = int(FrameFlag.DEMO | FrameFlag.QUESTIONABLE | FrameFlag.BACKFILL | FrameFlag.EPOCH)
# Looking one up is faster than making one, and operators of flags are slow.
_FLAGS = tuple(FrameFlag(flags) for flags in range(_KNOWN_FLAGS + 1))
_MAX_INDEX = 2**63 - 1


def encode_frame(block: WaveBlock) -> bytes:
    """Return the frame of a block; Invalid (bad_frame) for a block that no frame can carry."""
    _require(0 < block.channel <= 0xFFFF and 0 <= block.sequence <= 0xFFFF_FFFF, "channel or sequence")
    _require(0 <= block.first_index <= _MAX_INDEX and _sane(block.starts_at_ms), "index or time")
    _require(len(block.samples) % 2 == 0 and 0 < block.count <= MAX_SAMPLES, "number of samples")
    _require(not (block.gap and block.samples) and (block.gap or not block.missing), "samples in a gap")
    header = _HEADER.pack(
        VERSION,
        _GAP if block.gap else _WAVE,
        block.channel,
        block.sequence,
        block.first_index,
        block.starts_at_ms,
        block.count,
        int(block.flags),
        0,
    )
    return header + block.samples


def decode_frame(data: bytes) -> WaveBlock:
    """Return the block in a frame; Invalid (bad_frame) for anything that encode_frame would not write."""
    _require(_HEADER.size <= len(data) <= MAX_FRAME_BYTES, "length")
    version, kind, channel, sequence, first, starts_at_ms, count, flags, reserved = _HEADER.unpack_from(data)
    samples = data[_HEADER.size :]
    _require(version == VERSION and kind in (_WAVE, _GAP) and reserved == 0, "version or type")
    _require(flags & ~_KNOWN_FLAGS == 0, "flags")
    _require(channel > 0 and first <= _MAX_INDEX and _sane(starts_at_ms), "channel, index or time")
    _require(0 < count <= MAX_SAMPLES, "number of samples")
    gap = kind == _GAP
    _require(len(samples) == (0 if gap else 2 * count), "length")
    missing = count if gap else 0
    return WaveBlock(channel, sequence, first, starts_at_ms, samples, _FLAGS[flags], gap=gap, missing=missing)


def for_watcher(event: EventId, frame: bytes) -> bytes:
    """Return the message a watcher gets: the event's id, then the frame."""
    return _PREFIX.pack(event.ms, event.n) + frame


def from_watcher_message(data: bytes) -> tuple[EventId, WaveBlock]:
    """Return the event's id and the block of what for_watcher wrote; Invalid (bad_frame) for anything else."""
    _require(len(data) >= _PREFIX.size, "length")
    return EventId(*_PREFIX.unpack_from(data)), decode_frame(data[_PREFIX.size :])


def _sane(ms: float) -> bool:
    # Minus zero would come back as another bit pattern from no clock we know.
    return math.isfinite(ms) and math.copysign(1.0, ms) > 0 and ms <= LATEST_MS


def _require(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence.
    if not holds:
        raise Invalid(f"The waveform frame is malformed: {what}.", code="bad_frame")
