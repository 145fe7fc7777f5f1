"""A database in memory with the smallest clinic in it: users and patients that foreign keys need."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from telehealth.access import Role
from telehealth.clock import Clock
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.stores import Stores, open_stores
from tests.builders import (
    DOCTOR,
    OTHER_DOCTOR,
    OTHER_PATIENT,
    PARAMEDIC,
    PATIENT,
    a_patient,
    a_user,
)


@asynccontextmanager
async def memory_stores(clock: Clock) -> AsyncGenerator[Stores]:
    """Open stores on an empty database in memory."""
    async with Database.in_memory() as database:
        yield open_stores(database, FieldCipher({"k1": b"\x07" * 32}, "k1"), clock)


async def populate(stores: Stores) -> None:
    """Store two doctors, a paramedic and two patients."""
    await stores.users.add(a_user(id=DOCTOR))
    await stores.users.add(a_user(id=OTHER_DOCTOR, email="mei.tanaka@clinic.example", name="Dr Mei Tanaka"))
    crew = a_user(id=PARAMEDIC, role=Role.PARAMEDIC, email="lena.brandt@clinic.example", name="Lena Brandt")
    await stores.users.add(crew)
    await stores.patients.add(a_patient(id=PATIENT))
    await stores.patients.add(a_patient(id=OTHER_PATIENT, name="Bo Lind"))
