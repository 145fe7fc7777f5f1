"""The migrations lead to exactly the tables that the code uses, on each engine, whole or not at all."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from telehealth.errors import Unavailable
from telehealth.storage import schema
from telehealth.storage.database import Database, migrating
from telehealth.storage.schema import is_current, migrate
from telehealth.storage.tables import metadata

LISTING = "SELECT name FROM sqlite_master WHERE name != 'alembic_version' AND name NOT LIKE 'sqlite_%'"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.engine)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/telehealth.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, metadata))


async def test_the_migrated_schema_is_the_one_in_the_code(empty_url: str) -> None:
    await migrate(empty_url)
    async with migrating(empty_url) as connection:
        assert await connection.run_sync(differences) == []


async def test_an_empty_database_is_not_current_and_a_migrated_one_is(empty_url: str) -> None:
    async with Database.open(empty_url) as database:
        assert not await is_current(database)
        await migrate(empty_url)
        assert await is_current(database)


async def test_migrating_twice_and_at_once_does_it_once(empty_url: str) -> None:
    await asyncio.gather(*(migrate(empty_url) for _ in range(4)))
    await migrate(empty_url)
    async with Database.open(empty_url) as database:
        assert await is_current(database)


async def test_a_migration_that_fails_half_way_leaves_the_old_schema(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upgrade_and_fail(connection: Connection) -> None:
        config = schema._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "_upgrade", upgrade_and_fail)
    with pytest.raises(KeyboardInterrupt):
        await migrate(empty_url)
    async with migrating(empty_url) as connection:
        assert await connection.run_sync(lambda sync: inspect(sync).get_table_names()) == []


async def test_a_downgrade_removes_all(empty_url: str) -> None:
    def downgrade(connection: Connection) -> list[str]:
        config = schema._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        return inspect(connection).get_table_names()

    await migrate(empty_url)
    async with migrating(empty_url) as connection:
        assert await connection.run_sync(downgrade) == ["alembic_version"]


async def test_a_database_in_memory_has_the_same_tables_and_indexes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/telehealth.db"
    await migrate(url)
    with sqlite3.connect(tmp_path / "telehealth.db") as file:
        listing = (
            "SELECT name FROM sqlite_master WHERE name != 'alembic_version' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        migrated = {name for (name,) in file.execute(listing)}
    file.close()
    async with Database.in_memory() as database, database.read() as connection:
        created = {name for (name,) in (await connection.exec_driver_sql(LISTING)).all()}
    assert created == migrated


async def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await migrate(f"sqlite:///{tmp_path}/missing/telehealth.db")
