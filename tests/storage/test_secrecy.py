"""Nothing personal stands readable in the database's files."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from telehealth.consultations.documents import Document, DocumentEntry, DocumentKind
from telehealth.consultations.model import EntryKind, TimelineEntry
from telehealth.ids import DeviceId, DocumentId, PatientId
from telehealth.storage.cipher import FieldCipher, Undecipherable
from telehealth.storage.database import Database
from telehealth.storage.schema import migrate
from telehealth.storage.stores import open_stores
from telehealth.vitals.model import StoredFrame
from tests.builders import (
    ENCOUNTER,
    NOON,
    a_participant,
    a_patient,
    a_signing_key,
    a_user,
    an_appointment,
    an_invitation,
)

MARK = "Zyxwvut"


def raw_bytes(folder: Path) -> bytes:
    """Return all that stands in the files of the database, the write-ahead log among them."""
    files = list(folder.glob("telehealth.db*"))
    assert {file.suffix for file in files} >= {".db", ".db-wal"}
    return b"".join(file.read_bytes() for file in files)


async def test_what_is_personal_is_not_found_in_the_raw_bytes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telehealth.db"
    await migrate(url)
    async with Database.open(url) as database:
        stores = open_stores(database, FieldCipher({"k1": b"\x07" * 32}, "k1"))
        await stores.patients.add(a_patient(name=MARK + "1", birth_date=MARK + "2"))
        await stores.users.add(a_user(email=f"{MARK}3@clinic.example", name=MARK + "4"))
        await stores.appointments.book(an_appointment(reason=MARK + "5"))
        encounter = await stores.encounters.get(ENCOUNTER)
        await stores.encounters.save(replace(encounter, reason=MARK + "6"), was=encounter)
        await stores.encounters.seat(a_participant(name=MARK + "7"))
        await stores.encounters.append(TimelineEntry(ENCOUNTER, EntryKind.CHAT, NOON, "ana", "1", MARK + "8"))
        await stores.invitations.add(an_invitation(name=MARK + "9"))
        await stores.keys.add(a_signing_key(private_pem=f"{MARK}10".encode()))
        frame = StoredFrame(ENCOUNTER, DeviceId("d1"), "b1", 0, 1, NOON, NOON, f"{MARK}11".encode())
        await stores.vital_frames.add([frame])
        assert await stores.vital_frames.since(ENCOUNTER, NOON, limit=1) == [frame]

        entry = DocumentEntry(DocumentId("d" * 32), ENCOUNTER, "k1", DocumentKind.PHOTO, "image/png", "ana", NOON)
        await stores.documents.add(Document(entry, f"{MARK}12".encode()))

        raw = raw_bytes(tmp_path).lower()
    assert ENCOUNTER.encode() in raw  # It is the right file.
    assert raw.count(MARK.lower().encode()) == 0


async def test_a_sealed_value_copied_to_another_row_is_refused() -> None:
    async with Database.in_memory() as database:
        stores = open_stores(database, FieldCipher({"k1": b"\x07" * 32}, "k1"))
        await stores.patients.add(a_patient())
        await stores.patients.add(a_patient(id=PatientId("p2"), name="Bo Lind"))
        async with database.write() as connection:
            await connection.execute(text("UPDATE patients SET name = (SELECT name FROM patients WHERE id = 'p2')"))
        with pytest.raises(Undecipherable):
            await stores.patients.get(a_patient().id)
