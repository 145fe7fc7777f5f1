"""FHIR resources written by hand, and what is kept of them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from telehealth.interop.fhir.inspection import inspect

RECEIVED = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
SHARED = Path(__file__).parents[4] / "shared" / "data"
MDC = "urn:iso:std:iso:11073:10101"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


def coded(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for system, code in pairs]}


def quantity(value: Any, code: str, **more: Any) -> dict[str, Any]:
    return {"value": value, "unit": code, "system": UCUM, "code": code, **more}


def an_observation(**changes: Any) -> dict[str, Any]:
    found = {
        "resourceType": "Observation",
        "status": "final",
        "code": coded((LOINC, "8867-4")),
        "effectiveDateTime": "2026-01-01T11:59:00Z",
        "valueQuantity": quantity(75, "/min"),
    }
    return {name: value for name, value in (found | changes).items() if value is not None}


def a_component(loinc: str, **value: Any) -> dict[str, Any]:
    return {"code": coded((LOINC, loinc)), **value}


def sampled(data: str, **changes: Any) -> dict[str, Any]:
    values = {"origin": quantity(0, "mV"), "period": 4, "factor": 0.005, "dimensions": 1, "data": data} | changes
    wave = {name: value for name, value in values.items() if value is not None}
    return an_observation(code=coded((MDC, "131330")), valueQuantity=None, valueSampledData=wave)


def a_bundle(kind: str, *resources: dict[str, Any], **request: str) -> dict[str, Any]:
    asked = {"method": "POST", **request}
    entries = [{"resource": one, "request": {"url": one["resourceType"], **asked}} for one in resources]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def shown(resource: Any) -> dict[str, Any]:
    return inspect(resource if isinstance(resource, bytes) else json.dumps(resource).encode(), RECEIVED)


def recorded(found: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
    return [(one["loinc"], one["mdc"], one["value"], one["unit"]) for one in found["recorded"]]


def reasons(found: dict[str, Any]) -> list[str]:
    return [one["reason"] for one in found["quarantined"]]
