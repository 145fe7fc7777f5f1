"""What is submitted: one Observation or a Bundle of them, and what becomes of each entry.

Of a transaction with an entry that is refused, nothing is taken (https://hl7.org/fhir/R4/http.html#transaction); of a
batch or a collection, each entry stands for itself. Patients and devices in a bundle are passed over: whose vitals
these are was decided before. References are not followed, so circular ones do no harm.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from telehealth.errors import Invalid
from telehealth.interop.fhir.observation import read_observation
from telehealth.interop.fhir.resources import MAX_ENTRIES, Resource, part, parts, text
from telehealth.vitals.intake import Intake, taken_in
from telehealth.vitals.reported import Collector, Quarantined, Reported

_HARMLESS = frozenset({"no_value", "references_only", "cancelled", "entered_in_error"})
"""What leaves nothing to keep, and is no fault of an entry."""

_BUNDLES = frozenset({"transaction", "batch", "collection"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource of a submission.

    Attributes:
        fault: Why it is refused before anybody looks into it; None if it isn't.
        passed_over: It is neither refused nor kept.
    """

    what: str
    reported: Reported = field(default_factory=Reported)
    fault: Quarantined | None = None
    passed_over: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of an entry."""

    entry: Entry
    intake: Intake
    accepted: bool
    issues: tuple[Quarantined, ...]


@dataclass(frozen=True, slots=True)
class Submission:
    """All entries, and whether they stand or fall together."""

    entries: tuple[Entry, ...]
    together: bool = False
    is_bundle: bool = False


def read_submission(resource: Resource, if_none_exist: str = "") -> Submission:
    """Return what is submitted.

    Args:
        resource: An Observation or a Bundle; anything else is an entry that is refused.
        if_none_exist: The condition for a single resource (`identifier=system|value`).

    Raises:
        Invalid: `unsupported_bundle`; `too_many` entries; `bad_condition`.
    """
    if text(resource, "resourceType") != "Bundle":
        return Submission((_read_single(resource, if_none_exist),))
    kind = text(resource, "type")
    if kind not in _BUNDLES:
        raise Invalid("Bundles of type transaction, batch and collection are taken.", code="unsupported_bundle")
    entries = parts(resource, "entry", MAX_ENTRIES)
    read = tuple(
        _read_entry(entry, f"entry[{n}]", needs_request=kind != "collection") for n, entry in enumerate(entries)
    )
    return Submission(read, together=kind == "transaction", is_bundle=True)


def condition(written: str) -> str:
    """Return the identity in an If-None-Exist condition, empty for none; Invalid (bad_condition) for another search."""
    if not written:
        return ""
    query = urlsplit(written).query if "?" in written else written
    found = parse_qsl(query, keep_blank_values=True)
    if len(found) != 1 or found[0][0] != "identifier" or not found[0][1] or len(written) > 1_000:
        raise Invalid("The condition must be `identifier=system|value`.", code="bad_condition")
    value = found[0][1]
    return value if "|" in value else f"|{value}"


def _read_single(resource: Resource, if_none_exist: str) -> Entry:
    kind = text(resource, "resourceType")
    if kind != "Observation":
        return Entry(kind[:40], fault=Quarantined("unsupported_resource", kind[:40]))
    return _observation(resource, kind, condition(if_none_exist))


def _read_entry(entry: Resource, what: str, *, needs_request: bool) -> Entry:
    resource, request = part(entry, "resource"), part(entry, "request")
    kind = text(resource, "resourceType")
    if needs_request and (text(request, "method") != "POST" or text(request, "url").strip("/") != kind):
        return Entry(what, fault=Quarantined("unsupported_request", what))
    if kind in ("Patient", "Device", "DeviceMetric"):
        return Entry(what, passed_over=True)
    if kind != "Observation":
        return Entry(what, fault=Quarantined("unsupported_resource", what))
    try:
        return _observation(resource, what, condition(text(request, "ifNoneExist")))
    except Invalid:
        return Entry(what, fault=Quarantined("bad_condition", what))


def _observation(resource: Resource, what: str, identity: str) -> Entry:
    found = Collector()
    try:
        read_observation(resource, found, what, identity)
    except Invalid as error:
        return Entry(what, fault=Quarantined(error.code, what))
    reported = Reported(
        tuple(found.observed),
        tuple(found.waves),
        quarantined=tuple(found.quarantined),
        repairs=dict(found.repairs),
        identity=identity,
    )
    return Entry(what, reported)


def weighed(submission: Submission, received_at: datetime) -> tuple[Outcome, ...]:
    """Return what becomes of each entry."""
    outcomes = tuple(_outcome(entry, received_at) for entry in submission.entries)
    if not submission.together or all(outcome.accepted for outcome in outcomes):
        return outcomes
    return tuple(_withdrawn(outcome) for outcome in outcomes)


def accepted(outcomes: Sequence[Outcome]) -> Reported:
    """Return all that is to be kept, as one report."""
    kept = [outcome.entry.reported for outcome in outcomes if outcome.accepted]
    return Reported(
        tuple(observed for reported in kept for observed in reported.observed),
        tuple(wave for reported in kept for wave in reported.waves),
    )


def _outcome(entry: Entry, received_at: datetime) -> Outcome:
    intake = taken_in(entry.reported, received_at)
    if entry.fault is not None:
        return Outcome(entry, intake, accepted=False, issues=(entry.fault,))
    faults = [one for one in intake.quarantined if one.code not in _HARMLESS]
    return Outcome(entry, intake, accepted=not faults, issues=intake.quarantined)


def _withdrawn(outcome: Outcome) -> Outcome:
    if not outcome.accepted:
        return outcome
    because = Quarantined("transaction_refused", outcome.entry.what)
    return replace(outcome, accepted=False, issues=(because,))
