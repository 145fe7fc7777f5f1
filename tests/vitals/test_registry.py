import pytest

from telehealth.access import Principal, Role
from telehealth.errors import Forbidden, Gone, Invalid, NotFound
from telehealth.ids import DeviceId, PatientId
from telehealth.vitals.model import Device
from tests.vitals.ward import ADMIN, BEDSIDE, OTHER_BEDSIDE, OTHER_ENCOUNTER, Ward

DOCTOR = Principal("doctor", Role.PRACTITIONER)


async def test_an_administrator_registers_a_device(ward: Ward) -> None:
    device = await ward.registry.register(ADMIN, name=" Monitor bay 3 ", model="M1", simulated=True)
    assert device == Device(DeviceId(f"{1:032x}"), "Monitor bay 3", "M1", simulated=True)
    assert [w.device for w in await ward.registry.all(ADMIN)] == [device]
    assert ward.audit.actions == ["device.registered"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "two\nlines"])
async def test_a_name_is_a_line(ward: Ward, name: str) -> None:
    with pytest.raises(Invalid):
        await ward.registry.register(ADMIN, name=name, model="", simulated=False)


async def test_a_device_measures_for_one_encounter_at_a_time(ward: Ward) -> None:
    device = await ward.a_device(bound=False)
    await ward.registry.associate(ADMIN, device, BEDSIDE)
    await ward.registry.associate(DOCTOR, device, OTHER_BEDSIDE)
    where = await ward.registry.get(DOCTOR, device)
    assert where.association is not None
    assert (where.association.encounter_id, where.association.patient_id) == (OTHER_ENCOUNTER, OTHER_BEDSIDE.patient_id)
    assert await ward.stores.devices.of_encounter(BEDSIDE.encounter_id) == []


async def test_only_those_of_the_encounter_bind_a_device_to_it(ward: Ward) -> None:
    device = await ward.a_device(bound=False)
    with pytest.raises(NotFound):
        await ward.registry.associate(Principal("stranger", Role.PRACTITIONER), device, BEDSIDE)
    with pytest.raises(Forbidden):
        await ward.registry.associate(Principal("p", Role.PATIENT, PatientId("p")), device, BEDSIDE)


async def test_a_released_device_measures_for_nobody(ward: Ward) -> None:
    device = await ward.a_device()
    await ward.registry.release(ADMIN, device, owners=BEDSIDE.owners)
    assert (await ward.registry.get(ADMIN, device)).association is None
    await ward.registry.release(ADMIN, device, owners=BEDSIDE.owners)


async def test_when_an_encounter_ends_its_devices_measure_for_nobody(ward: Ward) -> None:
    device = await ward.a_device()
    await ward.registry.release_all(BEDSIDE.encounter_id)
    assert (await ward.registry.get(ADMIN, device)).association is None


async def test_a_revoked_device_is_released_and_never_bound_again(ward: Ward) -> None:
    device = await ward.a_device()
    await ward.registry.revoke(ADMIN, device)
    assert (await ward.registry.get(ADMIN, device)).association is None
    with pytest.raises(Gone):
        await ward.registry.associate(ADMIN, device, BEDSIDE)


async def test_a_practitioner_may_neither_register_nor_revoke(ward: Ward) -> None:
    device = await ward.a_device()
    with pytest.raises(Forbidden):
        await ward.registry.register(DOCTOR, name="M", model="", simulated=False)
    with pytest.raises(Forbidden):
        await ward.registry.revoke(DOCTOR, device)


async def test_an_unknown_device_is_not_found(ward: Ward) -> None:
    with pytest.raises(NotFound):
        await ward.registry.get(ADMIN, DeviceId("nobody"))
