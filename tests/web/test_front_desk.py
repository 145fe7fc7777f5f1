"""What needs more than one service, over HTTP: patients with accounts, devices at bedsides, the demo's links."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from telehealth.access import Role
from telehealth.web import bodies
from tests.web.house import PASSWORD, Caller, House, open_house, settings_for


async def shown(house: House, who: Caller, device: str) -> dict[str, Any]:
    listed = await (await house.ask("GET", "/api/v1/devices", who)).json()
    return next(one for one in listed["devices"] if one["id"] == device)


async def test_a_patient_who_gets_an_account_can_ask_to_be_seen(house: House) -> None:
    admin = await house.person("Noor Haddad", Role.ADMIN)
    body = {"email": "ANA@clinic.example", "name": "Ana Ruiz", "role": "patient", "password": PASSWORD}
    created = await house.ask("POST", "/api/v1/users", admin, body | {"time_zone": "Europe/Berlin"})
    assert (created.status, (await created.json())["email"]) == (201, "ana@clinic.example")
    again = await house.ask("POST", "/api/v1/users", admin, body | {"time_zone": "Europe/Berlin"})
    assert (again.status, (await again.json(content_type=None))["code"]) == (409, "email_taken")
    login = {"email": "ana@clinic.example", "password": PASSWORD}
    token = (await (await house.ask("POST", "/api/v1/auth/login", body=login)).json())["access_token"]
    asked = await house.ask("POST", "/api/v1/queue", Caller("ana", None, token), {"reason": "Cough"})
    assert asked.status == 201


CHANGES = [{"time_zone": "Mars/Base"}, {"name": ""}, {"role": "device"}, {"password": "short"}]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_user_who_can_not_be_is_refused(house: House, change: dict[str, str]) -> None:
    admin = await house.person("Noor Haddad", Role.ADMIN)
    good = {"email": "a@b.example", "name": "A", "role": "admin", "password": PASSWORD, "time_zone": "UTC"}
    assert (await house.ask("POST", "/api/v1/users", admin, good | change)).status == 400


async def test_a_device_goes_from_bedside_to_bedside_and_to_none(house: House) -> None:
    admin = await house.person("Noor Haddad", Role.ADMIN)
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    first = await house.visit(await house.person("Ana Ruiz", Role.PATIENT), doctor)
    second = await house.visit(await house.person("Milo Fischer", Role.PATIENT), doctor)
    device, _ = await house.device(admin)
    path = f"/api/v1/devices/{device}/association"
    for encounter in (first.id, second.id):
        put = await house.ask("PUT", path, doctor, {"encounter": encounter})
        assert (await put.json())["encounter"] == encounter
        assert (await shown(house, admin, device))["encounter"] == encounter
    other = await house.person("Tomas Lindqvist", Role.PRACTITIONER)
    assert (await house.ask("PUT", path, other, {"encounter": None})).status == 404
    assert (await (await house.ask("PUT", path, doctor, {"encounter": None})).json())["encounter"] is None
    assert (await house.ask("PUT", path, other, {"encounter": None})).status == 200


async def test_a_device_goes_to_no_encounter_that_has_ended(house: House) -> None:
    admin = await house.person("Noor Haddad", Role.ADMIN)
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    other = await house.person("Tomas Lindqvist", Role.PRACTITIONER)
    visit = await house.visit(await house.person("Ana Ruiz", Role.PATIENT), doctor)
    device, _ = await house.device(admin)
    store = house.services.rooms._ports.encounters
    was = await store.get(visit.id)
    await store.save(was.finished(house.clock.now()), was=was)
    path = f"/api/v1/devices/{device}/association"
    refused = await house.ask("PUT", path, doctor, {"encounter": visit.id})
    assert (refused.status, (await refused.json(content_type=None))["code"]) == (410, "encounter_ended")
    assert (await house.ask("PUT", path, other, {"encounter": visit.id})).status == 404
    assert (await shown(house, admin, device))["encounter"] is None


async def test_a_credential_is_shown_once_and_changed_with_overlap(house: House) -> None:
    admin = await house.person("Noor Haddad", Role.ADMIN)
    made = await (await house.ask("POST", "/api/v1/devices", admin, {"name": "Monitor"})).json()
    assert made["credential"].startswith(made["id"] + ".")
    assert (await shown(house, admin, made["id"]))["credential"] is None
    rotated = await (await house.ask("POST", f"/api/v1/devices/{made['id']}/rotate", admin)).json()
    accounts = house.services.accounts
    for credential in (made["credential"], rotated["credential"]):
        assert (await accounts.device_principal(credential)).subject == made["id"]
    house.clock.advance(601)
    assert (await accounts.device_principal(rotated["credential"])).subject == made["id"]
    socket = await house.socket("/ws/device", Authorization=f"Bearer {made['credential']}")
    await socket.receive(timeout=5)
    assert socket.close_code == 4401


async def test_a_demo_link_signs_in_and_leads_on(house: House) -> None:
    admin = await house.user("Noor Haddad", Role.ADMIN)
    until = house.clock.now() + timedelta(hours=1)
    secret = await house.services.accounts.add_sign_in_link(admin.id, "/admin", until)
    entered = await house.ask("POST", "/api/v1/demo/enter", body={"secret": secret}, Origin=house.origin)
    assert (entered.status, (await entered.json())["url"]) == (200, "/admin")
    assert set(entered.cookies) == {"__Host-access", "__Host-refresh"}
    house.clock.advance(3_600)
    late = await house.ask("POST", "/api/v1/demo/enter", body={"secret": secret}, Origin=house.origin)
    assert late.status == 410


async def test_outside_the_demo_there_are_no_such_links(tmp_path: Path) -> None:
    async with open_house(settings_for(tmp_path, DEMO="false")) as house:
        assert (await house.ask("POST", "/api/v1/demo/enter", body={"secret": "x"})).status == 404
        assert (await house.ask("GET", "/demo")).status == 404


async def test_a_case_is_opened_rung_and_accepted(house: House) -> None:
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    paramedic = await house.person("Lena Brandt", Role.PARAMEDIC)
    new = {"id": "5" * 32, "complaint": "chest_pain", "acuity": "red"}
    for _ in range(2):
        opened = await house.ask("POST", "/api/v1/cases", paramedic, new)
        assert opened.status == 201
    nobody = await house.ask("POST", f"/api/v1/cases/{'5' * 32}/ring", paramedic)
    assert (nobody.status, (await nobody.json(content_type=None))["code"]) == (409, "nobody_on_call")
    assert (await (await house.ask("PUT", "/api/v1/on-call", doctor, {"on": True})).json()) == {"on": True}
    rung = await (await house.ask("POST", f"/api/v1/cases/{'5' * 32}/ring", paramedic)).json()
    assert [(ring["state"]) for ring in rung["rings"]] == ["ringing"]
    accepted = await (await house.ask("POST", f"/api/v1/cases/{'5' * 32}/accept", doctor)).json()
    assert accepted["status"] == "accepted"
    assert len((await (await house.ask("GET", "/api/v1/cases", paramedic)).json())["cases"]) == 1
    ticket = {"purpose": "room", "encounter": accepted["encounter"]}
    assert (await house.ask("POST", "/api/v1/tickets", doctor, ticket)).status == 200


async def test_a_slow_body_is_given_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_S", 0.05)
    reader, writer = await asyncio.open_connection(house.client.host, house.client.port)
    writer.write(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n")
    writer.write(b"Content-Length: 100\r\n\r\n{")
    head = await reader.readuntil(b"\r\n")
    writer.close()
    assert b" 408 " in head
