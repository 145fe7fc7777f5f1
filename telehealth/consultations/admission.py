"""Who came by an invitation and still waits sees nothing of the patient: a link can be handed on, a face can't."""

from telehealth.access import Principal
from telehealth.consultations.model import Admission
from telehealth.consultations.ports import Encounters
from telehealth.errors import Forbidden
from telehealth.ids import EncounterId


async def require_admitted(encounters: Encounters, principal: Principal, encounter: EncounterId) -> None:
    """Let through who has an account, and a guest who has been let in; Forbidden (`not_admitted`) for other guests."""
    if principal.encounter is None:
        return
    for seat in await encounters.seats(encounter):
        if seat.subject == principal.subject and seat.admission is Admission.ADMITTED:
            return
    raise Forbidden("You see this once you have been let in.", code="not_admitted")
