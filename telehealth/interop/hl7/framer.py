"""MLLP: from octets to messages and back (HL7 v2.x, Transport Specification: MLLP, release 1).

A message stands between 0x0B and 0x1C 0x0D. Whatever stands before 0x0B is dropped. A missing 0x0D is put up with: then
the message ends with the next 0x0B, or when nothing comes for a while and the caller says so by `idle`.
"""

from dataclasses import dataclass

START, END, CR = 0x0B, 0x1C, 0x0D

MAX_MESSAGE = 2 * 1024 * 1024
MAX_STRAY = 64 * 1024
"""Octets outside of messages after which the sender speaks something else."""

IDLE_S = 0.05
"""Silence after 0x1C that ends a message without its 0x0D."""

_BETWEEN = bytes((END, CR)) + b" \n"


@dataclass(frozen=True, slots=True)
class Fault:
    """The octets are no MLLP: `too_large`, `no_start` or `no_end`. After `too_large` and `no_start` nothing follows."""

    code: str


def framed(message: bytes) -> bytes:
    """Return the message as it goes over the wire."""
    return bytes((START,)) + message + bytes((END, CR))


class Framer:
    """Takes octets as they come, in pieces of any size; gives whole messages.

    Attributes:
        repairs: How many messages lacked their last octet.
    """

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self._limit = limit
        self._message = bytearray()
        self._inside = False
        self._ended = False
        self._stray = 0
        self._noise = False
        self._broken = False
        self.repairs = 0

    @property
    def waiting(self) -> bool:
        """Whether a message is complete but for its 0x0D: ask again with `idle` after IDLE_S."""
        return self._ended

    @property
    def inside(self) -> bool:
        """Whether a message has begun."""
        return self._inside

    def feed(self, data: bytes) -> list[bytes | Fault]:
        """Take what came and return the messages that it completes, and what was wrong."""
        found: list[bytes | Fault] = []
        position = 0
        while position < len(data) and not self._broken:
            if self._ended:
                position += self._after_end(data[position], found)
            elif self._inside:
                position = self._within(data, position, found)
            else:
                position = self._outside(data, position, found)
        return found

    def idle(self) -> list[bytes | Fault]:
        """Return the message that waited for its 0x0D in vain, if any."""
        if not self._ended:
            return []
        self.repairs += 1
        return [self._complete()]

    def _outside(self, data: bytes, position: int, found: list[bytes | Fault]) -> int:
        start = data.find(START, position)
        stray = data[position:] if start < 0 else data[position:start]
        self._stray += len(stray)
        before_end = stray[: max(0, stray.rfind(END))]
        # A whole message without its first octet must not vanish: its sender would wait for an answer.
        if self._stray > MAX_STRAY or (END in stray and (self._noise or before_end.strip(_BETWEEN))):
            self._broken = True
            found.append(Fault("no_start"))
        self._noise = self._noise or bool(stray.strip(_BETWEEN))
        if start < 0:
            return len(data)
        self._inside, self._stray, self._noise = True, 0, False
        return start + 1

    def _within(self, data: bytes, position: int, found: list[bytes | Fault]) -> int:
        stops = [at for at in (data.find(END, position), data.find(START, position)) if at >= 0]
        stop = min(stops, default=len(data))
        self._message += data[position:stop]
        if len(self._message) > self._limit:
            self._broken = True
            self._message.clear()
            found.append(Fault("too_large"))
        elif stop < len(data) and data[stop] == END:
            self._ended = True
        elif stop < len(data):
            # A new message begins: the one before was cut off.
            self._message.clear()
            found.append(Fault("no_end"))
        return stop + 1

    def _after_end(self, octet: int, found: list[bytes | Fault]) -> int:
        """Decide by the octet after 0x1C; return how many octets were used."""
        if octet == CR:
            found.append(self._complete())
            return 1
        if octet == START:
            self.repairs += 1
            found.append(self._complete())
            return 0
        # It was no end, but an octet of the message.
        self._ended = False
        self._message.append(END)
        return 0

    def _complete(self) -> bytes:
        message = bytes(self._message)
        self._message.clear()
        self._inside = self._ended = False
        return message
