"""A running server with people in it: what the tests of the web start from."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, ClientWebSocketResponse, web
from aiohttp.test_utils import TestClient, TestServer

from telehealth.access import Principal, Role
from telehealth.accounts.model import NewUser, Purpose, User
from telehealth.app import SERVICES, Services, Surroundings, build
from telehealth.config import Settings, load_settings
from telehealth.consultations.model import Admission, Encounter, Participant, Patient
from telehealth.dispatch.model import Case, NewCase
from telehealth.ids import AlarmId, CaseId, DeviceId, EncounterId, ParticipantId, PatientId, random_id
from telehealth.scheduling.model import Appointment, Availability, NewAvailability
from telehealth.storage.database import Database
from telehealth.vitals.alarm import Priority
from telehealth.vitals.device_alarm import DeviceAlarm, Phase
from telehealth.vitals.registry import Bedside
from tests.doubles import FakeClock
from tests.media_here import media_here

KEY = base64.b64encode(b"k" * 32).decode()
PASSWORD = "a horse, a battery, a staple"
MISSING = "f" * 32
NINE_TOMORROW = datetime(2026, 1, 2, 8, 0, tzinfo=UTC)
"""09:00 in Berlin on the day after the clock's."""


class OpenHasher:
    """Passwords as they are: fast. Implements accounts.ports.PasswordHasher."""

    async def hash(self, password: str) -> str:
        return f"plain:{password}"

    async def verify(self, password_hash: str, password: str) -> bool:
        return password_hash == f"plain:{password}"


@dataclass
class Caller:
    """Somebody with an access token; `token` is None for nobody."""

    name: str
    principal: Principal | None
    token: str | None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}


@dataclass
class House:
    """The server, its services, and a client without cookies."""

    app: web.Application
    client: TestClient[web.Request, web.Application]
    clock: FakeClock
    users: dict[str, User] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        return self.app[SERVICES]

    @property
    def origin(self) -> str:
        return f"http://{self.client.host}:{self.client.port}"

    async def ask(
        self,
        method: str,
        path: str,
        who: Caller | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        **named: str,
    ) -> ClientResponse:
        """Send a request as somebody; redirects are not followed."""
        more = {name.replace("_", "-"): value for name, value in {**(headers or {}), **named}.items()}
        sent = {**(who.headers if who else {}), **more}
        return await self.client.request(method, path, json=body, headers=sent, allow_redirects=False)

    async def user(self, name: str, role: Role, patient: PatientId | None = None) -> User:
        email = f"{name.replace(' ', '.').lower()}@clinic.example"
        user = await self.services.accounts.add_user(NewUser(email, name, role, PASSWORD, "Europe/Berlin", patient))
        self.users[name] = user
        return user

    async def signed_in(self, user: User) -> Caller:
        until = self.clock.now() + timedelta(hours=1)
        secret = await self.services.accounts.add_sign_in_link(user.id, "/", until)
        pair, _ = await self.services.accounts.enter_by_link(secret)
        return Caller(user.name, Principal(user.id, user.role, user.patient_id), pair.access)

    async def person(self, name: str, role: Role) -> Caller:
        """Make a user and sign them in; a patient gets their Patient."""
        patient = None
        if role is Role.PATIENT:
            patient = PatientId(random_id())
            await self.services.consultations.add_patient(Patient(patient, name))
        return await self.signed_in(await self.user(name, role, patient))

    async def guest(self, host: Caller, encounter: EncounterId) -> Caller:
        assert host.principal is not None
        secret = await self.services.consultations.invite(host.principal, encounter, "Gil Moreau", Role.PATIENT)
        opened = await self.services.accounts.open_invitation(secret, None)
        principal = Principal(opened.invitation.id, Role.PATIENT, None, encounter)
        return Caller("guest", principal, opened.pair.access)

    async def let_in(self, guest: Caller, encounter: EncounterId) -> None:
        assert guest.principal is not None
        seat = Participant(
            ParticipantId(random_id()),
            encounter,
            guest.principal.subject,
            Role.PATIENT,
            guest.name,
            Admission.ADMITTED,
            self.clock.now(),
        )
        await self.services.desk._encounters.seat(seat)

    async def open_weekdays(self, practitioner: Caller) -> Availability:
        """Publish Fridays from 9 to 12; the clock stands on a Thursday."""
        new = NewAvailability(4, time(9), time(12), 15, "Europe/Berlin", date(2026, 1, 1))
        assert practitioner.principal is not None
        return await self.services.scheduling.publish(practitioner.principal, _id(practitioner), new)

    async def booked(self, patient: Caller, practitioner: Caller, at: datetime = NINE_TOMORROW) -> Appointment:
        assert patient.principal is not None
        return await self.services.scheduling.book(patient.principal, _id(practitioner), at, "Cough", None)

    async def visit(self, patient: Caller, practitioner: Caller) -> Encounter:
        """Let the patient ask to be seen and the practitioner take them."""
        assert patient.principal is not None and practitioner.principal is not None
        asked = await self.services.consultations.ask_to_be_seen(patient.principal, "Cough")
        return await self.services.consultations.take(practitioner.principal, asked.id)

    async def case(self, paramedic: Caller) -> Case:
        assert paramedic.principal is not None
        return await self.services.dispatch.open_case(paramedic.principal, NewCase(CaseId(random_id())))

    async def device(self, admin: Caller, encounter: Encounter | None = None) -> tuple[DeviceId, str]:
        """Register a device, perhaps at a bedside; return its id and credential."""
        assert admin.principal is not None
        device = await self.services.devices.register(admin.principal, name="Monitor", model="", simulated=True)
        if encounter is not None:
            bedside = Bedside(encounter.id, encounter.patient_id, encounter.owners)
            await self.services.devices.associate(admin.principal, device.id, bedside)
        return device.id, await self.services.accounts.issue_device_credential(device.id)

    async def alarm(self, encounter: Encounter, device: DeviceId) -> AlarmId:
        """Let the device say that it alarms."""
        said = DeviceAlarm(device, "1", Phase.START, Priority.HIGH, "VFIB", self.clock.now())
        self.services.watch.device_alarm(encounter.id, said)
        await self.services.watch.turn()
        known = self.services.watch.find(encounter.id)
        assert known is not None and known.watch is not None
        return known.watch.open_alarms[0].id

    async def ticket(self, who: Caller, purpose: Purpose, encounter: EncounterId | None = None) -> str:
        assert who.principal is not None
        return (await self.services.consultations.ticket(who.principal, purpose, encounter))[0]

    async def socket(self, path: str, hello: dict[str, Any] | None = None, **headers: str) -> ClientWebSocketResponse:
        socket = await self.client.ws_connect(path, headers=headers)
        if hello is not None:
            await socket.send_json(hello)
        return socket


def _id(who: Caller) -> Any:
    assert who.principal is not None
    return who.principal.subject


def settings_for(folder: Path, **changes: str) -> Settings:
    values = {"SECRET_KEY": KEY, "DATA_DIR": str(folder), "MEDIA_PORT": "0", "DEMO": "true", **changes}
    return load_settings({f"TELEHEALTH_{name}": value for name, value in values.items()})


@asynccontextmanager
async def open_house(settings: Settings, *, in_memory: bool = True) -> AsyncIterator[House]:
    clock = FakeClock()
    database = Database.in_memory() if in_memory else None
    app = build(settings, Surroundings(database, clock, passwords=OpenHasher(), carry=media_here))
    server = TestServer(app)
    await server.start_server(access_log=None)
    async with TestClient(server) as client:
        yield House(app, client, clock)
