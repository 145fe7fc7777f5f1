"""The ward that tests of vitals play in."""

from collections.abc import AsyncIterator

import pytest

from telehealth.storage.database import Database
from tests.vitals.ward import Ward


@pytest.fixture
async def ward() -> AsyncIterator[Ward]:
    database = Database.in_memory()
    ward = Ward(database)
    await ward.prepare()
    yield ward
    await database.aclose()
