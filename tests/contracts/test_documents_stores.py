"""Documents and enrolment codes, stored: each key once, each code once."""

from datetime import datetime, timedelta

import pytest

from telehealth.accounts.model import EnrolmentCode
from telehealth.consultations.documents import MAX_PER_ENCOUNTER, Document, DocumentEntry, DocumentKind
from telehealth.errors import NotFound, TooMany
from telehealth.ids import DeviceId, DocumentId, EncounterId
from telehealth.storage.stores import Stores
from telehealth.vitals.model import Device, DeviceKind
from tests.builders import ENCOUNTER, NOON, an_encounter

DEVICE = DeviceId("de" * 16)


def later(*, minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture(autouse=True)
async def with_an_encounter(stores: Stores) -> None:
    await stores.encounters.add(an_encounter())


def a_photo(number: int = 1, *, key: str = "") -> Document:
    entry = DocumentEntry(
        DocumentId(f"{number:032x}"), ENCOUNTER, key or f"k{number}", DocumentKind.PHOTO, "image/png", "ana", NOON
    )
    return Document(entry, b"\x89PNG\r\n\x1a\n" + bytes([number % 256]))


async def test_a_document_comes_back_as_it_was(stores: Stores) -> None:
    photo = a_photo()
    assert await stores.documents.add(photo) == photo.entry
    assert await stores.documents.get(ENCOUNTER, photo.entry.id) == photo
    assert await stores.documents.of_encounter(ENCOUNTER, DocumentKind.PHOTO) == [photo.entry]
    assert await stores.documents.of_encounter(ENCOUNTER, DocumentKind.QUARANTINE) == []


async def test_a_document_is_not_found_in_another_encounter(stores: Stores) -> None:
    await stores.documents.add(a_photo())
    with pytest.raises(NotFound):
        await stores.documents.get(EncounterId("0" * 32), a_photo().entry.id)


async def test_a_repeated_key_is_stored_once(stores: Stores) -> None:
    first = await stores.documents.add(a_photo(1, key="same"))
    assert await stores.documents.add(a_photo(2, key="same")) == first
    assert len(await stores.documents.of_encounter(ENCOUNTER, DocumentKind.PHOTO)) == 1


async def test_an_encounter_has_a_bounded_number_of_documents(stores: Stores) -> None:
    for number in range(1, MAX_PER_ENCOUNTER + 1):
        await stores.documents.add(a_photo(number))
    with pytest.raises(TooMany):
        await stores.documents.add(a_photo(MAX_PER_ENCOUNTER + 1))


async def test_a_code_is_used_once_and_in_its_time(stores: Stores) -> None:
    await stores.devices.add(Device(DEVICE, "Monitor bay 3"))
    await stores.enrolment_codes.add(EnrolmentCode(b"a" * 32, DEVICE, NOON, later(minutes=15)))
    assert await stores.enrolment_codes.use(b"b" * 32, NOON) is None
    assert await stores.enrolment_codes.use(b"a" * 32, later(minutes=15)) is None
    assert await stores.enrolment_codes.use(b"a" * 32, later(minutes=14)) == DEVICE
    assert await stores.enrolment_codes.use(b"a" * 32, later(minutes=14)) is None


async def test_a_newer_code_voids_the_earlier_one(stores: Stores) -> None:
    await stores.devices.add(Device(DEVICE, "Monitor bay 3"))
    await stores.enrolment_codes.add(EnrolmentCode(b"a" * 32, DEVICE, NOON, later(minutes=15)))
    await stores.enrolment_codes.add(EnrolmentCode(b"b" * 32, DEVICE, NOON, later(minutes=15)))
    assert await stores.enrolment_codes.use(b"a" * 32, NOON) is None
    assert await stores.enrolment_codes.use(b"b" * 32, NOON) == DEVICE


async def test_a_list_of_devices_has_only_those_that_staff_registered(stores: Stores) -> None:
    registered = Device(DEVICE, "Monitor bay 3")
    await stores.devices.add(registered)
    sensor = Device(DeviceId("5e" * 16), "Strap", kind=DeviceKind.SENSOR)
    await stores.devices.add(sensor)
    assert await stores.devices.all(10) == [registered]
    assert await stores.devices.get(sensor.id) == sensor
