"""What dispatch needs of the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from telehealth.accounts.ports import Users
from telehealth.audit import AuditTrail
from telehealth.bus import Bus
from telehealth.clock import Clock
from telehealth.consultations.model import Encounter, Patient
from telehealth.consultations.ports import Encounters, Patients
from telehealth.dispatch.model import Case, Ring
from telehealth.ids import CaseId, EncounterId, NewId, UserId
from telehealth.scheduling.ports import Appointments


class Cases(Protocol):
    """Stored cases, rings and the on-call roster. The database decides who was first."""

    async def open(self, case: Case, encounter: Encounter, patient: Patient) -> None:
        """Store the three together; a repeat with the same case id changes nothing."""
        ...

    async def get(self, case: CaseId) -> Case:
        """Return the case; NotFound."""
        ...

    async def of_encounter(self, encounter: EncounterId) -> Case | None: ...

    async def accept(self, accepted: Case) -> None:
        """Store the acceptance, also as the encounter's practitioner; AlreadyAccepted if another came first."""
        ...

    async def save(self, changed: Case, *, was: Case) -> None:
        """Replace `was` by `changed`; Conflict if the stored status is no longer `was`'s."""
        ...

    async def ring(self, rings: Sequence[Ring]) -> None:
        """Store that these were rung; those rung before for the case ring anew."""
        ...

    async def save_ring(self, ring: Ring) -> None: ...
    async def rings(self, case: CaseId) -> Sequence[Ring]: ...

    async def ringing_for(self, practitioner: UserId) -> Sequence[Case]:
        """Return the cases that ring for this practitioner now, longest ringing first; at most 50."""
        ...

    async def open_of(self, paramedic: UserId) -> Sequence[Case]:
        """Return the paramedic's cases that are not closed, newest first; at most 20."""
        ...

    async def set_on_call(self, practitioner: UserId, *, on: bool) -> None: ...
    async def on_call(self) -> Sequence[UserId]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchPorts:
    """Everything that dispatch and the work lists need."""

    cases: Cases
    users: Users
    patients: Patients
    encounters: Encounters
    appointments: Appointments
    bus: Bus
    audit: AuditTrail
    clock: Clock
    new_id: NewId
