"""Ambulance cases, and who is on call."""

from datetime import datetime
from typing import Self

from aiohttp import web

from telehealth.dispatch.model import Acuity, AgeBand, Case, CaseStatus, Complaint, NewCase, Ring, RingState
from telehealth.ids import CaseId
from telehealth.web.api.fields import Id
from telehealth.web.bodies import Answer, Body, answer, body_of
from telehealth.web.context import path_id, principal, services


class CaseToOpen(Body):
    """A new case; the phone chooses the id, so that a repeat opens one case."""

    id: Id
    complaint: Complaint = Complaint.OTHER
    acuity: Acuity = Acuity.YELLOW
    age_band: AgeBand = AgeBand.UNKNOWN


class RingShown(Answer):
    """One practitioner who was rung."""

    practitioner: str
    state: RingState
    at: datetime


class CaseShown(Answer):
    """A case, and who was rung for it."""

    id: str
    encounter: str
    status: CaseStatus
    complaint: Complaint
    acuity: Acuity
    age_band: AgeBand
    opened_at: datetime
    rung_at: datetime | None
    accepted_by: str | None
    accepted_at: datetime | None
    rings: list[RingShown]

    @classmethod
    def of(cls, case: Case, rings: list[Ring]) -> Self:
        return cls(
            id=case.id,
            encounter=case.encounter_id,
            status=case.status,
            complaint=case.complaint,
            acuity=case.acuity,
            age_band=case.age_band,
            opened_at=case.opened_at,
            rung_at=case.rung_at,
            accepted_by=case.accepted_by,
            accepted_at=case.accepted_at,
            rings=[RingShown(practitioner=ring.practitioner_id, state=ring.state, at=ring.at) for ring in rings],
        )


class Cases(Answer):
    """One's open cases, newest first."""

    cases: list[CaseShown]


class OnCall(Body):
    """Whether ambulances may ring."""

    on: bool


class OnCallShown(Answer):
    """Whether ambulances may ring."""

    on: bool


async def open_case(request: web.Request) -> web.Response:
    body = await body_of(request, CaseToOpen)
    new = NewCase(CaseId(body.id), body.complaint, body.acuity, body.age_band)
    case = await services(request).dispatch.open_case(principal(request), new)
    return answer(CaseShown.of(case, []), status=201)


async def list_cases(request: web.Request) -> web.Response:
    found = await services(request).dispatch.mine(principal(request))
    return answer(Cases(cases=[CaseShown.of(case, []) for case in found]))


async def read_case(request: web.Request) -> web.Response:
    return await _shown(request, CaseId(path_id(request, "case")))


async def ring_case(request: web.Request) -> web.Response:
    case = CaseId(path_id(request, "case"))
    await services(request).dispatch.ring(principal(request), case)
    return await _shown(request, case)


async def accept_case(request: web.Request) -> web.Response:
    case = CaseId(path_id(request, "case"))
    await services(request).dispatch.accept(principal(request), case)
    return await _shown(request, case)


async def decline_case(request: web.Request) -> web.Response:
    case = CaseId(path_id(request, "case"))
    await services(request).dispatch.decline(principal(request), case)
    return await _shown(request, case)


async def close_case(request: web.Request) -> web.Response:
    case = CaseId(path_id(request, "case"))
    await services(request).dispatch.close(principal(request), case)
    return await _shown(request, case)


async def go_on_call(request: web.Request) -> web.Response:
    body = await body_of(request, OnCall)
    await services(request).dispatch.set_on_call(principal(request), on=body.on)
    return answer(OnCallShown(on=body.on))


async def _shown(request: web.Request, case: CaseId) -> web.Response:
    found, rings = await services(request).dispatch.get(principal(request), case)
    return answer(CaseShown.of(found, list(rings)))
