"""A source of which every sample is known in advance: what is stored can be compared bit for bit."""

import random

from telehealth.demo.source import CHUNK_S, Chunk, Run, index_at
from telehealth.vitals.model import Quality, RawChannel, RawValue

RATES = (500.0, 499.78, 250.0, 500.0, 1000.0, 500.0, 62.5, 687.72)
"""Samples a second, by channel; some are not whole, and together they are 4,000."""

SAMPLES_PER_S = sum(RATES)
_ECG, _TEMPERATURE = 131328, 150344


class KnownSource:
    """So many stretches of eight waves, and a temperature each second. Implements demo.source.Source."""

    def __init__(self, chunks: int) -> None:
        self.chunks = chunks

    @property
    def channels(self) -> tuple[RawChannel, ...]:
        return tuple(
            RawChannel(number, _ECG, f"lead {number}", "mV", rate, 0.005, 0.0) for number, rate in enumerate(RATES, 1)
        )

    @property
    def samples(self) -> int:
        """How many there are in all."""
        return sum(index_at(self.chunks, rate) for rate in RATES)

    def chunk(self, number: int) -> Chunk | None:
        if number >= self.chunks:
            return None
        runs = tuple(self.run(channel, number) for channel in range(1, len(RATES) + 1))
        last = number % round(1 / CHUNK_S) == round(1 / CHUNK_S) - 1
        return Chunk(runs, (self.value(number),) if last else ())

    def run(self, channel: int, number: int) -> Run:
        """Return the samples of a channel in a stretch: noise, the same whenever it is asked for."""
        rate = RATES[channel - 1]
        first, end = index_at(number, rate), index_at(number + 1, rate)
        return Run(channel, first, random.Random(number * 64 + channel).randbytes(2 * (end - first)))

    def value(self, number: int) -> RawValue:
        """Return the temperature at the end of a stretch: its number is in it."""
        return RawValue(30.0 + number % 1_000 / 100, "Cel", Quality.GOOD, mdc=_TEMPERATURE)
