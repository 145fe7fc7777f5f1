"""The ward: one's own encounters in which devices measure now."""

from aiohttp import web

from telehealth.consultations.model import EncounterKind, EncounterStatus
from telehealth.web.bodies import Answer, answer
from telehealth.web.context import principal, services

MAX_SHOWN = 12
"""More nobody can watch on one screen."""


class Bed(Answer):
    """An encounter that is measured."""

    encounter: str
    patient: str
    kind: EncounterKind
    status: EncounterStatus


class Ward(Answer):
    """Those that are measured, and how many more there are."""

    beds: list[Bed]
    more: int


async def read_ward(request: web.Request) -> web.Response:
    reach = services(request)
    mine = await reach.consultations.of_practitioner(principal(request))
    measured = await reach.devices.measured([encounter.id for encounter, _ in mine])
    beds = [
        Bed(encounter=encounter.id, patient=patient.name, kind=encounter.kind, status=encounter.status)
        for encounter, patient in mine
        if encounter.id in measured
    ]
    return answer(Ward(beds=beds[:MAX_SHOWN], more=len(beds[MAX_SHOWN:])))
