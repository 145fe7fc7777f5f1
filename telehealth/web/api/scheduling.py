"""Availability, free times and appointments."""

from datetime import date, datetime, time
from typing import Annotated, Self

from aiohttp import web
from pydantic import Field

from telehealth.ids import AppointmentId, AvailabilityId, PatientId, UserId
from telehealth.interop.calendar import appointment_calendar
from telehealth.scheduling.model import Appointment, AppointmentStatus, Availability, NewAvailability
from telehealth.web.api.fields import Id, Instant, Text, WallTime, Zone
from telehealth.web.bodies import Answer, Body, answer, body_of, query_of
from telehealth.web.context import base_url, join_url, path_id, principal, services


class AvailabilityToAdd(Body):
    """A weekly stretch in wall time of its zone; weekday 0 is Monday."""

    weekday: Annotated[int, Field(ge=0, le=6)]
    starts: WallTime
    ends: WallTime
    slot_minutes: Annotated[int, Field(ge=5, le=480)]
    time_zone: Zone
    valid_from: date
    valid_until: date | None = None

    def to_domain(self) -> NewAvailability:
        return NewAvailability(
            weekday=self.weekday,
            starts=time.fromisoformat(self.starts),
            ends=time.fromisoformat(self.ends),
            slot_minutes=self.slot_minutes,
            time_zone=self.time_zone,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
        )


class AvailabilityShown(Answer):
    """A weekly stretch."""

    id: str
    weekday: int
    starts: str
    ends: str
    slot_minutes: int
    time_zone: str
    valid_from: date
    valid_until: date | None

    @classmethod
    def of(cls, known: Availability) -> Self:
        return cls(
            id=known.id,
            weekday=known.weekday,
            starts=f"{known.starts:%H:%M}",
            ends=f"{known.ends:%H:%M}",
            slot_minutes=known.slot_minutes,
            time_zone=known.time_zone,
            valid_from=known.valid_from,
            valid_until=known.valid_until,
        )


class AvailabilityList(Answer):
    """All that a practitioner has published."""

    availability: list[AvailabilityShown]


class SlotQuery(Body):
    """Whose free times, and within which window of at most 35 days."""

    practitioner: Id
    since: Annotated[Instant, Field(alias="from")]
    until: Instant


class SlotShown(Answer):
    """A free time."""

    starts_at: datetime
    ends_at: datetime


class Slots(Answer):
    """Free times, soonest first."""

    slots: list[SlotShown]


class Booking(Body):
    """What to book; `patient` is for staff."""

    practitioner: Id
    starts_at: Instant
    reason: Text = ""
    patient: Id | None = None


class NewTime(Body):
    """Where to move it."""

    starts_at: Instant


class AppointmentShown(Answer):
    """An appointment; instants carry their offset."""

    id: str
    encounter: str
    practitioner: str
    patient: str
    starts_at: datetime
    ends_at: datetime
    status: AppointmentStatus
    reason: str
    version: int
    join_url: str | None = None

    @classmethod
    def of(cls, known: Appointment, *, join_url: str | None = None) -> Self:
        return cls(
            id=known.id,
            encounter=known.encounter_id,
            practitioner=known.practitioner_id,
            patient=known.patient_id,
            starts_at=known.starts_at,
            ends_at=known.ends_at,
            status=known.status,
            reason=known.reason,
            version=known.version,
            join_url=join_url,
        )


class Appointments(Answer):
    """One's appointments, soonest first."""

    appointments: list[AppointmentShown]


async def list_availability(request: web.Request) -> web.Response:
    practitioner = UserId(path_id(request, "user"))
    found = await services(request).scheduling.availability(principal(request), practitioner)
    return answer(AvailabilityList(availability=[AvailabilityShown.of(one) for one in found]))


async def publish_availability(request: web.Request) -> web.Response:
    practitioner = UserId(path_id(request, "user"))
    body = await body_of(request, AvailabilityToAdd)
    added = await services(request).scheduling.publish(principal(request), practitioner, body.to_domain())
    return answer(AvailabilityShown.of(added), status=201)


async def withdraw_availability(request: web.Request) -> web.Response:
    practitioner = UserId(path_id(request, "user"))
    availability = AvailabilityId(path_id(request, "availability"))
    await services(request).scheduling.withdraw(principal(request), practitioner, availability)
    return web.Response(status=204)


async def list_slots(request: web.Request) -> web.Response:
    asked = query_of(request, SlotQuery)
    found = await services(request).scheduling.free_slots(
        principal(request), UserId(asked.practitioner), asked.since, asked.until
    )
    return answer(Slots(slots=[SlotShown(starts_at=slot.starts_at, ends_at=slot.ends_at) for slot in found]))


async def book(request: web.Request) -> web.Response:
    body = await body_of(request, Booking)
    patient = PatientId(body.patient) if body.patient else None
    appointment, secret = await services(request).desk.book(
        principal(request), UserId(body.practitioner), body.starts_at, body.reason, patient
    )
    return answer(AppointmentShown.of(appointment, join_url=join_url(request, secret) if secret else None), status=201)


async def list_appointments(request: web.Request) -> web.Response:
    found = await services(request).scheduling.mine(principal(request))
    return answer(Appointments(appointments=[AppointmentShown.of(one) for one in found]))


async def read_appointment(request: web.Request) -> web.Response:
    found = await services(request).scheduling.get(principal(request), AppointmentId(path_id(request, "appointment")))
    return answer(AppointmentShown.of(found))


async def move_appointment(request: web.Request) -> web.Response:
    appointment = AppointmentId(path_id(request, "appointment"))
    body = await body_of(request, NewTime)
    moved = await services(request).scheduling.move(principal(request), appointment, body.starts_at)
    return answer(AppointmentShown.of(moved))


async def cancel_appointment(request: web.Request) -> web.Response:
    appointment = AppointmentId(path_id(request, "appointment"))
    return answer(AppointmentShown.of(await services(request).scheduling.cancel(principal(request), appointment)))


async def appointment_as_calendar(request: web.Request) -> web.Response:
    reach = services(request)
    found = await reach.scheduling.get(principal(request), AppointmentId(path_id(request, "appointment")))
    text = appointment_calendar(found, url=f"{base_url(request)}/rooms/{found.encounter_id}")
    response = web.Response(text=text, content_type="text/calendar", charset="utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="appointment.ics"'
    return response
