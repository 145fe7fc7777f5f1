"""Shapes of synthetic signals: a sum of Gaussians for each wave of a beat (after McSharry et al., IEEE TBME 2003)."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bump:
    """A Gaussian: seconds from the R peak at one beat a second, height, and width in seconds."""

    at_s: float
    height: float
    width_s: float


ECG_II = (
    Bump(-0.20, 0.13, 0.025),
    Bump(-0.035, -0.10, 0.010),
    Bump(0.0, 1.10, 0.011),
    Bump(0.035, -0.22, 0.011),
    Bump(0.30, 0.28, 0.055),
)
"""P, Q, R, S and T of lead II, in mV."""

PLETH = (Bump(0.26, 1.0, 0.085), Bump(0.50, 0.38, 0.10))
"""The pulse in a finger, and its reflection; in shares of its height."""

_REACH = 4.0
"""Widths after which a Gaussian is flat."""


class Beats:
    """Times of heart beats, one after another: a rate, breathing that modulates it, and a little chance."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._times = [-2.0, -1.0, 0.2]

    def until(self, at_s: float, heart_rate: float, resp_rate: float) -> None:
        """Go on to the first beat more than two seconds after `at_s`, at this rate."""
        while self._times[-1] < at_s + 2.0:
            last = self._times[-1]
            breath = 0.03 * math.sin(2 * math.pi * last * resp_rate / 60)
            interval_s = 60 / heart_rate * (1 + breath + self._chance.gauss(0.0, 0.008))
            self._times.append(last + interval_s)
        while len(self._times) > 60:
            self._times.pop(0)

    def around(self, at_s: float) -> list[tuple[float, float]]:
        """Return the beats whose waves reach into the second after `at_s`: time, and interval to the one before."""
        pairs = zip(self._times[1:], self._times, strict=False)
        return [(beat, beat - before) for beat, before in pairs if at_s - 2.0 < beat < at_s + 2.0]

    def rate_at(self, at_s: float) -> float:
        """Return the mean rate of the last eight intervals before `at_s`, as a monitor counts it."""
        past = [beat for beat in self._times if beat <= at_s][-9:]
        return 60 * (len(past) - 1) / (past[-1] - past[0])


def pulse(at_s: float, beats: Sequence[tuple[float, float]], shape: Sequence[Bump]) -> float:
    """Return the height of the shape at a moment, drawn at each beat; waves far from R keep pace with the rate."""
    height = 0.0
    for beat, interval_s in beats:
        pace = math.sqrt(min(1.5, max(0.3, interval_s)))
        for bump in shape:
            distance = (at_s - beat - bump.at_s * pace) / bump.width_s
            if -_REACH < distance < _REACH:
                height += bump.height * math.exp(-0.5 * distance * distance)
    return height
