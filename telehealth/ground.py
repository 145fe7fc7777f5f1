"""What everything stands on: the database, the keys, the bus, the repositories; opened in order, closed in reverse."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from telehealth.accounts.passwords import Argon2Hasher
from telehealth.accounts.ports import AccountPorts, PasswordHasher
from telehealth.bus import Bus
from telehealth.clock import Clock, SystemClock
from telehealth.cluster.local_bus import LocalBus
from telehealth.cluster.redis_bus import RedisBus
from telehealth.config import Settings, key_bytes
from telehealth.errors import Unavailable
from telehealth.ids import NewId, random_id
from telehealth.sfu.carrier import Carry
from telehealth.sfu.process import media_process
from telehealth.storage.audit_trail import AnchorFile, SqlAuditTrail
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.schema import is_current
from telehealth.storage.schema import migrate as migrate_schema
from telehealth.storage.stores import Stores, open_stores
from telehealth.web.health import Check

_HASHING_THREADS = 2


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What tests put in the place of the real things (None). A database is open already, and closed with the rest."""

    database: Database | None = None
    clock: Clock | None = None
    new_id: NewId = random_id
    carry: Carry = media_process
    passwords: PasswordHasher | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What everything else stands on."""

    database: Database
    cipher: FieldCipher
    stores: Stores
    audit: SqlAuditTrail
    bus: Bus
    check_bus: Check
    clock: Clock
    new_id: NewId


async def open_ground(settings: Settings, around: Surroundings, stack: AsyncExitStack) -> Ground:
    clock = around.clock or SystemClock()
    database = await stack.enter_async_context(around.database or open_database(settings))
    audit = audit_trail(settings, database, clock)
    stack.push_async_callback(audit.aclose)
    bus: LocalBus | RedisBus
    if url := settings.redis_url.get_secret_value():
        bus = RedisBus(url)
        check: Check = bus.check
    else:
        bus, check = LocalBus(clock), _always
    stack.push_async_callback(bus.aclose)
    cipher = cipher_of(settings)
    stores = open_stores(database, cipher, clock)
    return Ground(database, cipher, stores, audit, bus, check, clock, around.new_id)


async def _always() -> None:
    """The bus in this process answers as long as the process does."""


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    url = settings.database
    if url.startswith("sqlite"):
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        await migrate_schema(url)
    async with Database.open(url) as database:
        # Several nodes share a PostgreSQL: its schema changes when somebody says so, not when the first one starts.
        if not await is_current(database):
            raise Unavailable("The database has not the present schema: run `telehealth migrate`.", code="old_schema")
        async with database.tending_log():
            yield database


def audit_trail(settings: Settings, database: Database, clock: Clock) -> SqlAuditTrail:
    anchor = AnchorFile(settings.audit_anchor) if settings.audit_anchor else None
    return SqlAuditTrail(database, clock, settings.node, _derived(_master(settings), "audit"), anchor=anchor)


def _master(settings: Settings) -> bytes:
    return key_bytes(settings.secret_key)


def _derived(master: bytes, purpose: str) -> bytes:
    """Return the key for one purpose (RFC 5869): nothing is encrypted or sealed under the master key itself."""
    return HKDF(SHA256(), 32, salt=None, info=f"telehealth {purpose}".encode()).derive(master)


def cipher_of(settings: Settings) -> FieldCipher:
    masters = [_master(settings), *(key_bytes(key) for key in settings.previous_secret_keys)]
    keys = {_derived(master, "key id")[:6].hex(): _derived(master, "fields") for master in masters}
    return FieldCipher(keys, next(iter(keys)))


def hasher(stack: AsyncExitStack) -> PasswordHasher:
    threads = ThreadPoolExecutor(_HASHING_THREADS, thread_name_prefix="passwords")
    stack.callback(threads.shutdown, wait=False, cancel_futures=True)
    return Argon2Hasher(threads)


def issuer(settings: Settings) -> str:
    return settings.public_url or "telehealth"


def account_ports(ground: Ground, passwords: PasswordHasher) -> AccountPorts:
    stores = ground.stores
    return AccountPorts(
        users=stores.users,
        keys=stores.keys,
        refresh_tokens=stores.refresh_tokens,
        invitations=stores.invitations,
        device_credentials=stores.device_credentials,
        enrolment_codes=stores.enrolment_codes,
        passwords=passwords,
        bus=ground.bus,
        audit=ground.audit,
        clock=ground.clock,
        new_id=ground.new_id,
    )
