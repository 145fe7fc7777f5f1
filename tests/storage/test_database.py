"""Transactions: what is committed, what waits, what is told when the database does not answer."""

import asyncio
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from telehealth.errors import Invalid, Unavailable
from telehealth.storage import database as database_module
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database, async_url
from telehealth.storage.schema import migrate
from telehealth.storage.stores import open_stores
from telehealth.storage.tables import on_call, signing_keys
from tests.builders import NOON, a_patient, a_signing_key
from tests.engines import PostgresServer

CIPHER = FieldCipher({"k1": b"\x07" * 32}, "k1")


@pytest.fixture
async def sqlite_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/telehealth.db"
    await migrate(url)
    return url


@pytest.mark.parametrize(
    ("url", "translated"),
    [
        ("sqlite:///var/x.db", "sqlite+aiosqlite:///var/x.db"),
        ("postgresql://u:p@h:1/d", "postgresql+asyncpg://u:p@h:1/d"),
        ("postgres://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d"),
    ],
)
def test_urls_get_their_asynchronous_driver(url: str, translated: str) -> None:
    assert async_url(url).render_as_string(hide_password=False) == translated


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://h/d", "postgresql:/x:y"])
def test_a_url_that_cannot_be_used_is_refused_by_name(url: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Database.open(url)
    assert refusal.value.code == "bad_database_url"


async def test_the_log_is_copied_beside_the_traffic_and_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_TEND_S", 0.001)
    monkeypatch.setattr(database_module, "_LOG_PAGES", 5)
    async with Database.open(f"sqlite:///{tmp_path}/t.db") as database, database.tending_log():
        async with database.write() as connection:
            await connection.execute(text("CREATE TABLE t (a BLOB)"))
        sizes = []
        for _ in range(200):
            async with database.write() as connection:
                await connection.execute(text("INSERT INTO t VALUES (randomblob(8000))"))
            sizes.append((tmp_path / "t.db-wal").stat().st_size)
    # Without, it would have grown with each transaction.
    assert max(sizes) < 200 * 8_000 / 2
    assert (tmp_path / "t.db").stat().st_size > 200 * 8_000


async def test_sqlite_is_durable_and_keeps_its_references(sqlite_url: str) -> None:
    async with Database.open(sqlite_url) as database:
        async with database.read() as connection:
            pragmas = ["journal_mode", "synchronous", "foreign_keys", "busy_timeout"]
            values = [(await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one() for name in pragmas]
        assert values == ["wal", 2, 1, 5000]
        with pytest.raises(IntegrityError):
            async with database.write() as connection:
                await connection.execute(insert(on_call).values(practitioner_id="nobody"))


async def test_an_exception_rolls_everything_back() -> None:
    async with Database.in_memory() as database:
        with pytest.raises(RuntimeError):
            async with database.write() as connection:
                await connection.execute(text("INSERT INTO devices VALUES ('d1', 'n', 'm', 0, 0, 'registered')"))
                raise RuntimeError
        async with database.read() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM devices")) == 0


async def test_a_database_in_memory_is_quick_and_alone_and_survives_cancellation() -> None:
    await Database.in_memory().aclose()  # The first one compiles the schema.
    begun = time.perf_counter()
    async with Database.in_memory() as one, Database.in_memory() as other:
        assert time.perf_counter() - begun < 0.2
        stores = open_stores(one, CIPHER)
        await stores.patients.add(a_patient())
        for delay in range(20):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(delay / 20_000):
                    while True:
                        await stores.patients.get(a_patient().id)
        assert await stores.patients.get(a_patient().id) == a_patient()
        assert await open_stores(other, CIPHER).patients.all(limit=5) == []


async def test_a_naive_instant_is_refused_and_others_come_back_in_utc() -> None:
    async with Database.in_memory() as database:
        keys = open_stores(database, CIPHER).keys
        with pytest.raises(StatementError):
            await keys.add(a_signing_key(created_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - that is what is refused.
        await keys.add(a_signing_key(created_at=NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))))
        [stored] = await keys.all()
        assert stored.created_at == NOON
        assert stored.created_at.tzinfo is UTC


async def test_a_second_process_that_writes_is_waited_for(sqlite_url: str) -> None:
    async with Database.open(sqlite_url) as one, Database.open(sqlite_url) as other:
        pairs = [open_stores(database, CIPHER) for database in (one, other)]
        keys = [a_signing_key(kid=f"k{number}") for number in range(60)]
        await asyncio.gather(*(pairs[number % 2].keys.add(key) for number, key in enumerate(keys)))
        assert len(await pairs[0].keys.all()) == 60


async def test_who_waits_too_long_for_the_writer_is_told_so(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "WAIT_S", 0.05)
    async with Database.open(sqlite_url) as database, database.write():
        with pytest.raises(Unavailable):
            async with database.write():
                pass


async def test_a_full_disk_is_unavailable_and_nothing_is_broken(sqlite_url: str) -> None:
    async with Database.open(sqlite_url) as database:
        keys = open_stores(database, CIPHER).keys
        await keys.add(a_signing_key())
        large = a_signing_key(kid="large", private_pem=bytes(2_000_000))

        async def limit(pages: int) -> None:
            async with database.read() as connection:
                await connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        await limit(1)
        with pytest.raises(Unavailable):
            await keys.add(large)
        await limit(1_000_000)
        await keys.add(large)
        assert len(await keys.all()) == 2
        async with database.read() as connection:
            assert await connection.scalar(text("PRAGMA integrity_check")) == "ok"


async def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    async with Database.open(f"sqlite:///{tmp_path}/missing/telehealth.db") as database:
        with pytest.raises(Unavailable):
            await database.check()


@pytest.mark.engine
async def test_cut_connections_are_unavailable_once_and_then_replaced(postgres_server: PostgresServer) -> None:
    url = postgres_server.new_database()
    await migrate(url)
    name = url.split("/")[3].split("?")[0]
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    async with Database.open(url) as database:
        with pytest.raises(Unavailable):
            async with database.write() as connection:
                await connection.execute(select(signing_keys))
                await asyncio.to_thread(postgres_server.psql, cut)
                await connection.execute(select(signing_keys))
        for _ in range(5):
            await asyncio.to_thread(postgres_server.psql, cut)
            await database.check()
            await open_stores(database, CIPHER).keys.all()


@pytest.mark.engine
async def test_a_server_that_is_not_there_is_unavailable() -> None:
    for url in ("postgresql://postgres@127.0.0.1:1/x", "postgresql://postgres@/x?host=/nowhere"):
        async with Database.open(url) as database:
            with pytest.raises(Unavailable):
                await database.check()
