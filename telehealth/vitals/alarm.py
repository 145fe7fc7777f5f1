"""An alarm and its states (words of IEC 60601-1-8): what it is, and how it becomes what, without I/O.

inactive → pending → active → ended | latched, and acknowledged on the way; the delays are counted by the times of the
measurements, not by those of their arrival. One condition has one alarm: what gets worse is told anew, not twice. An
acknowledgement or a pause made here changes nothing at the bedside.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from telehealth.errors import Conflict
from telehealth.ids import AlarmId


class Priority(IntEnum):
    """How soon somebody must respond: at leisure, promptly, at once."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def sign(self) -> str:
        """Return the asterisks that stand before the text."""
        return "*" * self


class AlarmKind(StrEnum):
    """Where it comes from: a limit, a fault of the measurement, or the device's own word."""

    LIMIT = "limit"
    TECHNICAL = "technical"
    DEVICE = "device"


class AlarmState(StrEnum):
    """How an alarm stands. Inactive is the state of a condition that has no alarm."""

    PENDING = "pending"
    ACTIVE = "active"
    LATCHED = "latched"
    ACKNOWLEDGED = "acknowledged"
    ENDED = "ended"


class Change(StrEnum):
    """What happened to an alarm."""

    RAISED = "raised"
    ESCALATED = "escalated"
    EASED = "eased"
    UPDATED = "updated"
    LATCHED = "latched"
    ACKNOWLEDGED = "acknowledged"
    REALARMED = "realarmed"
    SNOOZED = "snoozed"
    SNOOZE_OVER = "snooze_over"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Condition:
    """What an alarm is about; there is one open alarm of a condition at most.

    Attributes:
        subject: A vital, `apnoea`, the code of a fault (`lead_off`), or the device's own name of its alarm.
        side: `low` or `high` of a limit, else empty.
        device: Whose fault or word it is; empty for limits, which hold whatever the source.
    """

    kind: AlarmKind
    subject: str
    side: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm from its first sign to its end.

    Attributes:
        name: What is read out: `SpO2 LOW`, `ECG LEADS OFF`.
        reading: The worst value so far against its limit: `86 < 90`; empty without a value.
        since: When the condition began; `raised_at` when it was first told, None while pending.
        worst: The highest priority that it has had.
        clear_since: Since when the condition is gone, None while it is there.
        reason: Why it ended: `over`, `no_data`, `device_gone`, `late`, `encounter_ended`.
        bedside: What was done about it at the device (`audio-paused`), when the device says so.
        demo: It comes of simulated data and means nothing about anybody.
        late: It comes of data that arrived late; it is told with its own time and asks nobody to come.
    """

    id: AlarmId
    condition: Condition
    priority: Priority
    name: str
    since: datetime
    reading: str = ""
    state: AlarmState = AlarmState.PENDING
    value: float | None = None
    limit: float | None = None
    source: str = ""
    worst: Priority = Priority.LOW
    urgent_since: datetime | None = None
    eased_since: datetime | None = None
    clear_since: datetime | None = None
    raised_at: datetime | None = None
    acknowledged_by: str = ""
    acknowledged_name: str = ""
    acknowledged_at: datetime | None = None
    snoozed_until: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""
    bedside: str = ""
    demo: bool = False
    late: bool = False

    @property
    def text(self) -> str:
        """As it is read out: `** SpO2 LOW 86 < 90`."""
        return f"{self.priority.sign} {self.name} {self.reading}".rstrip()

    @property
    def open(self) -> bool:
        """Whether it has been told and has not ended."""
        return self.state in (AlarmState.ACTIVE, AlarmState.LATCHED, AlarmState.ACKNOWLEDGED)

    def signals(self, at: datetime) -> bool:
        """Say whether it may sound now."""
        paused = self.snoozed_until is not None and at < self.snoozed_until
        return self.state in (AlarmState.ACTIVE, AlarmState.LATCHED) and not paused and not self.late


@dataclass(frozen=True, slots=True)
class Snooze:
    """The sound of a condition is off until then, whatever becomes of its alarm, but not of what is worse."""

    until: datetime
    priority: Priority

    def covers(self, priority: Priority, at: datetime) -> bool:
        return at < self.until and priority <= self.priority


@dataclass(frozen=True, slots=True)
class Timing:
    """How long each step takes, in seconds. `urgent_delay_s` is the delay of HIGH."""

    delay_s: float = 5.0
    urgent_delay_s: float = 5.0
    clear_s: float = 5.0


@dataclass(frozen=True, slots=True)
class AlarmPolicy:
    """What is the same for all alarms.

    Attributes:
        latching: Priorities that stay until somebody has seen them.
        realarm_s: After how long an acknowledged alarm of this priority or above that goes on is told again;
            None for never.
    """

    latching: frozenset[Priority] = frozenset({Priority.HIGH})
    realarm_s: float | None = 300.0
    realarm_from: Priority = Priority.HIGH


@dataclass(frozen=True, slots=True)
class Sight:
    """What a measurement says of a condition.

    Attributes:
        priority: What it calls for; None if the value lies within the limits.
        held: What it does not yet allow to end: `priority`, or more while within the hysteresis.
    """

    at: datetime
    priority: Priority | None
    held: Priority | None
    reading: str = ""
    value: float | None = None
    limit: float | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A condition under watch: its alarm, if there is one, and whether its sound is off."""

    alarm: Alarm | None = None
    snooze: Snooze | None = None


Step = tuple[Point, tuple[Change, ...]]


def see(point: Point, sight: Sight, fresh: Alarm, timing: Timing, policy: AlarmPolicy) -> Step:
    """Return the condition after a measurement, and what happened to its alarm.

    Args:
        point: The condition before.
        sight: What was measured.
        fresh: The alarm to begin with if the condition has none; its time and its priority come from the sight.
        timing: Its delays.
        policy: Rules for all.
    """
    alarm = point.alarm
    if alarm is None or alarm.state is AlarmState.ENDED:
        if sight.priority is None:
            return Point(None, point.snooze), ()
        # Its priority grows from here: what is pending has told nobody anything.
        alarm = replace(fresh, since=sight.at, priority=Priority.LOW)
    if alarm.state is AlarmState.PENDING:
        return _pending(Point(alarm, point.snooze), alarm, sight, timing)
    return _told(point, alarm, sight, timing, policy)


def _pending(point: Point, alarm: Alarm, sight: Sight, timing: Timing) -> Step:
    if sight.priority is None:
        return Point(None, point.snooze), ()
    urgent_since = _since(alarm.urgent_since, sight, Priority.HIGH)
    alarm = replace(_described(alarm, sight), urgent_since=urgent_since)
    due = _due(sight, alarm.since, urgent_since, timing)
    if due is None:
        return Point(alarm, point.snooze), ()
    raised = replace(alarm, state=AlarmState.ACTIVE, priority=due, worst=due, raised_at=sight.at)
    return Point(_with_snooze(raised, point.snooze, sight.at), point.snooze), (Change.RAISED,)


def _told(point: Point, alarm: Alarm, sight: Sight, timing: Timing, policy: AlarmPolicy) -> Step:
    changes: list[Change] = []
    if _is_worse(alarm, sight):
        alarm = _described(alarm, sight)
        changes.append(Change.UPDATED)
    alarm = replace(
        alarm,
        urgent_since=_since(alarm.urgent_since, sight, Priority.HIGH),
        clear_since=None if sight.held is not None else alarm.clear_since or sight.at,
        eased_since=None if (sight.held or alarm.priority) >= alarm.priority else alarm.eased_since or sight.at,
    )
    if sight.held is None:
        return _clearing(point, alarm, sight.at, timing, policy, tuple(changes))
    if _escalates(alarm, sight, timing):
        alarm = replace(
            _described(alarm, sight),
            state=AlarmState.ACTIVE,
            priority=max(sight.priority or alarm.priority, alarm.priority),
            worst=max(sight.priority or alarm.worst, alarm.worst),
            acknowledged_by="",
            acknowledged_name="",
            acknowledged_at=None,
        )
        return Point(_with_snooze(alarm, point.snooze, sight.at), point.snooze), (Change.ESCALATED,)
    if alarm.state is AlarmState.LATCHED and sight.priority is not None:
        alarm = replace(_described(alarm, sight), state=AlarmState.ACTIVE, priority=sight.priority)
        return Point(_with_snooze(alarm, point.snooze, sight.at), point.snooze), (Change.REALARMED,)
    if alarm.eased_since is not None and _passed(alarm.eased_since, sight.at, timing.clear_s) and sight.held:
        alarm = alarm if sight.priority is None else _described(alarm, sight)
        alarm = replace(alarm, priority=sight.held, eased_since=None)
        changes.append(Change.EASED)
    return Point(alarm, point.snooze), tuple(changes)


def _clearing(
    point: Point, alarm: Alarm, at: datetime, timing: Timing, policy: AlarmPolicy, changes: tuple[Change, ...]
) -> Step:
    if alarm.clear_since is None or not _passed(alarm.clear_since, at, timing.clear_s):
        return Point(alarm, point.snooze), changes
    if alarm.state is AlarmState.LATCHED:
        return Point(alarm, point.snooze), changes
    if alarm.state is AlarmState.ACTIVE and alarm.worst in policy.latching and not alarm.late:
        return Point(replace(alarm, state=AlarmState.LATCHED), point.snooze), (*changes, Change.LATCHED)
    return Point(_ended(alarm, at, "over"), point.snooze), (*changes, Change.ENDED)


def tick(point: Point, at: datetime, policy: AlarmPolicy) -> Step:
    """Return the condition when time has passed without a measurement: pauses end, what was acknowledged comes back."""
    snooze = point.snooze if point.snooze is not None and at < point.snooze.until else None
    alarm = point.alarm
    if alarm is None or not alarm.open:
        return Point(alarm, snooze), ()
    changes: list[Change] = []
    if alarm.snoozed_until is not None and at >= alarm.snoozed_until:
        alarm = replace(alarm, snoozed_until=None)
        changes.append(Change.SNOOZE_OVER)
    if _realarms(alarm, at, policy):
        alarm = _with_snooze(replace(alarm, state=AlarmState.ACTIVE), snooze, at)
        changes.append(Change.REALARMED)
    return Point(alarm, snooze), tuple(changes)


def acknowledge(point: Point, at: datetime, by: str, name: str) -> Step:
    """Return the condition when somebody has seen its alarm; no change if somebody had before.

    Conflict (`not_open`) if there is nothing to acknowledge.
    """
    alarm = _required(point)
    if alarm.state is AlarmState.ACKNOWLEDGED:
        return point, ()
    seen = replace(alarm, acknowledged_by=by, acknowledged_name=name, acknowledged_at=at, snoozed_until=None)
    if alarm.state is AlarmState.LATCHED:
        return Point(_ended(seen, at, "over"), point.snooze), (Change.ACKNOWLEDGED, Change.ENDED)
    return Point(replace(seen, state=AlarmState.ACKNOWLEDGED), point.snooze), (Change.ACKNOWLEDGED,)


def snooze(point: Point, at: datetime, seconds: float) -> Step:
    """Return the condition with its sound off for a time; Conflict (`not_open`) if it does not sound."""
    alarm = _required(point)
    if alarm.state is AlarmState.ACKNOWLEDGED:
        raise Conflict("This alarm has been acknowledged: it does not sound.", code="not_open")
    until = at + timedelta(seconds=seconds)
    return Point(replace(alarm, snoozed_until=until), Snooze(until, alarm.priority)), (Change.SNOOZED,)


def end(point: Point, at: datetime, reason: str) -> Step:
    """Return the condition without its alarm, for another reason than that it is over."""
    alarm = point.alarm
    if alarm is None or not alarm.open:
        return Point(None, point.snooze), ()
    return Point(_ended(alarm, at, reason), point.snooze), (Change.ENDED,)


def _required(point: Point) -> Alarm:
    if point.alarm is None or not point.alarm.open:
        raise Conflict("This alarm has ended.", code="not_open")
    return point.alarm


def _ended(alarm: Alarm, at: datetime, reason: str) -> Alarm:
    # When the condition went, not when the last doubt about it did; and never before it was told.
    over_at = alarm.clear_since if reason == "over" and alarm.clear_since is not None else at
    ended_at = max(over_at, alarm.raised_at or over_at)
    return replace(alarm, state=AlarmState.ENDED, ended_at=ended_at, reason=reason, snoozed_until=None)


def _described(alarm: Alarm, sight: Sight) -> Alarm:
    return replace(alarm, reading=sight.reading, value=sight.value, limit=sight.limit, source=sight.source)


def _is_worse(alarm: Alarm, sight: Sight) -> bool:
    """Say whether the value goes beyond the worst one; what calls for more is told when it has waited long enough."""
    if sight.priority is None or sight.priority > alarm.priority or sight.value is None or alarm.value is None:
        return False
    return sight.value < alarm.value if alarm.condition.side == "low" else sight.value > alarm.value


def _since(known: datetime | None, sight: Sight, level: Priority) -> datetime | None:
    if sight.priority is None or sight.priority < level:
        return None
    return known or sight.at


def _due(sight: Sight, since: datetime, urgent_since: datetime | None, timing: Timing) -> Priority | None:
    """Return the priority that has waited long enough, if any has."""
    if urgent_since is not None and _passed(urgent_since, sight.at, timing.urgent_delay_s):
        return Priority.HIGH
    if sight.priority is not None and _passed(since, sight.at, timing.delay_s):
        return min(sight.priority, Priority.MEDIUM)
    return None


def _escalates(alarm: Alarm, sight: Sight, timing: Timing) -> bool:
    if sight.priority is None or sight.priority <= alarm.priority:
        return False
    if sight.priority < Priority.HIGH:
        return True
    return alarm.urgent_since is not None and _passed(alarm.urgent_since, sight.at, timing.urgent_delay_s)


def _realarms(alarm: Alarm, at: datetime, policy: AlarmPolicy) -> bool:
    due = alarm.state is AlarmState.ACKNOWLEDGED and alarm.priority >= policy.realarm_from
    if not due or policy.realarm_s is None or alarm.acknowledged_at is None:
        return False
    return alarm.clear_since is None and _passed(alarm.acknowledged_at, at, policy.realarm_s)


def _with_snooze(alarm: Alarm, snooze: Snooze | None, at: datetime) -> Alarm:
    covered = snooze is not None and snooze.covers(alarm.priority, at)
    return replace(alarm, snoozed_until=snooze.until if snooze is not None and covered else None)


def _passed(since: datetime, at: datetime, seconds: float) -> bool:
    return (at - since).total_seconds() >= seconds
