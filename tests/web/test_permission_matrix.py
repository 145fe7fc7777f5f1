"""Every route, as everybody, on their own, a foreign and a missing object: what comes is what the table says."""

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

import pytest

from telehealth.access import PERMISSIONS, Action, Principal, Reach, Role
from telehealth.accounts.model import Purpose
from telehealth.consultations.model import Encounter
from telehealth.consultations.recordings import Recording
from telehealth.dispatch.model import Case
from telehealth.ids import AlarmId, DeviceId, RecordingId
from telehealth.scheduling.model import Appointment, Availability
from telehealth.web.route import Kind, Open, Route
from telehealth.web.routes import ROUTES
from tests.web.house import MISSING, NINE_TOMORROW, Caller, House

GUARDED = [route for route in ROUTES if not isinstance(route.access, Open) and route.kind is not Kind.SOCKET]
PARAMETER = re.compile(r"{(\w+)}")
REFUSED = {401, 403, 404}


@dataclass
class Stage:
    """All who may call, and the objects they call upon."""

    house: House
    callers: dict[str, Caller]
    appointment: Appointment
    availability: Availability
    encounter: Encounter
    waiting: Encounter
    case: Case
    device: DeviceId
    foreign: Encounter
    alarm: AlarmId
    photo: str
    recording: str


async def a_stage(house: House) -> Stage:
    people = {
        name: await house.person(name.title(), role)
        for name, role in {
            "patient": Role.PATIENT,
            "foreign patient": Role.PATIENT,
            "waiting patient": Role.PATIENT,
            "practitioner": Role.PRACTITIONER,
            "other practitioner": Role.PRACTITIONER,
            "paramedic": Role.PARAMEDIC,
            "other paramedic": Role.PARAMEDIC,
            "admin": Role.ADMIN,
        }.items()
    }
    doctor = people["practitioner"]
    availability = await house.open_weekdays(doctor)
    encounter = await house.visit(people["patient"], doctor)
    foreign = await house.visit(people["foreign patient"], people["other practitioner"])
    waiting = await house.services.consultations.ask_to_be_seen(principal(people["waiting patient"]), "Rash")
    case = await house.case(people["paramedic"])
    await house.services.dispatch.set_on_call(principal(doctor), on=True)
    await house.services.dispatch.ring(principal(people["paramedic"]), case.id)
    device, credential = await house.device(people["admin"])
    people |= {
        "guest": await house.guest(doctor, encounter.id),
        "guest of another": await house.guest(people["other practitioner"], foreign.id),
        "device": Caller("device", None, credential),
        "anonymous": Caller("anonymous", None, None),
    }
    await house.let_in(people["guest"], encounter.id)
    alarm = await house.alarm(encounter, device)
    appointment = await house.booked(people["patient"], doctor)
    photo = await house.services.album.add_photo(
        principal(people["patient"]), encounter, "photo-of-a-display", "image/png", b"\x89PNG\r\n\x1a\n"
    )
    recording = await a_recording(house, encounter, doctor)
    held = (encounter, waiting, case, device, foreign, alarm, photo.id, recording)
    return Stage(house, people, appointment, availability, *held)


async def a_recording(house: House, encounter: Encounter, doctor: Caller) -> str:
    made = Recording(RecordingId("5e" * 16), encounter.id, principal(doctor).subject, house.services.clock.now())
    await house.services.recordings.add(made)
    files = house.services.recording_files
    file = files.create(made.id)
    file.write(b"what was said")
    await file.aclose()
    return made.id


def principal(who: Caller) -> Principal:
    assert who.principal is not None
    return who.principal


@dataclass
class Aim:
    """What a route is called upon: its path parameters, its body, and whose that is."""

    parameters: dict[str, str]
    owners: Collection[str]
    body: Callable[[Caller], Any] = lambda who: None
    query: str = ""


def nothing(stage: Stage) -> Aim:
    return Aim({}, ())


def doctors(body: Any = None) -> Callable[[Stage], Aim]:
    def aim(stage: Stage) -> Aim:
        doctor = principal(stage.callers["practitioner"]).subject
        return Aim({"user": doctor, "availability": stage.availability.id}, {doctor}, lambda who: body)

    return aim


def appointment(body: Any = None) -> Callable[[Stage], Aim]:
    return lambda stage: Aim({"appointment": stage.appointment.id}, stage.appointment.owners, lambda who: body)


def encounter(body: Any = None) -> Callable[[Stage], Aim]:
    return lambda stage: Aim({"encounter": stage.encounter.id}, stage.encounter.owners, lambda who: body)


def within(query: str) -> Callable[[Stage], Aim]:
    return lambda stage: Aim({"encounter": stage.encounter.id}, stage.encounter.owners, query=query)


def case(*, rung: bool = False) -> Callable[[Stage], Aim]:
    def aim(stage: Stage) -> Aim:
        doctor = principal(stage.callers["practitioner"]).subject
        return Aim({"case": stage.case.id}, stage.case.owners | ({doctor} if rung else set()))

    return aim


def alarm(body: Any = None) -> Callable[[Stage], Aim]:
    return lambda stage: Aim(
        {"encounter": stage.encounter.id, "alarm": stage.alarm}, stage.encounter.owners, lambda who: body
    )


def device(stage: Stage) -> Aim:
    return Aim({"device": stage.device}, ())


def association(stage: Stage) -> Aim:
    body = {"encounter": stage.encounter.id}
    return Aim({"device": stage.device}, stage.encounter.owners, lambda who: body)


def a_photo(stage: Stage) -> Aim:
    return Aim({"encounter": stage.encounter.id, "document": stage.photo}, stage.encounter.owners)


def a_recorded(stage: Stage) -> Aim:
    return Aim({"encounter": stage.encounter.id, "recording": stage.recording}, stage.encounter.owners)


def booking(stage: Stage) -> Aim:
    """A patient books for themself, a practitioner into their own schedule."""
    doctor = principal(stage.callers["practitioner"]).subject
    patients = {p.patient for who in stage.callers.values() if (p := who.principal) is not None and p.patient}
    patient = principal(stage.callers["patient"]).patient

    def body(who: Caller) -> Any:
        staff = who.principal is not None and who.principal.role is not Role.PATIENT
        wanted = {"practitioner": doctor, "starts_at": "2026-01-02T09:30:00+01:00"}
        return wanted | ({"patient": patient} if staff else {})

    return Aim({}, {doctor, *patients}, body)


AVAILABILITY = {
    "weekday": 0,
    "starts": "09:00",
    "ends": "10:00",
    "slot_minutes": 15,
    "time_zone": "Europe/Berlin",
    "valid_from": "2026-01-01",
}
NEW_USER = {"email": "new@clinic.example", "name": "New", "role": "paramedic", "password": "a long enough secret"}
INTERVAL = "?from=2026-01-01T00:00:00Z&until=2026-01-01T01:00:00Z"
SLOTS = "?practitioner=" + MISSING + "&from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z"

TYPED = {
    "sent_at": 0.0,
    "readings": [
        {"kind": "typed", "key": "abcdefgh-1", "taken_at": 0.0, "values": [{"mdc": 150364, "value": 37, "unit": "Cel"}]}
    ],
}

AIMS: dict[str, Callable[[Stage], Aim]] = {
    "me": nothing,
    "list_users": nothing,
    "create_user": lambda stage: Aim({}, (), lambda who: NEW_USER | {"time_zone": "UTC"}),
    "disable_user": doctors(),
    "list_practitioners": nothing,
    "rotate_keys": nothing,
    "read_audit": nothing,
    "list_availability": doctors(),
    "publish_availability": doctors(AVAILABILITY),
    "withdraw_availability": doctors(),
    "list_slots": lambda stage: Aim({}, (), query=SLOTS),
    "book": booking,
    "list_appointments": nothing,
    "read_appointment": appointment(),
    "move_appointment": appointment({"starts_at": NINE_TOMORROW.isoformat()}),
    "cancel_appointment": appointment(),
    "appointment_as_calendar": appointment(),
    "ask_to_be_seen": lambda stage: Aim({}, (), lambda who: {"reason": "Cough"}),
    "take_from_queue": lambda stage: Aim({"encounter": stage.waiting.id}, ()),
    "read_encounter": encounter(),
    "invite": encounter({"name": "Gil Moreau"}),
    "read_timeline": encounter(),
    "try_path": encounter(),
    "read_vitals": within(INTERVAL),
    "read_trends": within(INTERVAL),
    "read_strip": within("?from=2026-01-01T00:00:00Z"),
    "list_alarms": encounter(),
    "acknowledge_alarm": alarm(),
    "snooze_alarm": alarm({"seconds": 60}),
    "read_signals": encounter(),
    "set_signals": encounter({"state": "on"}),
    "read_limits": encounter(),
    "set_limits": encounter({"limits": [{"vital": "spo2", "low": 88}]}),
    "propose_limits": encounter(),
    "make_entries": encounter({"oxygen": True}),
    "follow_rhythm": encounter({"on": True}),
    "list_scores": encounter(),
    "score_now": encounter(),
    "open_case": lambda stage: Aim({}, (), lambda who: {"id": who.name.encode().hex()[:32].ljust(32, "0")}),
    "list_cases": nothing,
    "read_case": case(rung=True),
    "ring_case": case(),
    "accept_case": case(rung=True),
    "decline_case": case(rung=True),
    "close_case": case(),
    "go_on_call": lambda stage: Aim({}, (), lambda who: {"on": True}),
    "add_readings": encounter(TYPED),
    "add_photo": lambda stage: replace(encounter()(stage), query="?key=00000000"),
    "list_photos": encounter(),
    "read_photo": a_photo,
    "list_recordings": encounter(),
    "read_recording": a_recorded,
    "open_enrolment": device,
    "list_aliases": device,
    "put_aliases": lambda stage: Aim({"device": stage.device}, (), lambda who: {"aliases": []}),
    "post_observation": lambda stage: Aim({}, (), lambda who: {"resourceType": "Patient"}),
    "post_bundle": lambda stage: Aim({}, (), lambda who: {"resourceType": "Bundle", "type": "batch"}),
    "send_observations": lambda stage: Aim({}, (), lambda who: {"boot": "b1", "sent_at": 0.0}),
    "list_devices": nothing,
    "register_device": lambda stage: Aim({}, (), lambda who: {"name": "Monitor"}),
    "rotate_credential": device,
    "revoke_device": device,
    "associate_device": association,
    "home_page": nothing,
    "book_page": nothing,
    "worklist_page": nothing,
    "ward_page": nothing,
    "read_ward": nothing,
    "availability_page": nothing,
    "ambulance_page": nothing,
    "admin_page": nothing,
    "room_page": encounter(),
}
"""Route → what to call it upon. A route without a line here fails."""

BEYOND = {
    # A guest sees one encounter and is no patient of the clinic: they neither queue nor book.
    ("ask_to_be_seen", "guest"): 403,
    ("ask_to_be_seen", "guest of another"): 403,
    ("book", "guest"): 404,
    ("book", "guest of another"): 404,
    # Routes that know devices; this one is bound to nobody.
    ("send_observations", "device"): 404,
    # FHIR's own refusals: the device is known, and what it sends is no observation.
    ("post_observation", "device"): 422,
    ("post_bundle", "device"): 200,
}
"""What the services refuse beyond the table."""


def expected(route: Route, who: Caller, aim: Aim) -> int | None:
    """Return the refusal that the table asks for; None if the call is allowed."""
    if (route.name, who.name) in BEYOND:
        return BEYOND[route.name, who.name]
    if who.principal is None:
        return 401
    granted = [PERMISSIONS[action].get(who.principal.role) for action in route.actions]
    if not any(granted):
        return 403
    concerns = aim.parameters or route.name == "book"
    if Reach.ANY in granted or not concerns or who.principal.is_one_of(aim.owners):
        return None
    return 404


async def call(house: House, route: Route, who: Caller, aim: Aim, parameters: dict[str, str]) -> tuple[int, bytes]:
    response = await house.ask(route.method, route.path.format(**parameters) + aim.query, who, aim.body(who))
    return response.status, await response.read()


@pytest.mark.parametrize(
    "route", [r for r in GUARDED if Action.READ_VITALS in r.actions and "{" in r.path], ids=lambda r: r.name
)
async def test_a_guest_who_waits_sees_nothing_of_the_patient(house: House, route: Route) -> None:
    stage = await a_stage(house)
    waiting = await house.guest(stage.callers["practitioner"], stage.encounter.id)
    aim = AIMS[route.name](stage)
    status, body = await call(house, route, waiting, aim, aim.parameters)
    assert (status, json.loads(body)["code"]) == (403, "not_admitted")


async def test_a_guest_who_waits_adds_readings(house: House) -> None:
    stage = await a_stage(house)
    waiting = await house.guest(stage.callers["practitioner"], stage.encounter.id)
    (route,) = (r for r in GUARDED if r.name == "add_readings")
    aim = AIMS[route.name](stage)
    status, _ = await call(house, route, waiting, aim, aim.parameters)
    assert status == 200


async def test_every_guarded_route_has_a_line() -> None:
    assert {route.name for route in GUARDED} - {"issue_ticket"} == set(AIMS)
    assert len({route.name for route in ROUTES}) == len(ROUTES)


async def test_the_router_knows_nothing_but_the_table_and_the_static_files(house: House) -> None:
    known = {(route.method, route.path) for route in ROUTES} | {("GET", house.services.assets.prefix)}
    served = {(r.method, r.resource.canonical) for r in house.app.router.routes() if r.resource is not None}
    assert {(method, path) for method, path in served if method != "HEAD"} == known


@pytest.mark.parametrize("route", [r for r in GUARDED if r.name != "issue_ticket"], ids=lambda route: route.name)
async def test_a_route_answers_as_the_table_says(house: House, route: Route) -> None:
    stage = await a_stage(house)
    for name, who in stage.callers.items():
        who.name = name
        aim = AIMS[route.name](stage)
        status, body = await call(house, route, who, aim, aim.parameters)
        wanted = expected(route, who, aim)
        if wanted is None:
            assert status not in REFUSED and status < 500, f"{name}: {status} {body!r}"
        else:
            assert status == wanted, f"{name}: {status} {body!r}"
        if route.method == "DELETE" and status == 204:
            stage.availability = await house.open_weekdays(stage.callers["practitioner"])
        if wanted == 404 and aim.parameters:
            missing = await call(house, route, who, aim, dict.fromkeys(aim.parameters, MISSING))
            assert missing == (status, body), f"{name}: a foreign object and a missing one differ"


@pytest.mark.parametrize("wrong", ["1", "A" * 32, "f" * 33, "%20" + "f" * 31, "..%2fme", "f" * 31 + "%00"])
async def test_what_is_no_id_is_like_what_is_missing(house: House, wrong: str) -> None:
    everybody = [await house.person(role.value, role) for role in Role if role is not Role.DEVICE]
    for route in GUARDED:
        for who in everybody if PARAMETER.search(route.path) else ():
            aim = Aim({}, (), lambda _: {"encounter": None})
            parameters = dict.fromkeys(PARAMETER.findall(route.path), wrong)
            status, body = await call(house, route, who, aim, parameters)
            assert status in {403, 404}, route.name
            assert status == 403 or json.loads(body)["code"] == "not_found", route.name


TICKETS = {Purpose.ROOM: Action.ENTER_ROOM, Purpose.VITALS: Action.READ_VITALS, Purpose.WORKLIST: Action.READ_WORKLIST}


@pytest.mark.parametrize("purpose", Purpose)
async def test_a_ticket_is_given_as_the_table_says(house: House, purpose: Purpose) -> None:
    stage = await a_stage(house)
    for name, who in stage.callers.items():

        async def ask(target: str, who: Caller = who) -> tuple[int, bytes]:
            wanted = {"purpose": purpose.value, "encounter": None if purpose is Purpose.WORKLIST else target}
            response = await house.ask("POST", "/api/v1/tickets", who, wanted)
            return response.status, await response.read()

        status, body = await ask(stage.encounter.id)
        if who.principal is None:
            assert status == 401, name
        elif PERMISSIONS[TICKETS[purpose]].get(who.principal.role) is None:
            assert status == 403, name
        elif purpose is Purpose.WORKLIST or who.principal.is_one_of(stage.encounter.owners):
            assert status == 200, name
        else:
            assert status == 404, name
            assert await ask(MISSING) == (status, body), name


async def test_rights_follow_the_state(house: House) -> None:
    stage = await a_stage(house)
    other = stage.callers["other practitioner"]
    path = f"/api/v1/encounters/{stage.waiting.id}"
    assert (await house.ask("GET", path, other)).status == 404
    assert (await house.ask("POST", f"/api/v1/queue/{stage.waiting.id}/take", other)).status == 200
    assert (await house.ask("GET", path, other)).status == 200
