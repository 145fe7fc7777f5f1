"""The contracts of vitals.ports, on each engine."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from telehealth.consultations.model import Encounter
from telehealth.errors import Invalid, NotFound
from telehealth.ids import DeviceId, EncounterId, PatientId
from telehealth.storage.stores import Stores
from telehealth.vitals.model import NUMERICS_CHANNEL, Device, DeviceAssociation, StoredFrame, WaveChannel
from tests.builders import ENCOUNTER, NOON, PATIENT, a_patient, an_encounter

MONITOR = Device(DeviceId("de" * 16), "Monitor bay 3", model="M1", simulated=True)
OTHER_ENCOUNTER = EncounterId("c1" * 16)
LATER = NOON + timedelta(minutes=5)


def a_frame(sequence: int, **changes: Any) -> StoredFrame:
    values: dict[str, Any] = {
        "encounter_id": ENCOUNTER,
        "device_id": MONITOR.id,
        "boot": "b1",
        "channel": 1,
        "sequence": sequence,
        "taken_at": NOON + timedelta(seconds=sequence),
        "received_at": NOON + timedelta(seconds=sequence, milliseconds=80),
        "body": b"\x00\x01frame" + bytes([sequence % 256]),
    }
    return StoredFrame(**(values | changes))


def a_channel(device_channel: int, **changes: Any) -> WaveChannel:
    channel = WaveChannel(ENCOUNTER, 0, MONITOR.id, "b1", device_channel, 131330, "II", "mV", 250.5, 0.00488, -1.5)
    return replace(channel, **changes)


@pytest.fixture
async def clinic(stores: Stores) -> Stores:
    await stores.encounters.add(an_encounter())
    await stores.encounters.add(an_encounter(id=OTHER_ENCOUNTER))
    await stores.devices.add(MONITOR)
    return stores


async def test_a_device_is_found_saved_and_listed(clinic: Stores) -> None:
    assert await clinic.devices.get(MONITOR.id) == MONITOR
    revoked = replace(MONITOR, revoked=True)
    await clinic.devices.save(revoked)
    assert await clinic.devices.all(limit=10) == [revoked]
    with pytest.raises(NotFound):
        await clinic.devices.get(DeviceId("unknown"))
    with pytest.raises(NotFound):
        await clinic.devices.save(replace(MONITOR, id=DeviceId("unknown")))


async def test_a_new_association_ends_the_one_before(clinic: Stores) -> None:
    first = DeviceAssociation(MONITOR.id, ENCOUNTER, PATIENT, NOON)
    second = DeviceAssociation(MONITOR.id, OTHER_ENCOUNTER, PATIENT, LATER)
    await clinic.devices.associate(first)
    assert await clinic.devices.association(MONITOR.id) == first
    await clinic.devices.associate(second)
    assert await clinic.devices.association(MONITOR.id) == second
    assert await clinic.devices.of_encounter(ENCOUNTER) == []
    assert await clinic.devices.of_encounter(OTHER_ENCOUNTER) == [MONITOR]
    await clinic.devices.release(MONITOR.id, LATER)
    assert await clinic.devices.association(MONITOR.id) is None
    with pytest.raises(NotFound):
        await clinic.devices.associate(replace(first, device_id=DeviceId("unknown")))


@pytest.mark.parametrize("end", [Encounter.finished, Encounter.cancelled])
async def test_no_association_outlasts_its_encounter(
    clinic: Stores, end: Callable[[Encounter, datetime], Encounter]
) -> None:
    first = DeviceAssociation(MONITOR.id, ENCOUNTER, PATIENT, NOON)
    await clinic.devices.associate(first)
    was = await clinic.encounters.get(ENCOUNTER)
    await clinic.encounters.save(end(was, LATER), was=was)
    assert await clinic.devices.association(MONITOR.id) is None
    assert await clinic.devices.of_encounter(ENCOUNTER) == [MONITOR]
    second = DeviceAssociation(MONITOR.id, OTHER_ENCOUNTER, PATIENT, LATER)
    await clinic.devices.associate(second)
    assert await clinic.devices.association(MONITOR.id) == second
    assert await clinic.devices.of_encounter(ENCOUNTER) == []


async def test_until_when_a_device_was_another_patient_s_is_known(clinic: Stores) -> None:
    other = PatientId("a7" * 16)
    await clinic.patients.add(a_patient(id=other))
    first = DeviceAssociation(MONITOR.id, ENCOUNTER, PATIENT, NOON)
    await clinic.devices.associate(first)
    assert await clinic.devices.others_until(first) is None
    second = DeviceAssociation(MONITOR.id, OTHER_ENCOUNTER, other, LATER)
    await clinic.devices.associate(second)
    assert await clinic.devices.others_until(second) == LATER
    assert await clinic.devices.others_until(first) is None


async def test_of_many_associations_at_once_one_is_in_force(clinic: Stores) -> None:
    wanted = [DeviceAssociation(MONITOR.id, who, PATIENT, NOON) for who in (ENCOUNTER, OTHER_ENCOUNTER)] * 5
    await asyncio.gather(*(clinic.devices.associate(association) for association in wanted))
    assert await clinic.devices.association(MONITOR.id) in wanted


async def test_channels_get_numbers_once_and_in_each_encounter(clinic: Stores) -> None:
    first = await clinic.vital_frames.add_channels([a_channel(7), a_channel(9)])
    assert [channel.number for channel in first] == [1, 2]
    assert first[0] == a_channel(7, number=1)
    again = await clinic.vital_frames.add_channels([a_channel(9), a_channel(7, boot="b2")])
    assert [channel.number for channel in again] == [2, 3]
    elsewhere = await clinic.vital_frames.add_channels([a_channel(7, encounter_id=OTHER_ENCOUNTER)])
    assert [channel.number for channel in elsewhere] == [1]
    assert [channel.number for channel in await clinic.vital_frames.channels(ENCOUNTER)] == [1, 2, 3]
    with pytest.raises(NotFound):
        await clinic.vital_frames.add_channels([a_channel(1, encounter_id=EncounterId("unknown"))])


async def test_channels_of_many_devices_at_once_get_different_numbers(clinic: Stores) -> None:
    devices = [replace(MONITOR, id=DeviceId(f"d{number}")) for number in range(8)]
    for device in devices:
        await clinic.devices.add(device)
    stored = await asyncio.gather(
        *(clinic.vital_frames.add_channels([a_channel(c, device_id=d.id) for c in range(3)]) for d in devices)
    )
    assert sorted(channel.number for group in stored for channel in group) == list(range(1, 25))


async def test_a_repeated_frame_is_stored_once(clinic: Stores) -> None:
    assert await clinic.vital_frames.add([]) == []
    assert await clinic.vital_frames.add([a_frame(1), a_frame(2)]) == [True, True]
    repeat = replace(a_frame(2), body=b"other")
    assert await clinic.vital_frames.add([repeat, a_frame(3), a_frame(3), a_frame(4)]) == [False, True, False, True]
    stored = await clinic.vital_frames.since(ENCOUNTER, NOON, limit=100)
    assert stored == [a_frame(number) for number in (1, 2, 3, 4)]


async def test_of_the_same_frames_sent_on_many_connections_each_is_new_once(clinic: Stores) -> None:
    frames = [a_frame(number) for number in range(50)]
    results = await asyncio.gather(*(clinic.vital_frames.add(frames) for _ in range(8)))
    assert [sum(column) for column in zip(*results, strict=True)] == [1] * 50


async def test_a_large_batch_is_one_transaction(clinic: Stores) -> None:
    frames = [a_frame(number) for number in range(2500)]
    assert all(await clinic.vital_frames.add(frames))
    assert not any(await clinic.vital_frames.add(frames))


async def test_the_last_sequences_are_those_of_this_boot(clinic: Stores) -> None:
    frames = [a_frame(5), a_frame(3), a_frame(9, channel=NUMERICS_CHANNEL), a_frame(99, boot="b2")]
    await clinic.vital_frames.add(frames)
    assert await clinic.vital_frames.last_sequences(MONITOR.id, "b1") == {1: 5, NUMERICS_CHANNEL: 9}
    assert await clinic.vital_frames.last_sequences(DeviceId("unknown"), "b1") == {}


async def test_the_newest_frames_come_oldest_first_and_of_one_encounter(clinic: Stores) -> None:
    await clinic.vital_frames.add([a_frame(number) for number in range(10)])
    await clinic.vital_frames.add([a_frame(100, encounter_id=OTHER_ENCOUNTER)])
    newest = await clinic.vital_frames.since(ENCOUNTER, NOON, limit=3)
    assert [frame.sequence for frame in newest] == [7, 8, 9]
    late = await clinic.vital_frames.since(ENCOUNTER, a_frame(9).taken_at, limit=3)
    assert [frame.sequence for frame in late] == [9]


async def test_an_interval_is_read_in_pages_in_the_order_of_time(clinic: Stores) -> None:
    live = [a_frame(number) for number in range(10)]
    other_boot = [a_frame(number, boot="b2", channel=2) for number in range(10)]
    numerics = [a_frame(number, channel=NUMERICS_CHANNEL) for number in range(10)]
    await clinic.vital_frames.add(live[5:] + other_boot)
    await clinic.vital_frames.add(live[:5] + numerics, late=True)
    await clinic.vital_frames.add([a_frame(100, encounter_id=OTHER_ENCOUNTER)])
    start, end = a_frame(2).taken_at, a_frame(8).taken_at
    read: list[StoredFrame] = []
    after = ""
    while True:
        page = await clinic.vital_frames.between(ENCOUNTER, start, end, limit=4, after=after)
        assert len(page.frames) <= 4
        read += page.frames
        if not (after := page.next):
            break
    assert [frame.taken_at for frame in read] == sorted(frame.taken_at for frame in read)
    expected = live[2:8] + other_boot[2:8] + numerics[2:8]
    assert len(read) == len(expected)
    assert all(frame in expected for frame in read)
    only = await clinic.vital_frames.between(ENCOUNTER, start, end, limit=100, channels={NUMERICS_CHANNEL})
    assert list(only.frames) == numerics[2:8]
    assert only.next == ""
    for wrong in ("1", "1-2-3", "a-b-c-d", "1-2-3--4", "1-2-3-" + "9" * 30):
        with pytest.raises(Invalid):
            await clinic.vital_frames.between(ENCOUNTER, start, end, limit=1, after=wrong)


async def test_a_body_comes_back_as_it_was_whatever_it_is(clinic: Stores) -> None:
    bodies = [b"", b"x", b"x" * 1000, b'{"a":1}' * 100, random.Random(4).randbytes(4000), b"\x00", b"x\x9c broken"]
    frames = [a_frame(number, body=body) for number, body in enumerate(bodies)]
    await clinic.vital_frames.add(frames)
    assert [frame.body for frame in await clinic.vital_frames.since(ENCOUNTER, NOON, limit=99)] == bodies


async def test_a_device_that_changes_the_encounter_keeps_its_count(clinic: Stores) -> None:
    assert await clinic.vital_frames.add([a_frame(1)]) == [True]
    moved = [a_frame(number, encounter_id=OTHER_ENCOUNTER) for number in (1, 2)]
    assert await clinic.vital_frames.add(moved) == [False, True]
    assert await clinic.vital_frames.since(OTHER_ENCOUNTER, NOON, limit=9) == [moved[1]]


async def test_a_purge_takes_what_is_old_of_its_class_and_no_more_at_once_than_it_may(clinic: Stores) -> None:
    waves = [a_frame(number) for number in range(10)]
    numerics = [a_frame(number, channel=NUMERICS_CHANNEL) for number in range(10)]
    await clinic.vital_frames.add(waves + numerics)
    before = a_frame(6).taken_at
    assert await clinic.vital_frames.purge(before, numerics=False, limit=4) == 4
    assert await clinic.vital_frames.purge(before, numerics=False, limit=4) == 2
    assert await clinic.vital_frames.purge(before, numerics=False, limit=4) == 0
    left = await clinic.vital_frames.since(ENCOUNTER, NOON - timedelta(days=1), limit=100)
    assert [frame for frame in left if frame.channel] == waves[6:]
    assert [frame for frame in left if not frame.channel] == numerics
