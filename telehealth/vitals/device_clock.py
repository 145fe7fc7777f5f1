"""From a device's clock to ours: the offset is the least delay seen of late.

What a device stamps arrives later than it was stamped, never earlier: so the smallest difference (received − stamped)
of the last minute is the offset of the clocks plus the shortest way. A jump of more than two seconds is the device's
clock being set, and starts the estimate anew. In that minute silence hardly counts: what comes first after a long one
was kept for so long as well, and is no word on the clock.
"""

from collections import deque

WINDOW_MS = 60_000.0
SILENCE_MS = 5_000.0
"""So much of a time in which nothing comes counts for the window."""

JUMP_MS = 2_000.0
STEP_MS = 50.0
"""A better estimate is taken at once if it differs by more than this; below, the clock is slewed."""

SLEW = 0.005
"""Most that the offset moves in a slew, as a share of the time gone by."""


class DeviceClock:
    """The offset of one device's clock, from what arrives."""

    __slots__ = ("_applied", "_far", "_heard", "_minima", "_received")

    def __init__(self) -> None:
        # Differences that could still become the minimum: ascending, as are their times.
        self._minima: deque[tuple[float, float]] = deque()
        self._applied: float | None = None
        self._received = 0.0
        # How long something was heard, with silences cut short: the time by which differences grow old.
        self._heard = 0.0
        self._far = 0

    @property
    def offset_ms(self) -> float:
        """Add this to the device's time to get ours; 0 before anything was observed."""
        return 0.0 if self._applied is None else self._applied

    def observe(self, device_ms: float, received_ms: float, *, just_sent: bool = False) -> bool:
        """Take note that something stamped `device_ms` came at `received_ms`; say whether the device's clock jumped.

        Args:
            device_ms: The device's clock at or before the moment of sending.
            received_ms: Our clock; does not go back between calls.
            just_sent: The stamp was made at the moment of sending (`sent_at`), so a large delay tells of a jump back.
        """
        difference = received_ms - device_ms
        if self._minima:
            self._heard += max(0.0, min(SILENCE_MS, received_ms - self._received))
        jumped = self._has_jumped(difference, just_sent=just_sent)
        if jumped:
            self._minima.clear()
        while self._minima and self._minima[0][0] < self._heard - WINDOW_MS:
            self._minima.popleft()
        while self._minima and self._minima[-1][1] >= difference:
            self._minima.pop()
        self._minima.append((self._heard, difference))
        self._approach(self._minima[0][1], received_ms, at_once=jumped)
        return jumped

    def _has_jumped(self, difference: float, *, just_sent: bool) -> bool:
        if not self._minima:
            return False
        least = self._minima[0][1]
        if difference < least - JUMP_MS:
            return True
        # Once, a message may have been held up on its way; twice in a row, its stamps went back.
        if just_sent:
            self._far = self._far + 1 if difference > least + JUMP_MS else 0
        if self._far < 2:
            return False
        self._far = 0
        return True

    def _approach(self, estimate: float, received_ms: float, *, at_once: bool) -> None:
        if self._applied is None or at_once or abs(estimate - self._applied) > STEP_MS:
            self._applied = estimate
        else:
            most = SLEW * max(0.0, received_ms - self._received)
            self._applied += max(-most, min(most, estimate - self._applied))
        self._received = received_ms
