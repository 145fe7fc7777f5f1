"""What fits through the way to one receiver, judged by what arrives while it is full.

Chromium estimates nothing as a receiver of packets without their sender's time, and it sends none beside transport-wide
numbers: it tells only what it lost. A full link shows by its queue, which makes the round trip longer than it can be,
or by heavy loss; then what arrives is all that fits. Plain loss is neither: radio loses without being full.
"""

from collections.abc import Mapping

QUEUE_S = 0.15
"""A round trip longer than the shortest by this, or by half, is a queue."""
HEAVY_LOSS = 0.25
SILENT_LOSS = 0.9
"""Taken for lost where neither reports nor answers come back: a flood in both directions."""
RAISED = 3
"""Long round trips one after the other: a single one is a pause of somebody's machine."""
MERE_CHANCE = 0.001
"""So improbable it must be that plain loss took all answers."""
USUAL_WEIGHT = 0.3
FLOOD_LOSS = 0.5
"""So much is not what is left of a queue: the first cut was made by a second that had begun well."""
SHARE_USED = 0.85
"""Of what arrived, so that the queue can empty."""
DRAINS_S = 2.5
"""After a cut, until the publisher has followed and the queue is gone."""
GROWTH = 1.08
GROWTH_BPS = 8_000
LEAST_BPS = 20_000
"""Of a stream that hardly flows nothing can be said."""
LIMITED = 1.25
"""An estimate above what is sent by this much says that there was no more to measure, not that no more would fit."""
_REMEMBERED_S = 60.0


class Bottleneck:
    """Watches one link.

    Attributes:
        pictures_bps: What was sent of pictures lately.
        estimate_bps: What fits of pictures; None while the link has not been full.
        full: Whether a queue stands before it now.
    """

    __slots__ = (
        "_at",
        "_counted",
        "_cut_at",
        "_cut_for",
        "_earlier",
        "_hinted",
        "_latest",
        "_least",
        "_least_since",
        "_open",
        "_raised",
        "_since",
        "_totals",
        "_unanswered",
        "_usual",
        "estimate_bps",
        "full",
        "pictures_bps",
    )  # fmt: skip

    def __init__(self) -> None:
        self.pictures_bps = 0.0
        self.estimate_bps: float | None = None
        self.full = False
        self._totals: dict[int, int] = {}
        self._at = float("-inf")
        self._least = self._earlier = float("inf")
        self._least_since = float("-inf")
        self._raised = 0
        self._open = self._counted = self._hinted = False
        self._unanswered = 0
        self._usual = 0.0
        self._cut_at = self._cut_for = float("-inf")
        self._since = self._latest = 0.0

    def restart(self) -> None:
        """Forget the estimate: something else is sent from now on."""
        self.estimate_bps = None

    def asked(self, now: float) -> None:
        """Note that a round trip begins; one before it without an answer was long, or lost in a full queue."""
        self._miss(now)
        self._open, self._counted = True, False

    def waited(self, waited_s: float, now: float) -> None:
        """Note how long the answer has been missing: if it could have been here, that counts at once."""
        if waited_s > self._long_s():
            self._miss(now)

    def _miss(self, now: float) -> None:
        if self._open and not self._counted:
            self._counted = True
            self._unanswered += 1
            self._count(now)

    def _count(self, now: float) -> None:
        if not self._raised:
            self._since = now
        self._raised += 1
        self.full = self._raised >= RAISED

    def _long_s(self) -> float:
        least = min(self._least, self._earlier)
        return least + max(QUEUE_S, least / 2)

    def measured(self, round_trip_s: float, now: float, *, newest: bool = True) -> None:
        """Take a round trip, in seconds; of a question that was not the newest one if so it is."""
        if now - self._least_since > _REMEMBERED_S:
            # A path that got longer for good is full for a minute or two at most.
            self._earlier, self._least, self._least_since = self._least, float("inf"), now
        self._least = min(self._least, round_trip_s)
        self._latest = round_trip_s
        self._unanswered = 0
        self._hinted = False
        counted = self._counted or not newest
        if newest:
            self._open = False
        if round_trip_s <= self._long_s():
            self._raised, self.full = 0, False
        elif not counted:
            self._count(now)

    @property
    def unmeasured(self) -> bool:
        """Whether no round trip is known yet."""
        return self._latest == 0.0

    def hint(self) -> None:
        """Note that much is missing at the other end: look sooner."""
        self._hinted = True

    @property
    def choked(self) -> bool:
        """Whether so many questions in a row went unanswered that the loss of better days does not explain it."""
        chance = self._usual**self._unanswered if self._unanswered else 1.0
        return self._unanswered >= RAISED and chance < MERE_CHANCE

    @property
    def queued(self) -> bool:
        """Whether it is certain that a queue stands: answers came late, or none where loss is no reason."""
        return self.choked or (self.full and self._latest > self._long_s())

    @property
    def suspected(self) -> bool:
        """Whether the last round trip was long, or much is missing."""
        return self._raised > 0 or self._hinted

    def settle(self, totals: Mapping[int, int], loss: float | None, now: float, *, back: float = 0.0) -> None:
        """Judge the time since the last call, about a second.

        Args:
            totals: Octets that each stream of pictures has brought so far; those sent to this receiver alone count.
            loss: Share of them that did not arrive, 0 … 1; None if the receiver said nothing.
            now: Monotonic seconds.
            back: Share of what this receiver sent that did not arrive.
        """
        if not self._raised:
            lost = 1.0 - (1.0 - (loss or 0.0)) * (1.0 - back)
            self._usual += USUAL_WEIGHT * (lost - self._usual)
        passed = sum(total - self._totals[name] for name, total in totals.items() if name in self._totals)
        self.pictures_bps = 8 * passed / max(0.1, now - self._at)
        self._totals, self._at = dict(totals), now
        if loss is None:
            loss = SILENT_LOSS if self.full and self._open else 0.0
        if self.full or loss > HEAVY_LOSS:
            if self.pictures_bps < LEAST_BPS or (now - self._cut_at < DRAINS_S and loss <= FLOOD_LOSS):
                return
            if loss <= HEAVY_LOSS and self._cut_for == self._since:
                # A queue would have gone by now: the way has become longer.
                self._least = self._earlier = self._latest
                self._raised, self.full = 0, False
                return
            self._cut_at, self._cut_for = now, self._since
            arrived = SHARE_USED * (1 - loss) * self.pictures_bps
            self.estimate_bps = arrived if self.estimate_bps is None else min(self.estimate_bps, arrived)
        elif self.estimate_bps is not None:
            self.estimate_bps = GROWTH * self.estimate_bps + GROWTH_BPS

    def limits(self, estimate_bps: float) -> bool:
        """Tell whether an estimate says that no more fits, rather than that no more was sent."""
        return estimate_bps < LIMITED * self.pictures_bps
