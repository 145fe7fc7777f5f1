"""Recordings in CSV files: what each column becomes, at what rate, and where its gaps are."""

import math
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from telehealth.demo.csv_record import read_csv
from telehealth.demo.recording import Recording
from telehealth.errors import Invalid
from telehealth.vitals import codes
from telehealth.vitals.model import MISSING

Read = Callable[..., Recording]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def written(*lines: str, encoding: str = "utf-8") -> Recording:
        file = tmp_path / "made.csv"
        file.write_text("\n".join(lines) + "\n", encoding)
        return read_csv(file)

    return written


def rows(times: list[str], value: str = "1") -> list[str]:
    return [f"{at}, {value}" for at in times]


def rate_and_gaps(found: Recording) -> tuple[float, list[int]]:
    (trace,) = found.traces
    return trace.channel.rate_hz, np.flatnonzero(np.isnan(trace.physical)).tolist()


def test_columns_are_waves_by_their_names_and_units(read: Read) -> None:
    found = read(
        "Time [s], II [mV], V, AVR [uV], PLETH, RESP, ABP (mmHg), Odd [furlong]",
        *(f"{n / 100}, 0.125, 7, 250, 511, 0.5, 80, 3" for n in range(40)),
    )
    assert [(t.channel.mdc, t.channel.label, t.channel.unit) for t in found.traces] == [
        (131330, "II", "mV"),
        # Nobody says in what unit the lead is: it is shown by its shape.
        (131395, "V", "1"),
        (131390, "aVR", "uV"),
        (150452, "Pleth", "1"),
        (151552, "Resp", "1"),
        (150036, "ABP", "mm[Hg]"),
        (0, "Odd", "1"),
    ]
    assert {trace.channel.rate_hz for trace in found.traces} == {100.0}


def test_numbers_come_back_as_they_are_written(read: Read) -> None:
    written = ["0.125", "-0.5", "1.5", "1e-3", "-2.048", "", "nan", "x", "1e99", "0"]
    found = read("# rate_hz: 250", "II [mV]\tPPG", *(f"{one}\t{n}" for n, one in enumerate(written * 2)))
    lead, ppg = found.traces
    assert (lead.channel.rate_hz, lead.channel.gain, lead.channel.offset) == (250.0, 0.001, 0.0)
    assert lead.raw.tolist() == [125, -500, 1500, 1, -2048, *[MISSING] * 4, 0] * 2
    assert ppg.raw.tolist() == list(range(20)) and ppg.channel.gain == 1.0


def test_numbers_far_from_zero_keep_their_last_decimal(read: Read) -> None:
    found = read("# rate_hz = 50", "PPG; other", *(f"{100_000 + n}; 0" for n in range(20)))
    ppg = found.traces[0]
    back = ppg.raw * ppg.channel.gain + ppg.channel.offset
    assert back.tolist() == [100_000 + n for n in range(20)] and ppg.channel.gain == 1.0


def test_numbers_finer_than_sixteen_bits_fill_them(read: Read) -> None:
    found = read("# rate_hz: 50", "PPG, x", *(f"{math.sin(n):.9f}, 0.1234567891" for n in range(50)))
    for trace in found.traces:
        back = trace.raw * trace.channel.gain + trace.channel.offset
        assert np.abs(back - trace.physical).max() <= trace.channel.gain * 0.51 < 2e-5


@pytest.mark.parametrize(
    ("rate_hz", "decimals"), [(125.0, 3), (125.0, 2), (116.99, 9), (116.99, 3), (62.5, 2), (360.0, 3), (499.78, 4)]
)
def test_the_rate_is_that_of_the_whole_file_however_the_times_are_rounded(
    read: Read, rate_hz: float, decimals: int
) -> None:
    found, gaps = rate_and_gaps(read("Time [s], PPG", *rows([f"{n / rate_hz:.{decimals}f}" for n in range(12_000)])))
    # No more than the rounding of the first and the last time.
    length_s = 11_999 / rate_hz
    assert found / rate_hz == pytest.approx(1, abs=1.01 * 10**-decimals / length_s)
    assert gaps == []


def test_times_of_five_digits_lose_none(read: Read) -> None:
    times = [f"{n * 0.008:.5g}" for n in range(60_001)]
    assert {"479.99", "480"} <= set(times)
    assert rate_and_gaps(read("Time [s], PLETH", *rows(times))) == (125.0, [])


@pytest.mark.parametrize("heading", ["timer", "Time [ms]", "time_ms", "TIMER"])
def test_milliseconds_are_told_by_the_name(read: Read, heading: str) -> None:
    rate, _ = rate_and_gaps(read(f"{heading},hr", *rows([f"{n * 8.5479}" for n in range(500)])))
    assert rate == pytest.approx(1000 / 8.5479, rel=1e-9)


def test_rows_that_are_missing_are_gaps_of_their_length(read: Read) -> None:
    here = [n for n in range(1000) if n != 100 and not 300 <= n < 850]
    rate, gaps = rate_and_gaps(read("Time [s], PPG", *rows([f"{n / 116.99:.6f}" for n in here])))
    assert rate == pytest.approx(116.99, rel=1e-6)
    assert gaps == [100, *range(300, 850)]


def test_a_declared_rate_stands_and_times_tell_the_gaps(read: Read) -> None:
    here = [n for n in range(100) if not 40 <= n < 50]
    assert rate_and_gaps(read("# rate_hz: 100.0", "Time [s],PPG", *rows([f"{n / 100}" for n in here]))) == (
        100.0,
        list(range(40, 50)),
    )
    coarse = rows([str(n // 100) for n in range(300)])
    assert rate_and_gaps(read("# rate_hz: 100", "Time [s],PPG", *coarse)) == (100.0, [])


def test_a_table_with_few_rows_a_second_is_one_of_numerics(read: Read) -> None:
    found = read(
        "Time [min],HR [bpm],RESP [pm],SpO2 [%],NBP Sys [mmHg],NBP Dias [mmHg],NBP Mean [mmHg],Temp,Mood [bpm]",
        *(f"{n},{70 + n},15,97,{'120,80,93' if n == 3 else ',,'},37,1" for n in range(12)),
    )
    assert found.traces == () and found.rows_hz == pytest.approx(1 / 60)
    assert [(track.mdc, track.unit) for track in found.numerics] == [
        (codes.HEART_RATE, "/min"),
        (codes.RESP_RATE, "/min"),
        (codes.SPO2, "%"),
        (codes.NIBP_SYSTOLIC, "mm[Hg]"),
        (codes.NIBP_DIASTOLIC, "mm[Hg]"),
        (codes.NIBP_MEAN, "mm[Hg]"),
    ]
    assert np.flatnonzero(~np.isnan(found.numerics[3].values)).tolist() == [3]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], "no_record"),
        (["1,2"] * 20, "no_record"),
        (["Time [s],PPG", "0,1"], "no_record"),
        (["PPG", *["1"] * 20], "no_rate"),
        (["Time,PPG", *rows([str(n) for n in range(20)])], "no_rate"),
        (["Time [fortnight],PPG", *rows([str(n) for n in range(20)])], "no_rate"),
        (["Time [s],PPG", *rows([str(n // 100) for n in range(300)])], "no_rate"),
        (["Time [s],PPG", *rows([str(-n) for n in range(20)])], "no_rate"),
        (["Time [s],PPG", *rows(["", *(str(n) for n in range(20))])], "no_rate"),
        (["# rate_hz: 0", "PPG", *["1"] * 20], "no_rate"),
        (["# rate_hz: lots", "PPG", *["1"] * 20], "no_rate"),
        (["Time [s],PPG", *rows([*(str(n / 100) for n in range(100)), "1e9"])], "no_record"),
        (["Time [s]", *(str(n / 100) for n in range(20))], "no_waveform"),
        (["# rate_hz: 1", "SpO2,Mood", *["97,1"] * 20], "no_waveform"),
    ],
    ids=[
        "empty", "no names", "no rows", "no times", "no unit of times", "odd unit", "coarse", "backwards", "hole",
        "rate of 0", "no rate", "too long", "nothing but times", "no units of numerics",
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_sent_is_refused_with_its_reason(read: Read, lines: list[str], code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read(*lines)
    assert refusal.value.code == code


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path, read: Read) -> None:
    with pytest.raises(Invalid, match="can't be read"):
        read_csv(tmp_path / "nothing.csv")
    with pytest.raises(Invalid, match="can't be read"):
        read("Time [s],PPG", "0,1", encoding="utf-16")


def test_damaged_tables_are_read_or_refused(read: Read) -> None:
    chance = random.Random(7)
    whole = "\n".join(["# rate_hz: 100", "Time [s],II [mV],PLETH,hr", *(f"{n / 100},0.1{n},5{n},7" for n in range(30))])
    outcomes = set()
    for _ in range(1_000):
        text = list(whole)
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(text))
            text[at : at + chance.randint(0, 40)] = chance.choice(
                ["", "nan", ",,", '"', "\n", "-1e308", "\x00", "e9", "é"]
            )
        try:
            found = read("".join(text))
        except Invalid as refusal:
            outcomes.add(refusal.code)
        else:
            outcomes.add("read")
            assert found.length_s > 0
            assert all(
                np.isfinite(t.channel.gain) and t.channel.gain > 0 and t.channel.rate_hz > 0 for t in found.traces
            )
    assert {"read", "no_record", "no_rate"} <= outcomes
    with pytest.raises(Invalid, match="is no table"):
        read("# rate_hz: 100", "PPG", *["1"] * 20, "9" * 200_000)


def test_a_file_that_is_too_large_is_refused(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telehealth.demo.csv_record.MAX_BYTES", 10)
    with pytest.raises(Invalid, match="too large"):
        read("Time [s],PPG", "0,1")
