"""Requests for a keyframe, merged and limited: many viewers ask, the publisher is asked twice a second at most.

One that nothing follows was lost, or the keyframe is still on its way: it is repeated a few times.
"""

INTERVAL_S = 0.5
TRIES = 4


class KeyframeRequests:
    """Decides when to ask for a keyframe of one stream.

    Attributes:
        awaited: Whether one was asked for and has not begun.
    """

    __slots__ = ("_asked_at", "_tries", "_wanted", "awaited")

    def __init__(self) -> None:
        self._asked_at = float("-inf")
        self._tries = 0
        self._wanted = False
        self.awaited = False

    def want(self) -> None:
        """Note that a viewer cannot go on without a keyframe."""
        self._wanted = True

    def came(self) -> None:
        """Note that a keyframe begins, which serves whoever wants one."""
        self._wanted = self.awaited = False

    def due(self, now: float, round_trip_s: float = 0.0) -> bool:
        """Return whether to ask now; if so, count it as asked.

        Args:
            now: Monotonic seconds.
            round_trip_s: To the publisher; sooner than after one and a half of it no request is repeated.
        """
        passed = now - self._asked_at
        if passed < INTERVAL_S:
            return False
        if self._wanted:
            self._tries = 0
        elif not self.awaited or passed < 1.5 * round_trip_s:
            return False
        elif self._tries >= TRIES:
            self.awaited = False
            return False
        self._wanted = False
        self.awaited = True
        self._tries += 1
        self._asked_at = now
        return True
