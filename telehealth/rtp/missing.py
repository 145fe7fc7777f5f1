"""Which packets to ask the sender for again, and when (RFC 4585 §6.2.1)."""

from telehealth.rtp.sequence import distance, following

LIMIT = 256
"""Gaps remembered; a wider hole is beyond repair by retransmission and needs a keyframe."""
TRIES = 10
LEAST_RETRY_S = 0.03
NEVER = float("inf")


class Missing:
    """Gaps in one stream: each is asked for at once, then again until it is too old to be of use.

    Half a round trip is between two tries: a request that got lost costs less time so. Browsers send a packet again at
    most once per round trip, so a request too many costs its own few bytes.

    Args:
        give_up_s: How old a gap may be and still be asked for.

    Attributes:
        given_up: How many gaps were never filled.
    """

    __slots__ = ("_due_at", "_gaps", "_give_up_s", "_highest", "_retry_s", "given_up")

    def __init__(self, give_up_s: float) -> None:
        self._highest = -1
        self._gaps: dict[int, tuple[float, int, float]] = {}  # Since when, tries, when next.
        self._due_at = NEVER
        self._give_up_s = give_up_s
        self._retry_s = 0.08
        self.given_up = 0

    def set_round_trip(self, round_trip_s: float) -> None:
        """Adapt the time between tries to the path."""
        self._retry_s = max(LEAST_RETRY_S, round_trip_s / 2)

    def received(self, number: int, now: float) -> bool:
        """Note a packet; return whether something should be asked for now."""
        ahead = ((number - self._highest + 32768) & 0xFFFF) - 32768
        if ahead == 1 or self._highest < 0:
            self._highest = number
        elif ahead > 1:
            self._jump(number, ahead, now)
        elif ahead < 0:
            self._gaps.pop(number, None)
        return now >= self._due_at

    def _jump(self, number: int, ahead: int, now: float) -> None:
        gap = following(self._highest)
        self._highest = number
        if ahead > LIMIT:
            self.given_up += ahead - 1 + len(self._gaps)
            self._gaps.clear()
            self._due_at = NEVER
            return
        while gap != number:
            self._gaps[gap] = (now, 0, now)
            gap = following(gap)
        while len(self._gaps) > LIMIT:
            del self._gaps[next(iter(self._gaps))]
            self.given_up += 1
        self._due_at = now

    def due(self, now: float) -> list[int]:
        """Return the numbers to ask for now, oldest first, and count the attempt."""
        if now < self._due_at:
            return []
        asked = []
        for number, (since, tries, at) in list(self._gaps.items()):
            if now - since > self._give_up_s or tries >= TRIES:
                del self._gaps[number]
                self.given_up += 1
            elif at <= now:
                asked.append(number)
                self._gaps[number] = (since, tries + 1, now + self._retry_s)
        self._due_at = min((at for _, _, at in self._gaps.values()), default=NEVER)
        asked.sort(key=lambda number: distance(self._highest, number))
        return asked

    def __len__(self) -> int:
        return len(self._gaps)
