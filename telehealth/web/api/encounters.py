"""Encounters: the queue, the invitation, the timeline, and tickets for the sockets."""

from datetime import datetime
from typing import Annotated, Literal, Self

from aiohttp import web
from pydantic import Field

from telehealth.access import Role
from telehealth.accounts.model import Purpose
from telehealth.consultations.model import Encounter, EncounterKind, EncounterStatus, EntryKind, TimelineEntry
from telehealth.ids import EncounterId
from telehealth.web.api.fields import Id, Name, Text
from telehealth.web.bodies import Answer, Body, answer, body_of, query_of
from telehealth.web.context import join_url, path_id, principal, services
from telehealth.web.rate_limits import INVITATIONS, TICKETS


class Reason(Body):
    """Why somebody wants to be seen."""

    reason: Text = ""


class EncounterShown(Answer):
    """An encounter."""

    id: str
    kind: EncounterKind
    status: EncounterStatus
    patient: str
    practitioner: str | None
    paramedic: str | None
    appointment: str | None
    reason: str
    starts_at: datetime | None
    begun_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, known: Encounter) -> Self:
        return cls(
            id=known.id,
            kind=known.kind,
            status=known.status,
            patient=known.patient_id,
            practitioner=known.practitioner_id,
            paramedic=known.paramedic_id,
            appointment=known.appointment_id,
            reason=known.reason,
            starts_at=known.starts_at,
            begun_at=known.begun_at,
            ended_at=known.ended_at,
        )


class Guest(Body):
    """Whom to invite."""

    name: Name
    role: Literal["patient"] = "patient"


class InvitationUrl(Answer):
    """The link to hand on; it is shown once."""

    url: str


class After(Body):
    """After which number to go on."""

    after: Annotated[int, Field(ge=0, le=2**62)] = 0


class EntryShown(Answer):
    """One thing on a timeline."""

    number: int
    kind: EntryKind
    at: datetime
    author: str
    text: str

    @classmethod
    def of(cls, entry: TimelineEntry) -> Self:
        return cls(number=entry.number, kind=entry.kind, at=entry.at, author=entry.author, text=entry.text)


class Timeline(Answer):
    """What happened, in order; at most 500 entries."""

    entries: list[EntryShown]


class TicketWanted(Body):
    """For which socket; `encounter` for all but the work list."""

    purpose: Purpose
    encounter: Id | None = None


class TicketShown(Answer):
    """A ticket, good for 60 s and one purpose."""

    ticket: str
    expires_at: datetime


async def ask_to_be_seen(request: web.Request) -> web.Response:
    body = await body_of(request, Reason)
    encounter = await services(request).consultations.ask_to_be_seen(principal(request), body.reason)
    return answer(EncounterShown.of(encounter), status=201)


async def take_from_queue(request: web.Request) -> web.Response:
    encounter = EncounterId(path_id(request, "encounter"))
    return answer(EncounterShown.of(await services(request).consultations.take(principal(request), encounter)))


async def read_encounter(request: web.Request) -> web.Response:
    encounter = EncounterId(path_id(request, "encounter"))
    return answer(EncounterShown.of(await services(request).consultations.get(principal(request), encounter)))


async def invite(request: web.Request) -> web.Response:
    encounter = EncounterId(path_id(request, "encounter"))
    body = await body_of(request, Guest)
    reach = services(request)
    reach.limits.take(INVITATIONS, principal(request).subject)
    secret = await reach.consultations.invite(principal(request), encounter, body.name, Role(body.role))
    return answer(InvitationUrl(url=join_url(request, secret)), status=201)


async def read_timeline(request: web.Request) -> web.Response:
    encounter = EncounterId(path_id(request, "encounter"))
    asked = query_of(request, After)
    entries = await services(request).consultations.timeline(principal(request), encounter, asked.after)
    return answer(Timeline(entries=[EntryShown.of(entry) for entry in entries]))


async def issue_ticket(request: web.Request) -> web.Response:
    body = await body_of(request, TicketWanted)
    reach = services(request)
    reach.limits.take(TICKETS, principal(request).subject)
    encounter = EncounterId(body.encounter) if body.encounter else None
    ticket, expires_at = await reach.consultations.ticket(principal(request), body.purpose, encounter)
    return answer(TicketShown(ticket=ticket, expires_at=expires_at))
