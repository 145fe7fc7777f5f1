"""Stored samples and waveforms; bodies are sealed with a key of their encounter's."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy import insert as plain_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from telehealth.errors import Invalid
from telehealth.ids import DeviceId, EncounterId
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.encounters import lock_encounter
from telehealth.storage.group_commit import GroupCommit
from telehealth.storage.statements import insert
from telehealth.storage.tables import vital_frames, wave_channels
from telehealth.vitals.model import StoredFrame, WaveChannel

LAST_CHANNEL = 65_535
"""Highest number of a channel in an encounter: it travels in 16 bits."""

_CHANNELS = 1_000

_c = vital_frames.c
_w = wave_channels.c
_identity = (_c.device_id, _c.boot, _c.channel, _c.sequence)


class SqlVitalFrames:
    """Implements vitals.ports.VitalFrames."""

    def __init__(self, database: Database, cipher: FieldCipher) -> None:
        self._database = database
        self._body = cipher.column("vital_frames", "body")
        self._commits = GroupCommit(self._insert)

    async def add_channels(self, channels: Sequence[WaveChannel]) -> Sequence[WaveChannel]:
        async with self._database.write() as connection:
            # Sorted, so that two transactions that need several never wait for each other.
            for encounter in sorted({channel.encounter_id for channel in channels}):
                await lock_encounter(connection, encounter)
            return [await _add_channel(connection, channel) for channel in channels]

    async def channels(self, encounter: EncounterId) -> Sequence[WaveChannel]:
        """Return the newest 1,000, by number."""
        newest = select(wave_channels).where(_w.encounter_id == encounter).order_by(_w.number.desc()).limit(_CHANNELS)
        async with self._database.read() as connection:
            rows = (await connection.execute(newest)).all()
        return [WaveChannel(**row._asdict()) for row in reversed(rows)]

    async def add(self, frames: Sequence[StoredFrame]) -> Sequence[bool]:
        if not frames:
            return []
        return await self._commits.add([self._values(frame) for frame in frames])

    async def last_sequences(self, device: DeviceId, boot: str) -> dict[int, int]:
        statement = select(_c.channel, func.max(_c.sequence).label("last")).where(
            _c.device_id == device, _c.boot == boot
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(statement.group_by(_c.channel).limit(_CHANNELS))).all()
        return {row.channel: row.last for row in rows}

    async def since(
        self, encounter: EncounterId, at: datetime, *, limit: int, channel: int | None = None
    ) -> Sequence[StoredFrame]:
        statement = select(vital_frames).where(_c.encounter_id == encounter, _c.received_at >= at)
        if channel is not None:
            statement = statement.where(_c.channel == channel)
        newest = statement.order_by(_c.received_at.desc(), _c.number.desc()).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(newest)).all()
        return [self._frame(row) for row in reversed(rows)]

    async def _insert(self, rows: Sequence[dict[str, Any]]) -> Sequence[bool]:
        async with self._database.write() as connection:
            statement = insert(connection, vital_frames).on_conflict_do_nothing().returning(*_identity)
            fresh = {tuple(row) for row in (await connection.execute(statement, rows)).all()}
        return [_claim(fresh, row) for row in rows]

    def _values(self, frame: StoredFrame) -> dict[str, Any]:
        return {
            "encounter_id": frame.encounter_id,
            "device_id": frame.device_id,
            "boot": frame.boot,
            "channel": frame.channel,
            "sequence": frame.sequence,
            "taken_at": frame.taken_at,
            "received_at": frame.received_at,
            "body": self._body.seal_bytes(_place(frame), frame.body, group=frame.encounter_id),
        }

    def _frame(self, row: Row[Any]) -> StoredFrame:
        return StoredFrame(
            encounter_id=EncounterId(row.encounter_id),
            device_id=DeviceId(row.device_id),
            boot=row.boot,
            channel=row.channel,
            sequence=row.sequence,
            taken_at=row.taken_at,
            received_at=row.received_at,
            body=self._body.open_bytes(_place(row), row.body, group=row.encounter_id),
        )


def _place(frame: StoredFrame | Row[Any]) -> str:
    return f"{frame.device_id}/{frame.boot}/{frame.channel}/{frame.sequence}"


def _claim(fresh: set[tuple[Any, ...]], row: dict[str, Any]) -> bool:
    """Say whether the row is among the fresh ones, and take it out: a repeat of it is not new."""
    key = (row["device_id"], row["boot"], row["channel"], row["sequence"])
    if key not in fresh:
        return False
    fresh.remove(key)
    return True


async def _add_channel(connection: AsyncConnection, channel: WaveChannel) -> WaveChannel:
    of_encounter: ColumnElement[bool] = _w.encounter_id == channel.encounter_id
    same = (_w.device_id == channel.device_id, _w.boot == channel.boot, _w.device_channel == channel.device_channel)
    known = await connection.execute(select(wave_channels).where(of_encounter, *same))
    if (row := known.one_or_none()) is not None:
        return WaveChannel(**row._asdict())
    last: int | None = await connection.scalar(select(func.max(_w.number)).where(of_encounter))
    if last == LAST_CHANNEL:
        raise Invalid("This encounter has too many waveform channels.", code="too_many_channels")
    numbered = dataclasses.replace(channel, number=(last or 0) + 1)
    await connection.execute(plain_insert(wave_channels).values(**dataclasses.asdict(numbered)))
    return numbered
