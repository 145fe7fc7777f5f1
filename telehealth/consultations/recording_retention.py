"""Retention of recordings: how long they are kept."""

from datetime import timedelta

from telehealth.audit import AuditEvent, AuditTrail
from telehealth.clock import Clock
from telehealth.consultations.recordings import RecordingFiles, Recordings

BATCH = 100


class RecordingRetention:
    """Deletes recordings that are older than they may be, when asked.

    Args:
        days: For so long each is kept after it began; 0: for good.
    """

    def __init__(
        self, recordings: Recordings, files: RecordingFiles, *, audit: AuditTrail, clock: Clock, days: int
    ) -> None:
        self._recordings = recordings
        self._files = files
        self._audit = audit
        self._clock = clock
        self._days = days

    async def purge(self) -> int:
        """Delete what is too old and return how many; Unavailable if that can't be finished."""
        if not self._days:
            return 0
        before, deleted = self._clock.now() - timedelta(days=self._days), 0
        while batch := await self._recordings.begun_before(before, limit=BATCH):
            for recording in batch:
                # The contents first: what is interrupted here is found and finished by the next purge.
                await self._files.remove(recording.id)
                await self._audit.record(
                    AuditEvent("recording.purged", "system", "system", f"recording/{recording.id}")
                )
                await self._recordings.remove(recording.id)
            deleted += len(batch)
        return deleted
