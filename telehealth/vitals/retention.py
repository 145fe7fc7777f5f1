"""Retention: how long what devices sent is kept, by class."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from telehealth.audit import AuditEvent, AuditTrail
from telehealth.clock import Clock
from telehealth.errors import TelehealthError
from telehealth.vitals.ports import VitalFrames

logger = logging.getLogger(__name__)

EVERY_S = 3_600.0
BATCH = 1_000
"""Frames of one transaction: what is live waits no longer than it takes."""

PAUSE_S = 0.05
MAX_BATCHES = 10_000
"""Of one purge; what is left falls to the next."""


@dataclass(frozen=True, slots=True)
class Periods:
    """Days for which each class is kept after it was measured; 0: for good."""

    waves_days: int = 0
    numerics_days: int = 0


@dataclass(frozen=True, slots=True)
class Purged:
    """How many frames were deleted."""

    waves: int
    numerics: int


class Retention:
    """Deletes what is older than it may be: when asked, and once an hour between `start` and `aclose`."""

    def __init__(self, *, frames: VitalFrames, audit: AuditTrail, clock: Clock, periods: Periods) -> None:
        self._frames = frames
        self._audit = audit
        self._clock = clock
        self._periods = periods
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Purge now and then, until `aclose`; nothing if everything is kept for good."""
        if self._periods != Periods():
            # Owned by this object: aclose cancels and awaits it.
            self._task = asyncio.create_task(self._purge_hourly())  # noqa: TID251

    async def aclose(self) -> None:
        """Stop; a batch that is being deleted is deleted or not."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def purge(self) -> Purged:
        """Delete what is too old; Unavailable if the database does not answer, and some of it may be gone."""
        purged = Purged(
            waves=await self._purge(self._periods.waves_days, numerics=False),
            numerics=await self._purge(self._periods.numerics_days, numerics=True),
        )
        if purged.waves or purged.numerics:
            await self._audit.record(AuditEvent("vitals.purged", "system", "system", "vitals"))
            logger.info("purged %d wave frames and %d messages of numerics", purged.waves, purged.numerics)
        return purged

    async def _purge(self, days: int, *, numerics: bool) -> int:
        if not days:
            return 0
        before, deleted = self._clock.now() - timedelta(days=days), 0
        for _ in range(MAX_BATCHES):
            batch = await self._frames.purge(before, numerics=numerics, limit=BATCH)
            deleted += batch
            if batch < BATCH:
                break
            await asyncio.sleep(PAUSE_S)
        return deleted

    async def _purge_hourly(self) -> None:
        while True:
            try:
                await self.purge()
            except TelehealthError as error:
                logger.warning("what is too old could not be purged: %s", error.code)
            await asyncio.sleep(EVERY_S)
