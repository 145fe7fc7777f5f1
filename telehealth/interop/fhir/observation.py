"""FHIR R4 Observation: what it says of vital signs (https://hl7.org/fhir/R4/observation.html).

Any of the codings may be the one we know; of several known ones all must agree. Whose it is, is no business of the
resource: `subject` and `device` are not looked at, and references are not followed.
"""

import hashlib
from dataclasses import dataclass, replace
from types import MappingProxyType

from telehealth.errors import Invalid
from telehealth.interop.fhir.resources import (
    MAX_CODINGS,
    MAX_COMPONENTS,
    Resource,
    codings,
    date_time,
    number,
    part,
    parts,
    text,
    unit,
)
from telehealth.interop.fhir.sampled import sampled_wave
from telehealth.interop.nomenclature import attribute, in_unit, meaning
from telehealth.vitals.codes import PARAMETERS, TEXTS, WAVES
from telehealth.vitals.model import Quality
from telehealth.vitals.reported import (
    CORRECTED,
    REASONS,
    RETRACTED,
    TEST,
    UNCONFIRMED,
    Collector,
    Observed,
    ObservedWave,
    Stamp,
)
from telehealth.vitals.units import linear

_TAKEN = frozenset({"final", "preliminary", "amended", "corrected", "entered-in-error", "unknown"})
_FLAGS = MappingProxyType(
    {
        "preliminary": (UNCONFIRMED,),
        "unknown": (UNCONFIRMED,),
        "amended": (CORRECTED,),
        "corrected": (CORRECTED,),
        "entered-in-error": (RETRACTED,),
    }
)
_COMPARATORS = frozenset({"<", "<=", ">", ">="})
_ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
_ATTRIBUTES = 1
_LARGEST = 10**12


@dataclass(frozen=True, slots=True)
class _Context:
    """What all parts of an Observation share."""

    at: Stamp
    flags: tuple[str, ...]
    quality: Quality
    identity: str
    retracted: bool


def read_observation(resource: Resource, found: Collector, what: str, identity: str = "") -> None:
    """Add what the Observation says, or why it is not taken.

    Args:
        resource: The Observation.
        found: Where to add.
        what: What to call it in reasons.
        identity: What makes a repeat of it recognisable (If-None-Exist); empty: its own identifier, if it has one.
    """
    try:
        status = text(resource, "status")
        if status not in _TAKEN:
            known = {"registered": "not_final", "cancelled": "cancelled"}
            raise _refusal(known.get(status, "unsupported_value"))
        components = parts(resource, "component", MAX_COMPONENTS)
        if _is_clock(resource):
            found.repaired(("clock_statement",))
            return
        context = _context(resource, status, identity)
    except Invalid as error:
        found.refuse(error.code, what)
        return
    spoke = _read_part(resource, context, found, what, alone=not components)
    for n, component in enumerate(components):
        spoke |= _read_part(component, context, found, f"{what}.component[{n}]", alone=True)
    if not spoke and components:
        found.refuse("no_value", what)


def identity_of(resource: Resource) -> str:
    """Return the resource's own identifier as `system|value`, empty without one."""
    for identifier in parts(resource, "identifier", MAX_CODINGS):
        if value := text(identifier, "value"):
            return f"{text(identifier, 'system')}|{value}"
    return ""


def _context(resource: Resource, status: str, identity: str) -> _Context:
    flags = _FLAGS.get(status, ())
    security = [*parts(part(resource, "meta"), "security", 20), *parts(part(resource, "meta"), "tag", 20)]
    if any(text(label, "code") == "HTEST" for label in security):
        flags = (*flags, TEST)
    at = _effective(resource)
    unconfirmed = UNCONFIRMED in flags
    named = identity or identity_of(resource)
    if named and status in ("amended", "corrected", "entered-in-error"):
        # A correction has the identifier of what it corrects, and is no repeat of it.
        named = f"{named}|{status}|{hashlib.sha256(repr(resource).encode()).hexdigest()[:16]}"
    return _Context(
        at,
        (*flags, *at.notes),
        Quality.QUESTIONABLE if unconfirmed else Quality.GOOD,
        named,
        status == "entered-in-error",
    )


def _effective(resource: Resource) -> Stamp:
    """Return when it was measured; of a period its end, of samples in a period its start. `issued` is not looked at."""
    for name in ("effectiveDateTime", "effectiveInstant"):
        if written := text(resource, name):
            return date_time(written)
    period = part(resource, "effectivePeriod")
    first, last = text(period, "start"), text(period, "end")
    written = first if "valueSampledData" in resource else last or first
    if not written:
        raise _refusal("no_time")
    return date_time(written)


def _is_clock(resource: Resource) -> bool:
    """Say whether it only tells what the device's clock said (PHD's coincident time stamp)."""
    return any(attribute(coded) == 67975 for coded in codings(part(resource, "code")))


def _read_part(holder: Resource, context: _Context, found: Collector, what: str, *, alone: bool) -> bool:
    """Add the value of an Observation or component; say whether it has one, or should."""
    value = next((name for name in holder if name.startswith("value") and name != "valueSet"), "")
    absent = "dataAbsentReason" in holder
    if not value and not absent and not alone:
        return False
    codes = codings(part(holder, "code"))
    if any(attribute(coded) >> 16 == _ATTRIBUTES and meaning((coded,)).mdc == 0 for coded in codes):
        # How it was measured, not what.
        return False
    try:
        if not value and not absent and holder.get("hasMember"):
            raise _refusal("references_only")
        code = meaning(codes)
        if not code.mdc:
            raise _refusal("unknown_parameter" if codes else "no_code")
        if not value and not absent:
            raise _refusal("no_value")
        found.repaired(code.notes)
        found.add(_said(holder, value, code.mdc, context))
    except Invalid as error:
        found.refuse(error.code, what)
    return True


def _said(holder: Resource, value: str, mdc: int, context: _Context) -> Observed | ObservedWave:
    said = Observed(mdc, None, "", context.at.at, context.quality, "", context.flags, context.identity)
    if context.retracted or not value:
        if mdc not in PARAMETERS and mdc not in TEXTS:
            raise _refusal("entered_in_error" if context.retracted else "no_value")
        return replace(said, quality=Quality.INVALID)
    match value:
        case "valueQuantity":
            return _quantity(part(holder, value), said)
        case "valueSampledData":
            return sampled_wave(part(holder, value), mdc, context.at, context.flags)
        case "valueCodeableConcept":
            return _concept(part(holder, value), said)
        case "valueString" if mdc in TEXTS:
            return _text(text(holder, value), said)
        case _:
            raise _refusal("unsupported_value")


def _quantity(quantity: Resource, said: Observed) -> Observed:
    if said.mdc not in PARAMETERS:
        raise _refusal("unsupported_value" if said.mdc in WAVES else "unknown_parameter")
    value, comparator = number(quantity, "value"), text(quantity, "comparator")
    if value is None or abs(value) > _LARGEST:
        raise _refusal("bad_value")
    meant = in_unit(said.mdc, unit(quantity))
    linear(meant.unit, PARAMETERS[meant.mdc].unit)
    said, named, flags = replace(said, mdc=meant.mdc), meant.unit, (*said.flags, *meant.notes)
    if not comparator:
        return replace(said, value=float(value), unit=named, flags=flags)
    if comparator not in _COMPARATORS:
        raise _refusal("bad_value")
    return replace(
        said,
        unit=named,
        quality=Quality.QUESTIONABLE,
        text=f"{comparator} {value:f}",
        flags=(*flags, "comparator"),
    )


def _concept(concept: Resource, said: Observed) -> Observed:
    """Return a text, or the number that the answer's ordinal value is (a part of the coma scale)."""
    coded = parts(concept, "coding", MAX_CODINGS)
    if said.mdc in TEXTS:
        named = [text(one, "display") or text(one, "code") for one in coded]
        return _text(text(concept, "text") or next((name for name in named if name), ""), said)
    scores = {
        value
        for one in coded
        for extension in parts(one, "extension", MAX_CODINGS)
        if text(extension, "url") == _ORDINAL and (value := number(extension, "valueDecimal")) is not None
    }
    if said.mdc not in PARAMETERS or PARAMETERS[said.mdc].unit != "{score}" or len(scores) != 1:
        raise _refusal("unsupported_value")
    return replace(said, value=float(scores.pop()), unit="{score}")


def _text(words: str, said: Observed) -> Observed:
    if not words or len(words) > 60 or not words.isprintable():
        raise _refusal("bad_value")
    return replace(said, text=words)


def _refusal(code: str) -> Invalid:
    return Invalid(REASONS[code], code=code)
