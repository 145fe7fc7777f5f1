"""What one participant gets of the others when the link to them is weak: vitals first, then voice, stills, pictures.

Down as soon as it is clear that the present rung does not fit; up one rung at a time, by trial, since nobody can know
for certain whether there is room for what is not sent. A trial that fails makes the next one wait twice as long.
"""

from dataclasses import dataclass

from telehealth.consultations.model import Rung
from telehealth.sfu.offer import Kind

ORDER = (Rung.VITALS, Rung.AUDIO, Rung.STILLS, Rung.REDUCED, Rung.VIDEO)
FLOOR_BPS = {Rung.VIDEO: 400_000, Rung.REDUCED: 130_000, Rung.STILLS: 70_000, Rung.AUDIO: 0, Rung.VITALS: 0}
"""What the estimate for pictures must be to stay on a rung."""
ROOM_BPS = {Rung.STILLS: 70_000, Rung.REDUCED: 200_000}
"""What must fit in all, as far as that was weighed, before a rung is tried."""
MOST_LOSS = {Rung.VIDEO: 0.25, Rung.REDUCED: 0.25, Rung.STILLS: 0.3, Rung.AUDIO: 0.5, Rung.VITALS: 1.0}
STARVED_LOSS = {**MOST_LOSS, Rung.REDUCED: 0.1, Rung.STILLS: 0.0, Rung.AUDIO: 0.3}
"""What is lost where a queue stands: stills must not delay the voice, nor a voice that does not fit the vitals."""
HOPELESS_LOSS = 0.5
"""Small pictures would not fit either."""
CALM_LOSS = 0.16
"""What may be lost, in the better of two seconds, where a rung up is tried: repair copes with 10 % on the average."""
DOWN_AFTER_S = 1.0
TRY_UP_AFTER_S = 8.0
TRY_UP_AT_MOST_S = 64.0
DRAINS_S = 3.0
TRIAL_S = 10.0
"""A step down this soon after a step up means that the trial failed."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of the way to a participant.

    Attributes:
        estimate_bps: What fits of pictures, if that is a limit now.
        loss: Share lost, lately.
        full: Whether a queue stands before it.
        choked: Whether nothing comes through it, though the other end is there.
        room_bps: What fits of all together, if it was weighed.
    """

    estimate_bps: int | None
    loss: float
    full: bool = False
    choked: bool = False
    room_bps: float | None = None


class Ladder:
    """Stands on a rung; `judge` moves it.

    Attributes:
        rung: Where it stands.
        locked: Where a person put it, if one did.
    """

    __slots__ = ("_bad_since", "_fell_at", "_good_since", "_up_at", "_wait_s", "locked", "rung")

    def __init__(self) -> None:
        self.rung = Rung.VIDEO
        self.locked: Rung | None = None
        self._bad_since: float | None = None
        self._good_since: float | None = None
        self._up_at = self._fell_at = float("-inf")
        self._wait_s = TRY_UP_AFTER_S

    def lock(self, rung: Rung | None) -> None:
        """Stay on this rung whatever is measured, or judge again from here on."""
        self.locked = rung
        if rung is not None:
            self.rung = rung
        self._bad_since = self._good_since = None
        self._wait_s = TRY_UP_AFTER_S

    @property
    def below_pictures(self) -> bool:
        """Whether it stands, by measurement, where pictures might be tried next, or stills."""
        return self.locked is None and self.rung in (Rung.AUDIO, Rung.STILLS)

    def carries(self, kind: Kind) -> bool:
        """Tell whether media of this kind go to the participant."""
        return self.rung is not Rung.VITALS if kind is Kind.AUDIO else self.rung in (Rung.VIDEO, Rung.REDUCED)

    def judge(self, measured: Measured, now: float) -> bool:
        """Take a measurement; return whether the rung has changed."""
        if self.locked is not None:
            return False
        if measured.choked and self.rung in (Rung.VIDEO, Rung.REDUCED, Rung.STILLS):
            # Nobody knows yet what fits; voice and vitals must not wait until somebody does.
            self._fall_to(Rung.AUDIO, now)
            return True
        # What was queued with pictures takes a while to leave.
        starved = measured.full and now - self._fell_at >= DRAINS_S and measured.loss >= STARVED_LOSS[self.rung]
        if not starved and self._fits(measured, self.rung):
            self._bad_since = None
            return self._rise(measured, now)
        self._good_since = None
        if self._bad_since is None:
            self._bad_since = now
        if now - self._bad_since < DOWN_AFTER_S:
            return False
        self._fall(measured, now)
        return True

    @staticmethod
    def _fits(measured: Measured, rung: Rung) -> bool:
        if measured.loss > MOST_LOSS[rung]:
            return False
        # Without pictures on the way an estimate is a memory of worse days.
        return (
            rung not in (Rung.VIDEO, Rung.REDUCED)
            or measured.estimate_bps is None
            or measured.estimate_bps >= FLOOR_BPS[rung]
        )

    def _fall(self, measured: Measured, now: float) -> None:
        lower = ORDER[: ORDER.index(self.rung)]
        estimate = measured.estimate_bps
        fitting = [rung for rung in lower if estimate is None or estimate >= FLOOR_BPS[rung]]
        if estimate is not None or measured.loss <= MOST_LOSS[self.rung]:
            self._fall_to(fitting[-1], now)
        else:
            hopeless = measured.loss > HOPELESS_LOSS and Rung.STILLS in lower
            self._fall_to(Rung.STILLS if hopeless else lower[-1], now)

    def _fall_to(self, rung: Rung, now: float) -> None:
        self.rung = rung
        self._wait_s = min(TRY_UP_AT_MOST_S, 2 * self._wait_s) if now - self._up_at < TRIAL_S else self._wait_s
        self._fell_at = now
        self._bad_since = self._good_since = None

    def _rise(self, measured: Measured, now: float) -> bool:
        if self._up_at > self._fell_at and now - self._up_at >= TRIAL_S:
            self._wait_s = TRY_UP_AFTER_S
        if self.rung is Rung.VIDEO or measured.loss > CALM_LOSS or measured.full:
            self._good_since = None
            return False
        if self._good_since is None:
            self._good_since = now
        if now - self._good_since < self._wait_s or not self._may_rise(measured):
            return False
        self.rung = ORDER[ORDER.index(self.rung) + 1]
        self._good_since = None
        self._up_at = now
        return True

    def _may_rise(self, measured: Measured) -> bool:
        above = ORDER[ORDER.index(self.rung) + 1]
        if measured.room_bps is not None and measured.room_bps < ROOM_BPS.get(above, 0):
            return False
        # Full pictures come back only when reduced ones already leave room for them.
        estimate = measured.estimate_bps
        return above is not Rung.VIDEO or estimate is None or estimate >= FLOOR_BPS[Rung.VIDEO]
