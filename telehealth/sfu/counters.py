"""What the media plane counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Drop(StrEnum):
    """Why a datagram went no further."""

    EMPTY = "empty"
    FOREIGN = "foreign"
    STUN = "stun"
    UNKNOWN = "unknown"
    FAILED = "failed"
    DTLS_QUEUE = "dtls_queue"
    EARLY = "early"
    RATE = "rate"
    SSRC_LIMIT = "ssrc_limit"
    SRTP = "srtp"
    MALFORMED = "malformed"
    UNROUTED = "unrouted"
    SOCKET = "socket"
    RESEND_LIMIT = "resend_limit"
    TCP_LIMIT = "tcp_limit"
    TCP_SLOW = "tcp_slow"


class Counters:
    """Counted in the packet path: plain attributes, no locks, no labels to look up."""

    __slots__ = ("bytes_in", "bytes_out", "dropped", "keyframe_requests", "packets_in", "packets_out", "resent")

    def __init__(self) -> None:
        self.packets_in = 0
        self.packets_out = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.resent = 0
        self.keyframe_requests = 0
        self.dropped: dict[Drop, int] = dict.fromkeys(Drop, 0)


@dataclass(frozen=True, slots=True)
class MediaStatistics:
    """Totals since the start, and what there is now; `tasks` are all of the event loop."""

    packets_in: int
    packets_out: int
    bytes_in: int
    bytes_out: int
    resent: int
    keyframe_requests: int
    dropped: Mapping[str, int]
    transports: int
    rooms: int
    participants: int
    tasks: int


NOTHING_COUNTED = MediaStatistics(0, 0, 0, 0, 0, 0, {}, 0, 0, 0, 0)
