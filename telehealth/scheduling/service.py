"""Scheduling: practitioners publish when they see patients; patients and staff book, move and cancel.

Which of two gets a slot is decided by the database, never by looking first.
"""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from telehealth.access import Action, Principal, Reach, Role, require, require_role
from telehealth.audit import AuditTrail, event_by
from telehealth.bus import WORKLIST, Bus, Event, room_topic
from telehealth.clock import Clock
from telehealth.errors import Conflict, Invalid
from telehealth.ids import AppointmentId, AvailabilityId, EncounterId, NewId, PatientId, UserId
from telehealth.scheduling.model import Appointment, Availability, NewAvailability, Slot
from telehealth.scheduling.ports import Appointments, Schedules
from telehealth.scheduling.slots import free, slots_of

__all__ = ["NewAvailability", "Scheduling"]

logger = logging.getLogger(__name__)

MAX_AVAILABILITIES = 100
MAX_WINDOW = timedelta(days=35)
HORIZON = timedelta(days=366)
"""Nobody books further ahead."""
MAX_REASON_CHARS = 500


class Scheduling:
    """The use cases around availability and appointments."""

    def __init__(
        self,
        *,
        schedules: Schedules,
        appointments: Appointments,
        bus: Bus,
        audit: AuditTrail,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._schedules = schedules
        self._appointments = appointments
        self._bus = bus
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    # Availability

    async def publish(self, principal: Principal, practitioner: UserId, new: NewAvailability) -> Availability:
        """Add a weekly stretch; Conflict (`availability_overlap`, `too_many_availabilities`)."""
        require(principal, Action.EDIT_AVAILABILITY, owners={practitioner})
        availability = new.published(AvailabilityId(self._new_id()), practitioner)
        others = await self._schedules.of_practitioner(practitioner)
        if len(others) >= MAX_AVAILABILITIES:
            raise Conflict(f"There are {MAX_AVAILABILITIES} already: remove one first.", code="too_many_availabilities")
        if any(availability.overlaps(other) for other in others):
            raise Conflict("This overlaps with what is published already.", code="availability_overlap")
        await self._schedules.add(availability)
        await self._note(principal, "availability.published", f"availability/{availability.id}")
        return availability

    async def withdraw(self, principal: Principal, practitioner: UserId, id_: AvailabilityId) -> None:
        """Remove a weekly stretch; what is booked stays booked."""
        require(principal, Action.EDIT_AVAILABILITY, owners={practitioner})
        await self._schedules.remove(id_, practitioner=practitioner)
        await self._note(principal, "availability.withdrawn", f"availability/{id_}")

    async def availability(self, principal: Principal, practitioner: UserId) -> Sequence[Availability]:
        """Return what the practitioner has published."""
        require(principal, Action.EDIT_AVAILABILITY, owners={practitioner})
        return await self._schedules.of_practitioner(practitioner)

    async def free_slots(
        self, principal: Principal, practitioner: UserId, since: datetime, until: datetime
    ) -> list[Slot]:
        """Return the slots to come that one can book; Invalid (`bad_window`) unless the window is 0 to 35 days."""
        require_role(principal, Action.READ_SLOTS)
        since, until = _utc(since), _utc(until)
        if not timedelta(0) <= until - since <= MAX_WINDOW:
            raise Invalid(f"Ask for at most {MAX_WINDOW.days} days.", code="bad_window")
        now = self._clock.now()
        since, until = max(since, now), min(until, now + HORIZON)
        if since >= until:
            return []
        slots = slots_of(await self._schedules.of_practitioner(practitioner), since, until)
        if not slots:
            return []
        taken = await self._appointments.of_practitioner(
            practitioner, since=slots[0].starts_at, until=max(slot.ends_at for slot in slots)
        )
        return free(slots, taken)

    # Appointments

    async def book(
        self,
        principal: Principal,
        practitioner: UserId,
        starts_at: datetime,
        reason: str,
        patient: PatientId | None,
    ) -> Appointment:
        """Book a slot and return the appointment.

        Args:
            principal: A patient books for themself; a practitioner into their own schedule; an administrator anywhere.
            practitioner: Whose slot.
            starts_at: When the slot begins.
            reason: Why, in the patient's words.
            patient: Needed from staff; a patient leaves it out.

        Raises:
            Invalid: `in_the_past`, `no_such_slot`, `patient_required`, `reason_too_long`.
            NotFound: No such patient.
            SlotTaken: Somebody was faster.
        """
        patient = patient or principal.patient
        owner = patient if principal.role is Role.PATIENT else practitioner
        require(principal, Action.BOOK_APPOINTMENT, owners={owner} if owner else ())
        if patient is None:
            raise Invalid("Say for which patient.", code="patient_required")
        if len(reason) > MAX_REASON_CHARS:
            raise Invalid(f"The reason has at most {MAX_REASON_CHARS} characters.", code="reason_too_long")
        slot = await self._slot(practitioner, starts_at)
        appointment = Appointment(
            id=AppointmentId(self._new_id()),
            practitioner_id=practitioner,
            patient_id=patient,
            encounter_id=EncounterId(self._new_id()),
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            created_at=self._clock.now(),
            reason=reason.strip(),
        )
        await self._appointments.book(appointment)
        await self._changed(principal, "appointment.booked", appointment)
        return appointment

    async def move(self, principal: Principal, id_: AppointmentId, starts_at: datetime) -> Appointment:
        """Move an appointment to another slot of the same practitioner; raises as `book`, Gone once cancelled."""
        appointment = await self._owned(principal, Action.CHANGE_APPOINTMENT, id_)
        slot = await self._slot(appointment.practitioner_id, starts_at)
        moved = appointment.moved(slot, self._clock.now())
        await self._appointments.save(moved)
        await self._changed(principal, "appointment.moved", moved)
        return moved

    async def cancel(self, principal: Principal, id_: AppointmentId) -> Appointment:
        """Cancel an appointment, and with it its encounter; Gone if it was, Conflict (`too_late`) once begun."""
        appointment = await self._owned(principal, Action.CHANGE_APPOINTMENT, id_)
        cancelled = appointment.cancelled(self._clock.now())
        await self._appointments.save(cancelled)
        await self._changed(principal, "appointment.cancelled", cancelled)
        # Somebody may be in the waiting room already.
        ended = Event("encounter_ended", b'{"reason": "cancelled"}')
        await self._bus.publish(room_topic(cancelled.encounter_id), ended)
        return cancelled

    async def get(self, principal: Principal, id_: AppointmentId) -> Appointment:
        """Return an appointment."""
        appointment = await self._owned(principal, Action.READ_APPOINTMENT, id_)
        await self._note(principal, "appointment.read", f"appointment/{id_}", patient=appointment.patient_id)
        return appointment

    async def mine(self, principal: Principal) -> list[Appointment]:
        """Return the caller's appointments that have not ended, soonest first; all of the next 35 days for admins."""
        granted = require_role(principal, Action.LIST_APPOINTMENTS)
        now = self._clock.now()
        found: Sequence[Appointment] = ()
        if granted is Reach.ANY:
            found = await self._appointments.all(since=now, until=now + MAX_WINDOW)
        elif principal.role is Role.PRACTITIONER:
            until = now + HORIZON
            found = await self._appointments.of_practitioner(UserId(principal.subject), since=now, until=until)
        elif principal.patient is not None:
            found = await self._appointments.of_patient(principal.patient, since=now)
        await self._note(principal, "appointment.listed", "appointments", patient=principal.patient or "")
        return [one for one in found if granted is Reach.ANY or principal.is_one_of(one.owners)]

    async def _owned(self, principal: Principal, action: Action, id_: AppointmentId) -> Appointment:
        require_role(principal, action)
        appointment = await self._appointments.get(id_)
        require(principal, action, owners=appointment.owners)
        return appointment

    async def _slot(self, practitioner: UserId, starts_at: datetime) -> Slot:
        """Return the practitioner's slot that begins then, whether it is taken or not."""
        starts_at = _utc(starts_at)
        now = self._clock.now()
        if starts_at <= now:
            raise Invalid("This time has passed.", code="in_the_past")
        if starts_at <= now + HORIZON:
            published = await self._schedules.of_practitioner(practitioner)
            for slot in slots_of(published, starts_at, starts_at + timedelta(microseconds=1)):
                return slot
        raise Invalid("There is no appointment to be had at this time.", code="no_such_slot")

    async def _changed(self, principal: Principal, action: str, appointment: Appointment) -> None:
        await self._note(principal, action, f"appointment/{appointment.id}", patient=appointment.patient_id)
        # After the commit: nobody hears of an appointment that was not changed.
        await self._bus.publish(WORKLIST, Event("changed", b""))
        logger.info("%s: %s", action, appointment.id)

    async def _note(self, principal: Principal, action: str, entity: str, *, patient: str = "") -> None:
        await self._audit.record(event_by(principal, action, entity, patient=patient))


def _utc(instant: datetime) -> datetime:
    # Two datetimes of one zone subtract as wall times: only in UTC do they as instants.
    if instant.utcoffset() is None:
        raise Invalid("An instant needs its offset from UTC.", code="naive_instant")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise Invalid("There is no such day.", code="no_such_instant") from None
