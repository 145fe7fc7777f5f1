"""A synthetic patient on a monitor: ECG, pleth, respiration, and the numerics that follow from them."""

import math
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType

from telehealth.demo.signals import ECG_II, PLETH, Beats, pulse
from telehealth.demo.source import CHUNK_S, Chunk, Run, index_at
from telehealth.errors import Invalid
from telehealth.vitals import codes
from telehealth.vitals.model import MISSING, Quality, RawChannel, RawValue

NIBP_EVERY_S = 150.0
FIRST_NIBP_S = 3.0

_ECG = RawChannel(1, 131330, "II", "mV", 250.0, 0.005, 0.0)
_PLETH = RawChannel(2, 150452, "Pleth", "1", 125.0, 0.001, 0.0)
_RESP = RawChannel(3, 151780, "Resp", "Ohm", 62.5, 0.001, 0.0)
_CHUNKS_PER_S = round(1 / CHUNK_S)


@dataclass(frozen=True, slots=True)
class Condition:
    """How the patient fares at a moment, and what is attached."""

    heart_rate: float = 74.0
    spo2: float = 97.4
    resp_rate: float = 15.0
    systolic: float = 122.0
    diastolic: float = 78.0
    temperature: float = 36.8
    perfusion: float = 4.2
    leads_on: bool = True
    plugged: bool = True


def _between(at_s: float, *points: tuple[float, float]) -> float:
    """Return the height at `at_s` of the line through the points."""
    for (t0, v0), (t1, v1) in pairwise(points):
        if t0 <= at_s < t1:
            return v0 + (v1 - v0) * (at_s - t0) / (t1 - t0)
    return points[-1][1]


def _stable(_: float) -> Condition:
    return Condition()


def _desaturation(at_s: float) -> Condition:
    t = at_s % 300
    return Condition(
        heart_rate=_between(t, (0, 78), (15, 78), (65, 114), (170, 114), (230, 82), (300, 78)),
        spo2=_between(t, (0, 96.5), (15, 96.5), (65, 83.5), (170, 83.5), (230, 96.5), (300, 96.5)),
        resp_rate=_between(t, (0, 16), (15, 16), (65, 28), (170, 28), (230, 18), (300, 16)),
        perfusion=_between(t, (0, 3.5), (65, 1.4), (170, 1.4), (230, 3.5), (300, 3.5)),
    )


def _tachycardia(_: float) -> Condition:
    return Condition(
        heart_rate=148.0, spo2=94.2, resp_rate=24.0, systolic=96.0, diastolic=61.0, temperature=38.4, perfusion=1.6
    )


def _bradycardia(_: float) -> Condition:
    return Condition(heart_rate=41.0, spo2=95.8, resp_rate=12.0, systolic=98.0, diastolic=56.0)


def _apnoea(at_s: float) -> Condition:
    t = at_s % 120
    breathes = not 50 <= t < 85
    return Condition(
        heart_rate=_between(t, (0, 70), (50, 70), (85, 58), (95, 76), (120, 70)),
        spo2=_between(t, (0, 96.5), (60, 96.5), (90, 89), (110, 96.5), (120, 96.5)),
        resp_rate=14.0 if breathes else 0.0,
    )


def _lead_off(at_s: float) -> Condition:
    return replace(Condition(heart_rate=82.0), leads_on=not 15 <= at_s % 60 < 35)


def _disconnection(at_s: float) -> Condition:
    return replace(Condition(heart_rate=88.0), plugged=not 20 <= at_s % 60 < 32)


SCENARIOS: MappingProxyType[str, Callable[[float], Condition]] = MappingProxyType(
    {
        "stable": _stable,
        "desaturation": _desaturation,
        "tachycardia": _tachycardia,
        "bradycardia": _bradycardia,
        "apnoea": _apnoea,
        "lead_off": _lead_off,
        "disconnection": _disconnection,
    }
)
"""By name: how the patient fares, by seconds since the start."""


class SyntheticPatient:
    """Signals of an invented patient; the same seed gives the same ones. Implements demo.source.Source."""

    def __init__(self, scenario: str, *, seed: int) -> None:
        if scenario not in SCENARIOS:
            raise Invalid(f"There is no scenario of that name; there are {', '.join(SCENARIOS)}.", code="no_scenario")
        self._condition = SCENARIOS[scenario]
        # The same patient for the same seed is what is wanted here; nothing is secret.
        self._chance = random.Random(seed)  # noqa: S311
        self._beats = Beats(self._chance)
        self._breath = 0.0
        self._next_nibp_s = FIRST_NIBP_S

    @property
    def channels(self) -> tuple[RawChannel, ...]:
        return (_ECG, _PLETH, _RESP)

    def chunk(self, number: int) -> Chunk:
        at_s = number * CHUNK_S
        now = self._condition(at_s)
        self._beats.until(at_s, now.heart_rate, now.resp_rate)
        runs = (self._ecg(number, now), self._pleth(number, now), self._resp(number, now))
        if not now.plugged:
            # Nothing is measured: the samples are missing, and nothing is made up for them later.
            gaps = tuple(Run(run.channel, run.first_index, b"", len(run.samples) // 2) for run in runs)
            return Chunk(gaps, unplugged=True)
        values = self._values(at_s, now) if number % _CHUNKS_PER_S == 0 and number else ()
        return Chunk(runs, values)

    def _ecg(self, number: int, now: Condition) -> Run:
        beats = self._beats.around(number * CHUNK_S)
        return self._run(
            _ECG, number, lambda at_s: pulse(at_s, beats, ECG_II) + self._chance.gauss(0.0, 0.008), on=now.leads_on
        )

    def _pleth(self, number: int, now: Condition) -> Run:
        beats = self._beats.around(number * CHUNK_S)
        height = min(1.0, 0.35 + now.perfusion / 8)
        return self._run(_PLETH, number, lambda at_s: height * pulse(at_s, beats, PLETH))

    def _resp(self, number: int, now: Condition) -> Run:
        step = now.resp_rate / 60 / _RESP.rate_hz

        def chest(_: float) -> float:
            self._breath = (self._breath + step) % 1.0
            return 0.8 * math.sin(2 * math.pi * self._breath) + 0.12 * math.sin(4 * math.pi * self._breath)

        # The impedance of the chest is measured between the same electrodes as the ECG.
        return self._run(_RESP, number, chest, on=now.leads_on)

    @staticmethod
    def _run(channel: RawChannel, number: int, value: Callable[[float], float], *, on: bool = True) -> Run:
        first, end = index_at(number, channel.rate_hz), index_at(number + 1, channel.rate_hz)
        heights = (value(n / channel.rate_hz) for n in range(first, end))
        raw = [_raw(height, channel.gain) if on else MISSING for height in heights]
        return Run(channel.number, first, struct.pack(f"<{len(raw)}h", *raw))

    def _values(self, at_s: float, now: Condition) -> tuple[RawValue, ...]:
        rate = float(round(self._beats.rate_at(at_s)))
        spo2 = float(round(min(100.0, now.spo2 + self._chance.gauss(0.0, 0.25))))
        values = [
            _value(codes.HEART_RATE, rate if now.leads_on else None, "/min"),
            _value(codes.PULSE_RATE, rate, "/min"),
            _value(codes.SPO2, spo2, "%"),
            _value(codes.PERFUSION, round(now.perfusion + self._chance.gauss(0.0, 0.05), 1), "%"),
            # As many monitors do, it counts nothing where there is nothing to count.
            _value(codes.RESP_RATE, float(round(now.resp_rate)) if now.leads_on and now.resp_rate else None, "/min"),
            _value(codes.TEMPERATURE, round(now.temperature, 1), "Cel"),
        ]
        if at_s >= self._next_nibp_s:
            self._next_nibp_s = at_s + NIBP_EVERY_S
            values += self._cuff(now)
        return tuple(values)

    def _cuff(self, now: Condition) -> list[RawValue]:
        systolic = round(now.systolic + self._chance.gauss(0.0, 2.0))
        diastolic = round(now.diastolic + self._chance.gauss(0.0, 2.0))
        mean = round(diastolic + (systolic - diastolic) / 3)
        pressures = ((codes.NIBP_SYSTOLIC, systolic), (codes.NIBP_DIASTOLIC, diastolic), (codes.NIBP_MEAN, mean))
        return [_value(mdc, float(pressure), "mm[Hg]") for mdc, pressure in pressures]


def _raw(value: float, gain: float) -> int:
    return max(-32767, min(32767, round(value / gain)))


def _value(mdc: int, value: float | None, unit: str) -> RawValue:
    return RawValue(value, unit, Quality.INVALID if value is None else Quality.GOOD, mdc=mdc)
