"""Beats in an ECG as it comes: a check of the device's rate, their regularity, and hints. Support, no diagnosis.

QRS complexes are found as by Pan and Tompkins (IEEE Trans Biomed Eng 1985;32:230): the slope of the smoothed signal,
squared and averaged over a QRS, against thresholds that follow signal and noise, with a second look when a beat is
overdue. Everything is kept for a few seconds only; missing samples break the stretch, and nothing is bridged.
"""

import struct
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import median

from telehealth.vitals.model import MISSING

WINDOW_S = 0.12
REFRACTORY_S = 0.22
T_WAVE_S = 0.36
OVERDUE = 1.66
LEARN_S = 2.0
KEPT_BEATS = 64

PAUSE_S = 2.0
BRADYCARDIA = 50.0
TACHYCARDIA = 120.0
IRREGULAR = 0.15
DIFFERS = 0.2
DIFFERS_FOR_S = 10.0


class Hint(StrEnum):
    """What the beats look like; somebody must look at the trace."""

    BRADYCARDIA = "bradycardia"
    TACHYCARDIA = "tachycardia"
    PAUSE = "pause"
    IRREGULAR = "irregular"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What the last beats say.

    Attributes:
        rate: Beats a minute, None while there are too few.
        variability: Median difference of neighbouring intervals over the median interval; None with too few.
        rmssd_ms: Root mean square of successive differences, milliseconds.
        checked: False when the device's rate has differed by more than a fifth for ten seconds.
    """

    rate: float | None
    variability: float | None
    rmssd_ms: float | None
    hints: tuple[Hint, ...]
    checked: bool | None


class BeatDetector:
    """Finds beats in one channel; call `take` with blocks in their order. Times count from the first sample."""

    def __init__(self, rate_hz: float) -> None:
        self._rate = rate_hz
        # Slope over 20 ms: of the smoothed signal, whatever the sampling rate.
        self._step = max(1, round(0.02 * rate_hz))
        self._width = max(2, round(WINDOW_S * rate_hz))
        self._refractory = round(REFRACTORY_S * rate_hz)
        self._t_wave = round(T_WAVE_S * rate_hz)
        self._learn = round(LEARN_S * rate_hz)
        self.beats: deque[int] = deque(maxlen=KEPT_BEATS)
        self._n = 0
        self._begin()

    def seconds(self, sample: int) -> float:
        """Return the time of a sample."""
        return sample / self._rate

    def take(self, first_index: int, samples: bytes) -> list[int]:
        """Take a block of raw samples; return the indexes of the beats that have been found in it and just before."""
        if first_index != self._n:
            self._n = first_index
            self._begin()
        found: list[int] = []
        for (value,) in struct.iter_unpack("<h", samples):
            if value == MISSING:
                self._n += 1
                self._begin()
                continue
            self._push(value, found)
        self.beats.extend(found)
        return found

    def _begin(self) -> None:
        """Forget the stretch: what comes is not connected with what was."""
        self._raw: deque[int] = deque(maxlen=2 * self._step + 1)
        self._sum = 0
        self._sums: deque[int] = deque(maxlen=self._step + 1)
        self._slopes: deque[int] = deque([0] * self._width, maxlen=self._width)
        self._energy = 0
        self._since = self._n
        self._signal = 0.0
        self._noise = 0.0
        self._top = 0
        self._top_at = -1
        self._steepest = 0
        self._rising = False
        self._last = -1
        self._last_slope = 0
        self._learned: list[int] = []
        self._intervals: deque[int] = deque(maxlen=8)
        self._missed: tuple[int, int, int] | None = None

    def _push(self, value: int, found: list[int]) -> None:
        n = self._n
        self._n = n + 1
        raw, step = self._raw, self._step
        # Mean of `step` samples takes the mains out; the difference of two means is the slope.
        raw.append(value)
        self._sum += value
        if len(raw) <= step:
            return
        self._sum -= raw[-step - 1]
        sums = self._sums
        sums.append(self._sum)
        if len(sums) <= step:
            return
        slope = self._sum - sums[0]
        power = slope * slope
        slopes = self._slopes
        self._energy += power - slopes[0]
        slopes.append(power)
        if n - self._since < self._learn:
            self._teach(n)
            return
        self._follow(n, power, found)

    def _teach(self, n: int) -> None:
        """Take the first two seconds as they are: the highest energy is a beat's."""
        self._learned.append(self._energy)
        if n - self._since + 1 == self._learn:
            self._signal = 0.6 * max(self._learned)
            self._noise = 0.5 * sum(self._learned) / len(self._learned)
            self._learned = []

    def _follow(self, n: int, power: int, found: list[int]) -> None:
        energy = self._energy
        if energy > self._top:
            self._top, self._top_at = energy, n
            self._steepest = max(self._steepest, power)
        elif self._top > 0 and (energy < 0.5 * self._top or n - self._top_at > self._width):
            self._judge(found)
            self._top = energy if energy > self._noise else 0
            self._top_at, self._steepest = n, 0
        if self._missed is not None and self._overdue(n):
            at, top, steepest = self._missed
            self._accept(at, top, steepest, 0.25, found)

    def _judge(self, found: list[int]) -> None:
        at, top, steepest = self._top_at, self._top, self._steepest
        threshold = self._noise + 0.25 * (self._signal - self._noise)
        after = at - self._last if self._last >= 0 else self._t_wave + 1
        if after < self._refractory:
            return
        # A T wave comes soon and is not steep.
        is_t_wave = after < self._t_wave and steepest < 0.25 * self._last_slope
        if top > threshold and not is_t_wave:
            self._accept(at, top, steepest, 0.125, found)
            return
        self._noise += 0.125 * (top - self._noise)
        better = self._missed is None or top > self._missed[1]
        if top > 0.4 * threshold and not is_t_wave and better:
            self._missed = (at, top, steepest)

    def _accept(self, at: int, top: int, steepest: int, weight: float, found: list[int]) -> None:
        self._signal += weight * (top - self._signal)
        if self._last >= 0:
            self._intervals.append(at - self._last)
        self._last, self._last_slope = at, steepest
        self._missed = None
        # The energy peaks when the window holds the whole QRS: the beat was half a window ago.
        found.append(max(0, at - self._width // 2 - self._step))

    def _overdue(self, n: int) -> bool:
        if not self._intervals or self._last < 0:
            return False
        return n - self._last > OVERDUE * sum(self._intervals) / len(self._intervals)


class RhythmWatch:
    """Follows the beats of one ECG channel and compares them with the device's own rate."""

    def __init__(self, rate_hz: float) -> None:
        self._detector = BeatDetector(rate_hz)
        self._differs_since: float | None = None
        self._now_s = 0.0

    def take(self, first_index: int, samples: bytes) -> None:
        """Take a block of raw samples."""
        self._detector.take(first_index, samples)
        self._now_s = self._detector.seconds(first_index + len(samples) // 2)

    def look(self, device_rate: float | None) -> Rhythm:
        """Return what the last ten seconds say; call it about once a second."""
        beats = [self._detector.seconds(beat) for beat in self._detector.beats]
        recent = [beat for beat in beats if self._now_s - beat <= 10.0]
        intervals = [b - a for a, b in pairwise(recent)]
        if len(intervals) < 3:
            return Rhythm(None, None, None, self._pause(beats), None)
        middle = median(intervals)
        rate = 60.0 / middle
        steps = [abs(b - a) for a, b in pairwise(intervals)]
        variability = median(steps) / middle
        rmssd_ms = 1000.0 * (sum(step * step for step in steps) / len(steps)) ** 0.5
        hints = (*self._pause(beats), *_hints(rate, variability, len(intervals)))
        return Rhythm(round(rate, 1), round(variability, 3), round(rmssd_ms, 1), hints, self._agrees(rate, device_rate))

    def _pause(self, beats: list[float]) -> tuple[Hint, ...]:
        return (Hint.PAUSE,) if beats and PAUSE_S <= self._now_s - beats[-1] <= 10.0 else ()

    def _agrees(self, rate: float, device_rate: float | None) -> bool | None:
        if device_rate is None or device_rate <= 0:
            self._differs_since = None
            return None
        if abs(rate - device_rate) <= DIFFERS * device_rate:
            self._differs_since = None
            return True
        if self._differs_since is None:
            self._differs_since = self._now_s
        return self._now_s - self._differs_since < DIFFERS_FOR_S


def _hints(rate: float, variability: float, count: int) -> tuple[Hint, ...]:
    found = []
    if rate < BRADYCARDIA:
        found.append(Hint.BRADYCARDIA)
    if rate > TACHYCARDIA:
        found.append(Hint.TACHYCARDIA)
    if count >= 6 and variability > IRREGULAR:
        found.append(Hint.IRREGULAR)
    return tuple(found)
