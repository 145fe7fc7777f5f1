"""What a simulated monitor is connected to: something that yields samples and values, stretch by stretch."""

from dataclasses import dataclass
from math import ceil
from typing import Protocol

from telehealth.vitals.model import RawChannel, RawValue

CHUNK_S = 0.2
"""Length of a stretch."""


@dataclass(frozen=True, slots=True)
class Run:
    """Samples of a channel that follow each other, or, without any, how many are `missing`."""

    channel: int
    first_index: int
    samples: bytes
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was measured in one stretch; `unplugged`: the monitor has no line meanwhile."""

    runs: tuple[Run, ...] = ()
    values: tuple[RawValue, ...] = ()
    unplugged: bool = False


class Source(Protocol):
    """Where the signals come from. Chunk `number` is the stretch from number × CHUNK_S on."""

    @property
    def channels(self) -> tuple[RawChannel, ...]: ...

    def chunk(self, number: int) -> Chunk | None:
        """Return the stretch; called with 0, 1, 2, … in order. None: there is no more."""
        ...


def index_at(chunk: int, rate_hz: float) -> int:
    """Return the index of the first sample at or after the beginning of a chunk; never accumulates rounding."""
    # 0.2 has no exact binary form; multiplied by 5, whole rates and halves give exact results.
    return ceil(round(chunk * rate_hz / 5, 6))
