"""Recordings go when their days are over, contents and entry, and the trail says so; a server sees to it by itself."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from telehealth.consultations.recordings import Recording
from telehealth.errors import NotFound
from telehealth.ground import Ground, Surroundings, open_ground
from telehealth.ids import RecordingId
from telehealth.purging import Purging, recording_files
from telehealth.storage.database import Database
from tests.builders import ENCOUNTER, an_encounter
from tests.doubles import FakeClock
from tests.memory import populate
from tests.sfu.peers import until
from tests.web.house import settings_for

FOLDER = "recordings"


class Archive:
    """A ground with recordings of one visit, one a day."""

    def __init__(self, folder: Path, ground: Ground, clock: FakeClock, days: str) -> None:
        self.folder = folder
        self.ground = ground
        self.clock = clock
        self.settings = settings_for(folder, RETENTION_RECORDINGS_DAYS=days)
        self.purging = Purging(self.settings, ground)

    async def record(self, days: int) -> None:
        for number in range(1, days + 1):
            recording = Recording(RecordingId(f"{number:032x}"), ENCOUNTER, "dr-bo", self.clock.now())
            await self.ground.stores.recordings.add(recording)
            file = recording_files(self.settings, self.ground).create(recording.id)
            assert file.write(b"sound and pictures")
            await file.aclose()
            self.clock.advance(timedelta(days=1).total_seconds())

    async def kept(self) -> int:
        return len(await self.ground.stores.recordings.of_encounter(ENCOUNTER))

    def files(self) -> list[str]:
        return sorted(path.stem for path in (self.folder / FOLDER).iterdir())


@asynccontextmanager
async def an_archive(folder: Path, days: str) -> AsyncIterator[Archive]:
    async with AsyncExitStack() as stack:
        clock = FakeClock()
        ground = await open_ground(settings_for(folder), Surroundings(Database.in_memory(), clock), stack)
        await populate(ground.stores)
        await ground.stores.encounters.add(an_encounter())
        yield Archive(folder, ground, clock, days)


async def test_recordings_go_when_their_days_are_over(tmp_path: Path) -> None:
    async with an_archive(tmp_path, "3") as archive:
        await archive.record(5)
        assert (await archive.purging.purge()).recordings == 2
        assert archive.files() == [f"{number:032x}" for number in (3, 4, 5)]
        assert await archive.kept() == 3
        with pytest.raises(NotFound):
            await archive.ground.stores.recordings.get(ENCOUNTER, RecordingId(f"{1:032x}"))
        assert (await archive.purging.purge()).recordings == 0


async def test_a_purge_that_was_interrupted_is_finished_by_the_next(tmp_path: Path) -> None:
    async with an_archive(tmp_path, "1") as archive:
        await archive.record(2)
        archive.clock.advance(86_400)
        # The contents are gone, the entry is not.
        (tmp_path / FOLDER / f"{1:032x}.sealed").unlink()
        assert (await archive.purging.purge()).recordings == 2
        assert await archive.kept() == 0


async def test_by_default_recordings_are_kept(tmp_path: Path) -> None:
    async with an_archive(tmp_path, "0") as archive:
        await archive.record(2)
        archive.clock.advance(10_000 * 86_400)
        assert (await archive.purging.purge()).recordings == 0
        assert await archive.kept() == 2


async def test_a_server_purges_by_itself(tmp_path: Path) -> None:
    async with an_archive(tmp_path, "1") as archive:
        await archive.record(3)
        async with archive.purging.hourly():
            await until(lambda: archive.files() == [f"{3:032x}"])
