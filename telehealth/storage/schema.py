"""The schema of a stored database: brought up to date by Alembic migrations that travel inside the package."""

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from telehealth.storage.database import Database, migrating

_MIGRATION_LOCK = 7_463_220_511
"""Nodes that start together on PostgreSQL migrate one after the other: number of an advisory lock."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "telehealth.storage:migrations")
    return config


async def migrate(url: str) -> None:
    """Bring the schema up to date, in one transaction: afterwards it is the old one or the new one.

    Unavailable if the database does not answer.
    """
    async with migrating(url) as connection:
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def is_current(database: Database) -> bool:
    """Say whether the schema is the newest one."""
    async with database.read() as connection:
        stored = await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    return stored == ScriptDirectory.from_config(_config()).get_current_head()
