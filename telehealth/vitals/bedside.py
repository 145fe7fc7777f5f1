"""BedsideReadings: what people at the bedside bring in themselves, by a sensor in their browser or by typing."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from telehealth.access import Action, Principal, Role, require
from telehealth.audit import AuditTrail, event_by
from telehealth.clock import Clock
from telehealth.errors import NotFound, TooMany
from telehealth.ids import DeviceId
from telehealth.vitals.deliveries import Deliveries
from telehealth.vitals.model import Device, DeviceAssociation, DeviceKind, FeedHello, RawNumerics
from telehealth.vitals.ports import Devices
from telehealth.vitals.registry import Bedside
from telehealth.vitals.service import Recorded

MAX_SOURCES = 20
"""Devices of one encounter, those of staff among them, beyond which no new one is made."""


@dataclass(frozen=True, slots=True)
class ReadingSource:
    """Where readings come from: a sensor by the name it tells, or somebody's hand.

    Attributes:
        simulated: The sensor says itself that it demonstrates or tests.
    """

    name: str
    kind: DeviceKind
    simulated: bool = False


class BedsideReadings:
    """Gives each source at each bedside a device of its own, so that nothing that is measured lacks its origin."""

    def __init__(self, *, devices: Devices, deliveries: Deliveries, audit: AuditTrail, clock: Clock) -> None:
        self._devices = devices
        self._deliveries = deliveries
        self._audit = audit
        self._clock = clock

    async def add(
        self, principal: Principal, bedside: Bedside, source: ReadingSource, hello: FeedHello, batch: list[RawNumerics]
    ) -> Recorded:
        """Record readings that somebody brings in; those that are known already are acknowledged again.

        Raises:
            NotFound: The encounter is somebody else's.
            TooMany: `too_many_sensors`; or they come too fast.
        """
        require(principal, Action.ADD_READING, owners=bedside.owners)
        device = await self._device(principal, bedside, source)
        await self._audit.record(
            event_by(principal, "reading.added", f"device/{device.id}", patient=bedside.patient_id)
        )
        return await self._deliveries.deliver(Principal(device.id, Role.DEVICE), hello, batch)

    async def _device(self, principal: Principal, bedside: Bedside, source: ReadingSource) -> Device:
        wanted = Device(
            _identity(principal, bedside, source),
            source.name,
            model="browser",
            simulated=source.simulated,
            kind=source.kind,
        )
        try:
            await self._devices.get(wanted.id)
        except NotFound:
            if len(await self._devices.of_encounter(bedside.encounter_id)) >= MAX_SOURCES:
                raise TooMany("Too many sensors are in use in this consultation.", code="too_many_sensors") from None
            await self._devices.add(wanted)
        if await self._devices.association(wanted.id) is None:
            now = self._clock.now()
            association = DeviceAssociation(wanted.id, bedside.encounter_id, bedside.patient_id, now)
            await self._devices.associate(association)
        return wanted


def _identity(principal: Principal, bedside: Bedside, source: ReadingSource) -> DeviceId:
    """Return the same id for the same source, person and encounter."""
    parts: Sequence[str] = (bedside.encounter_id, principal.subject, source.kind, source.name, str(source.simulated))
    return DeviceId(hashlib.blake2s("\0".join(parts).encode(), digest_size=16).hexdigest())
