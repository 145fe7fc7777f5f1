"""Stored recordings; their contents are in sealed files."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from telehealth.consultations.recordings import MAX_PER_ENCOUNTER, Recording
from telehealth.errors import NotFound, TooMany
from telehealth.ids import EncounterId, RecordingId
from telehealth.storage.database import Database
from telehealth.storage.encounters import lock_encounter
from telehealth.storage.tables import recordings

_c = recordings.c


class SqlRecordings:
    """Implements consultations.recordings.Recordings."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, recording: Recording) -> None:
        of_encounter = _c.encounter_id == recording.encounter_id
        async with self._database.write() as connection:
            await lock_encounter(connection, recording.encounter_id)
            count: int = await connection.scalar(select(func.count()).where(of_encounter)) or 0
            if count >= MAX_PER_ENCOUNTER:
                raise TooMany("This consultation has too many recordings.", code="too_many_recordings")
            await connection.execute(insert(recordings).values(**asdict(recording)))

    async def finish(self, recording: RecordingId, ended_at: datetime, pieces: int) -> None:
        statement = update(recordings).where(_c.id == recording).values(ended_at=ended_at, pieces=pieces)
        async with self._database.write() as connection:
            await connection.execute(statement)

    async def get(self, encounter: EncounterId, recording: RecordingId) -> Recording:
        statement = select(recordings).where(_c.encounter_id == encounter, _c.id == recording)
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise NotFound("There is no such thing, or it is not yours.")
        return _recording(row)

    async def of_encounter(self, encounter: EncounterId) -> Sequence[Recording]:
        found = select(recordings).where(_c.encounter_id == encounter).order_by(_c.started_at, _c.id)
        async with self._database.read() as connection:
            return [_recording(row) for row in (await connection.execute(found.limit(MAX_PER_ENCOUNTER))).all()]

    async def begun_before(self, before: datetime, *, limit: int) -> Sequence[Recording]:
        found = select(recordings).where(_c.started_at < before).order_by(_c.started_at, _c.id).limit(limit)
        async with self._database.read() as connection:
            return [_recording(row) for row in (await connection.execute(found)).all()]

    async def remove(self, recording: RecordingId) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(recordings).where(_c.id == recording))


def _recording(row: Any) -> Recording:
    return Recording(**row._asdict())
