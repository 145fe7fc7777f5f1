"""An invented clinic: doctors, a crew, patients, a visit about to begin, and two monitors. All names are made up."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from telehealth.access import Principal, Role
from telehealth.accounts.model import NewUser, User
from telehealth.consultations.model import Encounter, Patient
from telehealth.ids import DeviceId, EncounterId, PatientId, UserId, random_id
from telehealth.scheduling.model import NewAvailability
from telehealth.vitals.registry import Bedside
from telehealth.web.services import Services

TIME_ZONE = "Europe/Berlin"
_LINK_LIFE = timedelta(days=2)
_OPENS, _CLOSES = time(8, 0), time(18, 0)

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Clinic:
    """What the demo hands out: secrets of links that sign people in, and of devices.

    Attributes:
        patient, doctor, paramedic, admin: Secrets of sign-in links.
        invitation: Secret of an invitation to the second visit, for somebody without an account.
        home_monitor, ambulance_monitor: Credentials of the two devices.
    """

    encounter_id: EncounterId
    patient: str
    doctor: str
    paramedic: str
    admin: str
    invitation: str
    home_monitor: str
    ambulance_monitor: str


async def seed(services: Services, progress: Progress) -> Clinic:
    """Fill an empty database through the same services that serve people."""
    progress("people")
    now = services.clock.now()
    admin = await _user(services, Role.ADMIN, "Noor Haddad")
    doctor = await _user(services, Role.PRACTITIONER, "Dr Ifeoma Okafor")
    colleague = await _user(services, Role.PRACTITIONER, "Dr Tomas Lindqvist")
    paramedic = await _user(services, Role.PARAMEDIC, "Lena Brandt")
    ana = await _patient(services, "Ana Ruiz", "1962-03-14")
    milo = await _patient(services, "Milo Fischer", "1991-11-02")
    progress("availability and appointments")
    for practitioner in (doctor, colleague):
        await _open_weekdays(services, practitioner, now)
        await services.dispatch.set_on_call(_principal(practitioner), on=True)
    await _book_next(services, ana, doctor, now)
    progress("a visit, and one who waits")
    visit = await _visit(services, ana, doctor, "My heart races when I climb the stairs")
    second = await _visit(services, milo, doctor, "A cough that won't go")
    invitation = await services.consultations.invite(
        _principal(doctor), second.id, name="Milo Fischer", role=Role.PATIENT
    )
    progress("monitors")
    home, home_monitor = await _monitor(services, admin, "Monitor at home, Ana")
    _, ambulance_monitor = await _monitor(services, admin, "Ambulance 7 monitor")
    bedside = Bedside(visit.id, visit.patient_id, visit.owners)
    await services.devices.associate(_principal(admin), home, bedside)
    progress("links")
    link = _linker(services, now + _LINK_LIFE)
    return Clinic(
        encounter_id=visit.id,
        patient=await link(ana, f"/rooms/{visit.id}"),
        doctor=await link(doctor, f"/rooms/{visit.id}"),
        paramedic=await link(paramedic, "/ambulance"),
        admin=await link(admin, "/admin"),
        invitation=invitation,
        home_monitor=home_monitor,
        ambulance_monitor=ambulance_monitor,
    )


def _principal(user: User) -> Principal:
    return Principal(user.id, user.role, patient=user.patient_id)


async def _user(services: Services, role: Role, name: str, patient: PatientId | None = None) -> User:
    # Nobody can log in with a password here: the links are the only way.
    email = f"{name.removeprefix('Dr ').replace(' ', '.').lower()}@clinic.example"
    return await services.accounts.add_user(NewUser(email, name, role, "", TIME_ZONE, patient))


async def _patient(services: Services, name: str, birth_date: str) -> User:
    patient = Patient(PatientId(random_id()), name, birth_date=birth_date)
    await services.consultations.add_patient(patient)
    return await _user(services, Role.PATIENT, name, patient.id)


async def _open_weekdays(services: Services, practitioner: User, now: datetime) -> None:
    today = now.astimezone(ZoneInfo(TIME_ZONE)).date()
    for weekday in range(5):
        new = NewAvailability(
            weekday=weekday,
            starts=_OPENS,
            ends=_CLOSES,
            slot_minutes=20,
            time_zone=TIME_ZONE,
            valid_from=today,
        )
        await services.scheduling.publish(_principal(practitioner), practitioner.id, new)


async def _book_next(services: Services, patient: User, practitioner: User, now: datetime) -> None:
    since = now + timedelta(days=1)
    who = _principal(patient)
    slots = await services.scheduling.free_slots(who, practitioner.id, since, since + timedelta(days=7))
    await services.scheduling.book(who, practitioner.id, slots[3].starts_at, "Blood pressure follow-up", None)


async def _visit(services: Services, patient: User, practitioner: User, reason: str) -> Encounter:
    asked = await services.consultations.ask_to_be_seen(_principal(patient), reason)
    return await services.consultations.take(_principal(practitioner), asked.id)


async def _monitor(services: Services, admin: User, name: str) -> tuple[DeviceId, str]:
    device = await services.devices.register(_principal(admin), name=name, model="Simulator", simulated=True)
    return device.id, await services.accounts.issue_device_credential(device.id)


def _linker(services: Services, expires_at: datetime) -> Callable[[User, str], Awaitable[str]]:
    async def link(user: User, path: str) -> str:
        return await services.accounts.add_sign_in_link(UserId(user.id), path, expires_at)

    return link
