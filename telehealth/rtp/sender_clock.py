"""When a sender took what bears an RTP timestamp, by our clock (RFC 3550 §6.4.1)."""

from collections import deque
from dataclasses import dataclass

KEPT = 64
KEPT_S = 60.0
JUMP_S = 5.0
"""A sender whose clock seems to be later by so much has set it back: no line is that slow for long."""


@dataclass(frozen=True, slots=True)
class ClockPoint:
    """The RTP timestamp of an instant, which is in seconds of our monotonic clock."""

    rtp_timestamp: int
    at: float


class SenderClock:
    """Maps RTP timestamps to our time by the sender reports.

    A report says what the sender's own clock showed at an RTP timestamp. How far that clock is from ours is what the
    fastest of the last reports shows, less half of the shortest round trip: the others have only waited somewhere.
    """

    __slots__ = ("_latest", "_offsets", "_told")

    def __init__(self) -> None:
        self._offsets: deque[tuple[float, float, float]] = deque(maxlen=KEPT)
        self._latest: tuple[int, float] | None = None
        self._told = True

    def report(self, ntp_timestamp: int, rtp_timestamp: int, now: float, round_trip_s: float) -> None:
        """Take a report that arrived at `now` (monotonic seconds)."""
        if ntp_timestamp == 0:
            # The sender has no clock.
            return
        sent = ntp_timestamp / (1 << 32)
        offset = now - sent
        if self._offsets and offset - min(known for _, known, _ in self._offsets) > JUMP_S:
            self._offsets.clear()
        while self._offsets and now - self._offsets[0][0] > KEPT_S:
            self._offsets.popleft()
        self._offsets.append((now, offset, round_trip_s))
        self._latest = (rtp_timestamp, sent)
        self._told = False

    def behind(self, other: "SenderClock", rate: int = 90_000) -> int | None:
        """Return what to add to timestamps of this stream to get those of another of the same sender, modulo 2^32.

        None as long as one of them has not been reported. Both tick `rate` times a second by the sender's one clock.
        """
        if self._latest is None or other._latest is None:
            return None
        (ours, ours_at), (theirs, theirs_at) = self._latest, other._latest
        return (theirs - ours + round((ours_at - theirs_at) * rate)) % (1 << 32)

    def news(self) -> ClockPoint | None:
        """Return the newest point, unless it was returned before or there is none."""
        if self._told or self._latest is None:
            return None
        self._told = True
        rtp_timestamp, sent = self._latest
        offset = min(known for _, known, _ in self._offsets) - min(trip for _, _, trip in self._offsets) / 2
        return ClockPoint(rtp_timestamp, sent + offset)
