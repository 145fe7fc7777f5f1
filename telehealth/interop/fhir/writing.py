"""FHIR R4 observations, written: what a gateway sends (for the simulator, and to try what we read against)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from telehealth.interop.fhir.resources import MDC, UCUM
from telehealth.interop.stretch import Stretch
from telehealth.vitals.codes import PARAMETERS, WAVES, loinc_of
from telehealth.vitals.model import MISSING, Quality, RawValue

_LOINC = "http://loinc.org"
_PRESSURES = (150021, 150022, 150023)
_PANEL = "85354-9"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_CATEGORY = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}]
}


def batch_bundle(at: datetime, values: Sequence[RawValue], stretches: Sequence[Stretch]) -> dict[str, Any]:
    """Return a batch with an Observation for each value measured at `at` and for each wave; a cuff's stand together."""
    cuff = [value for value in values if value.mdc in _PRESSURES]
    found = [_numeric(value, at) for value in values if value.mdc not in _PRESSURES]
    found += [_panel(cuff, at)] if cuff else []
    found += [_wave(stretch) for stretch in stretches]
    entries = [{"resource": one, "request": {"method": "POST", "url": "Observation"}} for one in found]
    return {"resourceType": "Bundle", "type": "batch", "entry": entries}


def _numeric(value: RawValue, at: datetime) -> dict[str, Any]:
    status = "preliminary" if value.quality is Quality.QUESTIONABLE else "final"
    return {**_observation(status, _instant(at)), **_said(value)}


def _panel(values: Sequence[RawValue], at: datetime) -> dict[str, Any]:
    code = {"coding": [{"system": _LOINC, "code": _PANEL}]}
    return {**_observation("final", _instant(at)), "code": code, "component": [_said(value) for value in values]}


def _wave(stretch: Stretch) -> dict[str, Any]:
    channel = stretch.channel
    raw = memoryview(stretch.samples).cast("h")
    unit = {"unit": channel.unit, "system": UCUM, "code": channel.unit}
    return {
        **_observation("final", _instant(stretch.starts_at)),
        "code": {"coding": [{"system": MDC, "code": str(channel.mdc), "display": WAVES[channel.mdc].reference}]},
        "valueSampledData": {
            "origin": {"value": channel.offset, **unit},
            "period": 1000 / channel.rate_hz,
            "factor": channel.gain,
            "dimensions": 1,
            "data": " ".join("E" if n == MISSING else str(n) for n in raw),
        },
    }


def _observation(status: str, at: str) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": status, "category": [_CATEGORY], "effectiveDateTime": at}


def _said(value: RawValue) -> dict[str, Any]:
    code = {"coding": list(_codings(value.mdc))}
    if value.value is None:
        return {"code": code, "dataAbsentReason": {"coding": [{"system": _ABSENT, "code": "error"}]}}
    return {
        "code": code,
        "valueQuantity": {"value": value.value, "unit": value.unit, "system": UCUM, "code": value.unit},
    }


def _codings(mdc: int) -> Iterator[dict[str, str]]:
    yield {"system": MDC, "code": str(mdc), "display": PARAMETERS[mdc].reference}
    if loinc := loinc_of(mdc):
        yield {"system": _LOINC, "code": loinc}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
