"""A recording, whatever file it comes from: waves as they are sent and as they are measured, and rows of numerics."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from telehealth.demo.derived_numerics import Signal
from telehealth.vitals import codes
from telehealth.vitals.model import MISSING, RawChannel

MAX_SIGNALS = 32

NUMERICS_BELOW_HZ = 2.0
"""A signal of fewer samples a second is a number that a monitor shows, and no wave."""

_ECG = 131328
_LEADS = {wave.label.upper(): wave.mdc for wave in codes.WAVES.values() if wave.group == "ecg"}
_WAVES = MappingProxyType(
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
"""MDC code by a record's name for a wave. One of another name has no code and is drawn by its name."""

_NUMERICS = MappingProxyType(
    {
        "HR": codes.HEART_RATE,
        "PULSE": codes.PULSE_RATE,
        "RESP": codes.RESP_RATE,
        "RR": codes.RESP_RATE,
        "SPO2": codes.SPO2,
        "TEMP": codes.TEMPERATURE,
        "CVP": codes.CVP_MEAN,
        **{f"{cuff}{part}": mdc for cuff in ("NBP", "NIBP") for part, mdc in (
            ("SYS", codes.NIBP_SYSTOLIC), ("DIAS", codes.NIBP_DIASTOLIC), ("MEAN", codes.NIBP_MEAN))},
        "ABPSYS": codes.ABP_SYSTOLIC,
        "ABPDIAS": codes.ABP_DIASTOLIC,
        "ABPMEAN": codes.ABP_MEAN,
        "PAPSYS": codes.PAP_SYSTOLIC,
        "PAPDIAS": codes.PAP_DIASTOLIC,
        "PAPMEAN": codes.PAP_MEAN,
    }
)  # fmt: skip
"""MDC code by a record's name for a number (blanks left out). One of another name is not sent."""

_UNITS = MappingProxyType(
    {
        "mV": "mV",
        "uV": "uV",
        "V": "V",
        "mmHg": "mm[Hg]",
        "kPa": "kPa",
        "cmH2O": "cm[H2O]",
        "bpm": "/min",
        "pm": "/min",
        "%": "%",
        "C": "Cel",
        "degC": "Cel",
    }
)


@dataclass(frozen=True, slots=True)
class Trace:
    """A wave of the recording: as it is sent, and in its unit with NaN where it has none."""

    channel: RawChannel
    raw: NDArray[np.int16]
    physical: Signal


@dataclass(frozen=True, slots=True)
class NumericTrack:
    """A number of the recording, once in each row; NaN where there is none."""

    mdc: int
    unit: str
    values: Signal


@dataclass(frozen=True, slots=True)
class Recording:
    """Waves, or else rows of numerics that come `rows_hz` times a second."""

    traces: tuple[Trace, ...] = ()
    numerics: tuple[NumericTrack, ...] = ()
    rows_hz: float = 0.0

    @property
    def length_s(self) -> float:
        waves = [len(trace.raw) / trace.channel.rate_hz for trace in self.traces]
        return max([*waves, *(len(track.values) / self.rows_hz for track in self.numerics)], default=0.0)


@dataclass(frozen=True, slots=True)
class Digits:
    """How numbers of a file become 16-bit samples: number = raw × gain + offset."""

    gain: float
    offset: float


def trace_of(number: int, name: str, unit: str, rate_hz: float, physical: Signal, own: Sequence[Digits]) -> Trace:
    """Return the wave as channel `number`; `own`: the file's digits, taken if the samples fit into them."""
    digits = next((one for one in own if _fits(physical, one)), None) or _filling(physical)
    with np.errstate(invalid="ignore"):
        raw = np.where(np.isnan(physical), MISSING, np.round((physical - digits.offset) / digits.gain))
    mdc, ucum = _meaning(name, unit)
    channel = RawChannel(
        number, mdc, _label(name, mdc) or f"signal {number}", ucum, rate_hz, digits.gain, digits.offset
    )
    return Trace(channel, raw.astype(np.int16), physical)


def track_of(name: str, unit: str, values: Signal) -> NumericTrack | None:
    """Return the number's track; None if we don't know it, or its file does not say in what unit it is."""
    mdc = _NUMERICS.get(name.upper().replace(" ", ""), 0)
    return NumericTrack(mdc, _UNITS[unit], values) if mdc and unit in _UNITS else None


def _label(name: str, mdc: int) -> str:
    """Return the record's name for a signal, written as monitors write it if they know it."""
    wave = codes.WAVES.get(mdc)
    return wave.label if wave is not None and wave.label.upper() == name.strip().upper() else name.strip()[:32]


def _fits(physical: Signal, digits: Digits) -> bool:
    if not np.isfinite(digits.gain) or digits.gain == 0 or bool(np.all(np.isnan(physical))):
        return False
    ends = (float(np.nanmin(physical)), float(np.nanmax(physical)))
    return max(abs(end - digits.offset) for end in ends) / abs(digits.gain) <= 32767.4


def _filling(physical: Signal) -> Digits:
    """Return digits that spread the numbers over 16 bits."""
    if np.all(np.isnan(physical)):
        return Digits(1.0, 0.0)
    low, high = float(np.nanmin(physical)), float(np.nanmax(physical))
    return Digits(max((high - low) / 65_000, 1e-9), (high + low) / 2)


def _meaning(name: str, unit: str) -> tuple[int, str]:
    """Return the MDC code and the UCUM unit; only the shape of pleth and respiration counts, whatever their unit."""
    mdc, ucum = _WAVES.get(name.strip().upper(), 0), _UNITS.get(unit, "1")
    wave = codes.WAVES.get(mdc)
    if wave is None:
        return 0, ucum
    if wave.unit == "1":
        return mdc, "1"
    # A lead whose file tells no unit is shown by its shape: nothing is claimed of its height.
    fits = (wave.unit == "mV" and (ucum in ("mV", "uV", "V") or not unit)) or (
        wave.unit == "mm[Hg]" and ucum in ("mm[Hg]", "kPa")
    )
    return (mdc, ucum) if fits else (0, ucum)
