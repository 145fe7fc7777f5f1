"""Consultations: ask to be seen, take a patient, invite, get a ticket into the room, read what happened."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from telehealth.access import Action, Principal, Role, require, require_role
from telehealth.accounts.model import Purpose, Ticket
from telehealth.accounts.service import Accounts
from telehealth.audit import AuditTrail, event_by
from telehealth.bus import WORKLIST, Bus, Event
from telehealth.clock import Clock
from telehealth.consultations.admission import require_admitted
from telehealth.consultations.model import Encounter, EncounterKind, Patient, TimelineEntry
from telehealth.consultations.ports import Encounters, Patients
from telehealth.errors import AlreadyAccepted, Conflict, Forbidden, Gone, Invalid, NotFound, Unavailable
from telehealth.ids import EncounterId, NewId, PatientId, UserId

logger = logging.getLogger(__name__)

MAX_REASON_CHARS = 500
INVITATION_LASTS = timedelta(hours=24)
"""How long a link holds, from now or from the booked time, whichever is later."""
TRIES = 5
MAX_WARD = 50
"""Encounters of one practitioner that are looked through for those that are measured."""

_INSIDE = frozenset({Action.READ_VITALS, Action.READ_TIMELINE})
"""What a guest may do only once let in."""

_TICKET_FOR = {Purpose.ROOM: Action.ENTER_ROOM, Purpose.VITALS: Action.READ_VITALS}


@dataclass(frozen=True, slots=True)
class ConsultationPorts:
    """What the use cases of consultations need of the outside."""

    encounters: Encounters
    patients: Patients
    bus: Bus
    audit: AuditTrail
    clock: Clock
    new_id: NewId


class Consultations:
    """The use cases around encounters."""

    def __init__(self, ports: ConsultationPorts, *, accounts: Accounts) -> None:
        self._ports = ports
        self._encounters = ports.encounters
        self._accounts = accounts

    async def get(self, principal: Principal, encounter: EncounterId) -> Encounter:
        """Return an encounter of the caller's."""
        found = await self._owned(principal, Action.READ_ENCOUNTER, encounter)
        await self._note(principal, "encounter.read", found)
        return found

    async def measured(self, principal: Principal, encounter: EncounterId) -> Encounter:
        """Return an encounter whose readings and photos the caller may see; whoever shows them writes it down.

        Raises:
            Forbidden: `not_admitted`: a guest who has not been let in.
        """
        return await self._owned(principal, Action.READ_VITALS, encounter)

    async def of_patient(self, principal: Principal) -> Sequence[Encounter]:
        """Return the caller's own encounters that have not ended, soonest first."""
        require_role(principal, Action.READ_ENCOUNTER)
        if principal.encounter is not None:
            invited = await self._encounters.get(principal.encounter)
            return [] if invited.ended else [invited]
        if principal.patient is None:
            return []
        return await self._encounters.open_of_patient(principal.patient)

    async def of_practitioner(self, principal: Principal) -> Sequence[tuple[Encounter, Patient]]:
        """Return the caller's own encounters that are under way or about to be, and their patients, soonest first."""
        require_role(principal, Action.READ_WORKLIST)
        found = await self._encounters.open_of_practitioner(UserId(principal.subject))
        await self._ports.audit.record(event_by(principal, "ward.read", f"user/{principal.subject}"))
        return [(encounter, await self._ports.patients.get(encounter.patient_id)) for encounter in found[:MAX_WARD]]

    async def ask_to_be_seen(self, principal: Principal, reason: str) -> Encounter:
        """Put the patient into the queue; who is in it already stays where they are.

        Raises:
            Forbidden: The caller is no patient, or came by an invitation to another encounter.
            Invalid: `reason_too_long`.
        """
        require_role(principal, Action.ASK_TO_BE_SEEN)
        if principal.patient is None or principal.encounter is not None:
            raise Forbidden("Only a patient with an account can ask to be seen.")
        reason = reason.strip()
        if len(reason) > MAX_REASON_CHARS:
            raise Invalid(f"Say it in at most {MAX_REASON_CHARS} characters.", code="reason_too_long")
        for earlier in await self._encounters.open_of_patient(principal.patient):
            if earlier.kind is EncounterKind.ON_DEMAND:
                return earlier
        encounter = Encounter(
            id=EncounterId(self._ports.new_id()),
            kind=EncounterKind.ON_DEMAND,
            patient_id=principal.patient,
            created_at=self._ports.clock.now(),
            reason=reason,
        )
        await self._encounters.add(encounter)
        await self._changed(principal, "encounter.requested", encounter)
        return encounter

    async def take(self, principal: Principal, encounter: EncounterId) -> Encounter:
        """Make a patient of the queue the caller's own; AlreadyAccepted if a colleague was faster, Gone if it ended."""
        require_role(principal, Action.TAKE_FROM_QUEUE)
        for _ in range(TRIES):
            was = await self._encounters.get(encounter)
            if was.kind is not EncounterKind.ON_DEMAND:
                raise NotFound("There is no such patient in the queue.")
            taken = _taken(was, UserId(principal.subject))
            if taken == was:
                return was
            try:
                await self._encounters.save(taken, was=was)
            except Conflict:
                # Somebody took it, or the patient has just come or gone: look again.
                continue
            await self._changed(principal, "encounter.taken", taken)
            return taken
        raise Unavailable("The consultation keeps changing: try again.")

    async def invite(self, principal: Principal, encounter: EncounterId, name: str, role: Role) -> str:
        """Return the secret of a link by which one more person can ask to join; Gone once it has ended."""
        found = await self._owned(principal, Action.INVITE, encounter)
        if role is not Role.PATIENT:
            raise Invalid("Staff have accounts; a link is for patients and their people.", code="bad_role")
        _require_open(found)
        now = self._ports.clock.now()
        expires_at = max(now, found.starts_at or now) + INVITATION_LASTS
        secret = await self._accounts.invite(found.id, role, name, None, expires_at)
        await self._note(principal, "encounter.invited", found)
        return secret

    async def ticket(
        self, principal: Principal, purpose: Purpose, encounter: EncounterId | None
    ) -> tuple[str, datetime]:
        """Return a ticket for one socket and when it ends; Invalid (`encounter_required`), Gone once it has ended."""
        if purpose is Purpose.WORKLIST:
            require_role(principal, Action.READ_WORKLIST)
            return await self._ticket(principal, purpose, EncounterId(""))
        action = _TICKET_FOR[purpose]
        require_role(principal, action)
        if encounter is None:
            raise Invalid("This ticket needs an encounter.", code="encounter_required")
        found = await self._owned(principal, action, encounter)
        _require_open(found)
        await self._note(principal, f"ticket.{purpose.value}", found)
        return await self._ticket(principal, purpose, found.id)

    async def timeline(self, principal: Principal, encounter: EncounterId, after: int = 0) -> Sequence[TimelineEntry]:
        """Return what happened after that number, in order; at most 500 entries."""
        found = await self._owned(principal, Action.READ_TIMELINE, encounter)
        await self._note(principal, "timeline.read", found)
        return await self._encounters.timeline(found.id, after=after)

    async def add_patient(self, patient: Patient) -> None:
        """Store a patient, for registration and seeding; the caller has checked the permission."""
        await self._ports.patients.add(patient)

    async def patient(self, principal: Principal, patient: PatientId) -> Patient:
        """Return oneself, or the patient of an open encounter of one's own."""
        require_role(principal, Action.READ_ENCOUNTER)
        owners = {str(patient)}
        for encounter in await self._encounters.open_of_patient(patient):
            owners |= encounter.owners
        require(principal, Action.READ_ENCOUNTER, owners=owners)
        found = await self._ports.patients.get(patient)
        await self._ports.audit.record(event_by(principal, "patient.read", f"patient/{patient}", patient=patient))
        return found

    async def _owned(self, principal: Principal, action: Action, encounter: EncounterId) -> Encounter:
        require_role(principal, action)
        found = await self._encounters.get(encounter)
        require(principal, action, owners=found.owners)
        if action in _INSIDE:
            await require_admitted(self._encounters, principal, encounter)
        return found

    async def _ticket(self, principal: Principal, purpose: Purpose, encounter: EncounterId) -> tuple[str, datetime]:
        me = await self._accounts.me(principal)
        ticket = Ticket(principal.subject, principal.role, purpose, encounter, principal.patient, me.name)
        return await self._accounts.issue_ticket(ticket)

    async def _changed(self, principal: Principal, action: str, encounter: Encounter) -> None:
        await self._note(principal, action, encounter)
        # After the commit: nobody hears of what was not stored.
        await self._ports.bus.publish(WORKLIST, Event("changed", b""))
        logger.info("%s: %s", action, encounter.id)

    async def _note(self, principal: Principal, action: str, encounter: Encounter) -> None:
        entity = f"encounter/{encounter.id}"
        await self._ports.audit.record(event_by(principal, action, entity, patient=encounter.patient_id))


def _taken(encounter: Encounter, practitioner: UserId) -> Encounter:
    if encounter.practitioner_id not in (None, practitioner):
        raise AlreadyAccepted("A colleague has already taken this patient.")
    return encounter.taken_by(practitioner)


def _require_open(encounter: Encounter) -> None:
    if encounter.ended:
        raise Gone("This consultation has ended.", code="encounter_ended")
