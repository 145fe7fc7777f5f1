"""The trial of the way to the media port, over HTTP."""

from pathlib import Path

from telehealth.access import Role
from tests.web.house import House, open_house, settings_for


async def test_a_person_tries_as_often_as_a_person_would(house: House) -> None:
    patient, doctor = await house.person("Ana Ruiz", Role.PATIENT), await house.person("Ifeoma", Role.PRACTITIONER)
    visit = await house.visit(patient, doctor)
    path = f"/api/v1/encounters/{visit.id}/media-trial"
    answers = [await house.ask("POST", path, patient) for _ in range(22)]
    assert [answer.status for answer in answers] == [200] * 20 + [429] * 2
    assert (await house.ask("POST", path, doctor)).status == 200
    trial = await answers[0].json()
    assert f" {house.services.media_port} typ host" in trial["sdp"]
    assert (trial["ice_servers"], trial["relay_later"]) == ([], False)


async def test_relays_are_for_staff_and_who_was_let_in(tmp_path: Path) -> None:
    changed = settings_for(tmp_path, TURN_URL="turn:turn.example.org:3478", TURN_SECRET="s3cret")
    async with open_house(changed) as house:
        patient, doctor = await house.person("Ana Ruiz", Role.PATIENT), await house.person("Ifeoma", Role.PRACTITIONER)
        path = f"/api/v1/encounters/{(await house.visit(patient, doctor)).id}/media-trial"
        waits, works = [await (await house.ask("POST", path, who)).json() for who in (patient, doctor)]
        assert (waits["ice_servers"], waits["relay_later"]) == ([], True)
        assert works["ice_servers"][0]["urls"] == ["turn:turn.example.org:3478"]
        assert works["ice_servers"][0]["credential"] and not works["relay_later"]
