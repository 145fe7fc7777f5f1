"""A recording as a source of signals: each at its own rate, its samples as they were digitised.

What is missing in the record stays missing. At the end it begins again after a gap: never by a splice. Numerics that
waves carry are computed as a monitor does; what they don't carry (SpO2) is not sent. A record of numerics is sent row
by row, as it stands.
"""

from math import ceil
from pathlib import Path
from types import MappingProxyType

import numpy as np

from telehealth.demo import derived_numerics as derived
from telehealth.demo.csv_record import read_csv
from telehealth.demo.derived_numerics import Signal
from telehealth.demo.recording import Trace
from telehealth.demo.source import CHUNK_S, Chunk, Run, index_at
from telehealth.demo.wfdb_record import read_wfdb
from telehealth.vitals import codes
from telehealth.vitals.model import MISSING, Quality, RawChannel, RawValue

PAUSE_S = 1.0
"""Length of the gap between the end of the record and its next beginning."""

WINDOW_S = 10.0
BREATHS_S = 30.0
_PER_S = round(1 / CHUNK_S)

_PRESSURES = MappingProxyType(
    {
        150036: (codes.ABP_SYSTOLIC, codes.ABP_DIASTOLIC, codes.ABP_MEAN),
        150032: (150033, 150034, 150035),
        150044: (codes.PAP_SYSTOLIC, codes.PAP_DIASTOLIC, codes.PAP_MEAN),
    }
)


class RecordSource:
    """A record, again and again. Implements demo.source.Source.

    Args:
        path: The record: a table (`.csv`), or the header of a WFDB record, with or without `.hea`.
        loop: Begin again at the end.

    Raises:
        Invalid: `no_record`: it is not there, or can't be read; `no_waveform`: it holds nothing to send; `no_rate`.
        ImportError: The extra `replay` is not installed.
    """

    def __init__(self, path: Path, *, loop: bool = True) -> None:
        record = read_csv(path) if path.suffix.lower() == ".csv" else read_wfdb(path)
        self._traces, self._numerics, self._rows_hz = record.traces, record.numerics, record.rows_hz
        self._loop = loop
        self._chunks = ceil(round(record.length_s * _PER_S, 6))
        self._lap = self._chunks + round(PAUSE_S * _PER_S)
        self._values: tuple[RawValue, ...] = ()

    @property
    def channels(self) -> tuple[RawChannel, ...]:
        return tuple(trace.channel for trace in self._traces)

    def chunk(self, number: int) -> Chunk | None:
        lap, within = divmod(number, self._lap)
        if not self._loop and number >= self._chunks:
            return None
        if self._numerics:
            return Chunk((), self._row(number, lap * self._lap))
        runs = tuple(run for trace in self._traces for run in self._runs(trace, number, lap * self._lap))
        if number == 0 or number % _PER_S:
            return Chunk(runs)
        if derived.LEAST_S * _PER_S <= within <= self._chunks:
            # Near the beginning a monitor still shows the average of the beats before.
            self._values = self._measured(within * CHUNK_S)
        return Chunk(runs, self._values)

    @staticmethod
    def _runs(trace: Trace, number: int, begin: int) -> list[Run]:
        """Return the samples of a stretch, and the gap where the record has none."""
        channel = trace.channel
        first, end = index_at(number, channel.rate_hz), index_at(number + 1, channel.rate_hz)
        base = index_at(begin, channel.rate_hz)
        samples = trace.raw[first - base : end - base]
        runs: list[Run] = []
        there = 0 if bool(np.all(samples == MISSING)) else len(samples)
        if there:
            runs.append(Run(channel.number, first, samples.astype("<i2").tobytes()))
        if first + there < end:
            runs.append(Run(channel.number, first + there, b"", end - first - there))
        return runs

    def _row(self, number: int, begin: int) -> tuple[RawValue, ...]:
        """Return the numbers of the row that falls into a stretch; those that it lacks are left out."""
        first, end = index_at(number, self._rows_hz), index_at(number + 1, self._rows_hz)
        row = first - index_at(begin, self._rows_hz)
        there = [track for track in self._numerics if first < end and row < len(track.values)]
        return tuple(
            RawValue(float(track.values[row]), track.unit, Quality.GOOD, mdc=track.mdc)
            for track in there
            if not np.isnan(track.values[row])
        )

    def _measured(self, until_s: float) -> tuple[RawValue, ...]:
        leads = [trace for trace in self._traces if _is_ecg(trace)]
        values: list[RawValue] = []
        if leads:
            rate = derived.heart_rate([(_last(t, until_s, WINDOW_S), t.channel.rate_hz) for t in leads])
            values.append(_value(codes.HEART_RATE, rate, "/min"))
        for trace in self._traces:
            sent = {value.mdc for value in values}
            values += [value for value in _of_wave(trace, until_s) if value.mdc not in sent]
        return tuple(values)


def _of_wave(trace: Trace, until_s: float) -> list[RawValue]:
    """Return the numerics that one wave carries, other than an ECG."""
    mdc, hz = trace.channel.mdc, trace.channel.rate_hz
    recent = _last(trace, until_s, WINDOW_S)
    if mdc == 150452:
        return [_value(codes.PULSE_RATE, derived.pulse_rate(recent, hz), "/min")]
    if mdc == 151552:
        return [_value(codes.RESP_RATE, derived.breath_rate(_last(trace, until_s, BREATHS_S), hz), "/min")]
    if mdc == 150084:
        mean = None if np.isnan(recent).mean() > derived.MAX_MISSING else float(np.nanmean(recent))
        return [_value(codes.CVP_MEAN, mean, trace.channel.unit)]
    if mdc in _PRESSURES:
        read = derived.pressure(recent, hz)
        numbers = (None, None, None) if read is None else (read.systolic, read.diastolic, read.mean)
        pairs = zip(_PRESSURES[mdc], numbers, strict=True)
        return [_value(code, number, trace.channel.unit) for code, number in pairs]
    return []


def _is_ecg(trace: Trace) -> bool:
    wave = codes.WAVES.get(trace.channel.mdc)
    return wave is not None and wave.group == "ecg"


def _last(trace: Trace, until_s: float, seconds: float) -> Signal:
    hz = trace.channel.rate_hz
    return trace.physical[max(0, round((until_s - seconds) * hz)) : round(until_s * hz)]


def _value(mdc: int, value: float | None, unit: str) -> RawValue:
    if value is None:
        return RawValue(None, unit, Quality.INVALID, mdc=mdc)
    return RawValue(float(round(value)), unit, Quality.GOOD, mdc=mdc)
