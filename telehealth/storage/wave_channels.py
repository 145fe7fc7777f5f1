"""Stored waveform channels: numbered in each encounter."""

import dataclasses
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy import insert as plain_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from telehealth.errors import Invalid
from telehealth.ids import EncounterId
from telehealth.storage.database import Database
from telehealth.storage.encounters import lock_encounter
from telehealth.storage.tables import wave_channels
from telehealth.vitals.model import WaveChannel

LAST_CHANNEL = 65_535
"""Highest number of a channel in an encounter: it travels in 16 bits."""

CHANNELS = 1_000

_w = wave_channels.c


class SqlWaveChannels:
    """The part of vitals.ports.VitalFrames that concerns channels."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_channels(self, channels: Sequence[WaveChannel]) -> Sequence[WaveChannel]:
        async with self._database.write() as connection:
            # Sorted, so that two transactions that need several never wait for each other.
            for encounter in sorted({channel.encounter_id for channel in channels}):
                await lock_encounter(connection, encounter)
            return [await _add_channel(connection, channel) for channel in channels]

    async def channels(self, encounter: EncounterId) -> Sequence[WaveChannel]:
        """Return the newest 1,000, by number."""
        newest = select(wave_channels).where(_w.encounter_id == encounter).order_by(_w.number.desc()).limit(CHANNELS)
        async with self._database.read() as connection:
            rows = (await connection.execute(newest)).all()
        return [WaveChannel(**row._asdict()) for row in reversed(rows)]


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
