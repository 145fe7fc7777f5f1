"""Apnoea: whether the patient breathes, by what can be relied upon now.

Waves of respiration decide where there are any: no breath in a good wave for as long as the limit says. Without one, a
rate of 0 counts that the device vouches for, for as long; a mere 0, or none, is no value. What a device itself calls
apnoea counts at once. Unknown is neither: it raises nothing and ends nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from telehealth.ids import DeviceId
from telehealth.vitals.breaths import BreathWatch
from telehealth.vitals.codes import PARAMETERS, WAVES
from telehealth.vitals.model import Quality, Sample, WaveBlock, WaveChannel

LEAST_S, USUAL_S, MOST_S = 10.0, 20.0, 40.0
"""For how long nobody may be without a breath: the range, and what holds if nobody has set anything."""

FRESH_S = 10.0
CONTRADICTED_S = 60.0
"""A rate is a mean of what was before; one that is told for so long after the last breath that we saw is right."""

MAX_WAVES = 8
MAX_WORDS = 8
WORD_S = 600.0
"""A device's own alarm of which it says nothing any more counts for so long."""

APNOEA_EVENTS = frozenset({199680, 199892, 199900})
"""MDC_EVT_APNEA, and a ventilator's of 15 and of 30 s."""


class BreathState(StrEnum):
    """What can be said of the breathing."""

    BREATHING = "breathing"
    STILL = "still"
    UNSURE = "unsure"
    """Something comes, but nobody can tell from it."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Breath:
    """How it stands; of STILL, since when and by which source."""

    state: BreathState
    since: datetime
    source: str = ""


@dataclass(slots=True)
class _Rate:
    """What a device says of the rate: the last value, and since when it has been 0."""

    source: str
    at: datetime
    still_since: datetime | None


@dataclass(frozen=True, slots=True)
class _Word:
    """What a device calls apnoea: since when, and when it said so last."""

    text: str
    since: datetime
    at: datetime


class Breathing:
    """The sources of one stream that tell of breathing."""

    def __init__(self) -> None:
        self._waves: dict[tuple[DeviceId, str], BreathWatch] = {}
        self._rates: dict[tuple[DeviceId, int], _Rate] = {}
        self._said: dict[tuple[DeviceId, str], _Word] = {}
        self._still_until: datetime | None = None

    def wave(self, channel: WaveChannel, block: WaveBlock) -> None:
        """Take a block of the present of a channel of respiration; beyond eight channels no new ones are taken."""
        key = (channel.device_id, f"{channel.mdc}/{channel.label}")
        watch = self._waves.get(key)
        # A device that was started anew has other channels for the same wave.
        if watch is None or watch.channel.number != channel.number:
            if watch is None and len(self._waves) >= MAX_WAVES:
                return
            watch = self._waves[key] = BreathWatch(channel)
        watch.take(block)

    def rate(self, device: DeviceId, sample: Sample) -> None:
        """Take a rate; a value that is absent tells nothing."""
        key = (device, sample.mdc)
        known = self._rates.pop(key, None)
        if sample.value is None:
            return
        # A value of 0 is here only if the device has vouched for it.
        since = None
        if sample.value == 0:
            lasts = known is not None and (sample.taken_at - known.at).total_seconds() <= FRESH_S
            since = known.still_since if known is not None and lasts and known.still_since else sample.taken_at
        elif sample.quality is not Quality.GOOD:
            return
        self._rates[key] = _Rate(PARAMETERS[sample.mdc].source, sample.taken_at, since)

    def said(self, device: DeviceId, instance: str, at: datetime, text: str) -> None:
        """The device calls it apnoea; beyond eight such words the oldest goes."""
        known = self._said.pop((device, instance), None)
        self._said[device, instance] = _Word(text, known.since if known else at, at)
        if len(self._said) > MAX_WORDS:
            del self._said[next(iter(self._said))]

    def unsaid(self, device: DeviceId, instance: str) -> None:
        """The device does so no more."""
        self._said.pop((device, instance), None)

    def leads_off(self, device: DeviceId) -> None:
        """The impedance of the chest is measured between the electrodes of the ECG."""
        for (of, _), watch in self._waves.items():
            if of == device and WAVES[watch.channel.mdc].group == "resp":
                watch.forget()
                watch.valid_until = None

    def forget(self, device: DeviceId) -> None:
        """Drop what came from the device."""
        self._waves = {key: watch for key, watch in self._waves.items() if key[0] != device}
        self._rates = {key: rate for key, rate in self._rates.items() if key[0] != device}
        self._said = {key: word for key, word in self._said.items() if key[0] != device}

    def look(self, limit_s: float, at: datetime) -> Breath:
        """Return how it stands now; of several sources that say there is no breath, the one that says so longest."""
        words = [word for word in self._said.values() if (at - word.at).total_seconds() < WORD_S]
        found = [Breath(BreathState.STILL, word.since, word.text) for word in words]
        found += [self._by_wave(watch, limit_s, at) for watch in self._waves.values()]
        sure = [one for one in found if one.state in (BreathState.STILL, BreathState.BREATHING)]
        if not sure:
            found += [self._by_rate(rate, limit_s, at) for rate in self._rates.values()]
        for state in (BreathState.STILL, BreathState.BREATHING, BreathState.UNSURE):
            if those := [one for one in found if one.state is state]:
                return min(those, key=lambda one: one.since)
        return Breath(BreathState.UNKNOWN, at)

    def _by_wave(self, watch: BreathWatch, limit_s: float, at: datetime) -> Breath:
        last, until = watch.last_breath, watch.valid_until
        if until is None or (at - until).total_seconds() > FRESH_S:
            return Breath(BreathState.UNKNOWN, at)
        if last is None:
            return Breath(BreathState.UNSURE, at)
        still_s = (until - last).total_seconds()
        if still_s < limit_s:
            return Breath(BreathState.BREATHING, last)
        if still_s >= CONTRADICTED_S and self._counts_breaths(watch.channel.device_id, at):
            watch.forget()
            return Breath(BreathState.UNSURE, at)
        self._still_until = until
        return Breath(BreathState.STILL, last, watch.channel.label)

    def _by_rate(self, rate: _Rate, limit_s: float, at: datetime) -> Breath:
        if (at - rate.at).total_seconds() > FRESH_S:
            return Breath(BreathState.UNKNOWN, at)
        if rate.still_since is None:
            still = self._still_until
            of_before = still is not None and (rate.at - still).total_seconds() < CONTRADICTED_S
            return Breath(BreathState.UNSURE if of_before else BreathState.BREATHING, rate.at)
        long = (rate.at - rate.still_since).total_seconds() >= limit_s
        return Breath(BreathState.STILL if long else BreathState.UNSURE, rate.still_since, rate.source)

    def _counts_breaths(self, device: DeviceId, at: datetime) -> bool:
        return any(of == device and _is_counting(rate, at) for (of, _), rate in self._rates.items())


def _is_counting(rate: _Rate, at: datetime) -> bool:
    return rate.still_since is None and (at - rate.at).total_seconds() <= FRESH_S
