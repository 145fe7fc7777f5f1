"""Stored names of devices, on each engine."""

import pytest

from telehealth.errors import Conflict
from telehealth.ids import DeviceId
from telehealth.storage.stores import Stores
from telehealth.vitals.aliases import AliasSystem, DeviceAlias
from telehealth.vitals.model import Device

ONE, OTHER = DeviceId("d1" * 16), DeviceId("d2" * 16)
EUI, SENDER = AliasSystem.EUI64, AliasSystem.SENDER


@pytest.fixture
async def two(stores: Stores) -> Stores:
    await stores.devices.add(Device(ONE, "One"))
    await stores.devices.add(Device(OTHER, "Other"))
    return stores


async def test_a_device_is_found_by_the_first_name_that_somebody_has(two: Stores) -> None:
    mine = [DeviceAlias(EUI, "0011223344556677", ONE, "Europe/Berlin"), DeviceAlias(SENDER, "MON", ONE)]
    await two.device_aliases.put(ONE, mine)
    assert await two.device_aliases.of_device(ONE) == mine
    found = await two.device_aliases.find([("equipment", "x"), ("sender", "MON"), ("eui64", "0011223344556677")])
    assert found == mine[1]
    assert await two.device_aliases.find([("eui64", "MON")]) is None
    assert await two.device_aliases.find([]) is None


async def test_a_name_is_of_one_device_and_can_go_to_another(two: Stores) -> None:
    await two.device_aliases.put(ONE, [DeviceAlias(SENDER, "MON", ONE)])
    with pytest.raises(Conflict) as refusal:
        await two.device_aliases.put(
            OTHER, [DeviceAlias(EUI, "0011223344556677", OTHER), DeviceAlias(SENDER, "MON", OTHER)]
        )
    assert refusal.value.code == "alias_taken"
    assert await two.device_aliases.of_device(OTHER) == []
    await two.device_aliases.put(ONE, [])
    await two.device_aliases.put(OTHER, [DeviceAlias(SENDER, "MON", OTHER)])
    found = await two.device_aliases.find([("sender", "MON")])
    assert found is not None and found.device_id == OTHER
