"""Loss and jitter of one received stream (RFC 3550 §6.4.1, appendices A.3 and A.8)."""

from collections import deque
from dataclasses import dataclass

from telehealth.rtp.sender_clock import SenderClock
from telehealth.rtp.sequence import Unwrapper

REPORTS = 5
"""By which it is judged what is lost lately; browsers report on sound every five seconds or so."""
_MOST_LOST = (1 << 23) - 1


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver tells the sender of one stream; units as on the wire."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    last_sender_report: int = 0
    delay_since_sender_report: int = 0


class Reception:
    """Counts what arrives of one SSRC; `clock` knows when its sender took it."""

    __slots__ = ("_base", "_clock_rate", "_expected_before", "_jitter", "_last_sr", "_last_sr_at", "_numbers",
                 "_received", "_received_before", "_shares", "_ssrc", "_transit", "clock")  # fmt: skip

    def __init__(self, ssrc: int, clock_rate: int) -> None:
        self.clock = SenderClock()
        self._ssrc = ssrc
        self._clock_rate = clock_rate
        self._numbers: Unwrapper | None = None
        self._base = 0
        self._received = 0
        self._expected_before = 0
        self._received_before = 0
        self._shares: deque[float] = deque(maxlen=REPORTS)
        self._jitter = 0.0
        self._transit: float | None = None
        self._last_sr = 0
        self._last_sr_at = 0.0

    @property
    def jitter_ms(self) -> float:
        return self._jitter * 1000.0 / self._clock_rate

    @property
    def received(self) -> int:
        return self._received

    @property
    def lost(self) -> int:
        """Packets expected but not received; negative when duplicates arrived."""
        return self._expected() - self._received

    @property
    def lost_share(self) -> float:
        """The most that was lost, 0 … 1, in the time of one of the last reports: others may tell of it much later."""
        return max(self._shares, default=0.0)

    def packet(self, number: int, timestamp: int, now: float) -> None:
        """Count a packet that arrived at `now` (monotonic seconds)."""
        numbers = self._numbers
        if numbers is None:
            self._numbers = Unwrapper(number)
            self._base = number
        elif (number - numbers.highest) & 0xFFFF == 1:
            numbers.highest += 1
        else:
            numbers.unwrap(number)
        self._received += 1
        transit = now * self._clock_rate - timestamp
        if self._transit is not None:
            # Modulo 2^32: the timestamp wraps around, the arrival does not.
            step = transit - self._transit
            if not -2147483648.0 <= step < 2147483648.0:
                step = (step + 2147483648.0) % 4294967296.0 - 2147483648.0
            self._jitter += (abs(step) - self._jitter) / 16.0
        self._transit = transit

    def timestamp_at(self, now: float) -> int:
        """Guess which timestamp would arrive at `now`, from the last packet that did; 0 before the first."""
        return 0 if self._transit is None else int(now * self._clock_rate - self._transit) % (1 << 32)

    def sender_report(self, ntp_timestamp: int, now: float) -> None:
        """Note the sender's clock, so that it can compute the round trip."""
        self._last_sr = (ntp_timestamp >> 16) & 0xFFFFFFFF
        self._last_sr_at = now

    def report(self, now: float, *, least_fraction: int = 0) -> ReportBlock | None:
        """Return the report on the time since the last one, or None before the first packet.

        With `least_fraction` it says that at least this was lost, in 1/256: what happens further on. Encoders of speech
        add redundancy by it, while estimates of bandwidth go by the total, which stays true.
        """
        if self._numbers is None:
            return None
        expected = self._expected()
        expected_now = expected - self._expected_before
        lost_now = expected_now - (self._received - self._received_before)
        self._expected_before = expected
        self._received_before = self._received
        fraction = min(255, 256 * lost_now // expected_now) if expected_now > 0 and lost_now > 0 else 0
        self._shares.append(fraction / 256)
        delay = int((now - self._last_sr_at) * 65536.0) if self._last_sr else 0
        return ReportBlock(
            ssrc=self._ssrc,
            fraction_lost=max(fraction, least_fraction),
            packets_lost=max(-_MOST_LOST, min(_MOST_LOST, expected - self._received)),
            highest_sequence=self._numbers.highest & 0xFFFFFFFF,
            jitter=min(int(self._jitter), 0xFFFFFFFF),
            last_sender_report=self._last_sr,
            delay_since_sender_report=min(delay, 0xFFFFFFFF),
        )

    def _expected(self) -> int:
        return 0 if self._numbers is None else self._numbers.highest - self._base + 1
