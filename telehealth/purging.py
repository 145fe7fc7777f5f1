"""What is older than it may be goes: when asked, and once an hour while a server runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from telehealth.config import Settings
from telehealth.consultations.recording_retention import RecordingRetention
from telehealth.ground import Ground
from telehealth.storage.sealed_files import SealedFiles
from telehealth.tasks import Tasks, surviving
from telehealth.vitals.retention import Periods, Retention

logger = logging.getLogger(__name__)

EVERY_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Purged:
    """How much was deleted: frames of waveforms, messages of numerics, recordings."""

    waves: int
    numerics: int
    recordings: int


class Purging:
    """Deletes by the periods of the settings."""

    def __init__(self, settings: Settings, ground: Ground) -> None:
        periods = Periods(settings.retention_waves_days, settings.retention_numerics_days)
        self._vitals = Retention(
            frames=ground.stores.vital_frames, audit=ground.audit, clock=ground.clock, periods=periods
        )
        self._recordings = RecordingRetention(
            ground.stores.recordings,
            recording_files(settings, ground),
            audit=ground.audit,
            clock=ground.clock,
            days=settings.retention_recordings_days,
        )

    async def purge(self) -> Purged:
        """Delete what is too old; Unavailable if something does not answer, and some of it may be gone."""
        vitals = await self._vitals.purge()
        return Purged(vitals.waves, vitals.numerics, await self._recordings.purge())

    @asynccontextmanager
    async def hourly(self) -> AsyncIterator[None]:
        """Purge now and then as long as the block lasts."""
        async with aclosing(Tasks()) as tasks:
            tasks.start(self._purge_hourly(), "deleting what is too old")
            yield

    async def _purge_hourly(self) -> None:
        while True:
            with surviving("deleting what is too old"):
                purged = await self.purge()
                if purged.recordings:
                    logger.info("deleted %d recordings", purged.recordings)
            await asyncio.sleep(EVERY_S)


def recording_files(settings: Settings, ground: Ground) -> SealedFiles:
    """Return where the contents of recordings are."""
    return SealedFiles(settings.data_dir / "recordings", ground.cipher)
