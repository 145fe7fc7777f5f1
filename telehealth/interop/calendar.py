"""An appointment as iCalendar text (RFC 5545), for the calendar of whoever booked it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from telehealth.scheduling.model import Appointment, AppointmentStatus

PRODUCT = "-//telehealth//consultations//EN"
MAX_TEXT = 2_000
_MAX_OCTETS = 75


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """What a calendar shows.

    Attributes:
        uid: The same at each change; `version` counts the changes.
        url: Where the visit takes place; ASCII, without white space.
    """

    uid: str
    starts_at: datetime
    ends_at: datetime
    summary: str
    description: str = ""
    url: str = ""
    version: int = 1
    cancelled: bool = False


def appointment_calendar(appointment: Appointment, *, url: str, summary: str = "Video visit") -> str:
    """Return the appointment as a calendar; its reason stays out, for calendars are shared and synchronised."""
    event = CalendarEvent(
        uid=f"{appointment.id}@telehealth",
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        summary=summary,
        url=url,
        version=appointment.version,
        cancelled=appointment.status is AppointmentStatus.CANCELLED,
    )
    return calendar_text(event, appointment.created_at)


def calendar_text(event: CalendarEvent, stamped_at: datetime) -> str:
    """Return the event as a calendar of its own, CRLF at the end of each line."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{_escaped(event.uid)}",
        f"DTSTAMP:{_instant(stamped_at)}",
        f"DTSTART:{_instant(event.starts_at)}",
        f"DTEND:{_instant(event.ends_at)}",
        f"SEQUENCE:{max(0, event.version - 1)}",
        f"STATUS:{'CANCELLED' if event.cancelled else 'CONFIRMED'}",
        f"SUMMARY:{_escaped(event.summary)}",
    ]
    if event.description:
        lines.append(f"DESCRIPTION:{_escaped(event.description)}")
    if event.url:
        # A URI is not escaped (3.3.13), so nothing may stand in it that ends a line.
        lines.append(f"URL:{''.join(c for c in event.url if '!' <= c <= '~')}")
    lines += ["END:VEVENT", "END:VCALENDAR"]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _instant(at: datetime) -> str:
    """Return form 2 of RFC 5545, 3.3.5: UTC."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    """Return the text as a TEXT value (3.3.11); control characters, which none may hold, are left out."""
    lines = text[:MAX_TEXT].replace("\r\n", "\n").replace("\r", "\n")
    escaped = lines.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return "".join(c for c in escaped if c >= " " and c != "\x7f" and not "\ud800" <= c <= "\udfff")


def _folded(line: str) -> str:
    """Return the line in pieces of at most 75 octets (3.1), never cutting a character."""
    pieces, octets = [""], 0
    for character in line:
        size = len(character.encode())
        if octets + size > _MAX_OCTETS:
            pieces.append("")
            octets = 1  # The blank that begins a continuation counts.
        pieces[-1] += character
        octets += size
    return "\r\n ".join(pieces)
