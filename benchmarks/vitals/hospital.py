"""An invented hospital with as many beds as wanted: an encounter, its device and who watches, for each."""

import asyncio
import base64
import secrets
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from telehealth.access import Principal, Role
from telehealth.accounts.model import NewUser, Purpose
from telehealth.administration import opened_stores
from telehealth.app import build
from telehealth.config import load_settings
from telehealth.consultations.model import Patient
from telehealth.ids import DeviceId, EncounterId, PatientId, random_id
from telehealth.vitals.ports import VitalFrames
from telehealth.vitals.registry import Bedside
from telehealth.web.services import SERVICES, Services


@dataclass(frozen=True, slots=True)
class Bed:
    """A patient who is being seen, and their monitor."""

    encounter: EncounterId
    device: DeviceId
    credential: str
    practitioner: Principal


@dataclass(frozen=True, slots=True)
class Hospital:
    """Where everything is, the beds, and the services of a process beside the server's."""

    variables: Mapping[str, str]
    database: str
    services: Services
    beds: tuple[Bed, ...]
    frames: VitalFrames

    async def ticket(self, bed: Bed) -> str:
        """Return a ticket to watch the vitals at a bed."""
        return (await self.services.consultations.ticket(bed.practitioner, Purpose.VITALS, bed.encounter))[0]


@asynccontextmanager
async def hospital(folder: Path, beds: int, *, database: str = "") -> AsyncGenerator[Hospital]:
    """Make the hospital; its services stay open, on the same database as the server's."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {
        "TELEHEALTH_DATA_DIR": str(folder),
        "TELEHEALTH_SECRET_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "TELEHEALTH_HTTP_PORT": str(port),
        "TELEHEALTH_MEDIA_PORT": "0",
        "TELEHEALTH_NODE": "measured",
        "TELEHEALTH_LOG_LEVEL": "warning",
        "TELEHEALTH_SOCKETS_LIMIT": "10000",
    }
    if database:
        variables["TELEHEALTH_DATABASE_URL"] = database
    settings = load_settings({**variables, "TELEHEALTH_NODE": "beside"})
    app = build(settings)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        services = app[SERVICES]
        admin = await services.accounts.add_user(NewUser("admin@clinic.example", "Admin", Role.ADMIN, "", "UTC"))
        who = Principal(admin.id, Role.ADMIN)
        made = [await _bed(services, who, number) for number in range(beds)]
        async with opened_stores(settings) as stores:
            yield Hospital(variables, settings.database, services, tuple(made), stores.vital_frames)
    finally:
        await runner.cleanup()


async def _bed(services: Services, admin: Principal, number: int) -> Bed:
    patient = Patient(PatientId(random_id()), f"Patient {number}")
    await services.consultations.add_patient(patient)
    user = await services.accounts.add_user(
        NewUser(f"p{number}@clinic.example", patient.name, Role.PATIENT, "", "UTC", patient.id)
    )
    doctor = await services.accounts.add_user(
        NewUser(f"d{number}@clinic.example", f"Dr Number {number}", Role.PRACTITIONER, "", "UTC")
    )
    asked = await services.consultations.ask_to_be_seen(Principal(user.id, Role.PATIENT, patient.id), "Observation")
    practitioner = Principal(doctor.id, Role.PRACTITIONER)
    visit = await services.consultations.take(practitioner, asked.id)
    device = await services.devices.register(admin, name=f"Monitor {number}", model="", simulated=False)
    await services.devices.associate(admin, device.id, Bedside(visit.id, visit.patient_id, visit.owners))
    credential = await services.accounts.issue_device_credential(device.id)
    await asyncio.sleep(0)
    return Bed(visit.id, device.id, credential, practitioner)
