"""Which packets to ask the sender for again, and when (RFC 4585 §6.2.1)."""

from telehealth.rtp.sequence import distance, following

LIMIT = 256
"""Gaps remembered; a wider hole is beyond repair by retransmission and needs a keyframe."""
TRIES = 20
LEAST_RETRY_S = 0.03
LONG_S = 0.12
"""A round trip from which requests are bundled: in between they would come too early to do anything."""
BUNDLE = 3
"""Requests for one repetition: one or two of them may get lost."""
LATER_S = 0.02
"""How much later than a round trip the next repetition is asked for: browsers add a little to it."""
MOST_PATIENCE_S = 0.03
NEVER = float("inf")


class Missing:
    """Gaps in one stream: each is asked for, at once unless packets overtake each other here, then again while of use.

    Browsers send a packet again at most once per round trip. On a long way three requests, an eighth of it apart, go
    out for each repetition: what gets lost of them costs that little time, and the next repetition is asked for as soon
    as the sender may give it. On a short one a quarter is between any two.

    Args:
        give_up_s: How old a gap may be and still be asked for.

    Attributes:
        given_up: How many gaps were never filled.
    """

    __slots__ = ("_due_at", "_gaps", "_give_up_s", "_highest", "_patience_s", "_round_trip_s", "given_up")

    def __init__(self, give_up_s: float) -> None:
        self._highest = -1
        self._gaps: dict[int, tuple[float, int, float]] = {}  # Since when, tries, when next.
        self._due_at = NEVER
        self._give_up_s = give_up_s
        self._round_trip_s = 0.1
        self._patience_s = 0.0
        self.given_up = 0

    def set_round_trip(self, round_trip_s: float) -> None:
        """Adapt the time between tries to the path."""
        self._round_trip_s = round_trip_s

    def received(self, number: int, now: float) -> bool:
        """Note a packet; return whether something should be asked for now."""
        ahead = ((number - self._highest + 32768) & 0xFFFF) - 32768
        if ahead == 1 or self._highest < 0:
            self._highest = number
        elif ahead > 1:
            self._jump(number, ahead, now)
        elif (gap := self._gaps.pop(number, None)) is not None:
            self._filled(now - gap[0])
        return now >= self._due_at

    def _filled(self, after_s: float) -> None:
        # Sooner than a repetition can come: it was not lost, only overtaken. The next gap may wait a little.
        if after_s < 0.8 * self._round_trip_s:
            self._patience_s = max(self._patience_s, min(MOST_PATIENCE_S, 1.25 * after_s))
        else:
            self._patience_s *= 0.9

    def _jump(self, number: int, ahead: int, now: float) -> None:
        gap = following(self._highest)
        self._highest = number
        if ahead > LIMIT:
            self.given_up += ahead - 1 + len(self._gaps)
            self._gaps.clear()
            self._due_at = NEVER
            return
        while gap != number:
            self._gaps[gap] = (now, 0, now + self._patience_s)
            gap = following(gap)
        while len(self._gaps) > LIMIT:
            del self._gaps[next(iter(self._gaps))]
            self.given_up += 1
        self._due_at = min(self._due_at, now + self._patience_s)

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
                self._gaps[number] = (since, tries + 1, now + self._until_next(tries + 1))
        self._due_at = min((at for _, _, at in self._gaps.values()), default=NEVER)
        asked.sort(key=lambda number: distance(self._highest, number))
        return asked

    def _until_next(self, tries: int) -> float:
        if self._round_trip_s < LONG_S:
            return max(LEAST_RETRY_S, self._round_trip_s / 4)
        step_s = max(LEAST_RETRY_S, self._round_trip_s / 8)
        return step_s if tries % BUNDLE else self._round_trip_s + LATER_S - (BUNDLE - 1) * step_s

    def lacks(self, number: int) -> bool:
        """Tell whether this number is still waited for."""
        return number in self._gaps

    def __len__(self) -> int:
        return len(self._gaps)
