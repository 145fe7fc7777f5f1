"""Dispatch: a crew opens a case, it rings the practitioners on call, and the first to accept has it.

Who was first is decided by the database, never by looking.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace

from telehealth.access import Action, Principal, require, require_role
from telehealth.audit import event_by
from telehealth.bus import WORKLIST, Event, room_topic
from telehealth.consultations.messages import CaseView, RingView
from telehealth.consultations.model import Encounter, EncounterKind, EncounterStatus, Patient
from telehealth.dispatch.model import Case, CaseStatus, NewCase, Ring, RingState
from telehealth.dispatch.ports import DispatchPorts
from telehealth.errors import Conflict, Gone, Invalid, NotFound
from telehealth.ids import CaseId, EncounterId, PatientId, UserId

__all__ = ["Dispatch", "DispatchPorts", "NewCase"]

logger = logging.getLogger(__name__)

MAX_RUNG = 100
"""How many are rung for one case."""
_CHOSEN_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Dispatch:
    """The use cases around ambulance cases."""

    def __init__(self, ports: DispatchPorts) -> None:
        self._ports = ports
        self._cases = ports.cases

    async def open_case(self, principal: Principal, new: NewCase) -> Case:
        """Open a case with an unidentified patient and an encounter that waits; a repeat returns the case there is.

        Raises:
            Invalid: `bad_id`: the chosen id is not 16 to 64 letters, digits, `-` and `_`.
            NotFound: The id is taken by another crew's case.
        """
        require_role(principal, Action.OPEN_CASE)
        if not _CHOSEN_ID.fullmatch(new.id):
            raise Invalid("A case needs an id of 16 to 64 letters and digits, chosen at random.", code="bad_id")
        crew, now = UserId(principal.subject), self._ports.clock.now()
        patient = Patient(id=PatientId(self._ports.new_id()), name="", identified=False)
        encounter = Encounter(
            id=EncounterId(self._ports.new_id()),
            kind=EncounterKind.AMBULANCE,
            patient_id=patient.id,
            created_at=now,
            status=EncounterStatus.ARRIVED,
            paramedic_id=crew,
        )
        case = Case(
            id=new.id,
            encounter_id=encounter.id,
            opened_by=crew,
            opened_at=now,
            complaint=new.complaint,
            acuity=new.acuity,
            age_band=new.age_band,
        )
        await self._cases.open(case, encounter, patient)
        stored = await self._cases.get(new.id)
        require(principal, Action.OPEN_CASE, owners={stored.opened_by})
        await self._note(principal, "case.opened", stored)
        return stored

    async def get(self, principal: Principal, id_: CaseId) -> tuple[Case, list[Ring]]:
        """Return a case and how its ringing goes: for its crew, who accepted it, and whom it rings or rang."""
        require_role(principal, Action.READ_CASE)
        case = await self._cases.get(id_)
        rings = list(await self._cases.rings(id_))
        require(principal, Action.READ_CASE, owners=case.owners | {ring.practitioner_id for ring in rings})
        await self._note(principal, "case.read", case)
        return case, rings

    async def mine(self, principal: Principal) -> list[Case]:
        """Return the crew's open cases, newest first; for a practitioner those that ring for them."""
        require_role(principal, Action.READ_CASE)
        subject = UserId(principal.subject)
        opened, ringing = await self._cases.open_of(subject), await self._cases.ringing_for(subject)
        await self._ports.audit.record(event_by(principal, "case.listed", "cases"))
        return await self._under_way([*opened, *ringing])

    async def ring(self, principal: Principal, id_: CaseId) -> Case:
        """Ring everybody on call, also those who declined before; nothing happens once the case is accepted.

        Raises:
            Conflict: `nobody_on_call`.
        """
        case = await self._owned(principal, Action.RING_CASE, id_)
        await self._require_under_way(case)
        now = self._ports.clock.now()
        ringing = case.ringing(now)
        if ringing is case:
            return case
        on_call = await self._on_call()
        if not on_call:
            raise Conflict("Nobody is on call. Use the usual way to reach a doctor.", code="nobody_on_call")
        await self._cases.save(ringing, was=case)
        await self._cases.ring([Ring(id_, practitioner, RingState.RINGING, now) for practitioner in on_call])
        await self._changed(principal, "case.rung", ringing)
        return ringing

    async def accept(self, principal: Principal, id_: CaseId) -> Case:
        """Take the case that rings for the caller; AlreadyAccepted if a colleague was faster."""
        case, _ = await self._rung(principal, id_)
        await self._require_under_way(case)
        accepted = case.accepted(UserId(principal.subject), self._ports.clock.now())
        if accepted is case:
            return case
        await self._cases.accept(accepted)
        await self._changed(principal, "case.accepted", accepted)
        return accepted

    async def decline(self, principal: Principal, id_: CaseId) -> Case:
        """Stop the case from ringing for the caller; nothing happens if it does not ring."""
        case, ring = await self._rung(principal, id_)
        if ring.state is RingState.RINGING and case.status is CaseStatus.RINGING:
            await self._cases.save_ring(replace(ring, state=RingState.DECLINED, at=self._ports.clock.now()))
            await self._changed(principal, "case.declined", case)
        return case

    async def close(self, principal: Principal, id_: CaseId) -> Case:
        """Close the case and end its encounter; Gone (`case_closed`) if it is."""
        case = await self._owned(principal, Action.CLOSE_CASE, id_)
        closed = case.closed()
        await self._cases.save(closed, was=case)
        encounter = await self._ports.encounters.get(case.encounter_id)
        if not encounter.ended:
            now = self._ports.clock.now()
            under_way = encounter.status is EncounterStatus.IN_PROGRESS
            ended = encounter.finished(now) if under_way else encounter.cancelled(now)
            await self._ports.encounters.save(ended, was=encounter)
        await self._changed(principal, "case.closed", closed)
        return closed

    async def set_on_call(self, principal: Principal, on: bool) -> None:  # noqa: FBT001 - its name says what it is.
        """Put the caller on the list of those who are rung, or take them off."""
        require_role(principal, Action.GO_ON_CALL)
        await self._cases.set_on_call(UserId(principal.subject), on=on)
        action = "on_call.begun" if on else "on_call.ended"
        await self._ports.audit.record(event_by(principal, action, f"user/{principal.subject}"))
        await self._ports.bus.publish(WORKLIST, Event("changed", b""))

    async def _owned(self, principal: Principal, action: Action, id_: CaseId) -> Case:
        require_role(principal, action)
        case = await self._cases.get(id_)
        require(principal, action, owners=case.owners)
        return case

    async def _rung(self, principal: Principal, id_: CaseId) -> tuple[Case, Ring]:
        """Return the case and the caller's ring; NotFound for whom it never rang."""
        require_role(principal, Action.ANSWER_CASE)
        case = await self._cases.get(id_)
        for ring in await self._cases.rings(id_):
            if ring.practitioner_id == principal.subject:
                return case, ring
        raise NotFound("There is no such thing, or it is not yours.")

    async def _on_call(self) -> list[UserId]:
        """Return those on call whose accounts are not disabled."""
        active = {user.id for user in await self._ports.users.practitioners()}
        return [user for user in await self._cases.on_call() if user in active][:MAX_RUNG]

    async def _under_way(self, cases: Sequence[Case]) -> list[Case]:
        """Return those whose encounter has not been ended in the room."""
        encounters = [await self._ports.encounters.get(case.encounter_id) for case in cases]
        return [case for case, encounter in zip(cases, encounters, strict=True) if not encounter.ended]

    async def _require_under_way(self, case: Case) -> None:
        if not await self._under_way([case]):
            raise Gone("This case is closed.", code="case_closed")

    async def _changed(self, principal: Principal, action: str, case: Case) -> None:
        await self._note(principal, action, case)
        # After the commit: nobody hears of a case that was not changed.
        await self._tell_room(case)
        await self._ports.bus.publish(WORKLIST, Event("changed", b""))
        logger.info("%s: %s", action, case.id)

    async def _tell_room(self, case: Case) -> None:
        rings = [
            RingView(name=(await self._ports.users.get(ring.practitioner_id)).name, state=ring.state.value)
            for ring in (await self._cases.rings(case.id))[:MAX_RUNG]
        ]
        view = CaseView(
            id=case.id,
            status=case.status.value,
            complaint=case.complaint.value,
            acuity=case.acuity.value,
            rings=tuple(rings),
        )
        event = Event("case_changed", view.model_dump_json().encode())
        await self._ports.bus.publish(room_topic(case.encounter_id), event)

    async def _note(self, principal: Principal, action: str, case: Case) -> None:
        await self._ports.audit.record(event_by(principal, action, f"case/{case.id}"))
