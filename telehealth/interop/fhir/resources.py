"""FHIR R4 JSON: read with limits, and walked without trusting it (https://hl7.org/fhir/R4/json.html)."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from telehealth.errors import Invalid
from telehealth.interop.nomenclature import Coded
from telehealth.vitals.reported import REASONS, Stamp

MAX_BYTES = 2 * 1024 * 1024
MAX_ENTRIES = 500
MAX_COMPONENTS = 100
MAX_CODINGS = 20
MAX_DEPTH = 40
_MAX_DIGITS = 40

UCUM = "http://unitsofmeasure.org"
MDC = "urn:iso:std:iso:11073:10101"

Resource = dict[str, Any]

_DATE_TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?:T(?P<time>\d{2}:\d{2}:\d{2})(?:\.(?P<fraction>\d{1,12}))?"
    r"(?P<zone>Z|[+-]\d{2}:\d{2})?)?",
    re.ASCII,
)


def load(data: bytes) -> Resource:
    """Return the resource in the text; Invalid (`bad_json`, `too_large`)."""
    if len(data) > MAX_BYTES:
        raise Invalid("The resource is too large.", code="too_large")
    try:
        # Octets beyond UTF-8 are no JSON; a byte order mark is put up with.
        text = data.decode("utf-8-sig")
        found = json.loads(
            text, object_pairs_hook=_once, parse_float=_decimal, parse_int=_decimal, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise Invalid("This is no JSON text that we can read.", code="bad_json") from None
    if not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
        raise Invalid("This is no FHIR resource.", code="bad_json")
    _require_shallow(found)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is repeated")
    return found


def _decimal(text: str) -> Decimal:
    # An exponent of a billion is a short text and a long number.
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    if len(text) > _MAX_DIGITS or not isinstance(exponent, int) or abs(exponent) > _MAX_DIGITS:
        raise ValueError("a number is too long")
    return number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _require_shallow(found: Resource) -> None:
    level: list[Any] = [found]
    for _ in range(MAX_DEPTH):
        inner = [list(v.values()) if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)]
        level = [item for values in inner for item in values]
        if not level:
            return
    raise Invalid("The resource is nested too deeply.", code="bad_json")


def part(of: object, name: str) -> Resource:
    """Return the object under the name; empty if there is none."""
    found = of.get(name) if isinstance(of, dict) else None
    return found if isinstance(found, dict) else {}


def parts(of: object, name: str, limit: int) -> Sequence[Resource]:
    """Return the objects in the list under the name; Invalid (too_many) for more than `limit`."""
    found = of.get(name) if isinstance(of, dict) else None
    if not isinstance(found, list):
        return ()
    if len(found) > limit:
        raise Invalid(REASONS["too_many"], code="too_many")
    return [one for one in found if isinstance(one, dict)]


def text(of: object, name: str) -> str:
    """Return the text under the name; empty if there is none."""
    found = of.get(name) if isinstance(of, dict) else None
    return found.strip()[:1_000] if isinstance(found, str) else ""


def number(of: object, name: str) -> Decimal | None:
    """Return the number under the name; None if there is none."""
    found = of.get(name) if isinstance(of, dict) else None
    return found if isinstance(found, Decimal) else None


def codings(concept: Resource) -> tuple[Coded, ...]:
    """Return the codings of a CodeableConcept."""
    found = parts(concept, "coding", MAX_CODINGS)
    return tuple(Coded(text(one, "code"), text(one, "display"), text(one, "system")) for one in found)


def unit(quantity: Resource) -> str:
    """Return the code of a Quantity's unit, empty without one: what is only written for people is none."""
    if text(quantity, "system") not in (UCUM, MDC):
        # A code of an unknown table is no more than a text.
        return ""
    return text(quantity, "code")


def date_time(written: str) -> Stamp:
    """Return the instant of a dateTime or instant; Invalid (`bad_time`, `no_time`, `no_time_zone`).

    A date alone is its first moment in UTC, and marked; less than a date is no time.
    """
    found = _DATE_TIME.fullmatch(written)
    if found is None:
        raise Invalid(
            REASONS["bad_time" if len(written) > 7 else "no_time"], code="bad_time" if len(written) > 7 else "no_time"
        )
    if not found["time"]:
        return Stamp(_instant(f"{found['date']}T00:00:00+00:00"), ("date_only",))
    if not found["zone"]:
        raise Invalid(REASONS["no_time_zone"], code="no_time_zone")
    fraction = (found["fraction"] or "0")[:6].ljust(6, "0")
    zone = "+00:00" if found["zone"] == "Z" else found["zone"]
    return Stamp(_instant(f"{found['date']}T{found['time']}.{fraction}{zone}"))


def _instant(written: str) -> datetime:
    try:
        at = datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(REASONS["bad_time"], code="bad_time") from None
    if not 1900 <= at.year < 2100:
        raise Invalid(REASONS["bad_time"], code="bad_time")
    return at
