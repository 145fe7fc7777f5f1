"""From what a device sends to Samples: coded, in the parameter's own unit, judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from telehealth.errors import Invalid
from telehealth.vitals.codes import PRESSURES, Parameter, parameter_of
from telehealth.vitals.model import Quality, RawValue, Sample
from telehealth.vitals.units import convert


@dataclass(frozen=True, slots=True)
class Judged:
    """Samples to keep, and the codes of what was wrong with the others."""

    samples: tuple[Sample, ...]
    faults: tuple[str, ...]


def judge(values: Sequence[RawValue], taken_at: datetime, received_at: datetime) -> Judged:
    """Return the samples in the values.

    Left out are values of an unknown parameter (fault `unknown_parameter`), without a unit (`unit_required`) or with
    one that does not fit (`unknown_unit`), and a second value of a parameter (`bad_message`). What is impossible is
    kept without its value, as invalid (`impossible_value`).
    """
    samples: dict[int, Sample] = {}
    faults: list[str] = []
    for raw in values:
        parameter = parameter_of(raw.mdc, raw.loinc)
        if parameter is None:
            faults.append("unknown_parameter")
        elif parameter.mdc in samples:
            faults.append("bad_message")
        else:
            try:
                sample = _sample(parameter, raw, taken_at, received_at)
            except Invalid as error:
                faults.append(error.code)
                continue
            samples[parameter.mdc] = sample
            if sample.value is None and raw.value is not None and _impossible(parameter, raw):
                faults.append("impossible_value")
    return Judged(tuple(consistent(samples).values()), tuple(faults))


def _sample(parameter: Parameter, raw: RawValue, taken_at: datetime, received_at: datetime) -> Sample:
    value, quality = _valued(parameter, raw)
    return Sample(parameter.mdc, value, parameter.unit, raw.value, raw.unit, taken_at, received_at, quality)


def _valued(parameter: Parameter, raw: RawValue) -> tuple[float | None, Quality]:
    if raw.value is None:
        return None, Quality.INVALID
    value = _rounded(convert(raw.value, raw.unit, parameter.unit))
    if raw.quality is Quality.INVALID or value not in parameter.hard:
        return None, Quality.INVALID
    # Monitors write 0 for "none". One that means it marks the value as questionable, which we then show as it is.
    if value == 0 and parameter.zero_is_none and raw.quality is not Quality.QUESTIONABLE:
        return None, Quality.INVALID
    return value, raw.quality if value in parameter.soft else Quality.QUESTIONABLE


def _impossible(parameter: Parameter, raw: RawValue) -> bool:
    return raw.value is not None and _rounded(convert(raw.value, raw.unit, parameter.unit)) not in parameter.hard


def _rounded(value: float) -> float:
    # Conversion leaves digits that no device measured: 98.6 °F is 37 °C, not 36.99999999999999.
    return round(value, 6)


def consistent(samples: Mapping[int, Sample]) -> dict[int, Sample]:
    """Return the samples with those pressures questioned that contradict each other."""
    judged = dict(samples)
    for systolic, (diastolic, mean) in PRESSURES.items():
        high, low, middle = (_value(samples, mdc) for mdc in (systolic, diastolic, mean))
        known = [pressure for pressure in (low, middle, high) if pressure is not None]
        flat = high is not None and low is not None and high == low
        if known != sorted(known) or flat:
            for mdc in (systolic, diastolic, mean):
                if mdc in judged and judged[mdc].value is not None:
                    judged[mdc] = replace(judged[mdc], quality=Quality.QUESTIONABLE)
    return judged


def _value(samples: Mapping[int, Sample], mdc: int) -> float | None:
    return samples[mdc].value if mdc in samples else None
