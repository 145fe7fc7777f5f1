"""Recordings, stored: oldest first, so many to an encounter, and gone when they are to go."""

from datetime import timedelta

import pytest

from telehealth.consultations.recordings import MAX_PER_ENCOUNTER, Recording
from telehealth.errors import NotFound, TooMany
from telehealth.ids import EncounterId, RecordingId
from telehealth.storage.stores import Stores
from tests.builders import ENCOUNTER, NOON, an_encounter


@pytest.fixture(autouse=True)
async def with_an_encounter(stores: Stores) -> None:
    await stores.encounters.add(an_encounter())


def a_recording(number: int) -> Recording:
    return Recording(RecordingId(f"{number:032x}"), ENCOUNTER, "dr-bo", NOON + timedelta(days=number))


async def test_a_recording_is_complete_once_its_end_is_noted(stores: Stores) -> None:
    await stores.recordings.add(a_recording(1))
    assert await stores.recordings.get(ENCOUNTER, a_recording(1).id) == a_recording(1)
    await stores.recordings.finish(a_recording(1).id, NOON + timedelta(days=2), 3)
    (kept,) = await stores.recordings.of_encounter(ENCOUNTER)
    assert (kept.ended_at, kept.pieces) == (NOON + timedelta(days=2), 3)
    with pytest.raises(NotFound):
        await stores.recordings.get(EncounterId("0" * 32), kept.id)


async def test_an_encounter_has_so_many(stores: Stores) -> None:
    for number in range(MAX_PER_ENCOUNTER):
        await stores.recordings.add(a_recording(number))
    with pytest.raises(TooMany):
        await stores.recordings.add(a_recording(MAX_PER_ENCOUNTER))


async def test_the_oldest_are_found_by_when_they_began_and_removed_once(stores: Stores) -> None:
    for number in (3, 1, 2):
        await stores.recordings.add(a_recording(number))
    before = NOON + timedelta(days=3)
    assert await stores.recordings.begun_before(before, limit=9) == [a_recording(1), a_recording(2)]
    assert await stores.recordings.begun_before(before, limit=1) == [a_recording(1)]
    for _ in range(2):
        await stores.recordings.remove(a_recording(1).id)
    assert await stores.recordings.of_encounter(ENCOUNTER) == [a_recording(2), a_recording(3)]
