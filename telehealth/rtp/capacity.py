"""How much fits through a narrow link on which hardly anything is sent, by questions of two sizes.

A large one takes as much longer as the link needs for its octets (the idea of pathchar, V. Jacobson 1997). What waits
before others makes some of them longer still, so the shortest of several count.
"""

from collections import deque

SMALL, LARGE = 10, 3
"""So many of each are remembered: a link that became wide again is to show soon."""
LEAST_S = 0.001
"""Clocks and event loops tell no less apart."""


class Capacity:
    """Watches one link."""

    __slots__ = ("_large", "_small")

    def __init__(self) -> None:
        self._small: deque[float] = deque(maxlen=SMALL)
        self._large: deque[float] = deque(maxlen=LARGE)

    def took(self, round_trip_s: float, *, large: bool) -> None:
        """Take the round trip of a question."""
        (self._large if large else self._small).append(round_trip_s)

    def bps(self, octets: int) -> float | None:
        """Return what fits, in bit/s, if large questions have so many octets more; None before enough were asked."""
        if len(self._small) < LARGE or len(self._large) < LARGE:
            return None
        return 8 * octets / max(LEAST_S, min(self._large) - min(self._small))
