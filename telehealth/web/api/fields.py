"""Types of fields that several bodies have."""

import zoneinfo
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, StringConstraints

_NO_CONTROLS = r"^[^\x00-\x1f\x7f\u2028\u2029]*$"


def _zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise ValueError("must be an IANA time zone such as Europe/Berlin")
    return name


def _sane(instant: datetime) -> datetime:
    # Beyond these, conversions between zones overflow.
    if not 2000 <= instant.year < 2200 or instant.utcoffset() is None:
        raise ValueError("must lie between 2000 and 2200")
    if abs(instant.utcoffset() or timedelta()) > timedelta(hours=15):
        raise ValueError("must have an offset that some place has")
    # UTC from the door on; and pydantic-core's own zone must not outlive pydantic-core when the process ends.
    return instant.astimezone(UTC)


Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Email = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,250}$", max_length=254, to_lower=True),
]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
NewPassword = Annotated[str, StringConstraints(min_length=15, max_length=256)]
Secret = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,512}$")]
Name = Annotated[str, StringConstraints(pattern=_NO_CONTROLS, min_length=1, max_length=120, strip_whitespace=True)]
Text = Annotated[str, StringConstraints(pattern=_NO_CONTROLS, max_length=500, strip_whitespace=True)]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_zone)]
Instant = Annotated[AwareDatetime, AfterValidator(_sane)]
WallTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
