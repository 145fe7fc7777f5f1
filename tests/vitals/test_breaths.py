"""Breaths in recorded and in made-up waves, and what is no breath."""

import csv
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from telehealth.clock import to_ms
from telehealth.vitals.breaths import BreathWatch, shows_breaths
from telehealth.vitals.model import MISSING, FrameFlag, WaveBlock, WaveChannel
from tests.builders import ENCOUNTER, NOON
from tests.vitals.test_patient_watch import MONITOR

WAVEFORMS = Path(__file__).parents[3] / "shared" / "data" / "waveforms"
RATE = 62.5
CHANNEL = WaveChannel(ENCOUNTER, 3, MONITOR, "b1", 3, 151780, "Resp", "Ohm", RATE, 0.001, 0.0)


class Chest:
    """A wave as it comes, in blocks of 200 ms."""

    def __init__(self, channel: WaveChannel = CHANNEL) -> None:
        self.watch = BreathWatch(channel)
        self.rate = channel.rate_hz
        self.second = 0.0
        self.breaths: list[datetime] = []
        self.longest_s = 0.0

    def seconds(self, seconds: float, height: Callable[[float], float], **changes: object) -> "Chest":
        """Let the wave run on, with this height in ohms at each second."""
        count = round(seconds * self.rate)
        start = self.second
        return self.take([height(start + n / self.rate) / self.watch.channel.gain for n in range(count)], **changes)

    def take(self, raw: Sequence[float], **changes: object) -> "Chest":
        step = max(1, round(self.rate / 5))
        for first in range(0, len(raw), step):
            part = [round(one) for one in raw[first : first + step]]
            at_ms = to_ms(NOON) + 1000 * self.second
            block = WaveBlock(3, 0, 0, at_ms, struct.pack(f"<{len(part)}h", *part))
            self.watch.take(replace(block, **changes))  # type: ignore[arg-type]
            self.second += len(part) / self.rate
            self._look()
        return self

    def _look(self) -> None:
        last, until = self.watch.last_breath, self.watch.valid_until
        if last is None or until is None:
            return
        self.longest_s = max(self.longest_s, (until - last).total_seconds())
        if not self.breaths or last != self.breaths[-1]:
            self.breaths.append(last)

    @property
    def still_s(self) -> float | None:
        """For how long nobody has breathed; None if that is not known."""
        last, until = self.watch.last_breath, self.watch.valid_until
        return None if last is None or until is None else (until - last).total_seconds()


def breathing(rate: float, depth: float = 0.8) -> Callable[[float], float]:
    return lambda at: depth * math.sin(2 * math.pi * rate / 60 * at)


def heart(at: float) -> float:
    """What the heart moves between two breaths: a twentieth of one."""
    return 0.04 * math.sin(2 * math.pi * 1.3 * at)


def recorded(name: str) -> tuple[list[float], float]:
    if name == "bidmc":
        with (WAVEFORMS / "bidmc" / "bidmc_01_Signals.csv").open() as file:
            rows = csv.DictReader(file, skipinitialspace=True)
            return [float(row["RESP"]) for row in rows], 125.0
    import wfdb

    record = wfdb.rdrecord(str(WAVEFORMS / name))
    column = record.sig_name.index("RESP")
    return [float(value) for value in record.p_signal[:, column]], float(record.fs)


@pytest.mark.filterwarnings("ignore:The inplace keyword")
@pytest.mark.skipif(not WAVEFORMS.exists(), reason="the recordings are not here")
@pytest.mark.parametrize(("name", "rate"), [("bidmc", 21.4), ("v102s", 21.0)])
def test_the_breaths_of_recorded_patients_are_counted_and_none_is_called_apnoeic(name: str, rate: float) -> None:
    values, hz = recorded(name)
    known = sorted(value for value in values if not math.isnan(value))
    middle, gain = known[len(known) // 2], (known[-1] - known[0]) / 40_000
    chest = Chest(WaveChannel(ENCOUNTER, 3, MONITOR, "b1", 3, 151552, "Resp", "1", hz, gain, 0.0))
    chest.take([MISSING if math.isnan(value) else (value - middle) / gain for value in values])
    counted = 60 * (len(chest.breaths) - 1) / (chest.breaths[-1] - chest.breaths[0]).total_seconds()
    assert abs(counted - rate) <= 2
    assert chest.longest_s < 15


@pytest.mark.parametrize("rate", [6, 15, 30, 60, 80])
def test_every_breath_of_any_age_is_seen(rate: float) -> None:
    chest = Chest().seconds(20, breathing(rate))
    before = len(chest.breaths)
    chest.seconds(60, breathing(rate))
    assert len(chest.breaths) - before == pytest.approx(rate, abs=1)


def test_who_stops_is_still_from_the_last_breath_on_whatever_the_heart_moves() -> None:
    chest = Chest().seconds(60, breathing(15)).seconds(30, heart)
    assert chest.still_s is not None and 29 <= chest.still_s <= 34
    chest.seconds(8, breathing(12))
    assert chest.still_s is not None and chest.still_s < 6


def test_breathing_that_becomes_shallow_by_and_by_is_breathing() -> None:
    chest = Chest()
    for step in range(10):
        chest.seconds(20, breathing(15, 0.8 * 0.8**step))
    assert chest.longest_s < 8


def test_nothing_is_said_of_one_whom_nobody_saw_breathe() -> None:
    assert Chest().seconds(60, heart).still_s is None
    assert Chest().seconds(60, lambda at: 0.0).still_s is None


def test_what_is_missing_doubtful_or_was_not_sent_is_no_apnoea() -> None:
    for odd in ({"flags": FrameFlag.QUESTIONABLE}, {"flags": FrameFlag.EPOCH}):
        assert Chest().seconds(60, breathing(15)).seconds(30, heart, **odd).still_s is None
    missing = Chest().seconds(60, breathing(15)).take([MISSING] * 1000)
    assert missing.still_s is None
    gap = Chest().seconds(60, breathing(15))
    gap.watch.take(WaveBlock(3, 0, 0, to_ms(NOON) + 60_000, b"", gap=True, missing=100))
    assert gap.still_s is None
    silent = Chest().seconds(60, breathing(15))
    silent.second += 25
    assert silent.seconds(5, heart).still_s is None


def test_after_a_gap_it_is_learned_anew() -> None:
    chest = Chest().seconds(60, breathing(15)).take([MISSING] * 100).seconds(40, breathing(15, 0.2))
    assert chest.still_s is not None and chest.still_s < 5
    assert chest.watch.valid_until == NOON + timedelta(seconds=chest.second)


def test_impedance_and_carbon_dioxide_show_breaths_and_nothing_else_does() -> None:
    assert [mdc for mdc in (151780, 151552, 151724, 131330, 150452) if shows_breaths(replace(CHANNEL, mdc=mdc))] == [
        151780,
        151552,
        151724,
    ]
