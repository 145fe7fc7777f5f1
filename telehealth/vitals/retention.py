"""Retention: how long what devices sent is kept, by class."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta

from telehealth.audit import AuditEvent, AuditTrail
from telehealth.clock import Clock
from telehealth.vitals.ports import VitalFrames

logger = logging.getLogger(__name__)

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
    """Deletes what is older than it may be, when asked."""

    def __init__(self, *, frames: VitalFrames, audit: AuditTrail, clock: Clock, periods: Periods) -> None:
        self._frames = frames
        self._audit = audit
        self._clock = clock
        self._periods = periods

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
