"""Accounts on a database in memory, with passwords that hash fast."""

from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from telehealth.accounts.passwords import Argon2Hasher
from telehealth.accounts.service import AccountPorts, Accounts
from telehealth.storage.stores import Stores
from tests.doubles import FakeClock, RecordingAudit, RecordingBus, counted_ids
from tests.memory import memory_stores, populate

ISSUER = "https://clinic.example"


@dataclass(frozen=True)
class Office:
    """Accounts, and all around them that a test looks at."""

    accounts: Accounts
    ports: AccountPorts
    stores: Stores
    clock: FakeClock
    bus: RecordingBus
    audit: RecordingAudit

    def another_node(self) -> Accounts:
        return Accounts(self.ports, issuer=ISSUER)


@pytest.fixture
async def office() -> AsyncGenerator[Office]:
    clock, bus, audit = FakeClock(), RecordingBus(), RecordingAudit()
    async with memory_stores(clock) as stores:
        await populate(stores)
        with ThreadPoolExecutor(1) as executor:
            ports = AccountPorts(
                users=stores.users,
                keys=stores.keys,
                refresh_tokens=stores.refresh_tokens,
                invitations=stores.invitations,
                device_credentials=stores.device_credentials,
                enrolment_codes=stores.enrolment_codes,
                passwords=Argon2Hasher(executor, memory_kib=8, rounds=1),
                bus=bus,
                audit=audit,
                clock=clock,
                new_id=counted_ids(),
            )
            accounts = Accounts(ports, issuer=ISSUER)
            await accounts.ensure_key()
            yield Office(accounts, ports, stores, clock, bus, audit)
