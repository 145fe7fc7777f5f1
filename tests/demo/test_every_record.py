"""Every recording of the shared set: what is sent is what its file holds, and what is stored is what was sent.

The first is shown of whole recordings, without a server. The second goes the whole way of a device: the simulated
monitor, its line to the running server, the database; of a stretch of each recording, in hurried time.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count, takewhile
from pathlib import Path
from statistics import fmean
from typing import Any

import aiohttp
import numpy as np
import pytest
from numpy.typing import NDArray

from telehealth.access import Role
from telehealth.demo.journal import Journal
from telehealth.demo.monitor import MonitorClient, MonitorOptions
from telehealth.demo.replay import RecordSource
from telehealth.demo.source import CHUNK_S, Chunk, Run, index_at
from telehealth.interop.vital_frames import decode_frame
from telehealth.vitals import codes
from telehealth.vitals.model import MISSING, NUMERICS_CHANNEL, Quality, RawChannel
from tests.doubles import NOON, FakeClock
from tests.web.house import House

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "waveforms"
pytestmark = [
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the shared recordings are not beside the repository"),
    pytest.mark.filterwarnings("ignore:The inplace keyword"),
]

HR, PULSE, BREATHS = codes.HEART_RATE, codes.PULSE_RATE, codes.RESP_RATE
LEADS = (131329, 131330, 131389, 131390, 131391, 131392, 131331, 131332, 131333, 131334, 131335, 131336)


@dataclass(frozen=True)
class Expected:
    """What the manifest says of a recording.

    Attributes:
        channels: (MDC code, Hz) of each; 131328 is an ECG whose lead has no code of its own.
        missing: Share of missing samples of each channel, in per cent.
        rates: Per minute, by MDC code: the mean of what is shown is within 2 of it.
        stretch: From which second, and how many, go the whole way.
    """

    channels: tuple[tuple[int, float], ...]
    samples: int
    missing: tuple[float, ...] = ()
    rates: tuple[tuple[int, float], ...] = ()
    stretch: tuple[int, int] = (0, 30)


RECORDS = {
    # Respiration is irregular and full of wrap-arounds: its mean of about 21 is none that anybody breathes, and
    # where breaths can be counted there are fewer.
    "v102s.hea": Expected(
        ((131330, 250.0), (131395, 250.0), (150452, 250.0), (151552, 250.0)),
        75_000,
        (0.0, 0.0, 0.02, 0.0),
        ((HR, 103.4), (PULSE, 103.4)),
    ),
    "041s/041s.hea": Expected(
        (*((lead, 500.0) for lead in (131389, 131329, 131395)), *((mdc, 125.0) for mdc in (150036, 150044)),
         (150452, 125.0), (151552, 125.0)),
        8_000,
        rates=((HR, 95.5), (PULSE, 95.5)),
        stretch=(0, 18),
    ),
    "s0010_re.hea": Expected(
        (*((lead, 1000.0) for lead in LEADS), *[(131328, 1000.0)] * 3), 38_400, rates=((HR, 81.8),), stretch=(0, 12)
    ),
    "100.hea": Expected(((131328, 360.0), (131335, 360.0)), 650_000, rates=((HR, 75.3),)),
    # Segments of four samples with gaps between them; then (another stretch, below) the pressure that comes late.
    "s25047/s25047-2704-05-04-10-44.hea": Expected(
        ((131330, 125.0), (131395, 125.0), (150036, 125.0)), 543_240, (4.87, 4.76, 82.05), stretch=(428, 32)
    ),
    "s25047/s25047-2704-05-04-10-44n.hea": Expected((), 72, stretch=(0, 301)),
    "bidmc/bidmc_01_Signals.csv": Expected(
        ((151552, 125.0), (150452, 125.0), (131395, 125.0), (131390, 125.0), (131330, 125.0)),
        60_001,
        rates=((HR, 91.5), (PULSE, 91.5), (BREATHS, 21.4)),
    ),
    # The finger is still only in the second half.
    "heartpy/data2.csv": Expected(((150452, 14_999 / 128.210),), 15_000, rates=((PULSE, 64.0),), stretch=(60, 30)),
}  # fmt: skip


def of_a_segment(header: Path) -> bool:
    """Say whether the header is one of a segment of another record, or of its layout."""
    return header.stem[:-2] == header.parent.name or header.stem.startswith("3234460")


def test_every_recording_has_its_expectation() -> None:
    heads = {path for path in FOLDER.rglob("*.hea") if not of_a_segment(path)} | set(FOLDER.rglob("*.csv"))
    assert {str(path.relative_to(FOLDER)) for path in heads} == RECORDS.keys()


@cache
def replayed(name: str) -> list[Chunk]:
    """Return all that is sent of a recording."""
    source = RecordSource(FOLDER / name, loop=False)
    return list(takewhile(lambda chunk: chunk is not None, map(source.chunk, count())))  # type: ignore[arg-type]


def sent(name: str, channel: int) -> NDArray[np.int16]:
    """Return the samples of a channel, those of a gap as missing, checking that they follow each other."""
    parts: list[NDArray[np.int16]] = []
    following = 0
    for run in (run for chunk in replayed(name) for run in chunk.runs if run.channel == channel):
        assert run.first_index == following
        parts.append(np.frombuffer(run.samples, "<i2") if run.samples else np.full(run.missing, MISSING, np.int16))
        following += len(parts[-1])
    return np.concatenate(parts)


def on_file(path: Path) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64] | None]]:
    """Yield each signal in its unit and, where the file holds integers of one gain, those integers."""
    if path.suffix == ".csv":
        # All columns but the first, which is the times; every cell is a number.
        for column in np.loadtxt(path, delimiter=",", skiprows=1).T[1:]:
            yield column, None
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb

        name = str(path.with_suffix(""))
        physical = wfdb.rdrecord(name, smooth_frames=False)
        one_segment = not isinstance(wfdb.rdheader(name), wfdb.MultiRecord)
        digital = wfdb.rdrecord(name, smooth_frames=False, physical=False).e_d_signal if one_segment else None
    for n, signal in enumerate(physical.e_p_signal):
        yield signal, digital[n] if digital else None


@pytest.mark.parametrize("name", [name for name, expected in RECORDS.items() if expected.channels])
def test_what_is_sent_is_what_the_file_holds(name: str) -> None:
    expected, path = RECORDS[name], FOLDER / name
    channels = RecordSource(path).channels
    assert [channel.mdc for channel in channels] == [mdc for mdc, _ in expected.channels]
    assert [channel.rate_hz for channel in channels] == pytest.approx([hz for _, hz in expected.channels], rel=1e-12)
    shares = []
    for channel, (signal, integers) in zip(channels, on_file(path), strict=True):
        length = round(expected.samples * channel.rate_hz / channels[0].rate_hz)
        raw = sent(name, channel.number)
        # The last chunk ends with a gap: nothing is made up for what is no more.
        assert len(signal) == length and set(raw[length:].tolist()) <= {MISSING}
        missing = raw[:length] == MISSING
        assert np.array_equal(missing, np.isnan(signal))
        if integers is not None:
            assert np.array_equal(raw[:length][~missing], integers[~missing])
        off = np.abs(raw[:length] * channel.gain + channel.offset - signal)[~missing]
        assert off.max() <= abs(channel.gain) * 0.501
        shares.append(100 * float(missing.mean()))
    assert not expected.missing or shares == pytest.approx(expected.missing, abs=0.01)


@pytest.mark.parametrize("name", [name for name, expected in RECORDS.items() if expected.rates])
def test_the_rates_shown_are_those_of_the_reference(name: str) -> None:
    shown: dict[int, list[float]] = {}
    for value in (value for chunk in replayed(name) for value in chunk.values):
        shown.setdefault(value.mdc, []).extend([] if value.value is None else [value.value])
    for mdc, rate in RECORDS[name].rates:
        assert len(shown[mdc]) >= 10
        assert fmean(shown[mdc]) == pytest.approx(rate, abs=2)


def test_numerics_of_a_stay_are_sent_minute_by_minute_as_they_stand() -> None:
    chunks = replayed("s25047/s25047-2704-05-04-10-44n.hea")
    rows = {n / 300: {v.mdc: v.value for v in chunk.values} for n, chunk in enumerate(chunks) if chunk.values}
    assert list(rows) == list(range(72)) and len(chunks) == 72 * 300
    assert rows[0] == {HR: 101.3, PULSE: 0.0, BREATHS: 16.5, codes.SPO2: 0.0}
    cuffs = [row.get(mdc) for row in rows.values() for mdc in (150021, 150022, 150023)]
    # 75, 75 and 70.8 % of the minutes have no pressure of the cuff; some have a mean alone.
    assert cuffs[0::3].count(None) == cuffs[1::3].count(None) == 54 and cuffs[2::3].count(None) == 51


class Stretch:
    """Some seconds of a recording, as fast as the server takes them. Implements demo.source.Source.

    The clock, which is the server's too, goes on with each chunk. While much is unacknowledged it lags a little, so
    that the monitor waits.
    """

    def __init__(self, path: Path, begin_s: int, seconds: int, clock: FakeClock, journal: Journal) -> None:
        self._source = RecordSource(path)
        self._first, self._count = round(begin_s / CHUNK_S), round(seconds / CHUNK_S)
        self._clock, self._journal, self._begin = clock, journal, clock.monotonic()
        self._rates = {channel.number: channel.rate_hz for channel in self._source.channels}
        self.sent: list[Chunk] = []

    @property
    def channels(self) -> tuple[RawChannel, ...]:
        return self._source.channels

    def chunk(self, number: int) -> Chunk | None:
        if number >= self._count:
            return None
        due = self._begin + (number + 1) * CHUNK_S - (0.005 if len(self._journal) > 100 else 0.0)
        self._clock.advance(max(0.0, due - self._clock.monotonic()))
        chunk = self._source.chunk(number + self._first)
        assert chunk is not None
        self.sent.append(Chunk(tuple(self._from_zero(run) for run in chunk.runs), chunk.values))
        return self.sent[-1]

    def _from_zero(self, run: Run) -> Run:
        before = index_at(self._first, self._rates[run.channel])
        return Run(run.channel, run.first_index - before, run.samples, run.missing)


STRETCHES = [
    *((name, expected.stretch) for name, expected in RECORDS.items()),
    ("s25047/s25047-2704-05-04-10-44.hea", (3555, 25)),
]


@pytest.mark.parametrize(("name", "stretch"), STRETCHES)
async def test_what_is_stored_is_what_was_sent_bit_for_bit(house: House, name: str, stretch: tuple[int, int]) -> None:
    admin = await house.person("Admin", Role.ADMIN)
    patient, doctor = await house.person("Patient", Role.PATIENT), await house.person("Doctor", Role.PRACTITIONER)
    encounter = await house.visit(patient, doctor)
    _, credential = await house.device(admin, encounter)
    with Journal(100_000) as journal:
        source = Stretch(FOLDER / name, *stretch, house.clock, journal)
        async with aiohttp.ClientSession() as http:
            options = MonitorOptions(house.origin, credential)
            await MonitorClient(http, options, source, clock=house.clock, journal=journal).run()
        assert len(journal) == 0
    frames = house.services.vitals._frames
    stored = await frames.since(encounter.id, NOON.replace(year=2000), limit=100_000)
    declared = {channel.device_channel: channel for channel in await frames.channels(encounter.id)}
    assert [(c.mdc, c.rate_hz) for _, c in sorted(declared.items())] == [(c.mdc, c.rate_hz) for c in source.channels]
    for channel in source.channels:
        found = sorted((f for f in stored if f.channel == channel.number), key=lambda frame: frame.sequence)
        runs = [run for chunk in source.sent for run in chunk.runs if run.channel == channel.number]
        blocks = [decode_frame(frame.body) for frame in found]
        assert [(b.first_index, b.samples, b.missing if b.gap else 0) for b in blocks] == [
            (run.first_index, run.samples, run.missing) for run in runs
        ]
    _assert_same_numbers(house, [f for f in stored if f.channel == NUMERICS_CHANNEL], source.sent)


def _assert_same_numbers(house: House, stored: list[Any], chunks: list[Chunk]) -> None:
    wire = house.services.vitals._wire
    kept = [wire.from_stored(f.device_id, f.body) for f in sorted(stored, key=lambda frame: frame.sequence)]
    said = [chunk.values for chunk in chunks if chunk.values]
    assert [{sample.mdc: sample.original_value for sample in report.samples} for report in kept] == [
        {value.mdc: value.value for value in values} for values in said
    ]
    # A recording is demonstration data, and a 0 that means "none" is none.
    assert all(report.demo for report in kept)
    zeros = [sample for report in kept for sample in report.samples if sample.original_value == 0]
    assert all(sample.value is None and sample.quality is Quality.INVALID for sample in zeros)
