"""Stored samples and waveforms; bodies are sealed with a key of their encounter's.

A frame names its device and boot by one number and its encounter by another: both are made when they are first needed,
are never taken away, and so may be remembered here.
"""

import heapq
import zlib
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from telehealth.errors import Invalid
from telehealth.ids import DeviceId, EncounterId
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.group_commit import GroupCommit
from telehealth.storage.statements import insert
from telehealth.storage.tables import device_boots, device_frames, vital_feeds
from telehealth.storage.wave_channels import CHANNELS, SqlWaveChannels
from telehealth.vitals.model import FramePage, StoredFrame

LATE_ROWS = 256
"""Most rows of a transaction that back-fills: what is live waits no longer than it takes."""

_REMEMBERED = 4_096
_FEEDS = 1_000
_SCOPE = "vital_frames"
"""The scope of the bodies' keys: the name that the table had once."""

_WORTH_PACKING = 256
_PACKED = b"x"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INSERT = (
    "INSERT OR IGNORE INTO device_frames "
    "(boot_number, channel, sequence, feed_number, taken_us, received_us, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
# The channels of a boot and the newest sequence of each, without reading what lies between.
_LAST = text(
    "WITH RECURSIVE seen(channel) AS ("
    "SELECT min(channel) FROM device_frames WHERE boot_number = :boot "
    "UNION ALL SELECT (SELECT min(channel) FROM device_frames WHERE boot_number = :boot AND channel > seen.channel) "
    "FROM seen WHERE seen.channel IS NOT NULL) "
    "SELECT channel, (SELECT max(sequence) FROM device_frames WHERE boot_number = :boot "
    "AND channel = seen.channel) AS last FROM seen WHERE channel IS NOT NULL LIMIT :most"
)

_c = device_frames.c
_key = (_c.boot_number, _c.channel, _c.sequence)
_FeedKey = tuple[str, str, str]
_FrameRow = tuple[int, int, int, int, int, int, bytes]


@dataclass(frozen=True, slots=True)
class _Feed:
    number: int
    boot_number: int
    device: DeviceId
    boot: str
    encounter: EncounterId


class SqlVitalFrames(SqlWaveChannels):
    """Implements vitals.ports.VitalFrames."""

    def __init__(self, database: Database, cipher: FieldCipher) -> None:
        super().__init__(database)
        self._body = cipher.column(_SCOPE, "body")
        self._live = GroupCommit(self._insert)
        self._late = GroupCommit(self._insert, LATE_ROWS)
        self._feeds: OrderedDict[_FeedKey, _Feed] = OrderedDict()

    async def add(self, frames: Sequence[StoredFrame], *, late: bool = False) -> Sequence[bool]:
        if not frames:
            return []
        rows = [self._row(frame, await self._feed(frame)) for frame in frames]
        return await (self._late if late else self._live).add(rows)

    async def last_sequences(self, device: DeviceId, boot: str) -> dict[int, int]:
        known = select(device_boots.c.number).where(device_boots.c.device_id == device, device_boots.c.boot == boot)
        async with self._database.read() as connection:
            number = await connection.scalar(known)
            if number is None:
                return {}
            rows = (await connection.execute(_LAST, {"boot": number, "most": CHANNELS})).all()
        return {row.channel: row.last for row in rows}

    async def since(
        self, encounter: EncounterId, at: datetime, *, limit: int, channel: int | None = None
    ) -> Sequence[StoredFrame]:
        newest: list[StoredFrame] = []
        async with self._database.read() as connection:
            for feed in await _feeds_of(connection, encounter):
                statement = _of(feed, {channel} if channel is not None else None).where(_c.taken_us >= _us(at))
                ordered = statement.order_by(_c.taken_us.desc(), _c.boot_number.desc(), _c.channel, _c.sequence.desc())
                rows = (await connection.execute(ordered.limit(limit))).all()
                newest += [self._frame(row, feed) for row in rows]
        newest.sort(key=lambda frame: (frame.taken_at, frame.channel, frame.sequence))
        return newest[-limit:]

    async def between(
        self,
        encounter: EncounterId,
        start: datetime,
        end: datetime,
        *,
        limit: int,
        channels: Collection[int] | None = None,
        after: str = "",
    ) -> FramePage:
        place = _place_of(after)
        async with self._database.read() as connection:
            # Each feed's rows come in the order of its index: merged, no more than a page of any is read.
            found = []
            for feed in await _feeds_of(connection, encounter):
                statement = _of(feed, channels).where(_c.taken_us >= _us(start), _c.taken_us < _us(end))
                if place is not None:
                    statement = statement.where(_c.taken_us >= place[0], tuple_(_c.taken_us, *_key) > place)
                ordered = statement.order_by(_c.taken_us, *_key).limit(limit + 1)
                found.append([(_place(row), row, feed) for row in (await connection.execute(ordered)).all()])
        merged = list(heapq.merge(*found, key=lambda item: item[0]))
        frames = tuple(self._frame(row, feed) for _, row, feed in merged[:limit])
        more = len(merged) > limit
        return FramePage(frames, "-".join(str(part) for part in merged[limit - 1][0]) if more else "")

    async def purge(self, before: datetime, *, numerics: bool, limit: int) -> int:
        old = (_c.taken_us < _us(before), _c.channel == 0 if numerics else _c.channel != 0)
        deleted = 0
        async with self._database.read() as connection:
            some = select(_c.feed_number).where(_c.feed_number == vital_feeds.c.number, *old).limit(1)
            statement = select(vital_feeds.c.number).where(some.exists()).order_by(vital_feeds.c.number).limit(_FEEDS)
            feeds = (await connection.scalars(statement)).all()
        for feed in feeds:
            if deleted >= limit:
                break
            deleted += await self._purge_feed(feed, old, limit - deleted)
        return deleted

    async def _purge_feed(self, feed: int, old: tuple[Any, ...], limit: int) -> int:
        keys = select(*_key).where(_c.feed_number == feed, *old).limit(limit)
        async with self._database.write() as connection:
            result = await connection.execute(device_frames.delete().where(tuple_(*_key).in_(keys)))
        return result.rowcount

    async def _feed(self, frame: StoredFrame) -> _Feed:
        key = (frame.device_id, frame.boot, frame.encounter_id)
        known = self._feeds.get(key)
        if known is None:
            known = self._feeds[key] = await self._numbered(frame)
            while len(self._feeds) > _REMEMBERED:
                self._feeds.popitem(last=False)
        return known

    async def _numbered(self, frame: StoredFrame) -> _Feed:
        boot = {"device_id": frame.device_id, "boot": frame.boot}
        async with self._database.write() as connection:
            await connection.execute(insert(connection, device_boots).values(**boot).on_conflict_do_nothing())
            same = (device_boots.c.device_id == frame.device_id, device_boots.c.boot == frame.boot)
            boot_number = (await connection.execute(select(device_boots.c.number).where(*same))).scalar_one()
            feed = {"boot_number": boot_number, "encounter_id": frame.encounter_id}
            await connection.execute(insert(connection, vital_feeds).values(**feed).on_conflict_do_nothing())
            where = (vital_feeds.c.boot_number == boot_number, vital_feeds.c.encounter_id == frame.encounter_id)
            number = (await connection.execute(select(vital_feeds.c.number).where(*where))).scalar_one()
        return _Feed(number, boot_number, frame.device_id, frame.boot, frame.encounter_id)

    async def _insert(self, rows: Sequence[_FrameRow]) -> Sequence[bool]:
        async with self._database.write() as connection:
            if connection.dialect.name == "sqlite":
                return await _insert_into_sqlite(connection, rows)
            statement = insert(connection, device_frames).on_conflict_do_nothing().returning(*_key)
            names = [column.name for column in device_frames.columns]
            values = [dict(zip(names, row, strict=True)) for row in rows]
            fresh = {tuple(row) for row in (await connection.execute(statement, values)).all()}
        return [_claim(fresh, row[:3]) for row in rows]

    def _row(self, frame: StoredFrame, feed: _Feed) -> _FrameRow:
        sealed = self._body.seal_bytes(_sealed_place(frame), _packed(frame.body), group=frame.encounter_id)
        taken, received = _us(frame.taken_at), _us(frame.received_at)
        return (feed.boot_number, frame.channel, frame.sequence, feed.number, taken, received, sealed)

    def _frame(self, row: Row[Any], feed: _Feed) -> StoredFrame:
        place = f"{feed.device}/{feed.boot}/{row.channel}/{row.sequence}"
        return StoredFrame(
            encounter_id=feed.encounter,
            device_id=feed.device,
            boot=feed.boot,
            channel=row.channel,
            sequence=row.sequence,
            taken_at=_EPOCH + row.taken_us * _MICROSECOND,
            received_at=_EPOCH + row.received_us * _MICROSECOND,
            body=_unpacked(self._body.open_bytes(place, row.body, group=feed.encounter)),
        )


async def _insert_into_sqlite(connection: AsyncConnection, rows: Sequence[_FrameRow]) -> Sequence[bool]:
    """Insert in one statement for all; RETURNING would read each row back, and nearly all are new."""
    inserted = (await connection.exec_driver_sql(_INSERT, list(rows))).rowcount
    if inserted == len(rows):
        return [True] * len(rows)
    # No two sealings are alike: the row that is there with our bytes is ours.
    stored: dict[tuple[int, int, int], bytes] = {}
    for start in range(0, len(rows), LATE_ROWS):
        keys = [row[:3] for row in rows[start : start + LATE_ROWS]]
        found = await connection.execute(select(*_key, _c.body).where(tuple_(*_key).in_(keys)))
        stored |= {(row.boot_number, row.channel, row.sequence): row.body for row in found.all()}
    return [stored.get(row[:3]) == row[6] for row in rows]


async def _feeds_of(connection: AsyncConnection, encounter: EncounterId) -> list[_Feed]:
    """Return the newest feeds of an encounter."""
    statement = (
        select(vital_feeds.c.number, vital_feeds.c.boot_number, device_boots.c.device_id, device_boots.c.boot)
        .join_from(vital_feeds, device_boots, device_boots.c.number == vital_feeds.c.boot_number)
        .where(vital_feeds.c.encounter_id == encounter)
        .order_by(vital_feeds.c.number.desc())
        .limit(_FEEDS)
    )
    rows = (await connection.execute(statement)).all()
    return [_Feed(row.number, row.boot_number, DeviceId(row.device_id), row.boot, encounter) for row in rows]


def _packed(body: bytes) -> bytes:
    """Return the body compressed if that is worth it: a message of numerics becomes a third, a short frame nothing."""
    if len(body) < _WORTH_PACKING and body[:1] != _PACKED:
        return body
    packed = zlib.compress(body, 1)
    return packed if len(packed) < len(body) or body[:1] == _PACKED else body


def _unpacked(body: bytes) -> bytes:
    # Neither a frame nor JSON begins as compressed data do.
    return zlib.decompress(body) if body[:1] == _PACKED else body


def _of(feed: _Feed, channels: Collection[int] | None) -> Select[Any]:
    statement = select(device_frames).where(_c.feed_number == feed.number)
    return statement if channels is None else statement.where(_c.channel.in_(sorted(channels)))


def _us(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _place(row: Row[Any]) -> tuple[int, int, int, int]:
    return (row.taken_us, row.boot_number, row.channel, row.sequence)


def _place_of(after: str) -> tuple[int, ...] | None:
    """Return the place that a page ended with; Invalid for what no page gave."""
    if not after:
        return None
    parts = after.split("-")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in parts):
        raise Invalid("There is no such page.", code="bad_page")
    return tuple(int(part) for part in parts)


def _sealed_place(frame: StoredFrame) -> str:
    return f"{frame.device_id}/{frame.boot}/{frame.channel}/{frame.sequence}"


def _claim(fresh: set[tuple[Any, ...]], key: tuple[Any, ...]) -> bool:
    """Say whether the row is among the fresh ones, and take it out: a repeat of it is not new."""
    if key not in fresh:
        return False
    fresh.remove(key)
    return True
