"""The database: SQLite in a file or in memory, or PostgreSQL; reading and writing transactions.

SQLite has one writer at a time. Writers wait for each other here, in order, and begin with BEGIN IMMEDIATE, so none
meets SQLITE_BUSY; `synchronous=FULL` makes what was acknowledged survive a loss of power.
"""

import asyncio
import functools
import itertools
import logging
import sqlite3
import threading
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import TracebackType
from typing import Any, Self

import aiosqlite
from sqlalchemy import URL, Connection, event, exc, make_url, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.util import await_only

from telehealth.errors import Invalid, Unavailable
from telehealth.storage.tables import metadata

logger = logging.getLogger(__name__)

WAIT_S = 10.0
"""How long a transaction waits for a connection, for the writer's turn or for an answer."""

_TEND_S = 1.0
_LOG_PAGES = 2_000
_POOL = 10
_PRAGMAS = (
    "busy_timeout = 5000",
    "journal_mode = WAL",
    "foreign_keys = ON",
    "synchronous = FULL",
    # While nobody tends the log (see tending_log), it is at most 64 MB.
    "wal_autocheckpoint = 16000",
)
# Processes that start together wait for the one that migrates.
_MIGRATION_PRAGMAS = ("busy_timeout = 60000", *_PRAGMAS[1:])
_MEMORY_PRAGMAS = ("foreign_keys = ON", "synchronous = OFF")
_in_memory_names = itertools.count(1)


def async_url(url: str) -> URL:
    """Return the URL with its asynchronous driver; Invalid if it is no URL of SQLite or PostgreSQL."""
    try:
        parsed = make_url(url)
    except exc.ArgumentError as failure:
        raise Invalid("The database URL cannot be read.", code="bad_database_url") from failure
    match parsed.get_backend_name():
        case "sqlite":
            return parsed.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres":
            query = dict(parsed.query)
            # What libpq calls sslmode, asyncpg calls ssl; the values are the same.
            if "sslmode" in query:
                query["ssl"] = query.pop("sslmode")
            return parsed.set(drivername="postgresql+asyncpg", query=query)
        case other:
            raise Invalid(f"There is no support for the database {other}.", code="bad_database_url")


class _Workers:
    """The threads in which aiosqlite runs its connections.

    One whose opening failed or was cancelled ends on its own, a moment later: the event loop must live that long.
    """

    def __init__(self) -> None:
        self._threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()

    def connect(self, *args: Any, **options: Any) -> aiosqlite.Connection:
        connection = aiosqlite.connect(*args, **options)
        # As SQLAlchemy does: a thread that hangs does not keep the process from ending.
        connection._thread.daemon = True
        self._threads.add(connection._thread)
        return connection

    async def join(self) -> None:
        """Wait, for a second at most, until all threads have ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                while any(thread.is_alive() for thread in self._threads):  # noqa: ASYNC110 - threads set no Event.
                    await asyncio.sleep(0.001)


class Database:
    """A pool of connections. Open it with `open` or `in_memory`, close it with `aclose` or as a context manager."""

    def __init__(self, engine: AsyncEngine, *, workers: _Workers | None = None) -> None:
        self._engine = engine
        self._workers = workers
        one_writer = workers is not None
        self._writing = engine.execution_options(writes=True)
        self._reading = engine if one_writer else engine.execution_options(isolation_level="AUTOCOMMIT")
        self._turn = asyncio.Lock() if one_writer else None
        self._read_turn: asyncio.Lock | None = None
        self._keeper: sqlite3.Connection | None = None

    @classmethod
    def open(cls, url: str) -> "Database":
        """Return the database at this URL; its schema must be there already (see storage.schema.migrate)."""
        translated = async_url(url)
        if translated.get_backend_name() == "sqlite":
            workers = _Workers()
            return cls(_sqlite_engine(translated, _PRAGMAS, workers), workers=workers)
        return cls(_postgresql_engine(translated))

    @classmethod
    def in_memory(cls) -> "Database":
        """Return a fresh, empty database with the present schema that lives as long as this object; for tests."""
        file = f"file:/telehealth-{next(_in_memory_names)}?vfs=memdb"
        # The database lives while a connection to it is open, and a cancelled task closes the one it used.
        keeper = sqlite3.connect(file, uri=True, check_same_thread=False)
        keeper.executescript(_schema_script())
        workers = _Workers()
        url = make_url("sqlite+aiosqlite:///" + file + "&uri=true")
        database = cls(_sqlite_engine(url, _MEMORY_PRAGMAS, workers), workers=workers)
        database._keeper = keeper
        # Without a write-ahead log readers and the writer would meet.
        database._read_turn = database._turn
        return database

    @property
    def engine(self) -> AsyncEngine:
        return self._engine

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Run a transaction that is committed at the end, or rolled back by an exception.

        Unavailable if the database does not answer; whether the transaction took place is then unknown.
        """
        with _as_unavailable():
            async with _turn(self._turn), self._writing.begin() as connection:
                yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for reading; each statement sees the newest state. Unavailable as for write."""
        with _as_unavailable():
            async with _turn(self._read_turn), self._reading.connect() as connection:
                yield connection

    @asynccontextmanager
    async def tending_log(self) -> AsyncIterator[None]:
        """Copy SQLite's write-ahead log into the database beside the traffic, while the context lasts.

        Otherwise a commit does so now and then, and all others wait for the disk meanwhile. Nothing for PostgreSQL.
        """
        if self._workers is None:
            yield
            return
        # Not a TaskGroup: it would wrap what goes wrong in the context, and callers look for their own errors.
        tending = asyncio.create_task(self._tend_log())  # noqa: TID251 - cancelled and awaited below.
        try:
            yield
        finally:
            tending.cancel()
            await asyncio.gather(tending, return_exceptions=True)

    async def _tend_log(self) -> None:
        while True:
            await asyncio.sleep(_TEND_S)
            try:
                pages = await self._copy_log("PASSIVE")
                if pages > _LOG_PAGES:
                    # What has come since the first copy is little: then the log begins anew.
                    async with _turn(self._turn):
                        await self._copy_log("RESTART")
            except (Unavailable, exc.DBAPIError):
                # The next copy, or the next commit beyond the limit, makes up for it.
                logger.warning("the write-ahead log was not copied")

    async def _copy_log(self, how: str) -> int:
        """Return how many pages the log has."""
        async with self._reading.connect() as connection:
            done = await connection.exec_driver_sql(f"PRAGMA wal_checkpoint({how})")
            return int(done.mappings().one()["log"])

    async def check(self) -> None:
        """Return if the database answers, raise Unavailable if not."""
        async with self.read() as connection:
            await connection.execute(text("SELECT 1"))

    async def aclose(self) -> None:
        await self._engine.dispose()
        if self._workers is not None:
            await self._workers.join()
        if self._keeper is not None:
            self._keeper.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


@asynccontextmanager
async def _turn(lock: asyncio.Lock | None) -> AsyncIterator[None]:
    if lock is None:
        yield
        return
    try:
        async with asyncio.timeout(WAIT_S):
            await lock.acquire()
    except TimeoutError as failure:
        raise Unavailable("The database is busy: try again.") from failure
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except (exc.IntegrityError, exc.ProgrammingError, exc.DataError):
        raise
    # PostgreSQL ends a connection with errors that have no class of their own; asyncpg cannot connect with an OSError.
    except (exc.DBAPIError, exc.TimeoutError, OSError) as failure:
        raise Unavailable("The database does not answer: try again.") from failure


def _sqlite_engine(url: URL, pragmas: tuple[str, ...], workers: _Workers) -> AsyncEngine:
    # isolation_level None: the driver begins no transaction of its own.
    engine = create_async_engine(
        url,
        pool_size=_POOL,
        max_overflow=0,
        pool_timeout=WAIT_S,
        connect_args={"isolation_level": None, "timeout": 5.0, "async_creator_fn": workers.connect},
        hide_parameters=True,
    )

    def prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            _set(cursor, pragma)
        cursor.close()

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", begin)
    return engine


def _set(cursor: Any, pragma: str) -> None:
    # Two processes that turn a new file to WAL at once: SQLite refuses one of them without waiting.
    for pause_s in (0.02, 0.1, 0.5, 1.0):
        try:
            cursor.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError as failure:
            if failure.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            await_only(asyncio.sleep(pause_s))
        else:
            return
    cursor.execute(f"PRAGMA {pragma}")


def _postgresql_engine(url: URL) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=_POOL,
        max_overflow=_POOL,
        pool_timeout=WAIT_S,
        pool_pre_ping=True,
        connect_args={"timeout": 5.0, "command_timeout": WAIT_S},
        hide_parameters=True,
    )


@asynccontextmanager
async def migrating(url: str) -> AsyncIterator[AsyncConnection]:
    """Run one transaction on a connection of its own, without limits on the time of a statement."""
    translated = async_url(url)
    workers = _Workers()
    if translated.get_backend_name() == "sqlite":
        engine = _sqlite_engine(translated, _MIGRATION_PRAGMAS, workers).execution_options(writes=True)
    else:
        engine = create_async_engine(translated, poolclass=NullPool)
    try:
        with _as_unavailable():
            async with engine.begin() as connection:
                yield connection
    finally:
        await engine.dispose()
        await workers.join()


@functools.cache
def _schema_script() -> str:
    dialect = sqlite.dialect()
    statements = [str(CreateTable(table).compile(dialect=dialect)) for table in metadata.sorted_tables]
    for table in metadata.sorted_tables:
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in sorted(table.indexes, key=str)]
    return ";\n".join(statements)
