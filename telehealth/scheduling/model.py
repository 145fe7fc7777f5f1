"""Schedule, Slot and Appointment (FHIR R4 words)."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum

from telehealth.errors import Conflict, Gone
from telehealth.ids import AppointmentId, AvailabilityId, EncounterId, PatientId, UserId

GRID_MINUTES = 5
"""Slots start and last whole multiples of this many minutes."""


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
