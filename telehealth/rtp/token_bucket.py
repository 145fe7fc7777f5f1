"""A token bucket: a rate with a burst."""


class TokenBucket:
    """Allows `rate` units a second on average and `burst` at once; full at the start."""

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at = now

    def take(self, units: float, now: float) -> bool:
        """Take the units if they are there; never a part of them."""
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        if units > self._level:
            return False
        self._level -= units
        return True
