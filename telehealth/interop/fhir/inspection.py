"""A file with a FHIR resource, as `telehealth inspect fhir` shows it."""

from datetime import datetime
from typing import Any

from telehealth.errors import Invalid
from telehealth.interop import inspection
from telehealth.interop.fhir.resources import load
from telehealth.interop.fhir.submission import accepted, read_submission, weighed


def inspect(data: bytes, received_at: datetime) -> dict[str, Any]:
    """Return what of the resource would be kept, and what not and why. Never raises."""
    try:
        outcomes = weighed(read_submission(load(data)), received_at)
    except Invalid as error:
        return inspection.refused(error.code, error.text, "resource")
    shown = inspection.inspected(accepted(outcomes), received_at)
    shown["quarantined"] = [
        {"reason": one.code, "text": one.text, "what": one.what} for outcome in outcomes for one in outcome.issues
    ]
    shown["ignored"] = [outcome.entry.what for outcome in outcomes if outcome.entry.passed_over]
    return shown
