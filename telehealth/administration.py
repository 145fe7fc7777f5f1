"""What an administrator does from the command line, without a running server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from telehealth.access import Role
from telehealth.accounts.model import NewUser
from telehealth.accounts.service import Accounts
from telehealth.audit import AuditEvent
from telehealth.clock import SystemClock
from telehealth.config import Settings
from telehealth.consultations.model import Patient
from telehealth.ground import (
    Surroundings,
    account_ports,
    audit_trail,
    hasher,
    issuer,
    open_database,
    open_ground,
)
from telehealth.ids import PatientId
from telehealth.purging import Purged, Purging
from telehealth.storage.audit_trail import ChainResult
from telehealth.storage.schema import migrate as migrate_schema
from telehealth.storage.stores import Stores


def migrate(settings: Settings) -> None:
    """Bring the database to the present schema."""
    if settings.database.startswith("sqlite"):
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    asyncio.run(migrate_schema(settings.database))


@asynccontextmanager
async def opened_stores(settings: Settings) -> AsyncIterator[Stores]:
    """Open the repositories alone."""
    async with AsyncExitStack() as stack:
        yield (await open_ground(settings, Surroundings(), stack)).stores


async def purge(settings: Settings) -> Purged:
    """Delete what is older than the settings let it be."""
    async with AsyncExitStack() as stack:
        return await Purging(settings, await open_ground(settings, Surroundings(), stack)).purge()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking the audit trail of one node gave."""

    result: ChainResult

    @property
    def intact(self) -> bool:
        return self.result.good

    def __str__(self) -> str:
        result = self.result
        if result.good:
            return f"{result.node}: {result.entries} entries, all in order"
        if result.broken_at is not None:
            return f"{result.node}: entry {result.broken_at} was changed, or one before it is missing"
        if result.missing_after is not None:
            return f"{result.node}: entries after {result.missing_after} are missing"
        return f"{result.node}: entries were rewritten"


async def verify_audit(settings: Settings) -> list[Verdict]:
    """Check the audit trail of every node."""
    async with open_database(settings) as database:
        return [Verdict(result) for result in await audit_trail(settings, database, SystemClock()).verify()]


async def add_user(settings: Settings, new: NewUser) -> None:
    """Add a user without anybody's permission: whoever runs commands on the server has the keys anyway."""
    async with AsyncExitStack() as stack:
        ground = await open_ground(settings, Surroundings(), stack)
        accounts = Accounts(account_ports(ground, hasher(stack)), issuer=issuer(settings))
        if new.role is Role.PATIENT:
            patient = Patient(PatientId(ground.new_id()), new.name)
            await ground.stores.patients.add(patient)
            new = replace(new, patient_id=patient.id)
        user = await accounts.add_user(new)
        await ground.audit.record(AuditEvent("user.created", "system", "system", f"user/{user.id}"))
