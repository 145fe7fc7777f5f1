"""Stored alarms, limits, entries and scores; what they say of a patient is sealed, times and states are not."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, func, select

from telehealth.errors import NotFound
from telehealth.ids import AlarmId, EncounterId
from telehealth.storage.cipher import ColumnCipher, FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.statements import insert
from telehealth.storage.tables import alarm_events, alarm_limits, alarm_signals, alarms, entered_values, scores
from telehealth.vitals.alarm import Alarm, Change
from telehealth.vitals.limits import SetLimit
from telehealth.vitals.scores import Score
from telehealth.vitals.scoring import Entered
from telehealth.vitals.signals import Signals
from telehealth.vitals.track import AlarmChanged

_OPEN = 200
_LIMITS = 50

_ALARM: TypeAdapter[Alarm] = TypeAdapter(Alarm)
_LIMIT: TypeAdapter[SetLimit] = TypeAdapter(SetLimit)
_ENTERED: TypeAdapter[Entered] = TypeAdapter(Entered)
_SCORE: TypeAdapter[Score] = TypeAdapter(Score)
_SIGNALS: TypeAdapter[Signals] = TypeAdapter(Signals)

T = TypeVar("T")


class SqlWatchRecords:
    """Implements vitals.watch_ports.WatchRecords."""

    def __init__(self, database: Database, cipher: FieldCipher) -> None:
        self._database = database
        self._alarm = cipher.column("alarms", "body")
        self._limit = cipher.column("alarm_limits", "body")
        self._entered = cipher.column("entered_values", "body")
        self._score = cipher.column("scores", "body")
        self._signals = cipher.column("alarm_signals", "body")

    async def save_alarms(self, encounter: EncounterId, changes: Sequence[AlarmChanged]) -> None:
        newest = {change.alarm.id: change.alarm for change in changes}
        rows = [self._alarm_row(encounter, alarm) for alarm in newest.values()]
        events = [_event_row(change) for change in changes if change.change is not Change.UPDATED]
        if not rows:
            return
        async with self._database.write() as connection:
            put = insert(connection, alarms)
            replaced = {name: put.excluded[name] for name in ("is_open", "body")}
            await connection.execute(put.on_conflict_do_update(index_elements=["id"], set_=replaced), rows)
            if events:
                await connection.execute(insert(connection, alarm_events).on_conflict_do_nothing(), events)

    async def alarm(self, encounter: EncounterId, alarm: AlarmId) -> Alarm:
        found = await self._alarms(select(alarms).where(alarms.c.encounter_id == encounter, alarms.c.id == alarm))
        if not found:
            raise NotFound("There is no such alarm.")
        return found[0]

    async def open_alarms(self, encounter: EncounterId) -> Sequence[Alarm]:
        """Return the oldest 200 that have not ended."""
        of_encounter = select(alarms).where(alarms.c.encounter_id == encounter, alarms.c.is_open)
        return await self._alarms(of_encounter.order_by(alarms.c.raised_at, alarms.c.id).limit(_OPEN))

    async def alarms(self, encounter: EncounterId, *, limit: int) -> Sequence[Alarm]:
        of_encounter = select(alarms).where(alarms.c.encounter_id == encounter)
        return await self._alarms(of_encounter.order_by(alarms.c.raised_at.desc(), alarms.c.id).limit(limit))

    async def set_limits(self, encounter: EncounterId, limits: Sequence[SetLimit]) -> None:
        rows = [self._limit_row(encounter, one) for one in limits if one.set_at is not None]
        if not rows:
            return
        async with self._database.write() as connection:
            put = insert(connection, alarm_limits)
            replaced = {name: put.excluded[name] for name in ("set_at", "body")}
            upsert = put.on_conflict_do_update(index_elements=["encounter_id", "vital"], set_=replaced)
            await connection.execute(upsert, rows)

    async def limits(self, encounter: EncounterId) -> Sequence[SetLimit]:
        statement = select(alarm_limits).where(alarm_limits.c.encounter_id == encounter)
        rows = await self._rows(statement.order_by(alarm_limits.c.vital).limit(_LIMITS))
        return [_opened(self._limit, f"{encounter}/{row.vital}", row, _LIMIT) for row in rows]

    async def enter(self, encounter: EncounterId, entered: Sequence[Entered]) -> None:
        rows = [
            {
                "encounter_id": encounter,
                "entry": one.entry.value,
                "at": one.at,
                "body": self._entered.seal_bytes(_entry_place(encounter, one.entry.value), _ENTERED.dump_json(one)),
            }
            for one in entered
        ]
        if rows:
            async with self._database.write() as connection:
                await connection.execute(insert(connection, entered_values).on_conflict_do_nothing(), rows)

    async def entries(self, encounter: EncounterId) -> Sequence[Entered]:
        c = entered_values.c
        newest = select(c.entry, func.max(c.at).label("at")).where(c.encounter_id == encounter).group_by(c.entry)
        last = newest.subquery()
        statement = select(entered_values).join(last, (c.entry == last.c.entry) & (c.at == last.c.at))
        rows = await self._rows(statement.where(c.encounter_id == encounter).order_by(c.entry).limit(_LIMITS))
        return [_opened(self._entered, _entry_place(encounter, row.entry), row, _ENTERED) for row in rows]

    async def set_signals(self, encounter: EncounterId, signals: Signals) -> None:
        if signals.set_at is None:
            return
        body = self._signals.seal_bytes(encounter, _SIGNALS.dump_json(signals))
        row = {"encounter_id": encounter, "set_at": signals.set_at, "body": body}
        async with self._database.write() as connection:
            put = insert(connection, alarm_signals)
            upsert = put.on_conflict_do_update(
                index_elements=["encounter_id", "set_at"], set_={"body": put.excluded["body"]}
            )
            await connection.execute(upsert, [row])

    async def signals(self, encounter: EncounterId) -> Signals:
        of_encounter = select(alarm_signals).where(alarm_signals.c.encounter_id == encounter)
        rows = await self._rows(of_encounter.order_by(alarm_signals.c.set_at.desc()).limit(1))
        return _opened(self._signals, encounter, rows[0], _SIGNALS) if rows else Signals()

    async def add_scores(self, encounter: EncounterId, issued: Sequence[Score]) -> None:
        rows = [
            {
                "id": score.id,
                "encounter_id": encounter,
                "at": score.at,
                "body": self._score.seal_bytes(score.id, _SCORE.dump_json(score)),
            }
            for score in issued
        ]
        if rows:
            async with self._database.write() as connection:
                await connection.execute(insert(connection, scores).on_conflict_do_nothing(), rows)

    async def scores(self, encounter: EncounterId, *, limit: int) -> Sequence[Score]:
        of_encounter = select(scores).where(scores.c.encounter_id == encounter)
        rows = await self._rows(of_encounter.order_by(scores.c.at.desc(), scores.c.id).limit(limit))
        return [_opened(self._score, row.id, row, _SCORE) for row in rows]

    async def _alarms(self, statement: Select[Any]) -> list[Alarm]:
        return [_opened(self._alarm, row.id, row, _ALARM) for row in await self._rows(statement)]

    async def _rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        async with self._database.read() as connection:
            rows: Sequence[Row[Any]] = (await connection.execute(statement)).all()
        return rows

    def _alarm_row(self, encounter: EncounterId, alarm: Alarm) -> dict[str, Any]:
        return {
            "id": alarm.id,
            "encounter_id": encounter,
            "is_open": alarm.open,
            "raised_at": alarm.raised_at or alarm.since,
            "body": self._alarm.seal_bytes(alarm.id, _ALARM.dump_json(alarm)),
        }

    def _limit_row(self, encounter: EncounterId, one: SetLimit) -> dict[str, Any]:
        vital = one.limit.vital.value
        body = self._limit.seal_bytes(f"{encounter}/{vital}", _LIMIT.dump_json(one))
        return {"encounter_id": encounter, "vital": vital, "set_at": one.set_at, "body": body}


def _opened(column: ColumnCipher, place: str, row: Row[Any], adapter: TypeAdapter[T]) -> T:
    return in_utc(adapter.validate_json(column.open_bytes(place, row.body)))


def in_utc(value: T) -> T:
    """Return a value read by pydantic with its instants in Python's own UTC, also those within.

    What lives as long as the process must not hold pydantic-core's time zone objects: freed after pydantic-core itself,
    when the interpreter ends, they crash it.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    if isinstance(value, tuple):
        return cast(T, tuple(in_utc(one) for one in value))
    if not is_dataclass(value) or isinstance(value, type):
        return value
    return replace(value, **{part.name: in_utc(getattr(value, part.name)) for part in fields(value) if part.init})


def _entry_place(encounter: EncounterId, entry: str) -> str:
    return f"{encounter}/{entry}"


def _event_row(change: AlarmChanged) -> dict[str, Any]:
    return {"alarm_id": change.alarm.id, "change": change.change.value, "at": change.at, "actor": change.by or "system"}
