"""Breaths in a respiration wave as it comes: when the last one was, or that nobody can tell. Support, no diagnosis.

A breath is a rise after a fall, each of at least a fifth of what has been usual lately: less is the heart's movement,
noise, or an effort that moves nothing. Nothing is said before three breaths have been seen, nor across what is missing:
a line that is flat because nothing is attached is no apnoea.
"""

import struct
from collections import deque
from datetime import datetime
from statistics import median

from telehealth.clock import from_ms
from telehealth.vitals.codes import WAVES
from telehealth.vitals.model import MISSING, FrameFlag, WaveBlock, WaveChannel

STEP_S = 0.2
"""What is shorter is averaged away; a newborn's breath takes three times as long."""

SHARE = 0.2
USUAL = 12
"""Breaths whose median amplitude is the usual one."""

LEAST_SEEN = 3
LEARN_S = 10.0
GAP_MS = 500.0

_LEAST = {"Ohm": 0.1, "mm[Hg]": 4.0}
"""By unit, what no breath is smaller than."""

_INVALID = int(FrameFlag.QUESTIONABLE | FrameFlag.EPOCH)


def shows_breaths(channel: WaveChannel) -> bool:
    """Say whether the channel is one of respiration: impedance, or carbon dioxide in the airway."""
    wave = WAVES.get(channel.mdc)
    return wave is not None and wave.group in ("resp", "co2")


class BreathWatch:
    """The breaths of one channel; take its blocks in their order.

    Attributes:
        valid_until: The end of what could be judged, whether there were breaths in it or not; None if nothing could.
    """

    def __init__(self, channel: WaveChannel) -> None:
        self.channel = channel
        self.valid_until: datetime | None = None
        self._period_ms = 1000.0 / channel.rate_hz
        self._step = max(1, round(STEP_S * channel.rate_hz))
        self._floor = abs(_LEAST.get(channel.unit, 0.0) / channel.gain) if channel.gain else 0.0
        self._ends_at_ms = 0.0
        self.forget()

    @property
    def last_breath(self) -> datetime | None:
        """When the last breath began; None unless breathing has been seen and the wave has been good since."""
        return None if self._seen < LEAST_SEEN else from_ms(self._breath_at_ms)

    def forget(self) -> None:
        """What comes is not connected with what was."""
        self._amplitudes: deque[float] = deque(maxlen=USUAL)
        self._learned: list[float] = []
        self._threshold = 0.0
        self._rising = False
        self._high = self._low = 0.0
        self._seen = 0
        self._breath_at_ms = 0.0

    def take(self, block: WaveBlock) -> None:
        """Take a block of the present."""
        # As plain numbers: operators of flags are slow, and this is some thousand times a second.
        doubtful = int.__and__(block.flags, _INVALID) != 0
        if block.gap or doubtful or block.starts_at_ms - self._ends_at_ms > GAP_MS:
            self.forget()
        self._ends_at_ms = block.starts_at_ms + block.count * self._period_ms
        if block.gap:
            return
        samples = struct.unpack(f"<{block.count}h", block.samples)
        if doubtful or MISSING in samples:
            self.forget()
            return
        self.valid_until = from_ms(self._ends_at_ms)
        for first in range(0, block.count, self._step):
            part = samples[first : first + self._step]
            self._push(sum(part) / len(part), block.starts_at_ms + first * self._period_ms)

    def _push(self, height: float, at_ms: float) -> None:
        if self._threshold == 0.0:
            self._learn(height)
        elif self._rising:
            self._high = max(self._high, height)
            if self._high - height >= self._threshold:
                self._rising, self._low = False, height
        else:
            self._low = min(self._low, height)
            if height - self._low >= self._threshold:
                self._breathed(height, at_ms)

    def _learn(self, height: float) -> None:
        """Look for ten seconds how far the line moves at all."""
        self._learned.append(height)
        if len(self._learned) * self._step * self._period_ms < LEARN_S * 1000.0:
            return
        self._low = self._high = height
        self._threshold = max(self._floor, SHARE * (max(self._learned) - min(self._learned)), 1.0)
        self._learned = []

    def _breathed(self, height: float, at_ms: float) -> None:
        self._amplitudes.append(self._high - self._low)
        self._rising, self._high = True, height
        self._seen += 1
        self._breath_at_ms = at_ms
        if len(self._amplitudes) >= LEAST_SEEN:
            self._threshold = max(self._floor, SHARE * median(self._amplitudes), 1.0)
