"""What scheduling needs of the outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from telehealth.ids import AppointmentId, AvailabilityId, PatientId, UserId
from telehealth.scheduling.model import Appointment, Availability


class Schedules(Protocol):
    """Stored availability."""

    async def add(self, availability: Availability) -> None: ...
    async def remove(self, availability: AvailabilityId, *, practitioner: UserId) -> None:
        """Remove it; NotFound if this practitioner has no such availability."""
        ...

    async def of_practitioner(self, practitioner: UserId) -> Sequence[Availability]:
        """Return at most 100."""
        ...


class Appointments(Protocol):
    """Stored appointments. The database lets no two that are not cancelled share a time of one practitioner."""

    async def book(self, appointment: Appointment) -> None:
        """Store a new appointment and its planned scheduled Encounter together.

        SlotTaken if any time is taken; NotFound if there is no such patient.
        """
        ...

    async def get(self, appointment: AppointmentId) -> Appointment:
        """Return the appointment; NotFound."""
        ...

    async def save(self, changed: Appointment) -> None:
        """Replace the version before; SlotTaken, or Conflict (`stale_version`) if somebody was faster.

        In the same transaction its encounter follows: moved with it, or cancelled with it.
        """
        ...

    async def of_practitioner(self, practitioner: UserId, *, since: datetime, until: datetime) -> Sequence[Appointment]:
        """Return those that are not cancelled and overlap the interval, soonest first; at most 1,000."""
        ...

    async def of_patient(self, patient: PatientId, *, since: datetime) -> Sequence[Appointment]:
        """Return those that end after `since`, soonest first; at most 200."""
        ...

    async def all(self, *, since: datetime, until: datetime) -> Sequence[Appointment]: ...
