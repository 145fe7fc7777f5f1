"""Requests for a keyframe, merged and limited: many viewers ask, the publisher is asked twice a second at most."""

INTERVAL_S = 0.5


class KeyframeRequests:
    """Decides when to pass on a wish for a keyframe of one stream."""

    __slots__ = ("_asked_at", "_wanted")

    def __init__(self) -> None:
        self._asked_at = float("-inf")
        self._wanted = False

    def want(self) -> None:
        """Note that a viewer cannot go on without a keyframe."""
        self._wanted = True

    def due(self, now: float) -> bool:
        """Return whether to ask now; if so, count it as asked."""
        if not self._wanted or now - self._asked_at < INTERVAL_S:
            return False
        self._wanted = False
        self._asked_at = now
        return True
