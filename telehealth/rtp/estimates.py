"""The bitrate a publisher may use: the least that its viewers can receive (draft-alvestrand-rmcat-remb-03)."""

from collections.abc import Hashable

INTERVAL_S = 1.0
STALE_S = 10.0
DECREASE = 0.97
LIMIT = 16


class Estimates:
    """Merges what viewers estimate for one stream; passes on a decrease at once, else once a second."""

    __slots__ = ("_by_viewer", "_sent", "_sent_at")

    def __init__(self) -> None:
        self._by_viewer: dict[Hashable, tuple[int, float]] = {}
        self._sent = 0
        self._sent_at = float("-inf")

    def note(self, viewer: Hashable, bitrate_bps: int, now: float) -> None:
        """Take a viewer's estimate; of viewers beyond LIMIT none is taken."""
        if viewer in self._by_viewer or len(self._by_viewer) < LIMIT:
            self._by_viewer[viewer] = (bitrate_bps, now)

    def forget(self, viewer: Hashable) -> None:
        self._by_viewer.pop(viewer, None)

    def due(self, now: float) -> int | None:
        """Return the bitrate to tell the publisher now, or None if there is nothing to tell yet."""
        fresh = [bitrate for bitrate, at in self._by_viewer.values() if now - at < STALE_S]
        if not fresh:
            return None
        least = min(fresh)
        if now - self._sent_at < INTERVAL_S and least >= self._sent * DECREASE:
            return None
        self._sent = least
        self._sent_at = now
        return least
