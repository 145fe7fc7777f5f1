"""Each store contract runs on SQLite and on PostgreSQL, each bus contract in process and on Valkey."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from telehealth.access import Role
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.schema import migrate
from telehealth.storage.stores import Stores, open_stores
from telehealth.storage.tables import metadata
from tests.builders import OTHER_DOCTOR, OTHER_PATIENT, PARAMEDIC, a_patient, a_user
from tests.doubles import FakeClock
from tests.engines import PostgresServer


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema and nothing else."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> str:
    """A PostgreSQL database with the schema; each test empties it."""
    url = postgres_server.new_database()
    asyncio.run(migrate(url))
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.engine)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database with the schema and no rows."""
    if request.param == "postgresql":
        url: str = request.getfixturevalue("migrated_postgres")
        return url
    path = tmp_path / "telehealth.db"
    shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
    return f"sqlite:///{path}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database.open(database_url) as opened:
        if database_url.startswith("postgresql"):
            async with opened.write() as connection:
                await connection.execute(text("TRUNCATE " + ", ".join(metadata.tables)))
        yield opened


@pytest.fixture
def cipher() -> FieldCipher:
    return FieldCipher({"k1": b"\x07" * 32}, "k1")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def stores(database: Database, cipher: FieldCipher, clock: FakeClock) -> Stores:
    """The stores of a clinic with two doctors, a paramedic and two patients."""
    opened = open_stores(database, cipher, clock)
    await opened.patients.add(a_patient())
    await opened.patients.add(a_patient(id=OTHER_PATIENT, name="Bo Lind"))
    await opened.users.add(a_user())
    await opened.users.add(a_user(id=OTHER_DOCTOR, email="amal.haddad@clinic.example", name="Dr Amal Haddad"))
    await opened.users.add(
        a_user(id=PARAMEDIC, role=Role.PARAMEDIC, email="jo.moreau@clinic.example", name="Jo Moreau")
    )
    return opened
