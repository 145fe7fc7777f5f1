"""A message of HL7 version 2, as a whole: what it is, what it says, and why it is refused if it is."""

import re
from datetime import datetime

from telehealth.errors import Invalid
from telehealth.interop.hl7.alarms import read_alarm
from telehealth.interop.hl7.observations import read_group
from telehealth.interop.hl7.parse import Message, Segment
from telehealth.interop.hl7.rows import Group, Reading, Times, groups, is_test
from telehealth.vitals.reported import TEST, Collector, Reported

OBSERVATIONS, ALARMS = ("ORU", "R01"), ("ORU", "R40")

_EUI64 = re.compile(r"[0-9A-F]{16}", re.ASCII)
_ALIAS = re.compile(r"[^\x00-\x1f\x7f]{1,120}")
_MAX_ALIASES = 8


def is_answer(message: Message) -> bool:
    """Say whether the message is itself an acknowledgement: those are never answered."""
    return message.type[0] in ("ACK", "MCF", "ORA")


def read(message: Message, reading: Reading) -> Reported:
    """Return what the message says.

    Raises:
        Invalid: `missing_field`, `unsupported_version`, `unsupported_type`, `unsupported_event`, `too_many`.
    """
    _require_supported(message)
    times = Times(message, reading)
    found = Collector()
    found.repairs.update(message.repairs)
    flags = (TEST,) if is_test(message, reading) else ()
    parts = list(groups(message, times))
    for group in parts:
        if message.type == ALARMS:
            read_alarm(group, flags, found)
        else:
            read_group(group, flags, found, accept_x=reading.accept_x)
    return Reported(
        tuple(found.observed),
        tuple(found.waves),
        tuple(found.alarms),
        tuple(found.quarantined),
        dict(found.repairs),
        _sent(times),
        f"{message.msh(3)}|{message.control_id}|{message.msh(7)}",
        aliases(message, parts),
    )


def names_of(message: Message) -> tuple[tuple[str, str], ...]:
    """Return by what names the sender could be registered, the narrowest first."""
    return aliases(message, list(groups(message, Times(message, Reading()))))


def _require_supported(message: Message) -> None:
    if not message.control_id:
        raise Invalid("MSH-10, the message's own id, is missing.", code="missing_field")
    if not message.msh_text(12).startswith("2."):
        raise Invalid("Only version 2 of HL7 is read.", code="unsupported_version")
    if message.type[0] != "ORU":
        raise Invalid("Only observations and alarms (ORU) are taken.", code="unsupported_type")
    if message.type not in (OBSERVATIONS, ALARMS):
        raise Invalid("Only the events R01 and R40 are taken.", code="unsupported_event")


def _sent(times: Times) -> datetime | None:
    try:
        stamp = times.sent()
    except Invalid:
        return None
    return stamp.at if stamp else None


def aliases(message: Message, parts: list[Group]) -> tuple[tuple[str, str], ...]:
    """Return by what names the sender could be registered, the narrowest first.

    The equipment named at the highest level of the containment (OBX-18), then the sending application (MSH-3).
    """
    rows = sorted((row for group in parts for row in group.rows), key=lambda row: _depth(row.place))
    named = [name for row in rows for name in _names(row.segment, 18)]
    named += _names(message.header, 3)
    if sender := message.msh_text(3):
        named.append(("sender", sender))
    clean = [(system, value) for system, value in named if _ALIAS.fullmatch(value)]
    return tuple(dict.fromkeys(clean))[:_MAX_ALIASES]


def _depth(place: tuple[str, ...]) -> int:
    return len([part for part in place if part.strip("0")])


def _names(segment: Segment, number: int) -> list[tuple[str, str]]:
    """Return the EUI-64 in a field and, of equipment, its plain name."""
    found = []
    for part in segment.components(number):
        bare = part.upper().replace("-", "").replace(":", "")
        if _EUI64.fullmatch(bare):
            found.append(("eui64", bare))
    plain = segment.text(number)
    if number == 18 and plain and not found:
        found.append(("equipment", plain))
    return found
