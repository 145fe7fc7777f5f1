"""The station that tests of ingestion play at."""

from collections.abc import AsyncIterator

import pytest

from telehealth.storage.database import Database
from tests.ingest.monitor import Station


@pytest.fixture
async def station() -> AsyncIterator[Station]:
    async with Database.in_memory() as database:
        station = Station(database)
        await station.ward.prepare()
        yield station
