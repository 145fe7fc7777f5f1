"""The ward shows a practitioner those of their own visits in which devices measure now."""

from telehealth.access import Role
from telehealth.web.api.ward import MAX_SHOWN
from tests.web.house import House


async def test_only_own_visits_with_devices_are_shown(house: House) -> None:
    admin = await house.person("Ada Root", Role.ADMIN)
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    colleague = await house.person("Bo Lindqvist", Role.PRACTITIONER)
    measured = await house.visit(await house.person("Ana Ruiz", Role.PATIENT), doctor)
    await house.visit(await house.person("Gil Moreau", Role.PATIENT), doctor)
    theirs = await house.visit(await house.person("Cem Aydin", Role.PATIENT), colleague)
    await house.device(admin, measured)
    await house.device(admin, theirs)
    shown = await (await house.ask("GET", "/api/v1/ward", doctor)).json()
    assert [(bed["encounter"], bed["patient"]) for bed in shown["beds"]] == [(measured.id, "Ana Ruiz")]
    assert shown["more"] == 0


async def test_no_more_are_shown_than_somebody_can_watch(house: House) -> None:
    admin = await house.person("Ada Root", Role.ADMIN)
    doctor = await house.person("Ifeoma Okafor", Role.PRACTITIONER)
    for number in range(MAX_SHOWN + 2):
        visit = await house.visit(await house.person(f"Patient {number}", Role.PATIENT), doctor)
        await house.device(admin, visit)
    shown = await (await house.ask("GET", "/api/v1/ward", doctor)).json()
    assert (len(shown["beds"]), shown["more"]) == (MAX_SHOWN, 2)
