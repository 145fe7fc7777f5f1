"""Which packets to ask the sender for again (RFC 4585 §6.2.1)."""

from telehealth.rtp.sequence import distance, following

LIMIT = 128
"""Gaps remembered; a wider hole is beyond repair by retransmission and needs a keyframe."""
TRIES = 5
RETRY_S = 0.08


class Missing:
    """Gaps in one stream: each is asked for at once, then again every RETRY_S, TRIES times at most."""

    __slots__ = ("_gaps", "_highest")

    def __init__(self) -> None:
        self._highest = -1
        self._gaps: dict[int, tuple[int, float]] = {}

    def received(self, number: int, now: float) -> bool:
        """Note a packet; return whether it revealed a gap that should be asked for now."""
        if self._highest < 0:
            self._highest = number
            return False
        ahead = distance(self._highest, number)
        if ahead == 1:
            self._highest = number
            return False
        if ahead <= 0:
            self._gaps.pop(number, None)
            return False
        return self._jump(number, ahead, now)

    def _jump(self, number: int, ahead: int, now: float) -> bool:
        gap = following(self._highest)
        self._highest = number
        if ahead > LIMIT:
            self._gaps.clear()
            return False
        while gap != number:
            self._gaps[gap] = (0, now)
            gap = following(gap)
        while len(self._gaps) > LIMIT:
            del self._gaps[next(iter(self._gaps))]
        return True

    def due(self, now: float) -> list[int]:
        """Return the numbers to ask for now, oldest first, and count the attempt."""
        if not self._gaps:
            return []
        asked = [number for number, (_, at) in self._gaps.items() if at <= now]
        for number in asked:
            tries = self._gaps[number][0] + 1
            if tries >= TRIES:
                del self._gaps[number]
            else:
                self._gaps[number] = (tries, now + RETRY_S)
        return asked

    def __len__(self) -> int:
        return len(self._gaps)
