"""Latest: what each source said last, and in the last minute; which source speaks for a vital now."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from telehealth.ids import DeviceId
from telehealth.vitals.codes import PARAMETERS
from telehealth.vitals.model import Quality, Sample
from telehealth.vitals.vital_signs import SIGNS, Vital, fresh_s, is_episodic

MINUTE_S = 60.0
STALE_S = 5.0
AGREES = 0.1
"""A doubtful value counts when the one before was the same, give or take this share of it."""

_KEPT = 120
_SOURCES = 256


@dataclass(frozen=True, slots=True)
class Reading:
    """A value that counts, and where it comes from."""

    device: DeviceId
    mdc: int
    value: float
    taken_at: datetime

    @property
    def source(self) -> str:
        return PARAMETERS[self.mdc].source


@dataclass(slots=True)
class SourceState:
    """One parameter of one device.

    Attributes:
        last_at: When it last said anything, be it "none".
        valued_at: When it last had a value, None if never.
        absent_since: Since when it has none.
        gap: Whether it was silent before its last word for longer than it may be.
        spot: Somebody measures once at a time: each value stands for itself until the next.
    """

    device: DeviceId
    mdc: int
    last_at: datetime
    valued_at: datetime | None = None
    value: float | None = None
    counts: bool = False
    absent_since: datetime | None = None
    gap: bool = False
    spot: bool = False


class Latest:
    """The latest of each source of one stream of reports; at most 256 sources."""

    def __init__(self) -> None:
        self._sources: dict[tuple[int, DeviceId], SourceState] = {}
        self._of: dict[int, list[SourceState]] = {}
        self._recent: dict[tuple[int, DeviceId], deque[tuple[datetime, float]]] = {}

    def take(self, device: DeviceId, sample: Sample, *, spot: bool = False) -> SourceState | None:
        """Take note of a sample; return its source, or None for one that is older than what is known."""
        key = (sample.mdc, device)
        state = self._sources.get(key)
        if state is None:
            if len(self._sources) >= _SOURCES:
                return None
            alone = spot or is_episodic(sample.mdc)
            state = self._sources[key] = SourceState(device, sample.mdc, sample.taken_at, spot=alone)
            self._of.setdefault(sample.mdc, []).append(state)
        elif sample.taken_at <= state.last_at:
            return None
        state.gap = (sample.taken_at - state.last_at).total_seconds() > STALE_S
        state.last_at = sample.taken_at
        if sample.value is None:
            state.absent_since = state.absent_since or sample.taken_at
            return state
        state.absent_since = None
        state.counts = sample.quality is Quality.GOOD or _agree(state.value, sample.value)
        state.value, state.valued_at = sample.value, sample.taken_at
        if state.counts:
            recent = self._recent.setdefault(key, deque(maxlen=_KEPT))
            recent.append((sample.taken_at, sample.value))
        return state

    def sources(self) -> list[SourceState]:
        return list(self._sources.values())

    def forget(self, device: DeviceId) -> None:
        """Drop what came from the device."""
        for key in [key for key in self._sources if key[1] == device]:
            self._of[key[0]].remove(self._sources.pop(key))
            self._recent.pop(key, None)

    def speaking(self, vital: Vital, at: datetime) -> SourceState | None:
        """Return the source that speaks for a vital: the best that is fresh and has a value, of several the newest."""
        for mdc in SIGNS[vital].sources:
            fresh = [state for state in self._of.get(mdc, ()) if _is_fresh(state, at)]
            if fresh:
                return max(fresh, key=lambda state: state.last_at)
        return None

    def steady(self, vital: Vital, at: datetime, *, max_age_s: float) -> Reading | None:
        """Return the median of the last minute of what speaks now, else of the best that has a value young enough.

        Its time is that of the newest value; of what was measured once, that value alone counts.
        """
        speaking = self.speaking(vital, at)
        if speaking is not None and (speaking.mdc, speaking.device) in self._recent:
            return self._median(speaking)
        for mdc in SIGNS[vital].sources:
            held = [state for state in self._of.get(mdc, ()) if state.valued_at and (mdc, state.device) in self._recent]
            young = [state for state in held if _age_s(state.valued_at, at) <= max_age_s]
            if young:
                return self._median(max(young, key=lambda state: state.valued_at or at))
        return None

    def last_word(self, vital: Vital) -> datetime | None:
        """Return when any source of the vital last had a value."""
        return max(
            (s.valued_at for mdc in SIGNS[vital].sources for s in self._of.get(mdc, ()) if s.valued_at), default=None
        )

    def _median(self, state: SourceState) -> Reading:
        recent = self._recent[state.mdc, state.device]
        newest = recent[-1][0]
        if state.spot:
            return Reading(state.device, state.mdc, recent[-1][1], newest)
        values = [value for at, value in recent if _age_s(at, newest) <= MINUTE_S]
        return Reading(state.device, state.mdc, median(values), newest)


def _is_fresh(state: SourceState, at: datetime) -> bool:
    has_value = state.absent_since is None and state.valued_at is not None
    return has_value and _age_s(state.valued_at, at) <= fresh_s(state.mdc, spot=state.spot)


def _age_s(then: datetime | None, at: datetime) -> float:
    return float("inf") if then is None else (at - then).total_seconds()


def _agree(before: float | None, value: float) -> bool:
    return before is not None and abs(before - value) <= max(1.0, AGREES * abs(value))
