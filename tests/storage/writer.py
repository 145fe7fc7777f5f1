"""A process that books and stores frames, and says on standard output what was acknowledged, until it is killed."""

import asyncio
import sys
from datetime import timedelta

from telehealth.ids import AppointmentId, DeviceId, EncounterId
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.stores import open_stores
from telehealth.vitals.model import StoredFrame
from tests.builders import ENCOUNTER, NOON, an_appointment


def say(kind: str, what: str | int) -> None:
    sys.stdout.write(f"{kind} {what}\n")
    sys.stdout.flush()


async def write(url: str, name: str) -> None:
    async with Database.open(url) as database:
        stores = open_stores(database, FieldCipher({"k1": b"\x07" * 32}, "k1"))

        async def book() -> None:
            for number in range(100_000):
                starts_at = NOON + timedelta(minutes=5 * number, days=int(name) * 1_000)
                label = f"{name}-{number}"
                appointment = an_appointment(
                    id=AppointmentId(label),
                    encounter_id=EncounterId(label),
                    starts_at=starts_at,
                    ends_at=starts_at + timedelta(minutes=5),
                )
                await stores.appointments.book(appointment)
                say("booked", label)

        async def measure() -> None:
            for number in range(0, 1_000_000, 5):
                frames = [
                    StoredFrame(ENCOUNTER, DeviceId("d1"), name, 1, number + part, NOON, NOON, b"frame")
                    for part in range(5)
                ]
                await stores.vital_frames.add(frames)
                say("stored", number + 4)

        async with asyncio.TaskGroup() as group:
            group.create_task(book())
            group.create_task(measure())


asyncio.run(write(sys.argv[1], sys.argv[2]))
