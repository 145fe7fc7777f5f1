"""DeviceRegistry: which devices there are, and whom each measures."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from telehealth.access import Action, Principal, require, require_role
from telehealth.audit import AuditTrail, event_by
from telehealth.clock import Clock
from telehealth.errors import Gone, Invalid, NotFound
from telehealth.ids import DeviceId, EncounterId, NewId, PatientId
from telehealth.vitals.model import Device, DeviceAssociation, DeviceKind
from telehealth.vitals.ports import Devices

MAX_NAME = 100
MAX_LISTED = 500


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A device, and whom it measures now."""

    device: Device
    association: DeviceAssociation | None


@dataclass(frozen=True, slots=True)
class Bedside:
    """Where a device can be put: an encounter, its patient, and whose the encounter is."""

    encounter_id: EncounterId
    patient_id: PatientId
    owners: Collection[str]


class DeviceRegistry:
    """Registers devices and binds them to encounters."""

    def __init__(self, *, devices: Devices, audit: AuditTrail, clock: Clock, new_id: NewId) -> None:
        self._devices = devices
        self._audit = audit
        self._clock = clock
        self._new_id = new_id

    async def register(self, principal: Principal, *, name: str, model: str, simulated: bool) -> Device:
        """Add a device. Its credential is made by accounts."""
        require_role(principal, Action.MANAGE_DEVICES)
        device = Device(DeviceId(self._new_id()), _line(name, least=1), _line(model, least=0), simulated=simulated)
        await self._devices.add(device)
        await self._audit.record(event_by(principal, "device.registered", f"device/{device.id}"))
        return device

    async def get(self, principal: Principal, device: DeviceId) -> Whereabouts:
        """Return the device and whom it measures; NotFound."""
        require_role(principal, Action.LIST_DEVICES)
        known = await self._devices.get(device)
        if known.kind is not DeviceKind.REGISTERED:
            raise NotFound("There is no such device.")
        return Whereabouts(known, await self._devices.association(device))

    async def all(self, principal: Principal) -> Sequence[Whereabouts]:
        """Return the devices, and whom each measures."""
        require_role(principal, Action.LIST_DEVICES)
        devices = await self._devices.all(MAX_LISTED)
        return [Whereabouts(device, await self._devices.association(device.id)) for device in devices]

    async def associate(self, principal: Principal, device: DeviceId, bedside: Bedside) -> DeviceAssociation:
        """Let the device measure for the encounter from now on, and for no other any more."""
        require(principal, Action.ASSOCIATE_DEVICE, owners=bedside.owners)
        known = await self._devices.get(device)
        if known.revoked:
            raise Gone("This device has been revoked.", code="device_revoked")
        association = DeviceAssociation(device, bedside.encounter_id, bedside.patient_id, self._clock.now())
        await self._devices.associate(association)
        await self._audit.record(
            event_by(principal, "device.associated", f"device/{device}", patient=bedside.patient_id)
        )
        return association

    async def release(self, principal: Principal, device: DeviceId, *, owners: Collection[str]) -> None:
        """Let the device measure for nobody; `owners` are those of the encounter it is bound to."""
        require(principal, Action.ASSOCIATE_DEVICE, owners=owners)
        association = await self._devices.association(device)
        if association is None:
            return
        await self._devices.release(device, self._clock.now())
        await self._audit.record(
            event_by(principal, "device.released", f"device/{device}", patient=association.patient_id)
        )

    async def release_all(self, encounter: EncounterId) -> None:
        """Let no device measure for the encounter any more: it has ended."""
        at = self._clock.now()
        for device in await self._devices.of_encounter(encounter):
            await self._devices.release(device.id, at)

    async def measured(self, encounters: Sequence[EncounterId]) -> set[EncounterId]:
        """Return those of them for which a device measures now; the caller has checked whose they are."""
        return {encounter for encounter in encounters if await self._devices.of_encounter(encounter)}

    async def revoke(self, principal: Principal, device: DeviceId) -> None:
        """Take the device out of service for ever. Its credential is revoked by accounts."""
        require_role(principal, Action.MANAGE_DEVICES)
        known = await self._devices.get(device)
        await self._devices.save(replace(known, revoked=True))
        await self._devices.release(device, self._clock.now())
        await self._audit.record(event_by(principal, "device.revoked", f"device/{device}"))


def _line(text: str, *, least: int) -> str:
    stripped = text.strip()
    if not (least <= len(stripped) <= MAX_NAME and (stripped.isprintable() or not stripped)):
        raise Invalid(f"A name has {least} to {MAX_NAME} characters on one line.")
    return stripped
