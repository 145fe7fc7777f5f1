"""A recording in WFDB format as a source of signals: each at its own rate, its samples as they were digitised.

What is missing in the record stays missing. At the end it begins again after a gap: never by a splice. Numerics that
waves carry are computed as a monitor does; what they don't carry (SpO2) is not sent.
"""

import warnings
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telehealth.demo import derived_numerics as derived
from telehealth.demo.derived_numerics import Signal
from telehealth.demo.source import CHUNK_S, Chunk, Run, index_at
from telehealth.errors import Invalid
from telehealth.vitals import codes
from telehealth.vitals.model import MISSING, Quality, RawChannel, RawValue

PAUSE_S = 1.0
"""Length of the gap between the end of the record and its next beginning."""

MAX_SIGNALS = 32
WINDOW_S = 10.0
BREATHS_S = 30.0
_PER_S = round(1 / CHUNK_S)

_ECG = 131328
_LEADS = {wave.label.upper(): wave.mdc for wave in codes.WAVES.values() if wave.group == "ecg"}
_NAMES = MappingProxyType(
    {
        **_LEADS,
        **dict.fromkeys(("MLI", "MLII", "MLIII", "VX", "VY", "VZ"), _ECG),
        "PLETH": 150452,
        "PPG": 150452,
        "RESP": 151552,
        "ABP": 150036,
        "ART": 150032,
        "PAP": 150044,
        "CVP": 150084,
        "CO2": 151724,
    }
)
"""MDC code by a record's name for a signal. A signal of another name has no code and is drawn by its name."""

_UNITS = MappingProxyType({"mV": "mV", "uV": "uV", "V": "V", "mmHg": "mm[Hg]", "kPa": "kPa", "cmH2O": "cm[H2O]"})
_PRESSURES = MappingProxyType(
    {
        150036: (codes.ABP_SYSTOLIC, codes.ABP_DIASTOLIC, codes.ABP_MEAN),
        150032: (150033, 150034, 150035),
        150044: (codes.PAP_SYSTOLIC, codes.PAP_DIASTOLIC, codes.PAP_MEAN),
    }
)


@dataclass(frozen=True, slots=True)
class _Trace:
    """A signal of the record: as it is sent, and in its unit with NaN where it has none."""

    channel: RawChannel
    raw: NDArray[np.int16]
    physical: Signal


class RecordSource:
    """A record, again and again. Implements demo.source.Source.

    Args:
        path: The record: path of its header, with or without `.hea`.
        loop: Begin again at the end.

    Raises:
        Invalid: `no_record`: it is not there, or can't be read; `no_waveform`: it holds no waves.
        ImportError: The extra `replay` is not installed.
    """

    def __init__(self, path: Path, *, loop: bool = True) -> None:
        self._traces = _read(path)
        self._loop = loop
        length_s = max(len(trace.raw) / trace.channel.rate_hz for trace in self._traces)
        self._chunks = ceil(round(length_s * _PER_S, 6))
        self._lap = self._chunks + round(PAUSE_S * _PER_S)
        self._values: tuple[RawValue, ...] = ()

    @property
    def channels(self) -> tuple[RawChannel, ...]:
        return tuple(trace.channel for trace in self._traces)

    def chunk(self, number: int) -> Chunk | None:
        lap, within = divmod(number, self._lap)
        if not self._loop and number >= self._chunks:
            return None
        runs = tuple(run for trace in self._traces for run in self._runs(trace, number, lap * self._lap))
        if number == 0 or number % _PER_S:
            return Chunk(runs)
        if derived.LEAST_S * _PER_S <= within <= self._chunks:
            # Near the beginning a monitor still shows the average of the beats before.
            self._values = self._measured(within * CHUNK_S)
        return Chunk(runs, self._values)

    @staticmethod
    def _runs(trace: _Trace, number: int, begin: int) -> list[Run]:
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


def _of_wave(trace: _Trace, until_s: float) -> list[RawValue]:
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


def _is_ecg(trace: _Trace) -> bool:
    wave = codes.WAVES.get(trace.channel.mdc)
    return wave is not None and wave.group == "ecg"


def _last(trace: _Trace, until_s: float, seconds: float) -> Signal:
    hz = trace.channel.rate_hz
    return trace.physical[max(0, round((until_s - seconds) * hz)) : round(until_s * hz)]


def _value(mdc: int, value: float | None, unit: str) -> RawValue:
    if value is None:
        return RawValue(None, unit, Quality.INVALID, mdc=mdc)
    return RawValue(float(round(value)), unit, Quality.GOOD, mdc=mdc)


def _read(path: Path) -> tuple[_Trace, ...]:
    name = str(path.with_suffix("") if path.suffix in (".hea", ".dat") else path)
    with warnings.catch_warnings():
        # What wfdb says on its import and later concerns its authors and those of pandas.
        warnings.simplefilter("ignore")
        import wfdb

        try:
            # Averaged to one rate, a fast lead would lose its peaks.
            record = wfdb.rdrecord(name, smooth_frames=False)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise Invalid(f"The record {path.name} can't be read.", code="no_record") from error
    if record.fs is None or record.fs < 1 or not record.e_p_signal:
        raise Invalid(f"The record {path.name} holds no waves.", code="no_waveform")
    count = min(MAX_SIGNALS, len(record.e_p_signal))
    return tuple(_trace(record, n) for n in range(count))


def _trace(record: Any, n: int) -> _Trace:
    physical = np.asarray(record.e_p_signal[n], dtype=np.float64)
    gains, baselines = record.adc_gain or [None], record.baseline or [None]
    gain, offset = _scale(physical, gains[n % len(gains)], baselines[n % len(baselines)])
    with np.errstate(invalid="ignore"):
        raw = np.where(np.isnan(physical), MISSING, np.round((physical - offset) / gain)).astype(np.int16)
    rate_hz = float(record.fs) * float(record.samps_per_frame[n])
    mdc, unit = _meaning(str(record.sig_name[n]), str(record.units[n]))
    label = _label(str(record.sig_name[n]), mdc) or f"signal {n + 1}"
    return _Trace(RawChannel(n + 1, mdc, label, unit, rate_hz, gain, offset), raw, physical)


def _label(name: str, mdc: int) -> str:
    """Return the record's name for a signal, written as monitors write it if they know it."""
    wave = codes.WAVES.get(mdc)
    return wave.label if wave is not None and wave.label.upper() == name.strip().upper() else name.strip()[:32]


def _scale(physical: Signal, adc_gain: float | None, baseline: int | None) -> tuple[float, float]:
    """Return gain and offset with which the samples are those of the recorder, or else fill 16 bits."""
    if np.all(np.isnan(physical)):
        return 1.0, 0.0
    low, high = float(np.nanmin(physical)), float(np.nanmax(physical))
    if adc_gain and baseline is not None:
        own, zero = 1.0 / adc_gain, -baseline / adc_gain
        if max(abs(low - zero), abs(high - zero)) / abs(own) <= 32767:
            return own, zero
    return max((high - low) / 65_000, 1e-9), (high + low) / 2


def _meaning(name: str, unit: str) -> tuple[int, str]:
    """Return the MDC code and the UCUM unit; only the shape of pleth and respiration counts, whatever their unit."""
    mdc, ucum = _NAMES.get(name.strip().upper(), 0), _UNITS.get(unit, "1")
    wave = codes.WAVES.get(mdc)
    if wave is None:
        return 0, ucum
    if wave.unit == "1":
        return mdc, "1"
    fits = (wave.unit == "mV" and ucum in ("mV", "uV", "V")) or (wave.unit == "mm[Hg]" and ucum in ("mm[Hg]", "kPa"))
    return (mdc, ucum) if fits else (0, ucum)
