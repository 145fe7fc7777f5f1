"""Times of HL7 version 2 (data type DTM), and as monitors really write them."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from telehealth.errors import Invalid
from telehealth.vitals.reported import REASONS, Stamp

_DTM = re.compile(
    r"(?P<day>\d{8})(?P<minute>\d{4})(?P<second>\d{2})?"
    r"(?:\.(?P<fraction>\d{1,9})|(?P<undotted>\d{3}))?\s*(?P<zone>[+-]\d{4}|Z)?",
    re.ASCII,
)
_YEARS = range(1900, 2100)


def stamp(text: str, zone: tzinfo | None) -> Stamp:
    """Return the instant in the text.

    Args:
        text: YYYYMMDDHHMM[SS[.f…]][±ZZZZ]; milliseconds may lack their dot.
        zone: Where the sender is, for a text without a zone; None refuses those.

    Raises:
        Invalid: `bad_time`, `no_time_zone`.
    """
    found = _DTM.fullmatch(text.strip())
    if found is None:
        raise Invalid(REASONS["bad_time"], code="bad_time")
    notes: list[str] = ["undotted_time"] if found["undotted"] else []
    fraction = (found["fraction"] or found["undotted"] or "0")[:6].ljust(6, "0")
    where = zone
    if found["zone"]:
        where = _offset(found["zone"])
    elif zone is None:
        raise Invalid(REASONS["no_time_zone"], code="no_time_zone")
    else:
        notes.append("zone_assumed")
    try:
        naive = datetime.strptime(found["day"] + found["minute"] + (found["second"] or "00"), "%Y%m%d%H%M%S")  # noqa: DTZ007
        at = naive.replace(microsecond=int(fraction), tzinfo=where).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(REASONS["bad_time"], code="bad_time") from None
    if at.year not in _YEARS:
        raise Invalid(REASONS["bad_time"], code="bad_time")
    return Stamp(at, tuple(notes))


def zone_of(text: str) -> tzinfo | None:
    """Return the zone that the text names, None if it names none."""
    found = _DTM.fullmatch(text.strip())
    try:
        return _offset(found["zone"]) if found and found["zone"] else None
    except Invalid:
        return None


def written(at: datetime) -> str:
    """Return the instant as DTM, in UTC, with milliseconds."""
    return at.astimezone(UTC).strftime("%Y%m%d%H%M%S.") + f"{at.microsecond // 1000:03d}+0000"


def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:5])
    if hours > 14 or minutes > 59:
        raise Invalid(REASONS["bad_time"], code="bad_time")
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=hours, minutes=minutes))
