"""Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).

The sender numbers all packets of a transport; we tell it when each arrived, and it estimates the bandwidth itself.
"""

import struct
from itertools import pairwise

from telehealth.rtp.sequence import distance

MOST_WAITING = 1024
MOST_REPORTED = 512
"""Packets that one feedback speaks of."""
_TICK_S = 0.00025
_REFERENCE_S = 0.064
_FORMAT = 15
_TRANSPORT_FEEDBACK = 205
_LOST, _SMALL, _LARGE = 0, 1, 2
_RUN = 0x1FFF
_REFERENCE_TICKS = round(_REFERENCE_S / _TICK_S)


class Arrivals:
    """Remembers when packets of one transport came, and says so to their sender."""

    __slots__ = ("_count", "_next", "_seen")

    def __init__(self) -> None:
        self._seen: list[tuple[int, float]] = []
        self._next = -1
        self._count = 0

    def __len__(self) -> int:
        """Tell how many have come since the last feedback."""
        return len(self._seen)

    def note(self, number: int, now: float) -> None:
        """Remember that the packet with this transport-wide number came now; too many wait for nothing."""
        seen = self._seen
        if len(seen) < MOST_WAITING:
            seen.append((number, now))

    def feedback(self, sender: int, media: int) -> bytes | None:
        """Return the feedback on what came since the last one, or None if nothing did."""
        usual = self._usual()
        if usual is not None:
            first, count, reference, content = usual
        else:
            arrived = self._in_order()
            if not arrived:
                return None
            first = self._next if self._next >= 0 else arrived[0][0]
            del arrived[MOST_REPORTED:]
            reference = int(arrived[0][1] / _REFERENCE_S)
            statuses, deltas = _statuses(arrived, first, reference)
            self._next = arrived[-1][0] + 1
            count, content = len(statuses), _chunks(statuses) + deltas
        word = (reference & 0xFFFFFF) << 8 | self._count & 0xFF
        self._count += 1
        return _padded(struct.pack("!LLHHL", sender, media, first & 0xFFFF, count, word) + content)

    def _usual(self) -> tuple[int, int, int, bytes] | None:
        """Take what came if nothing is missing, late or far apart: the same as in general, in a third of the time.

        Returns:
            The first number, how many, the reference time, and statuses with deltas; None if it is not so.
        """
        seen, near = self._seen, self._next
        count = len(seen)
        if not 7 <= count <= MOST_REPORTED or near < 0:
            return None
        first = near & 0xFFFF
        if [number for number, _ in seen] != list(range(first, first + count)):
            return None
        reference = int(seen[0][1] / _REFERENCE_S)
        ticks = [round(at / _TICK_S) for _, at in seen]
        deltas = [later - earlier for earlier, later in pairwise((reference * _REFERENCE_TICKS, *ticks))]
        if min(deltas) < 0 or max(deltas) > 0xFF:
            return None
        self._seen = []
        self._next = near + count
        return near, count, reference, struct.pack("!H", _SMALL << 13 | count) + bytes(deltas)

    def _in_order(self) -> list[tuple[int, float]]:
        """Return what came, by extended number; late ones of which we said that they were lost are left out."""
        seen, self._seen = self._seen, []
        if not seen:
            return []
        near = self._next if self._next >= 0 else seen[0][0]
        by_number: dict[int, float] = {}
        for number, at in seen:
            by_number.setdefault(near + distance(near & 0xFFFF, number), at)
        if self._next < 0:
            return sorted(by_number.items())
        # A jump beyond what one feedback can say: begin anew where the sender is.
        last = max(by_number)
        if last - self._next >= MOST_REPORTED:
            self._next = max(min(number for number in by_number if number >= self._next), last - MOST_REPORTED + 1)
        return sorted((number, at) for number, at in by_number.items() if number >= self._next)


def _statuses(arrived: list[tuple[int, float]], first: int, reference: int) -> tuple[list[int], bytes]:
    statuses: list[int] = []
    deltas = bytearray()
    ticks = reference * _REFERENCE_TICKS
    expected = first
    for number, at in arrived:
        if number != expected:
            statuses += [_LOST] * (number - expected)
        expected = number + 1
        delta = round(at / _TICK_S) - ticks
        if 0 <= delta <= 0xFF:
            statuses.append(_SMALL)
            deltas.append(delta)
        else:
            delta = max(-0x8000, min(0x7FFF, delta))
            statuses.append(_LARGE)
            deltas += struct.pack("!h", delta)
        ticks += delta
    return statuses, bytes(deltas)


def _chunks(statuses: list[int]) -> bytes:
    """Pack the statuses: a run where seven or more are alike, else seven two-bit symbols."""
    if 7 <= len(statuses) <= _RUN and statuses.count(statuses[0]) == len(statuses):
        return struct.pack("!H", statuses[0] << 13 | len(statuses))
    packed = bytearray()
    place = 0
    while place < len(statuses):
        run = 1
        while place + run < len(statuses) and run < _RUN and statuses[place + run] == statuses[place]:
            run += 1
        if run >= 7:
            packed += struct.pack("!H", statuses[place] << 13 | run)
            place += run
            continue
        word = 0xC000
        for offset, status in enumerate(statuses[place : place + 7]):
            word |= status << (12 - 2 * offset)
        packed += struct.pack("!H", word)
        place += 7
    return bytes(packed)


def _padded(body: bytes) -> bytes:
    missing = -len(body) % 4
    first = 0x80 | _FORMAT | (0x20 if missing else 0)
    if missing:
        body += bytes(missing - 1) + bytes([missing])
    return struct.pack("!BBH", first, _TRANSPORT_FEEDBACK, len(body) // 4) + body


def parse_feedback(body: bytes) -> list[tuple[int, float | None]]:
    """Return (number, arrival in seconds since an arbitrary start, or None if lost) of a feedback without its header.

    Programs that send to us, such as simulated participants, read with it; ValueError if it does not add up.
    """
    if len(body) < 16:
        raise ValueError("truncated feedback")
    base, count, word = struct.unpack_from("!HHL", body, 8)
    statuses, position = _unpacked(body, count)
    at = (word >> 8) * _REFERENCE_S
    found: list[tuple[int, float | None]] = []
    for offset, status in enumerate(statuses):
        number = (base + offset) & 0xFFFF
        if status == _LOST:
            found.append((number, None))
            continue
        size = 1 if status == _SMALL else 2
        if position + size > len(body):
            raise ValueError("feedback without its deltas")
        at += int.from_bytes(body[position : position + size], "big", signed=size == 2) * _TICK_S
        position += size
        found.append((number, at))
    return found


def _unpacked(body: bytes, count: int) -> tuple[list[int], int]:
    statuses: list[int] = []
    position = 16
    while len(statuses) < count:
        if position + 2 > len(body):
            raise ValueError("feedback without its statuses")
        word = body[position] << 8 | body[position + 1]
        position += 2
        if not word & 0x8000:
            statuses += [word >> 13] * (word & _RUN)
        elif word & 0x4000:
            statuses += [word >> (12 - 2 * place) & 3 for place in range(7)]
        else:
            statuses += [word >> (13 - place) & 1 for place in range(14)]
    return statuses[:count], position
