"""What needs more than one service: a patient who can log in, a booking with its link, a device at a bedside."""

from dataclasses import replace
from datetime import datetime

from telehealth.access import Action, Principal, Role, require, require_role
from telehealth.accounts.model import NewUser, User
from telehealth.accounts.service import Accounts
from telehealth.consultations.model import Encounter, Patient
from telehealth.consultations.ports import Encounters
from telehealth.consultations.service import Consultations
from telehealth.errors import Gone
from telehealth.ids import DeviceId, EncounterId, NewId, PatientId, UserId
from telehealth.scheduling.model import Appointment
from telehealth.scheduling.service import Scheduling
from telehealth.vitals.registry import Bedside, DeviceRegistry, Whereabouts


class FrontDesk:
    """Calls the services one after the other; each checks for itself who may."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        consultations: Consultations,
        scheduling: Scheduling,
        devices: DeviceRegistry,
        encounters: Encounters,
        new_id: NewId,
    ) -> None:
        self._accounts = accounts
        self._consultations = consultations
        self._scheduling = scheduling
        self._devices = devices
        self._encounters = encounters
        self._new_id = new_id

    async def create_user(self, principal: Principal, new: NewUser) -> User:
        """Create a user; for one who is a patient, the Patient too."""
        require_role(principal, Action.MANAGE_USERS)
        if new.role is not Role.PATIENT:
            return await self._accounts.create_user(principal, new)
        patient = Patient(PatientId(self._new_id()), new.name)
        await self._consultations.add_patient(patient)
        return await self._accounts.create_user(principal, replace(new, patient_id=patient.id))

    async def book(
        self,
        principal: Principal,
        practitioner: UserId,
        starts_at: datetime,
        reason: str,
        patient: PatientId | None,
    ) -> tuple[Appointment, str | None]:
        """Book; a practitioner also gets the secret of an invitation to hand on to the patient."""
        booked = await self._scheduling.book(principal, practitioner, starts_at, reason, patient)
        if principal.role is not Role.PRACTITIONER:
            return booked, None
        name = (await self._consultations.patient(principal, booked.patient_id)).name
        return booked, await self._consultations.invite(principal, booked.encounter_id, name, Role.PATIENT)

    async def associate(self, principal: Principal, device: DeviceId, encounter: EncounterId | None) -> Whereabouts:
        """Bind the device to the encounter, away from where it was; or to none. Gone for one that has ended."""
        known = await self._devices.get(principal, device)
        if encounter is not None:
            found = await self._encounters.get(encounter)
            require(principal, Action.ASSOCIATE_DEVICE, owners=found.owners)
            if found.ended:
                raise Gone("This consultation has ended.", code="encounter_ended")
            await self._devices.associate(principal, device, Bedside(found.id, found.patient_id, found.owners))
        elif known.association is not None:
            bound = await self._bedside(known.association.encounter_id)
            await self._devices.release(principal, device, owners=bound.owners)
        return await self._devices.get(principal, device)

    async def encounter(self, encounter: EncounterId) -> Encounter:
        """Return an encounter whose reader is checked by whoever shows something of it; NotFound."""
        return await self._encounters.get(encounter)

    async def other_side(self, principal: Principal, encounter: Encounter) -> dict[str, str]:
        """Return whom the caller meets there: `practitioner` for a patient, `patient` for staff; empty if unknown."""
        if principal.role is Role.PATIENT:
            names = {user.id: user.name for user in await self._accounts.practitioners(principal)}
            practitioner = encounter.practitioner_id
            return {"practitioner": names[practitioner]} if practitioner in names else {}
        if encounter.ended:
            return {}
        return {"patient": (await self._consultations.patient(principal, encounter.patient_id)).name}

    async def open_encounter(self, principal: Principal, encounter: EncounterId) -> Encounter:
        """Return an encounter to which the principal may add readings, while they wait too; Gone once it has ended."""
        require_role(principal, Action.ADD_READING)
        found = await self._encounters.get(encounter)
        require(principal, Action.ADD_READING, owners=found.owners)
        if found.ended:
            raise Gone("This consultation has ended.", code="encounter_ended")
        return found

    async def bedside(self, principal: Principal, encounter: EncounterId) -> Bedside:
        """Return the bedside of an encounter to which the principal may add readings; Gone once it has ended."""
        found = await self.open_encounter(principal, encounter)
        return Bedside(found.id, found.patient_id, found.owners)

    async def _bedside(self, encounter: EncounterId) -> Bedside:
        # Whose it is, the registry asks: an administrator may bind a device but not read the encounter.
        found = await self._encounters.get(encounter)
        return Bedside(found.id, found.patient_id, found.owners)
