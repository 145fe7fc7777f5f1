"""One continuous stream out of several of the same picture in other sizes (RFC 7667 §3.7, selective forwarding).

A decoder must not notice that the source has changed: numbers, timestamps and the picture ids of VP8 (RFC 7741 §4.2) go
on where the source before has left off.
"""

from dataclasses import dataclass

from telehealth.rtp.depacketise import descriptor
from telehealth.rtp.packet import erase_extension, payload_start
from telehealth.rtp.sequence import Unwrapper, distance

FRAME = 3000
"""Of a clock of 90 kHz: what a picture is later than the one before at least, if nothing better is known."""
_REACH = 4096
"""How far back a number may be asked for again; no cache holds more."""
_CLOCK = 1 << 32


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What changes on the way, as shifts: sequence number, timestamp, picture id and index of base layer frames."""

    sequence: int = 0
    timestamp: int = 0
    picture: int = 0
    base: int = 0


@dataclass(slots=True)
class _Sent:
    """The furthest that went out so far."""

    sequence: int
    timestamp: int
    picture: int | None
    base: int | None


class Splice:
    """Renumbers what one receiver gets, so that it is one stream under one SSRC.

    Only packets of the source that was begun last are carried, none from before its beginning: a number never stands
    for two different packets, which would give away the key of authentication under AES-GCM (RFC 7714 §9.1).

    Args:
        newest: The furthest packet of the stream that the receiver may have got so far, as its source sent it.
        mid: Number of the header extension that names the media line (RFC 8843 §9.2); erased, for it names another.
        vp8: Payload type of VP8, whose payload bears numbers, too.
        goes_on: Whether later packets of that source go to the receiver, as they are, until another begins.

    Attributes:
        source: The SSRC whose packets are carried now; None if none are.
    """

    def __init__(self, newest: bytes, *, mid: int, vp8: int, goes_on: bool) -> None:
        number = newest[2] << 8 | newest[3]
        self._vp8 = vp8
        self._mid = mid
        self._ssrc = newest[8:12]
        self.source: int | None = int.from_bytes(newest[8:12], "big") if goes_on else None
        self._shift = _Numbers()
        self._as_it_is = True
        self._numbers = Unwrapper(number)
        self._first = number - _REACH
        self._sent = _Sent(number, int.from_bytes(newest[4:8], "big"), *self._pictures(newest))

    def begin(self, packet: bytes, timestamp_shift: int) -> None:
        """Carry the source of this packet from here on: the first of a picture that needs no other.

        Args:
            packet: Well-formed.
            timestamp_shift: From the clock of this source to that of the stream, as far as it is known.
        """
        number = packet[2] << 8 | packet[3]
        stamp = int.from_bytes(packet[4:8], "big")
        picture, base = self._pictures(packet)
        self.source = int.from_bytes(packet[8:12], "big")
        self._as_it_is = False
        self._numbers = Unwrapper(number)
        self._first = number
        sent = self._sent
        ahead = (stamp + timestamp_shift - sent.timestamp) % _CLOCK
        if not 0 < ahead < _CLOCK // 2:
            timestamp_shift = sent.timestamp + FRAME - stamp
        self._shift = _Numbers(
            sequence=sent.sequence + 1 - number,
            timestamp=timestamp_shift,
            picture=_following(sent.picture, picture),
            base=_following(sent.base, base),
        )

    def carry(self, packet: bytes) -> bytes | None:
        """Return this packet as the receiver is to get it; None if it is not of the source, or from before."""
        if int.from_bytes(packet[8:12], "big") != self.source:
            return None
        extended = self._numbers.unwrap(packet[2] << 8 | packet[3])
        if extended < self._first:
            return None
        if not self._as_it_is:
            return self._renumbered(packet)
        # To the last byte as it went out before: the same number must not stand for anything else.
        self._note(packet[2] << 8 | packet[3], int.from_bytes(packet[4:8], "big"), *self._pictures(packet))
        return packet

    def recall(self, number: int) -> int | None:
        """Return under which number the source sent what the receiver got as `number`; None if that is long ago."""
        original = number - self._shift.sequence
        behind = distance(original & 0xFFFF, self._numbers.highest & 0xFFFF)
        if not 0 <= behind < _REACH or self._numbers.highest - behind < self._first:
            return None
        return original & 0xFFFF

    def report(self, timestamp: int) -> int:
        """Return the stream's timestamp of what the source calls by this one."""
        return (timestamp + self._shift.timestamp) % _CLOCK

    def _renumbered(self, packet: bytes) -> bytes:
        shift = self._shift
        number = ((packet[2] << 8 | packet[3]) + shift.sequence) & 0xFFFF
        stamp = (int.from_bytes(packet[4:8], "big") + shift.timestamp) % _CLOCK
        changed = bytearray(packet)
        changed[2:12] = number.to_bytes(2, "big") + stamp.to_bytes(4, "big") + self._ssrc
        erase_extension(changed, self._mid)
        place, base_at = self._places(packet)
        if place and shift.picture:
            _shift_picture(changed, place, shift.picture)
        if base_at:
            changed[base_at] = (changed[base_at] + shift.base) & 0xFF
        self._note(number, stamp, *self._pictures(changed))
        return bytes(changed)

    def _note(self, number: int, stamp: int, picture: int | None, base: int | None) -> None:
        sent = self._sent
        if distance(sent.sequence, number) > 0:
            sent.sequence = number
            sent.timestamp = stamp
            sent.picture = picture if picture is not None else sent.picture
            sent.base = base if base is not None else sent.base

    def _pictures(self, packet: bytes | bytearray) -> tuple[int | None, int | None]:
        place, base_at = self._places(packet)
        picture = None
        if place:
            long = packet[place] & 0x80
            picture = (packet[place] & 0x7F) << 8 | packet[place + 1] if long else packet[place]
        return picture, packet[base_at] if base_at else None

    def _places(self, packet: bytes | bytearray) -> tuple[int, int]:
        """Return where the picture id and the index of base layer frames stand in a packet of VP8; 0 for neither."""
        start = payload_start(packet)
        if packet[1] & 0x7F != self._vp8 or start + 1 >= len(packet) or not packet[start] & 0x80:
            return 0, 0
        length, _ = descriptor(packet[start : start + 6])
        if start + length > len(packet):
            return 0, 0
        has = packet[start + 1]
        place = start + 2 if has & 0x80 else 0
        base_at = start + 2
        if place:
            base_at += 2 if packet[place] & 0x80 else 1
        return place, base_at if has & 0x40 else 0


def _following(last: int | None, first: int | None) -> int:
    return last + 1 - first if last is not None and first is not None else 0


def _shift_picture(packet: bytearray, place: int, shift: int) -> None:
    if packet[place] & 0x80:
        shifted = ((packet[place] & 0x7F) << 8 | packet[place + 1]) + shift
        packet[place] = 0x80 | shifted >> 8 & 0x7F
        packet[place + 1] = shifted & 0xFF
    else:
        packet[place] = (packet[place] + shift) & 0x7F
