"""Fifty people want one slot, over HTTP: one gets it, forty-nine are told why not, nothing is booked twice."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from telehealth.access import Role
from telehealth.administration import migrate
from telehealth.errors import Unavailable
from telehealth.server import running
from telehealth.storage.schema import migrate as migrate_schema
from tests.web.house import Caller, House, open_house, settings_for

PEOPLE = 50
NINE = "2026-01-02T09:00:00+01:00"


async def race(house: House) -> None:
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    assert doctor.principal is not None
    await house.open_weekdays(doctor)
    patients = [await house.person(f"Patient {number}", Role.PATIENT) for number in range(PEOPLE)]
    wanted = {"practitioner": doctor.principal.subject, "starts_at": NINE, "reason": "Cough"}

    async def book(who: Caller) -> tuple[int, str]:
        response = await house.ask("POST", "/api/v1/appointments", who, wanted)
        body = await response.json(content_type=None)
        return response.status, body.get("code", "")

    answers = Counter(await asyncio.gather(*(book(who) for who in patients)))
    assert answers == {(201, ""): 1, (409, "slot_taken"): PEOPLE - 1}
    booked = await (await house.ask("GET", "/api/v1/appointments", doctor)).json()
    assert len(booked["appointments"]) == 1
    window = f"from=2026-01-02T00:00:00Z&until=2026-01-02T23:00:00Z&practitioner={doctor.principal.subject}"
    free = (await (await house.ask("GET", f"/api/v1/slots?{window}", doctor)).json())["slots"]
    assert len(free) == 11


async def test_one_of_fifty_gets_the_slot_on_sqlite(tmp_path: Path) -> None:
    async with open_house(settings_for(tmp_path), in_memory=False) as house:
        await race(house)


@pytest.mark.engine
async def test_one_of_fifty_gets_the_slot_on_postgresql_with_a_bus_on_redis(
    tmp_path: Path, postgres_url: str, valkey_url: str
) -> None:
    await migrate_schema(postgres_url)
    settings = settings_for(tmp_path, DATABASE_URL=postgres_url, REDIS_URL=valkey_url)
    async with open_house(settings, in_memory=False) as house:
        await race(house)
        assert (await (await house.ask("GET", "/readyz")).json())["status"] == "ok"


@pytest.mark.engine
async def test_a_server_does_not_start_on_an_old_postgresql_schema(tmp_path: Path, postgres_url: str) -> None:
    with pytest.raises(Unavailable, match="telehealth migrate"):
        async with running(settings_for(tmp_path, HTTP_PORT="0", DATABASE_URL=postgres_url)):
            pass


def test_the_command_migrates_a_database_that_is_not_there_yet(tmp_path: Path) -> None:
    migrate(settings_for(tmp_path / "new"))
    assert (tmp_path / "new" / "telehealth.sqlite3").exists()


async def test_a_slot_can_be_moved_to_and_is_free_again_when_cancelled(house: House) -> None:
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    await house.open_weekdays(doctor)
    ana, milo = await house.person("Ana Ruiz", Role.PATIENT), await house.person("Milo Fischer", Role.PATIENT)
    booked = await house.booked(ana, doctor)
    path = f"/api/v1/appointments/{booked.id}"
    moved = await house.ask("POST", f"{path}/move", ana, {"starts_at": "2026-01-02T10:00:00+01:00"})
    assert (await moved.json())["starts_at"] == "2026-01-02T09:00:00Z"
    other = await house.booked(milo, doctor)
    clash = await house.ask("POST", f"{path}/move", ana, {"starts_at": other.starts_at.isoformat()})
    assert (clash.status, (await clash.json(content_type=None))["code"]) == (409, "slot_taken")
    cancelled = await house.ask("POST", f"/api/v1/appointments/{other.id}/cancel", milo)
    assert (await cancelled.json())["status"] == "cancelled"
    assert (await house.ask("POST", f"{path}/move", ana, {"starts_at": other.starts_at.isoformat()})).status == 200
    again = await house.ask("POST", f"/api/v1/appointments/{other.id}/cancel", milo)
    assert (again.status, (await again.json(content_type=None))["code"]) == (410, "appointment_cancelled")


async def test_a_practitioner_books_and_gets_a_link_to_hand_on(house: House) -> None:
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    ana = await house.person("Ana Ruiz", Role.PATIENT)
    assert doctor.principal is not None and ana.principal is not None
    await house.open_weekdays(doctor)
    body = {"practitioner": doctor.principal.subject, "starts_at": NINE, "patient": ana.principal.patient}
    booked = await (await house.ask("POST", "/api/v1/appointments", doctor, body)).json()
    secret = booked["join_url"].removeprefix(f"{house.origin}/join#")
    opened = await house.ask("POST", "/api/v1/invitations/open", body={"secret": secret})
    assert (await opened.json())["encounter"] == booked["encounter"]


async def test_the_calendar_names_the_room_and_not_the_reason(house: House) -> None:
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    ana = await house.person("Ana Ruiz", Role.PATIENT)
    await house.open_weekdays(doctor)
    booked = await house.booked(ana, doctor)
    response = await house.ask("GET", f"/api/v1/appointments/{booked.id}/calendar", ana)
    text = (await response.text()).replace("\r\n ", "")
    assert response.content_type == "text/calendar"
    assert f"/rooms/{booked.encounter_id}" in text
    assert "Cough" not in text
