"""Scheduling on a database in memory."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest

from telehealth.scheduling.service import Scheduling
from telehealth.storage.stores import Stores
from tests.doubles import FakeClock, RecordingAudit, RecordingBus, counted_ids
from tests.memory import memory_stores, populate


@dataclass(frozen=True)
class Desk:
    """Scheduling, and all around it that a test looks at."""

    scheduling: Scheduling
    stores: Stores
    clock: FakeClock
    bus: RecordingBus
    audit: RecordingAudit


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    clock, bus, audit = FakeClock(), RecordingBus(), RecordingAudit()
    async with memory_stores(clock) as stores:
        await populate(stores)
        scheduling = Scheduling(
            schedules=stores.schedules,
            appointments=stores.appointments,
            bus=bus,
            audit=audit,
            clock=clock,
            new_id=counted_ids(),
        )
        yield Desk(scheduling, stores, clock, bus, audit)
