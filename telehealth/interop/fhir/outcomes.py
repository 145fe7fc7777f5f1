"""OperationOutcome, and the answer to a bundle (https://hl7.org/fhir/R4/operationoutcome.html)."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from telehealth.vitals.reported import Quarantined

_TYPES = MappingProxyType(
    {
        "bad_json": "structure",
        "bad_time": "value",
        "bad_value": "value",
        "before_association": "business-rule",
        "codes_disagree": "code-invalid",
        "future_time": "business-rule",
        "impossible_value": "business-rule",
        "implausible_scale": "business-rule",
        "no_code": "required",
        "no_rate": "required",
        "no_time": "required",
        "no_time_zone": "value",
        "no_value": "incomplete",
        "not_associated": "conflict",
        "repeated_parameter": "duplicate",
        "too_large": "too-long",
        "too_many": "too-costly",
        "throttled": "throttled",
        "unauthenticated": "login",
        "unavailable": "transient",
        "forbidden": "forbidden",
        "not_found": "not-found",
        "unit_required": "required",
        "unknown_parameter": "code-invalid",
        "unknown_unit": "code-invalid",
        "unsupported_bundle": "not-supported",
        "unsupported_media_type": "not-supported",
        "unsupported_request": "not-supported",
        "unsupported_resource": "not-supported",
        "unsupported_value": "not-supported",
    }
)
_SYSTEM = "urn:telehealth:refusal"


def issue(code: str, diagnostics: str, *, severity: str = "error", where: str = "") -> dict[str, Any]:
    """Return an issue; `code` is ours, and stands beside FHIR's."""
    found: dict[str, Any] = {
        "severity": severity,
        "code": _TYPES.get(code, "invalid"),
        "details": {"coding": [{"system": _SYSTEM, "code": code}]},
        "diagnostics": diagnostics,
    }
    return found | ({"expression": [where]} if where else {})


def outcome(issues: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return an OperationOutcome; with no issue to tell, it says that all is well."""
    well = [{"severity": "information", "code": "informational", "diagnostics": "All is taken."}]
    return {"resourceType": "OperationOutcome", "issue": list(issues) or well}


def of_refusals(refusals: Sequence[Quarantined], *, severity: str) -> list[dict[str, Any]]:
    """Return an issue for each."""
    return [issue(one.code, one.text, severity=severity, where=one.what) for one in refusals]
