"""Numerics that a recording lacks, computed from its waves as a monitor does: over the last seconds, again each second.

Good enough to show a recording; no statement about anybody's rhythm.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

LEAST_S = 4.0
"""Shorter stretches say nothing."""

MAX_MISSING = 0.2
_REFRACTORY_S = 0.25
_STRETCH_S = 1.2
"""The usual height is the median of those of stretches in each of which a beat is to be expected."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate per minute, and how much its intervals differ (their mean deviation from the median, as a share of it)."""

    per_minute: float
    spread: float


@dataclass(frozen=True, slots=True)
class Pressure:
    """Systolic, diastolic and mean, in the signal's unit."""

    systolic: float
    diastolic: float
    mean: float


def heart_rate(leads: list[tuple[Signal, float]]) -> float | None:
    """Return the rate in the lead whose beats are the most regular; each lead with its sampling rate."""
    rates = [rate for signal, hz in leads if (rate := beat_rate(signal, hz)) is not None]
    return _plausible(min(rates, key=lambda rate: rate.spread)) if rates else None


def beat_rate(ecg: Signal, hz: float) -> Rate | None:
    """Return the rate of QRS complexes: the steepest places, whichever way they point."""
    filled = _filled(ecg, hz)
    if filled is None:
        return None
    slope = np.abs(np.gradient(_smooth(filled, hz, 0.02)))
    return _rate(_peaks(_smooth(slope, hz, 0.10), hz, _REFRACTORY_S), hz)


def pulse_rate(wave: Signal, hz: float) -> float | None:
    """Return the rate of a pulse wave: from its upstrokes or, where those are uneven, from how it repeats itself."""
    filled = _filled(wave, hz)
    if filled is None:
        return None
    rate = _rate(_upstrokes(filled, hz), hz)
    if rate is None or rate.spread >= 0.15:
        rate = _repetition(filled, hz)
    return _plausible(rate) if rate is not None else None


def breath_rate(resp: Signal, hz: float) -> float | None:
    """Return the rate of breaths, None if the wave is too irregular to count."""
    filled = _filled(resp, hz)
    if filled is None or len(filled) < 10 * hz:
        return None
    calm = _smooth(filled, hz, 0.4)
    wander = calm - _smooth(calm, hz, 8.0)
    height = float(np.std(wander))
    rate = _rate(_crossings(wander, 0.4 * height), hz) if height > 0 else None
    return rate.per_minute if rate is not None and rate.spread < 0.2 and 4 <= rate.per_minute <= 60 else None


def pressure(wave: Signal, hz: float) -> Pressure | None:
    """Return what a monitor reads from a pressure wave; None if it does not beat or stands below zero."""
    filled = _filled(wave, hz)
    if filled is None:
        return None
    upstrokes = _upstrokes(filled, hz)
    beats = [filled[start:end] for start, end in pairwise(upstrokes)]
    if len(beats) < 3:
        return None
    systolic, diastolic = (float(np.median([f(beat) for beat in beats])) for f in (np.max, np.min))
    mean = float(np.mean(filled[upstrokes[0] : upstrokes[-1]]))
    # A transducer that is open to air, or was never zeroed, gives a number that is no blood pressure.
    return Pressure(systolic, diastolic, mean) if diastolic > 0 and systolic - diastolic >= 4 else None


def _plausible(rate: Rate) -> float | None:
    return rate.per_minute if rate.spread < 0.25 and 20 <= rate.per_minute <= 300 else None


def _filled(signal: Signal, hz: float) -> Signal | None:
    """Return the signal with its holes bridged, for measuring only; None if it is too short, too holey, or flat."""
    holes = np.isnan(signal)
    if len(signal) < LEAST_S * hz or holes.mean() > MAX_MISSING:
        return None
    filled = signal.copy()
    if holes.any():
        at = np.arange(len(signal))
        filled[holes] = np.interp(at[holes], at[~holes], signal[~holes])
    return filled if np.ptp(filled) > 0 else None


def _smooth(signal: Signal, hz: float, seconds: float) -> Signal:
    """Return the running mean; its edges repeat the signal's, so that none looks like a slope."""
    width = max(1, round(hz * seconds)) | 1
    padded = np.pad(signal, width // 2, mode="edge")
    return np.convolve(padded, np.full(width, 1.0 / width), mode="valid")


def _upstrokes(wave: Signal, hz: float) -> list[int]:
    """Return the middles of the high rises: the second wave of a pulse rises, too, but not as high."""
    calm = _smooth(wave, hz, 0.10)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], np.diff(calm) > 0, [False])).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return []
    heights, middles = calm[ends] - calm[starts], (starts + ends) // 2
    stretch = max(1, round(_STRETCH_S * hz))
    parts = [heights[(middles >= at) & (middles < at + stretch)] for at in range(0, len(wave) - stretch // 2, stretch)]
    usual = float(np.median([part.max() if len(part) else 0.0 for part in parts]))
    return [int(at) for at in middles[heights > 0.5 * usual]]


def _repetition(wave: Signal, hz: float) -> Rate | None:
    """Return the rate at which the wave is most like itself a beat before; None if it is not very like itself."""
    calm = _smooth(wave, hz, 0.05)
    pulsing = calm - _smooth(calm, hz, 1.5)
    lags = range(round(0.25 * hz), min(round(2.0 * hz), len(wave) // 2))
    likeness = np.array([_likeness(pulsing[:-lag], pulsing[lag:]) for lag in lags])
    tops = np.flatnonzero((likeness[1:-1] >= likeness[:-2]) & (likeness[1:-1] > likeness[2:])) + 1
    # Two beats are as like as one: the first of the high places is the beat.
    high = tops[likeness[tops] >= max(0.5, 0.7 * float(likeness[tops].max()))] if len(tops) else tops
    return Rate(60.0 * hz / lags[int(high[0])], 0.0) if len(high) else None


def _likeness(one: Signal, other: Signal) -> float:
    size = float(np.sqrt(np.dot(one, one) * np.dot(other, other)))
    return float(np.dot(one, other)) / size if size > 0 else 0.0


def _peaks(energy: Signal, hz: float, refractory_s: float) -> list[int]:
    """Return where the energy peaks: above a part of its usual height, the highest within the refractory time."""
    stretch = max(1, round(_STRETCH_S * hz))
    tops = [float(energy[at : at + stretch].max()) for at in range(0, len(energy) - stretch // 2, stretch)]
    floor = 0.4 * float(np.median(tops))
    rising = (energy[1:-1] >= energy[:-2]) & (energy[1:-1] > energy[2:]) & (energy[1:-1] > floor)
    found: list[int] = []
    for at in np.flatnonzero(rising) + 1:
        if not found or at - found[-1] > refractory_s * hz:
            found.append(int(at))
        elif energy[at] > energy[found[-1]]:
            found[-1] = int(at)
    return found


def _crossings(signal: Signal, margin: float) -> list[int]:
    """Return where the signal goes up through `margin` after it was below its opposite."""
    found: list[int] = []
    armed = False
    for at, value in enumerate(signal):
        if value < -margin:
            armed = True
        elif armed and value > margin:
            found.append(at)
            armed = False
    return found


def _rate(places: list[int], hz: float) -> Rate | None:
    if len(places) < 4:
        return None
    intervals = np.diff(places) / hz
    middle = float(np.median(intervals))
    near = intervals[np.abs(intervals - middle) <= 0.3 * middle]
    spread = float(np.mean(np.abs(intervals - middle))) / middle
    return Rate(60.0 / float(np.mean(near)), spread) if len(near) else None
