"""Schedule, Slot and Appointment (FHIR R4 words)."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from telehealth.errors import Conflict, Gone, Invalid
from telehealth.ids import AppointmentId, AvailabilityId, EncounterId, PatientId, UserId

GRID_MINUTES = 5
"""Slots start and last whole multiples of this many minutes."""
MAX_SLOT_MINUTES = 240


@dataclass(frozen=True, slots=True)
class Availability:
    """A weekly recurring stretch in which a practitioner sees patients, in wall time of their own zone.

    Attributes:
        weekday: 0 is Monday.
        starts, ends: Wall time; `ends` is after `starts`.
        slot_minutes: Length of a slot, a multiple of GRID_MINUTES.
        time_zone: IANA name.
        valid_from, valid_until: First and last local day; None means for ever.
    """

    id: AvailabilityId
    practitioner_id: UserId
    weekday: int
    starts: time
    ends: time
    slot_minutes: int
    time_zone: str
    valid_from: date
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Say whether it recurs on this local day."""
        begun = self.valid_from <= day and day.weekday() == self.weekday
        return begun and (self.valid_until is None or day <= self.valid_until)

    def overlaps(self, other: "Availability") -> bool:
        """Say whether the two share wall time on a day when both hold, whatever their zones."""
        same_days = (other.valid_until is None or self.valid_from <= other.valid_until) and (
            self.valid_until is None or other.valid_from <= self.valid_until
        )
        same_times = self.starts < other.ends and other.starts < self.ends
        return self.weekday == other.weekday and same_days and same_times


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One bookable interval; instants in UTC."""

    starts_at: datetime
    ends_at: datetime
    practitioner_id: UserId


class AppointmentStatus(StrEnum):
    """FHIR R4 appointmentstatus, those we use."""

    BOOKED = "booked"
    ARRIVED = "arrived"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"


@dataclass(frozen=True, slots=True)
class Appointment:
    """A booked slot."""

    id: AppointmentId
    practitioner_id: UserId
    patient_id: PatientId
    encounter_id: EncounterId
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    status: AppointmentStatus = AppointmentStatus.BOOKED
    reason: str = ""
    version: int = 1

    @property
    def owners(self) -> frozenset[str]:
        return frozenset({self.practitioner_id, self.patient_id, self.encounter_id})

    def cancelled(self, at: datetime) -> "Appointment":
        """Return it cancelled; too late once it has started."""
        self._require_changeable(at)
        return replace(self, status=AppointmentStatus.CANCELLED, version=self.version + 1)

    def moved(self, slot: Slot, at: datetime) -> "Appointment":
        """Return it at another time of the same practitioner; too late once it has started."""
        self._require_changeable(at)
        if slot.practitioner_id != self.practitioner_id:
            raise Conflict("An appointment can't be moved to somebody else: cancel it and book anew.")
        return replace(self, starts_at=slot.starts_at, ends_at=slot.ends_at, version=self.version + 1)

    def _require_changeable(self, at: datetime) -> None:
        if self.status is AppointmentStatus.CANCELLED:
            raise Gone("This appointment was cancelled.", code="appointment_cancelled")
        if self.status is not AppointmentStatus.BOOKED or at >= self.starts_at:
            raise Conflict("This appointment has started and can't be changed.", code="too_late")


@dataclass(frozen=True, slots=True)
class NewAvailability:
    """What a practitioner publishes; see Availability."""

    weekday: int
    starts: time
    ends: time
    slot_minutes: int
    time_zone: str
    valid_from: date
    valid_until: date | None = None

    def published(self, id_: AvailabilityId, practitioner: UserId) -> Availability:
        """Return it as an Availability of the practitioner; Invalid (`bad_availability`, `bad_time_zone`)."""
        on_grid = all(
            wall.minute % GRID_MINUTES == 0 and not wall.second and not wall.microsecond for wall in self._walls
        )
        length = minute_of_day(self.ends) - minute_of_day(self.starts)
        if not 0 <= self.weekday <= 6 or not on_grid or any(wall.tzinfo for wall in self._walls):
            raise Invalid(f"Times are wall times in steps of {GRID_MINUTES} minutes.", code="bad_availability")
        if self.slot_minutes % GRID_MINUTES or not GRID_MINUTES <= self.slot_minutes <= min(length, MAX_SLOT_MINUTES):
            raise Invalid(
                f"A slot lasts a multiple of {GRID_MINUTES} minutes, at most {MAX_SLOT_MINUTES}, and fits in.",
                code="bad_availability",
            )
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise Invalid("The last day is before the first.", code="bad_availability")
        _require_time_zone(self.time_zone)
        return Availability(
            id=id_,
            practitioner_id=practitioner,
            weekday=self.weekday,
            starts=self.starts,
            ends=self.ends,
            slot_minutes=self.slot_minutes,
            time_zone=self.time_zone,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
        )

    @property
    def _walls(self) -> tuple[time, time]:
        return self.starts, self.ends


def minute_of_day(wall: time) -> int:
    """Return the minutes since midnight on the clock on the wall."""
    return wall.hour * 60 + wall.minute


def _require_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise Invalid("There is no time zone of this name.", code="bad_time_zone") from None
