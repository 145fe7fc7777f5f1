"""Beats: against the reference beats of MIT-BIH record 100, and what is said of made-up rhythms."""

import math
import struct
import time
from pathlib import Path

import pytest

from telehealth.vitals.model import MISSING
from telehealth.vitals.rhythm import BeatDetector, Hint, Rhythm, RhythmWatch

RECORD = Path(__file__).parents[3] / "shared" / "data" / "waveforms" / "100"
BEATS = set("NLRBAaJSVrFejnE/fQ?")
TOLERANCE_S = 0.15
RATE = 250.0


@pytest.mark.filterwarnings("ignore:The inplace keyword")
@pytest.mark.skipif(not RECORD.with_suffix(".atr").exists(), reason="record 100 is not here")
def test_the_beats_of_record_100_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    import wfdb

    record, notes = wfdb.rdrecord(str(RECORD), physical=False), wfdb.rdann(str(RECORD), "atr")
    raw = record.d_signal[:, 0].astype("<i2").tobytes()
    reference = [int(s) for s, symbol in zip(notes.sample, notes.symbol, strict=True) if symbol in BEATS]
    detector, found = BeatDetector(record.fs), []
    begun = time.perf_counter()
    for first in range(0, len(raw) // 2, 72):
        found += detector.take(first, raw[2 * first : 2 * first + 144])
    spent_s = time.perf_counter() - begun
    hits = matched(reference, found, TOLERANCE_S * record.fs)
    sensitivity, predictivity = hits / len(reference), hits / len(found)
    with capsys.disabled():
        cost_us = spent_s / (len(raw) // 2) * 1e6
        print(f"\nrecord 100: Se {sensitivity:.4f}, P+ {predictivity:.4f}, {cost_us:.2f} µs a sample")
    assert sensitivity >= 0.995
    assert predictivity >= 0.995


def matched(reference: list[int], found: list[int], tolerance: float) -> int:
    """Count the reference beats that have a beat of their own nearby."""
    free, hits = sorted(found), 0
    for beat in reference:
        near = next((one for one in free if abs(one - beat) <= tolerance), None)
        if near is not None:
            free.remove(near)
            hits += 1
        free = [one for one in free if one > beat - 2 * tolerance] if hits else free
    return hits


def ecg(beats: list[float], seconds: float, *, missing: range = range(0)) -> bytes:
    """A spike of 80 ms and a round T wave at each beat, in steps of 5 µV."""
    samples = []
    for n in range(int(seconds * RATE)):
        t, height = n / RATE, 0.0
        for beat in beats:
            if abs(t - beat) < 0.5:
                height += 1.1 * math.exp(-(((t - beat) / 0.012) ** 2)) + 0.25 * math.exp(
                    -(((t - beat - 0.25) / 0.05) ** 2)
                )
        samples.append(MISSING if n in missing else round(height * 200 + 3 * math.sin(n / 7)))
    return struct.pack(f"<{len(samples)}h", *samples)


def every(interval_s: float, seconds: float) -> list[float]:
    return [0.5 + n * interval_s for n in range(int((seconds - 0.5) / interval_s) + 1)]


def looked(beats: list[float], seconds: float, device_rate: float | None = None) -> Rhythm:
    watch, raw = RhythmWatch(RATE), ecg(beats, seconds)
    rhythm = watch.look(device_rate)
    for first in range(0, len(raw) // 2, 50):
        watch.take(first, raw[2 * first : 2 * first + 100])
        rhythm = watch.look(device_rate)
    return rhythm


@pytest.mark.parametrize(
    ("interval_s", "rate", "hints"),
    [(0.8, 75, ()), (1.5, 40, (Hint.BRADYCARDIA,)), (0.4, 150, (Hint.TACHYCARDIA,))],
)
def test_a_regular_rhythm_has_its_rate(interval_s: float, rate: float, hints: tuple[Hint, ...]) -> None:
    rhythm = looked(every(interval_s, 30), 30, device_rate=rate)
    assert rhythm.rate == pytest.approx(rate, abs=2)
    assert (rhythm.hints, rhythm.checked) == (hints, True)
    assert rhythm.variability is not None and rhythm.variability < 0.05


def test_a_rhythm_without_rule_is_irregular() -> None:
    beats, t = [], 0.5
    for n in range(60):
        beats.append(t)
        t += (0.6, 0.95, 0.7, 1.1, 0.5, 0.85)[n % 6]
    assert Hint.IRREGULAR in looked(beats, 30).hints


def test_a_pause_is_seen_while_it_lasts() -> None:
    assert looked(every(0.8, 20), 23).hints == (Hint.PAUSE,)


def test_a_device_that_says_another_rate_for_ten_seconds_is_doubted() -> None:
    beats = every(0.8, 40)
    assert looked(beats, 12, device_rate=150).checked is True
    assert looked(beats, 40, device_rate=150).checked is False
    assert looked(beats, 40, device_rate=80).checked is True
    assert looked(beats, 40).checked is None


def test_what_is_missing_is_not_bridged() -> None:
    raw = ecg(every(0.8, 20), 20, missing=range(1500, 2500))
    detector = BeatDetector(RATE)
    found = [detector.seconds(beat) for beat in detector.take(0, raw)]
    assert not [beat for beat in found if 6.0 <= beat <= 10.0]
    assert len([beat for beat in found if beat > 12]) >= 8


def test_blocks_of_any_size_give_the_same_beats() -> None:
    raw = ecg(every(0.7, 20), 20)
    whole = BeatDetector(RATE).take(0, raw)
    for size in (1, 7, 50, 4096):
        detector, found = BeatDetector(RATE), []
        for first in range(0, len(raw) // 2, size):
            found += detector.take(first, raw[2 * first : 2 * (first + size)])
        assert found == whole


def test_it_keeps_a_bounded_number_of_beats() -> None:
    detector = BeatDetector(RATE)
    detector.take(0, ecg(every(0.5, 60), 60))
    assert len(detector.beats) == 64


@pytest.mark.parametrize("raw", [b"\x00\x00" * 5000, b"\xff\x7f\x01\x80" * 2500, b"\x00\x80" * 5000])
def test_a_flat_or_wild_line_breaks_nothing(raw: bytes) -> None:
    watch = RhythmWatch(RATE)
    watch.take(0, raw)
    watch.look(70.0)
