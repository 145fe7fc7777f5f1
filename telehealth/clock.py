"""Where time enters: wall time in UTC for facts, monotonic time for waiting."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """A source of time; tests pass one that they move themselves."""

    def now(self) -> datetime:
        """Return the instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never goes back."""
        ...


class SystemClock:
    """The clock of this machine. Implements Clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the one place where wall time enters.

    def monotonic(self) -> float:
        return time.monotonic()


def to_ms(instant: datetime) -> float:
    """Return an aware instant as milliseconds since 1970-01-01T00:00Z."""
    return instant.timestamp() * 1000.0


def from_ms(milliseconds: float) -> datetime:
    """Return milliseconds since 1970-01-01T00:00Z as an aware instant in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000.0, UTC)
