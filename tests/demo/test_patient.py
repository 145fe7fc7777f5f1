import struct
from collections import defaultdict
from itertools import pairwise

import pytest

from telehealth.demo.patient import SCENARIOS, SyntheticPatient
from telehealth.demo.signals import Beats
from telehealth.demo.source import Chunk
from telehealth.vitals import codes
from telehealth.vitals.model import MISSING
from telehealth.vitals.readings import judge
from tests.doubles import NOON


def chunks(scenario: str, seconds: int, seed: int = 1) -> list[Chunk]:
    patient = SyntheticPatient(scenario, seed=seed)
    return [patient.chunk(n) for n in range(seconds * 5)]


def samples(run_samples: bytes) -> list[int]:
    return [value for (value,) in struct.iter_unpack("<h", run_samples)]


def values(stretch: list[Chunk], mdc: int) -> list[float | None]:
    return [value.value for chunk in stretch for value in chunk.values if value.mdc == mdc]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_wave_goes_on_without_a_hole_at_its_rate(scenario: str) -> None:
    covered: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for chunk in chunks(scenario, 60):
        for run in chunk.runs:
            covered[run.channel].append((run.first_index, run.missing or len(run.samples) // 2))
    for channel, rate in ((1, 250.0), (2, 125.0), (3, 62.5)):
        runs = covered[channel]
        assert runs[0][0] == 0
        assert all(first + count == after for (first, count), (after, _) in pairwise(runs))
        assert sum(count for _, count in runs) == 60 * rate


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_value_is_one_that_the_server_takes(scenario: str) -> None:
    for chunk in chunks(scenario, 20):
        judged = judge(chunk.values, NOON, NOON)
        assert judged.faults == ()
        assert len(judged.samples) == len(chunk.values)


def test_the_same_seed_gives_the_same_patient() -> None:
    assert chunks("stable", 5) == chunks("stable", 5)
    assert chunks("stable", 5) != chunks("stable", 5, seed=2)


@pytest.mark.parametrize(("scenario", "rate"), [("stable", 74), ("tachycardia", 148), ("bradycardia", 41)])
def test_the_heart_rate_is_that_of_the_beats(scenario: str, rate: float) -> None:
    stretch = chunks(scenario, 60)
    shown = [value for value in values(stretch, codes.HEART_RATE)[20:] if value is not None]
    assert all(value == pytest.approx(rate, abs=4) for value in shown)
    ecg = [s for chunk in stretch[100:] for run in chunk.runs if run.channel == 1 for s in samples(run.samples)]
    peaks = sum(1 for before, after in pairwise(ecg) if before < 120 <= after)
    assert peaks == pytest.approx(rate * 40 / 60, abs=2)


def test_in_a_desaturation_the_saturation_falls_and_comes_back() -> None:
    spo2 = [value for value in values(chunks("desaturation", 290), codes.SPO2) if value is not None]
    assert spo2[0] >= 95
    assert min(spo2) <= 85
    assert spo2[-1] >= 95


def test_with_the_leads_off_ecg_and_its_values_are_missing_and_the_pulse_goes_on() -> None:
    stretch = chunks("lead_off", 30)[20 * 5 :]
    ecg = {s for chunk in stretch for run in chunk.runs if run.channel == 1 for s in samples(run.samples)}
    pleth = {s for chunk in stretch for run in chunk.runs if run.channel == 2 for s in samples(run.samples)}
    assert ecg == {MISSING}
    assert MISSING not in pleth
    assert set(values(stretch, codes.HEART_RATE)) == {None}
    assert None not in values(stretch, codes.PULSE_RATE)


def test_while_it_is_unplugged_samples_are_missing_and_there_are_no_values() -> None:
    stretch = chunks("disconnection", 32)[20 * 5 :]
    assert all(chunk.unplugged and not chunk.values for chunk in stretch)
    assert all(run.missing and not run.samples for chunk in stretch for run in chunk.runs)


def test_the_cuff_measures_early_and_then_every_few_minutes() -> None:
    assert len(values(chunks("stable", 320), codes.NIBP_SYSTOLIC)) == 3


def test_the_beats_that_are_kept_are_bounded() -> None:
    patient = SyntheticPatient("tachycardia", seed=1)
    for n in range(1000):
        patient.chunk(n)
    beats: Beats = patient._beats
    assert len(beats.around(200.0)) < 12
    assert len(beats._times) <= 60
