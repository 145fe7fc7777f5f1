"""The binary container of `/ws/device`: many messages in one (docs/protocol.md, Device)."""

import struct
from collections.abc import Iterator, Sequence

from telehealth.errors import Invalid
from telehealth.interop.device_messages import Numerics, parse_client
from telehealth.interop.vital_frames import VERSION, decode_frame
from telehealth.vitals.model import RawNumerics, WaveBlock

BULK = 4
MAX_BYTES = 64 * 1024
MAX_MESSAGES = 512

_HEADER = struct.Struct("<BBH")
_LENGTH = struct.Struct("<H")
_OBJECT = ord("{")


def is_bulk(data: bytes) -> bool:
    """Say whether a binary message is a container, and not a frame."""
    return len(data) > 1 and data[1] == BULK


def encode_bulk(messages: Sequence[bytes]) -> bytes:
    """Return the container of frames and numerics; Invalid (bad_bulk) if they are too many, too long or none."""
    parts = [_HEADER.pack(VERSION, BULK, len(messages) if len(messages) <= MAX_MESSAGES else 0)]
    for message in messages:
        _require(0 < len(message) <= 0xFFFF, "a message's length")
        parts += (_LENGTH.pack(len(message)), message)
    bulk = b"".join(parts)
    _require(0 < len(messages) <= MAX_MESSAGES and len(bulk) <= MAX_BYTES, "size")
    return bulk


def decode_bulk(data: bytes) -> list[RawNumerics | WaveBlock]:
    """Return what a container holds, all or nothing.

    Invalid: `bad_bulk` for a container that encode_bulk would not write; as the message at fault says for the others.
    """
    return [_decoded(message) for message in _messages(data)]


def room_for(messages: Sequence[bytes]) -> int:
    """Return how many of these, from the first on, fit into one container."""
    size = _HEADER.size
    for count, message in enumerate(messages[:MAX_MESSAGES]):
        size += _LENGTH.size + len(message)
        if size > MAX_BYTES:
            return count
    return min(len(messages), MAX_MESSAGES)


def _messages(data: bytes) -> Iterator[bytes]:
    _require(_HEADER.size < len(data) <= MAX_BYTES, "size")
    version, kind, count = _HEADER.unpack_from(data)
    _require(version == VERSION and kind == BULK and 0 < count <= MAX_MESSAGES, "version or count")
    at = _HEADER.size
    for _ in range(count):
        _require(at + _LENGTH.size <= len(data), "length")
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        _require(0 < length <= len(data) - at, "length")
        yield data[at : at + length]
        at += length
    _require(at == len(data), "length")


def _decoded(message: bytes) -> RawNumerics | WaveBlock:
    if message[0] != _OBJECT:
        return decode_frame(message)
    told = parse_client(message)
    if not isinstance(told, Numerics):
        raise Invalid("Only frames and numerics travel in a container.", code="bad_bulk")
    return told.to_domain()


def _require(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence.
    if not holds:
        raise Invalid(f"The container is malformed: {what}.", code="bad_bulk")
