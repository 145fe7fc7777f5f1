"""Dispatch and work lists on a database in memory."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest

from telehealth.dispatch.service import Dispatch, DispatchPorts
from telehealth.dispatch.worklist import Worklists
from telehealth.storage.stores import Stores
from tests.doubles import FakeClock, RecordingAudit, RecordingBus, counted_ids
from tests.memory import memory_stores, populate


@dataclass(frozen=True)
class Post:
    """The dispatch post, and all around it that a test looks at."""

    dispatch: Dispatch
    worklists: Worklists
    stores: Stores
    clock: FakeClock
    bus: RecordingBus
    audit: RecordingAudit


@pytest.fixture
async def post() -> AsyncGenerator[Post]:
    clock, bus, audit = FakeClock(), RecordingBus(), RecordingAudit()
    async with memory_stores(clock) as stores:
        await populate(stores)
        ports = DispatchPorts(
            cases=stores.cases,
            users=stores.users,
            patients=stores.patients,
            encounters=stores.encounters,
            appointments=stores.appointments,
            bus=bus,
            audit=audit,
            clock=clock,
            new_id=counted_ids(),
        )
        yield Post(Dispatch(ports), Worklists(ports), stores, clock, bus, audit)
