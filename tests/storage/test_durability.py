"""What was acknowledged survives the sudden death of the process."""

import asyncio
import random
import sys
from pathlib import Path

from sqlalchemy import text

from telehealth.ids import AppointmentId, DeviceId
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.schema import migrate
from telehealth.storage.stores import open_stores
from tests.builders import a_patient, a_user

ROOT = Path(__file__).parents[2]
ROUNDS = 5
COUNT = (
    "SELECT count(*) FROM device_frames JOIN device_boots ON device_boots.number = device_frames.boot_number "
    "WHERE device_boots.boot = :boot"
)


async def acknowledged_before_death(url: str, name: str, lines: int) -> list[list[str]]:
    """Start the writer, kill it after so many acknowledgements; return all that it acknowledged."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.writer", url, name, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    said = [await process.stdout.readline() for _ in range(lines)]
    process.kill()
    said += (await process.stdout.read()).splitlines()
    await process.wait()
    return [line.decode().split() for line in said if line.strip()]


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telehealth.db"
    await migrate(url)
    cipher = FieldCipher({"k1": b"\x07" * 32}, "k1")
    async with Database.open(url) as database:
        stores = open_stores(database, cipher)
        await stores.patients.add(a_patient())
        await stores.users.add(a_user())
    chance = random.Random(11)
    for round_ in range(ROUNDS):
        said = await acknowledged_before_death(url, str(round_), chance.randrange(5, 120))
        async with Database.open(url) as database:
            stores = open_stores(database, cipher)
            for booked in (label for kind, label in said if kind == "booked"):
                appointment = await stores.appointments.get(AppointmentId(booked))
                assert await stores.encounters.get(appointment.encounter_id)
            stored = [int(number) for kind, number in said if kind == "stored"]
            last = await stores.vital_frames.last_sequences(DeviceId("d1"), str(round_))
            assert last.get(1, -1) >= max(stored, default=-1)
            async with database.read() as connection:
                assert await connection.scalar(text("PRAGMA integrity_check")) == "ok"
                count = await connection.scalar(text(COUNT), {"boot": str(round_)})
            assert count == last.get(1, -1) + 1  # Each batch is there whole or not at all.
