import struct
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from telehealth.demo.replay import PAUSE_S, RecordSource
from telehealth.demo.source import Chunk, index_at
from telehealth.errors import Invalid
from telehealth.vitals import codes
from telehealth.vitals.model import MISSING
from telehealth.vitals.readings import judge
from tests.doubles import NOON

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")

SHARED = Path("..") / "shared" / "data" / "waveforms"


def wfdb() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb as module
    return module


def shared(name: str) -> RecordSource:
    if not (SHARED / f"{name}.hea").exists():
        pytest.skip(f"the recording {name} is not beside the repository")
    return RecordSource(SHARED / name)


def chunks(source: RecordSource, seconds: float, since: float = 0.0) -> list[Chunk]:
    found = []
    for n in range(round(since * 5), round(seconds * 5)):
        chunk = source.chunk(n)
        assert chunk is not None
        found.append(chunk)
    return found


def values(stretch: list[Chunk], mdc: int) -> list[float | None]:
    return [value.value for chunk in stretch for value in chunk.values if value.mdc == mdc]


def wave(stretch: list[Chunk], channel: int) -> list[int]:
    """Return the samples of a channel; those of a gap are MISSING."""
    found: list[int] = []
    for run in (run for chunk in stretch for run in chunk.runs if run.channel == channel):
        found += [s for (s,) in struct.iter_unpack("<h", run.samples)] if run.samples else [MISSING] * run.missing
    return found


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Ten seconds of an ECG at 72 /min, a pleth with a hole, and something nobody has heard of."""
    hz, seconds = 100.0, 10
    t = np.arange(round(hz * seconds)) / hz
    phase = (t * 72 / 60) % 1.0
    ecg = np.exp(-(((phase - 0.3) / 0.02) ** 2))
    pleth = np.exp(-(((phase - 0.6) / 0.15) ** 2))
    pleth[300:350] = np.nan
    odd = np.sin(t)
    wfdb().wrsamp(
        "made",
        fs=hz,
        units=["mV", "NU", "furlong"],
        sig_name=["II", "PLETH", "ODD"],
        p_signal=np.column_stack([ecg, pleth, odd]),
        fmt=["16", "16", "16"],
        adc_gain=[1000.0, 500.0, 100.0],
        baseline=[0, 10, 0],
        write_dir=str(tmp_path),
    )
    return tmp_path / "made"


def test_a_record_declares_its_signals_with_their_codes_and_units(record: Path) -> None:
    channels = RecordSource(record).channels
    assert [(c.number, c.mdc, c.label, c.unit, c.rate_hz) for c in channels] == [
        (1, 131330, "II", "mV", 100.0),
        (2, 150452, "Pleth", "1", 100.0),
        (3, 0, "ODD", "1", 100.0),
    ]
    assert [(c.gain, c.offset) for c in channels] == [(1 / 1000, 0.0), (1 / 500, -10 / 500), (1 / 100, 0.0)]


def test_the_samples_are_those_of_the_file(record: Path) -> None:
    digital = wfdb().rdrecord(str(record), physical=False).d_signal
    stretch = chunks(RecordSource(record), 10)
    assert wave(stretch, 1) == digital[:, 0].tolist()
    assert wave(stretch, 3) == digital[:, 2].tolist()


def test_a_hole_in_the_record_stays_a_hole(record: Path) -> None:
    pleth = wave(chunks(RecordSource(record), 10), 2)
    assert [n for n, sample in enumerate(pleth) if sample == MISSING] == list(range(300, 350))


def test_at_its_end_it_begins_again_after_a_gap(record: Path) -> None:
    source = RecordSource(record.with_suffix(".hea"))
    lap = 10 + PAUSE_S
    stretch = chunks(source, 2 * lap + 5)
    ecg = wave(stretch, 1)
    period = round(lap * 100)
    assert ecg[:1000] == ecg[period : period + 1000] == ecg[2 * period :][:500] + ecg[500:1000]
    assert set(ecg[1000:period]) == {MISSING}
    runs = [(r.first_index, r.missing or len(r.samples) // 2) for c in stretch for r in c.runs if r.channel == 1]
    assert all(first + count == after for (first, count), (after, _) in pairwise(runs))


def test_without_loop_it_ends(record: Path) -> None:
    source = RecordSource(record, loop=False)
    assert source.chunk(49) is not None
    assert source.chunk(50) is None


def test_the_rates_are_those_of_the_beats(record: Path) -> None:
    stretch = chunks(RecordSource(record), 10)
    assert {*values(stretch, codes.HEART_RATE)} == {72.0}
    assert {*values(stretch, codes.PULSE_RATE)} <= {71.0, 72.0, 73.0, None}
    assert values(stretch, codes.SPO2) == []


def test_a_record_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refusal:
        RecordSource(tmp_path / "nothing")
    assert refusal.value.code == "no_record"


@pytest.mark.parametrize("header", ["", "made\n", "made 1 100\n", "made 1 x 10\nmade.dat 16\n", "\x00\xff"])
def test_a_damaged_header_is_refused(tmp_path: Path, header: str) -> None:
    (tmp_path / "made.hea").write_text(header)
    with pytest.raises(Invalid):
        RecordSource(tmp_path / "made")


def test_v102s_shows_the_heart_rate_of_its_reference() -> None:
    source = shared("v102s")
    rates = values(chunks(source, 60), codes.HEART_RATE)
    assert len(rates) > 50
    assert all(rate == pytest.approx(103.4, abs=2) for rate in rates)
    assert [channel.mdc for channel in source.channels] == [131330, 131395, 150452, 151552]


def test_041s_shows_rates_and_pressures_of_its_reference_and_loops() -> None:
    source = shared("041s/041s")
    stretch = chunks(source, 40)
    assert [c.rate_hz for c in source.channels] == [500.0] * 3 + [125.0] * 4
    for mdc, low, high in (
        (codes.HEART_RATE, 93, 98),
        (codes.PULSE_RATE, 93, 98),
        (codes.ABP_SYSTOLIC, 80, 86),
        (codes.ABP_DIASTOLIC, 40, 44),
        (codes.ABP_MEAN, 54, 58),
        (codes.PAP_SYSTOLIC, 26, 30),
        (codes.PAP_MEAN, 19, 23),
    ):
        shown = values(stretch, mdc)
        assert len(shown) > 30
        assert all(value is not None and low <= value <= high for value in shown), mdc
    assert all(judge(chunk.values, NOON, NOON).faults == () for chunk in stretch)


def test_a_pressure_that_was_never_zeroed_is_shown_as_none() -> None:
    source = shared("s25047/s25047-2704-05-04-10-44")
    stretch = chunks(source, 4000, since=3900)
    assert set(values(stretch, codes.ABP_SYSTOLIC)) == {None}


def test_a_table_begins_again_after_a_gap_and_a_day_later_is_not_a_sample_off(tmp_path: Path) -> None:
    table, rate_hz = tmp_path / "finger.csv", 116.99
    rows = (f"{n / rate_hz:.9f},{500 + n % 100}" for n in range(1170))
    table.write_text("Time [s],hr\n" + "\n".join(rows) + "\n")
    source = RecordSource(table)
    (channel,) = source.channels
    assert (channel.mdc, channel.label) == (150452, "PPG") and channel.rate_hz == pytest.approx(rate_hz, rel=1e-8)
    # Ten seconds and a bit of it, and one of gap.
    lap_chunks = 51 + round(PAUSE_S * 5)
    ppg = wave(chunks(source, 2 * lap_chunks / 5), 1)
    second = index_at(lap_chunks, channel.rate_hz)
    written = [500 + n % 100 for n in range(1170)]
    assert ppg[:1170] == written == ppg[second : second + 1170]
    assert set(ppg[1170:second]) == {MISSING}
    for number in (5 * 86_400 - 1, 5 * 86_400 + 3):
        chunk = source.chunk(number)
        assert chunk is not None
        late_s = chunk.runs[0].first_index / channel.rate_hz - number / 5
        assert 0 <= late_s < 1 / rate_hz
