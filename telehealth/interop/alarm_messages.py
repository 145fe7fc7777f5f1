"""Alarms, scores, limits and entries as watchers get them on `/ws/vitals` (docs/protocol.md, Vitals)."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from telehealth.clock import to_ms
from telehealth.interop.wire import Id, Line, Message, Ms
from telehealth.vitals.alarm import Alarm, AlarmKind, AlarmState
from telehealth.vitals.limits import AgeBand, SetLimit
from telehealth.vitals.rhythm import Hint, Rhythm
from telehealth.vitals.rhythms import RhythmSeen
from telehealth.vitals.scores import Band, Score, ScoreKind
from telehealth.vitals.scoring import Entered, Entry
from telehealth.vitals.signals import Signals, SignalState
from telehealth.vitals.vital_signs import SIGNS, Vital

EventIdText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}-[0-9]{1,15}$")]
PriorityName = Literal["low", "medium", "high"]
_FIRST = "0-0"
_TILES = MappingProxyType({"lead_off": "heart-rate", "probe_off": "spo2", "apnoea": "resp-rate"})


class AlarmShown(Message):
    """An alarm as it is now."""

    id: Id
    kind: AlarmKind
    subject: Line
    side: Literal["low", "high", ""]
    device: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{0,64}$")]
    tile: Line
    state: AlarmState
    priority: PriorityName
    text: Line
    since: Ms
    raised_at: Ms | None
    ended_at: Ms | None
    acknowledged_by: Line
    acknowledged_at: Ms | None
    snoozed_until: Ms | None
    reason: Line
    bedside: Line
    demo: bool
    late: bool


class AlarmChangedMessage(Message):
    """An alarm was raised, or is no longer as it was."""

    type: Literal["alarm"] = "alarm"
    id: EventIdText
    alarm: AlarmShown


class ScoreInputShown(Message):
    """One input of a score; null points: missing."""

    name: Line
    value: Line
    points: int | None
    taken_at: Ms | None
    source: Line


class ScoreShown(Message):
    """An issued score."""

    id: Id
    kind: ScoreKind
    variant: Line
    at: Ms
    total: float
    band: Band
    complete: bool
    inputs: tuple[ScoreInputShown, ...]
    asked_by: Line
    demo: bool


class ScoreIssued(Message):
    """A score was issued."""

    type: Literal["score"] = "score"
    id: EventIdText
    score: ScoreShown


class LimitShown(Message):
    """The limits of one vital; `set_by` is empty for those of the age, `apnoea_s` null but for the respiratory rate."""

    vital: Vital
    label: Line
    tile: Line
    unit: Line
    decimals: Annotated[int, Field(ge=0, le=3)]
    very_low: float | None
    low: float | None
    high: float | None
    very_high: float | None
    apnoea_s: float | None
    set_by: Line
    set_at: Ms | None


class LimitsSet(Message):
    """The limits in force."""

    type: Literal["limits"] = "limits"
    id: EventIdText
    band: Line
    age_known: bool
    limits: tuple[LimitShown, ...]


class EntryShown(Message):
    """What a person entered."""

    entry: Entry
    value: Line
    at: Ms
    by: Line


class EntriesMade(Message):
    """What is entered, the newest of each kind."""

    type: Literal["entries"] = "entries"
    id: EventIdText
    entries: tuple[EntryShown, ...]


class SignalsShown(Message):
    """Whether the alarms of the patient are heard and seen; `until` of a pause, `by` empty if nobody has set it."""

    state: SignalState
    until: Ms | None
    by: Line
    at: Ms | None


class SignalsSet(Message):
    """Somebody has paused the alarms, turned them off or on."""

    type: Literal["signals"] = "signals"
    id: EventIdText
    signals: SignalsShown


class RhythmMessage(Message):
    """What the ECG looks like where somebody asked: support, no diagnosis.

    `checked` is false when the device's rate has differed by more than a fifth for ten seconds, null without one.
    """

    type: Literal["rhythm"] = "rhythm"
    id: EventIdText
    on: bool
    channel: Annotated[int, Field(ge=0, le=0xFFFF)]
    rate: float | None
    device_rate: float | None
    rmssd_ms: float | None
    checked: bool | None
    hints: tuple[Hint, ...]
    demo: bool


class AlarmsJson:
    """Alarms and scores as JSON. Implements vitals.watch_ports.WatchWire."""

    def alarm(self, alarm: Alarm) -> bytes:
        return _without_id(AlarmChangedMessage(id=_FIRST, alarm=alarm_shown(alarm)))

    def score(self, score: Score) -> bytes:
        return _without_id(ScoreIssued(id=_FIRST, score=score_shown(score)))

    def limits(self, band: AgeBand, *, age_known: bool, limits: Mapping[Vital, SetLimit]) -> bytes:
        shown = tuple(_limit(limits[vital]) for vital in SIGNS if vital in limits)
        return _without_id(LimitsSet(id=_FIRST, band=band.name, age_known=age_known, limits=shown))

    def entries(self, entries: Mapping[Entry, Entered]) -> bytes:
        shown = tuple(
            EntryShown(entry=one.entry, value=one.value, at=to_ms(one.at), by=one.by_name) for one in entries.values()
        )
        return _without_id(EntriesMade(id=_FIRST, entries=shown))

    def signals(self, signals: Signals) -> bytes:
        return _without_id(SignalsSet(id=_FIRST, signals=signals_shown(signals)))

    def rhythm(self, seen: RhythmSeen) -> bytes:
        rhythm = seen.rhythm or Rhythm(None, None, None, (), None)
        message = RhythmMessage(
            id=_FIRST,
            on=seen.on,
            channel=seen.channel,
            rate=rhythm.rate,
            device_rate=seen.device_rate,
            rmssd_ms=rhythm.rmssd_ms,
            checked=rhythm.checked,
            hints=rhythm.hints,
            demo=seen.demo,
        )
        return _without_id(message)


def alarm_shown(alarm: Alarm) -> AlarmShown:
    """Return the alarm as it is shown."""
    condition = alarm.condition
    return AlarmShown.model_validate(
        {
            "id": alarm.id,
            "kind": condition.kind,
            "subject": condition.subject,
            "side": condition.side,
            "device": condition.device,
            "tile": _tile(alarm),
            "state": alarm.state,
            "priority": alarm.priority.name.lower(),
            "text": alarm.text,
            "since": to_ms(alarm.since),
            "raised_at": _ms(alarm.raised_at),
            "ended_at": _ms(alarm.ended_at),
            "acknowledged_by": alarm.acknowledged_name,
            "acknowledged_at": _ms(alarm.acknowledged_at),
            "snoozed_until": _ms(alarm.snoozed_until),
            "reason": alarm.reason,
            "bedside": alarm.bedside,
            "demo": alarm.demo,
            "late": alarm.late,
        }
    )


def score_shown(score: Score) -> ScoreShown:
    """Return the score as it is shown."""
    inputs = tuple(
        ScoreInputShown(
            name=one.name, value=one.value, points=one.points, taken_at=_ms(one.taken_at), source=one.source
        )
        for one in score.inputs
    )
    return ScoreShown(
        id=score.id,
        kind=score.kind,
        variant=score.variant,
        at=to_ms(score.at),
        total=score.total,
        band=score.band,
        complete=score.complete,
        inputs=inputs,
        asked_by=score.asked_by,
        demo=score.demo,
    )


def signals_shown(signals: Signals) -> SignalsShown:
    """Return the signals as they are shown."""
    return SignalsShown(state=signals.state, until=_ms(signals.until), by=signals.set_by_name, at=_ms(signals.set_at))


def _tile(alarm: Alarm) -> str:
    """Return the key of the tile that the alarm is about, empty if none."""
    condition = alarm.condition
    if condition.kind is AlarmKind.LIMIT and condition.subject in SIGNS:
        sign = SIGNS[Vital(condition.subject)]
        return "art" if alarm.source in ("ART", "ABP") else sign.tile
    return _TILES.get(condition.subject, "")


def _limit(known: SetLimit) -> LimitShown:
    limit, sign = known.limit, SIGNS[known.limit.vital]
    return LimitShown(
        vital=limit.vital,
        label=sign.label,
        tile=sign.tile,
        unit=sign.unit,
        decimals=sign.decimals,
        very_low=limit.very_low,
        low=limit.low,
        high=limit.high,
        very_high=limit.very_high,
        apnoea_s=limit.apnoea_s if limit.vital is Vital.RESP_RATE else None,
        set_by=known.set_by_name,
        set_at=_ms(known.set_at),
    )


def _ms(instant: datetime | None) -> float | None:
    return None if instant is None else to_ms(instant)


def _without_id(message: Message) -> bytes:
    return message.model_dump_json(exclude={"id"}).encode()
