"""The load: 720p-like video and a voice from each participant, sent on schedule and counted where it arrives.

A packet carries the time at which it was sent, in the last eight bytes of its payload. At a few viewers the kernel
notes when a datagram reached the socket, so that a late reader does not count as a late packet.
"""

import contextlib
import random
import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from pylibsrtp import Error as SrtpError

from benchmarks.media.descriptions import MID, SEND_TIME, TRANSPORT_CC
from benchmarks.media.transport import TIMESTAMPNS, Transport

FRAMES_PER_S = 30
VOICE_PER_S = 50
PACKETS_PER_FRAME = 5
PACKETS_PER_S = FRAMES_PER_S * PACKETS_PER_FRAME + VOICE_PER_S
SAMPLED_VIEWERS = 10
READ_EVERY_NS = 1_000_000
DRAIN_S = 0.3
_STAMP = struct.Struct("!Q")
_TIME = struct.Struct("qq")
_HEADER = struct.Struct("!BBHLLHHL")
_SECOND = 1_000_000_000
_SEND_TIME_ID = 2
_MID_ID = 4
_TRANSPORT_CC_ID = 5

_KEYFRAME = b"\x90\x80\x80\x00\x10\x00\x00\x9d\x01\x2a\x00\x05\xd0\x02"
_DELTA = b"\x90\x80\x80\x00\x11\x00\x00"
_REST = b"\x80\x80\x80\x00"
VIDEO_BYTES = 1_060
VOICE_BYTES = 80


def _filled(head: bytes, size: int) -> bytes:
    return head + random.Random(size).randbytes(size - len(head))


def synthetic_frames() -> list[list[bytes]]:
    """Thirty pictures that look like VP8 to who reads descriptors: one key frame, then deltas."""
    rest = [_filled(_REST, VIDEO_BYTES)] * (PACKETS_PER_FRAME - 1)
    return [[_filled(_KEYFRAME if n == 0 else _DELTA, VIDEO_BYTES), *rest] for n in range(FRAMES_PER_S)]


def synthetic_voice() -> list[bytes]:
    return [_filled(b"\x78", VOICE_BYTES)]


@dataclass(frozen=True, slots=True)
class Line:
    """What a participant sends one source with."""

    ssrc: int
    payload_type: int
    mid: str
    extensions: dict[str, int]


class Stream:
    """Builds, encrypts and sends the packets of one source."""

    def __init__(self, transport: Transport, line: Line, ticks: int, numbers: list[int], *, stamped: bool) -> None:
        self._protect = transport.protect
        self._protect_rtcp = transport.protect_rtcp
        self._send = transport.socket.send
        self._line = line
        self._ticks = ticks
        self._number = 0
        self._timestamp = 0
        self._numbers = numbers
        self._stamped = stamped
        self._sent = 0
        ids = line.extensions
        self._has_cc = TRANSPORT_CC in ids
        self._time_id = ids.get(SEND_TIME, _SEND_TIME_ID) << 28 | 2 << 24
        self._cc = ids.get(TRANSPORT_CC, _TRANSPORT_CC_ID) << 4 | 1
        mid = line.mid.encode()
        self._mid = bytes([ids.get(MID, _MID_ID) << 4 | len(mid) - 1]) + mid
        length = 4 + 3 * self._has_cc + len(self._mid)
        self._padding = bytes(-length % 4)
        self._words = (length + len(self._padding)) // 4

    def send(self, payloads: Sequence[bytes]) -> int:
        """Send the packets of one picture or one piece of sound; return how many went out."""
        out = 0
        last = len(payloads) - 1
        for place, payload in enumerate(payloads):
            now = time.time_ns()
            sent_at = (now % (64 * _SECOND) << 18) // _SECOND & 0xFFFFFF
            second = self._line.payload_type | (0x80 if place == last else 0)
            packet = _HEADER.pack(
                0x90,
                second,
                self._number,
                self._timestamp,
                self._line.ssrc,
                0xBEDE,
                self._words,
                self._time_id | sent_at,
            )
            if self._has_cc:
                packet += struct.pack("!BH", self._cc, self._numbers[0])
                self._numbers[0] = self._numbers[0] + 1 & 0xFFFF
            packet += self._mid + self._padding + payload
            if self._stamped:
                packet += _STAMP.pack(now)
            self._number = self._number + 1 & 0xFFFF
            with contextlib.suppress(BlockingIOError, ConnectionError):
                self._send(self._protect(packet))
                out += 1
        self._timestamp = self._timestamp + self._ticks & 0xFFFFFFFF
        self._sent += out
        return out

    def report(self) -> None:
        """Send a sender report (RFC 3550 §6.4.1)."""
        ntp = int((time.time_ns() / _SECOND + 2_208_988_800) * (1 << 32))
        head = struct.pack("!BBHL", 0x80, 200, 6, self._line.ssrc)
        body = struct.pack("!QLLL", ntp, self._timestamp, self._sent & 0xFFFFFFFF, self._sent * 1000 & 0xFFFFFFFF)
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self._send(self._protect_rtcp(head + body))


@dataclass(slots=True)
class Member:
    """A participant: the transport on which it sends, and the one on which it receives, which may be the same."""

    sending: Transport
    receiving: Transport
    voice: Line
    video: Line
    watched: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of the load brought."""

    seconds: float
    sent: int
    received: int
    latencies_ms: list[float]
    late_ms: float
    undecryptable: int


class Load:
    """Drives all participants from one synchronous loop: an event loop would cost more than the packets.

    Args:
        stamped: Packets carry their time; not where a server would decode them.
    """

    def __init__(
        self, members: Sequence[Member], frames: list[list[bytes]], voice: list[bytes], *, stamped: bool = True
    ) -> None:
        chance = random.Random(1)
        self._members = members
        self._frames = frames
        self._voice = voice
        self._videos: list[Stream] = []
        self._voices: list[Stream] = []
        plan: list[tuple[int, Stream, int, bool]] = []
        for member in members:
            numbers = [0]
            video = Stream(member.sending, member.video, 90_000 // FRAMES_PER_S, numbers, stamped=stamped)
            sound = Stream(member.sending, member.voice, 48_000 // VOICE_PER_S, numbers, stamped=stamped)
            self._videos.append(video)
            self._voices.append(sound)
            phase, other = chance.random(), chance.random()
            plan += [(int((n + phase) * _SECOND / FRAMES_PER_S), video, n, True) for n in range(FRAMES_PER_S)]
            plan += [(int((n + other) * _SECOND / VOICE_PER_S), sound, n, False) for n in range(VOICE_PER_S)]
        self._plan = sorted(plan, key=lambda entry: entry[0])
        self._transports = {m.receiving.socket.fileno(): m.receiving for m in members}
        self._transports |= {m.sending.socket.fileno(): m.sending for m in members}
        step = max(1, len(members) // SAMPLED_VIEWERS)
        self._sampled = {member.receiving.socket.fileno() for member in members[::step] if stamped}
        for number in self._sampled:
            self._transports[number].socket.setsockopt(socket.SOL_SOCKET, TIMESTAMPNS, 1)
        self._poll = select.epoll()
        for number in self._transports:
            self._poll.register(number, select.EPOLLIN)
        self._buffer = bytearray(2048)
        self._received = 0
        self._undecryptable = 0
        self._latencies: list[float] = []

    def close(self) -> None:
        self._poll.close()

    def run(self, seconds: int) -> Outcome:
        """Send for so many seconds, then wait for what is still on its way."""
        self._received = self._undecryptable = 0
        self._latencies = []
        sent, late = 0, 0
        begin = time.monotonic_ns() + 5_000_000
        for second in range(seconds):
            self._each_second()
            some, later = self._one_second(begin + second * _SECOND, second)
            sent += some
            late = max(late, later)
        took = (time.monotonic_ns() - begin) / _SECOND
        end = time.monotonic() + DRAIN_S
        while time.monotonic() < end:
            self._read()
            time.sleep(0.005)
        return Outcome(took, sent, self._received, self._latencies, late / 1e6, self._undecryptable)

    def _one_second(self, begin: int, second: int) -> tuple[int, int]:
        sent, late, read_at = 0, 0, 0
        frames, voice = self._frames, self._voice
        for offset, stream, place, is_video in self._plan:
            due = begin + offset
            now = time.monotonic_ns()
            while now < due:
                if now - read_at > READ_EVERY_NS:
                    self._read()
                    read_at = time.monotonic_ns()
                elif due - now > 60_000:
                    time.sleep(min(due - now - 50_000, READ_EVERY_NS) / _SECOND)
                now = time.monotonic_ns()
            late = max(late, now - due)
            at = second * (FRAMES_PER_S if is_video else VOICE_PER_S) + place
            sent += stream.send(frames[at % len(frames)] if is_video else voice[at % len(voice) :][:1])
            if now - read_at > 4 * READ_EVERY_NS:
                self._read()
                read_at = time.monotonic_ns()
        return sent, late

    def _each_second(self) -> None:
        for stream in (*self._videos, *self._voices):
            stream.report()
        for member in self._members:
            blocks = b"".join(struct.pack("!LLLLLL", ssrc, 0, 0, 0, 0, 0) for ssrc in member.watched)
            head = struct.pack("!BBHL", 0x80 | len(member.watched), 201, 1 + len(blocks) // 4, member.video.ssrc)
            receiving = member.receiving
            with contextlib.suppress(BlockingIOError, ConnectionError):
                receiving.socket.send(receiving.protect_rtcp(head + blocks))
        for transport in self._transports.values():
            if check := transport.check():
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    transport.socket.send(check)

    def _read(self) -> None:
        for number, _ in self._poll.poll(0):
            transport = self._transports[number]
            with contextlib.suppress(BlockingIOError, ConnectionError):
                if number in self._sampled:
                    self._read_sampled(transport)
                else:
                    self._read_counted(transport)

    def _read_counted(self, transport: Transport) -> None:
        buffer, receive = self._buffer, transport.socket.recv_into
        while True:
            length = receive(buffer)
            if buffer[0] >= 128:
                self._received += not 192 <= buffer[1] <= 223
            else:
                transport.control(bytes(buffer[:length]))

    def _read_sampled(self, transport: Transport) -> None:
        while True:
            datagram, ancillary, _, _ = transport.socket.recvmsg(2048, 64)
            if not datagram or datagram[0] < 128:
                transport.control(datagram)
                continue
            if 192 <= datagram[1] <= 223:
                continue
            self._received += 1
            seconds, nanoseconds = _TIME.unpack(ancillary[0][2])
            try:
                packet = transport.unprotect(datagram)
            except SrtpError:
                self._undecryptable += 1
                continue
            stamp = _STAMP.unpack_from(packet, len(packet) - 8)[0]
            self._latencies.append((seconds * _SECOND + nanoseconds - stamp) / 1e6)
