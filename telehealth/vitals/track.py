"""Track: one stream of reports and the alarms that follow from it. Streams of different kinds never share one.

A patient has a track for what is measured now, one for simulated data (in a demonstration only), and one for each
device that catches up: what happened in its past is told with its own time, and asks nobody to come.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from telehealth.ids import AlarmId, DeviceId, NewId
from telehealth.vitals import alarm as machine
from telehealth.vitals.alarm import (
    Alarm,
    AlarmKind,
    AlarmPolicy,
    AlarmState,
    Change,
    Condition,
    Point,
    Priority,
    Sight,
    Snooze,
    Step,
    Timing,
)
from telehealth.vitals.apnoea import APNOEA_EVENTS, USUAL_S, WORD_S, Breathing, BreathState
from telehealth.vitals.codes import HEART_RATE, PARAMETERS, SPO2
from telehealth.vitals.device_alarm import DeviceAlarm, Inactivation, Phase
from telehealth.vitals.latest import Latest, SourceState
from telehealth.vitals.limits import Limit
from telehealth.vitals.model import Report, WaveBlock, WaveChannel
from telehealth.vitals.scores import rounded
from telehealth.vitals.vital_signs import SIGNS, VITAL_OF, Vital, fresh_s, is_episodic

LINK_LOST_S = 15.0
NO_DATA_S = 15.0
"""An alarm of a vital that nobody measures any more ends after so long."""

DEVICE_ALARM_S = WORD_S
"""A device's own alarm of which it says nothing any more ends after so long."""

ZEROING_S = 10.0
OPEN_TO_AIR = 15.0
ARTERIAL = frozenset(range(150033, 150036)) | frozenset(range(150037, 150040))
"""Pressures of an arterial line, mmHg."""

MAX_DEVICE_ALARMS = 50
LATEST_TEXT = 80
SIDES = ("low", "high")

OFF = MappingProxyType({HEART_RATE: ("lead_off", "ECG LEADS OFF"), SPO2: ("probe_off", "SpO2 PROBE OFF")})
"""By parameter: the fault that its absence means, once it has been there."""

APNOEA = Condition(AlarmKind.LIMIT, "apnoea")

_OFF_TIMING = Timing(5.0, 5.0, 2.0)
_NOT_YET = Timing(float("inf"), float("inf"))
_AT_ONCE = Timing(0.0, 0.0, 0.0)
_CLEAR_S = 5.0


@dataclass(frozen=True, slots=True)
class AlarmChanged:
    """Something happened to an alarm that somebody is to hear of."""

    alarm: Alarm
    change: Change
    at: datetime
    by: str = ""


@dataclass(slots=True)
class Seen:
    """A device of the track: when it was last heard, and whether it sends all the time."""

    device: DeviceId
    heard_at: datetime
    continuous: bool = False
    measured_at: datetime | None = None

    def measured(self, at: datetime) -> None:
        """Who measures again so soon does so all the time: only of such a one is silence a fault."""
        if self.measured_at is not None and 0 < (at - self.measured_at).total_seconds() <= LINK_LOST_S:
            self.continuous = True
        self.measured_at = at


class Track:
    """The alarms of one stream. Every method returns what changed."""

    def __init__(self, new_id: NewId, policy: AlarmPolicy, *, demo: bool, late: bool = False) -> None:
        self._new_id = new_id
        self._policy = policy
        self._demo = demo
        self._late = late
        self._points: dict[Condition, Point] = {}
        self._device_words: dict[Condition, datetime] = {}
        self.latest = Latest()
        self.devices: dict[DeviceId, Seen] = {}
        self._breathing = Breathing()
        self._breathing_known_at: datetime | None = None
        self._apnoea_s = USUAL_S

    @property
    def open_alarms(self) -> list[Alarm]:
        return [point.alarm for point in self._points.values() if point.alarm is not None and point.alarm.open]

    def adopt(self, alarms: Iterable[Alarm]) -> None:
        """Go on with alarms that were open before this process began."""
        for alarm in alarms:
            until = alarm.snoozed_until
            snooze = None if until is None else Snooze(until, alarm.priority)
            self._points.setdefault(alarm.condition, Point(alarm, snooze))

    # What comes in

    def report(self, report: Report, limits: Mapping[Vital, Limit], heard_at: datetime) -> list[AlarmChanged]:
        """Take the samples of a report."""
        changes = self.alive(report.device_id, heard_at)
        touched: list[tuple[Vital, SourceState]] = []
        for sample in report.samples:
            state = self.latest.take(report.device_id, sample, spot=report.spot)
            if state is None:
                continue
            if not state.spot:
                self.devices[report.device_id].measured(sample.taken_at)
            changes += self._off(state, sample.taken_at)
            if sample.mdc in SIGNS[Vital.RESP_RATE].sources:
                self._breathing.rate(report.device_id, sample)
            if sample.mdc in VITAL_OF:
                touched.append((VITAL_OF[sample.mdc], state))
        for vital, state in touched:
            if vital in limits and self.latest.speaking(vital, state.last_at) is state:
                changes += self._compare(limits[vital], state)
        return changes

    def alive(self, device: DeviceId, at: datetime, *, continuous: bool = False) -> list[AlarmChanged]:
        """Take note that the device was heard."""
        seen = self.devices.get(device)
        if seen is None:
            self.devices[device] = Seen(device, at, continuous)
            return []
        seen.heard_at = max(seen.heard_at, at)
        seen.continuous |= continuous
        if _link(device) not in self._points:
            return []
        return self._watch(_link(device), Sight(at, None, None), "LINK LOST", _AT_ONCE)

    def device_alarm(self, said: DeviceAlarm) -> list[AlarmChanged]:
        """Take what a device says of its own alarm; beyond 50 at once of a device no new ones are taken."""
        condition = Condition(AlarmKind.DEVICE, said.instance, device=said.device_id)
        if said.priority is None:
            return []
        if said.event_mdc in APNOEA_EVENTS:
            return self._device_apnoea(said)
        if said.phase is Phase.END:
            return self._finish(condition, said.at, "over")
        known = self._points.get(condition)
        if known is None and sum(c.device == said.device_id for c in self._device_words) >= MAX_DEVICE_ALARMS:
            return []
        self._device_words[condition] = said.at
        changes = self._watch(condition, Sight(said.at, said.priority, said.priority), said.text, _AT_ONCE)
        return self._at_bedside(condition, said, changes)

    def _device_apnoea(self, said: DeviceAlarm) -> list[AlarmChanged]:
        """Take the device's word for the condition that is watched here anyway: one event has one alarm."""
        if said.phase is Phase.END:
            self._breathing.unsaid(said.device_id, said.instance)
            still = self._breathing.look(self._apnoea_s, said.at).state is BreathState.STILL
            return [] if still else self._watch(APNOEA, Sight(said.at, None, None), "APNOEA", _AT_ONCE)
        self._breathing.said(said.device_id, said.instance, said.at, said.text)
        sight = Sight(said.at, Priority.HIGH, Priority.HIGH, source=said.text)
        return self._at_bedside(APNOEA, said, self._watch(APNOEA, sight, "APNOEA", _AT_ONCE))

    def _at_bedside(self, condition: Condition, said: DeviceAlarm, changes: list[AlarmChanged]) -> list[AlarmChanged]:
        """Keep with the alarm what was done about it at the device."""
        alarm = self._points[condition].alarm
        bedside = "" if said.inactivation is Inactivation.ENABLED else said.inactivation.value
        if alarm is None or alarm.bedside == bedside:
            return changes
        alarm = replace(alarm, bedside=bedside)
        self._points[condition] = replace(self._points[condition], alarm=alarm)
        told = [change.change for change in changes] or [Change.UPDATED]
        return [AlarmChanged(alarm, change, said.at) for change in told]

    def tick(self, at: datetime) -> list[AlarmChanged]:
        """Let time pass: pauses end, links are lost, values grow too old to alarm."""
        changes: list[AlarmChanged] = []
        for condition, point in list(self._points.items()):
            changes += self._step(condition, machine.tick(point, at, self._policy), at)
        for device in self.silent(at):
            changes += self._lost(device, at)
        for state in self.latest.sources():
            if state.absent_since is not None and (at - state.last_at).total_seconds() < NO_DATA_S:
                changes += self._off(state, at)
        for vital in Vital:
            changes += self._without_data(vital, at)
        unsaid = [c for c, said_at in self._device_words.items() if (at - said_at).total_seconds() >= DEVICE_ALARM_S]
        for condition in unsaid:
            changes += self._finish(condition, at, "no_data")
        return changes

    def waved(self, channel: WaveChannel, block: WaveBlock) -> None:
        """Take a block of the present of a channel that shows breaths."""
        self._breathing.wave(channel, block)

    def breathe(self, limit_s: float, at: datetime) -> list[AlarmChanged]:
        """Compare the time without a breath with its limit; call it about once a second."""
        self._apnoea_s = limit_s
        for condition, point in self._points.items():
            if condition.subject == "lead_off" and point.alarm is not None and point.alarm.open:
                self._breathing.leads_off(DeviceId(condition.device))
        seen = self._breathing.look(limit_s, at)
        if seen.state is not BreathState.UNKNOWN or self._breathing_known_at is None:
            self._breathing_known_at = at
        if seen.state is BreathState.STILL:
            sight = Sight(at, Priority.HIGH, Priority.HIGH, f"> {limit_s:.0f} s", limit=limit_s, source=seen.source)
            if self._points.get(APNOEA, Point()).alarm is None:
                # It began with the last breath, and has waited long enough.
                self._watch(APNOEA, replace(sight, at=min(seen.since, at)), "APNOEA", _NOT_YET)
            return self._watch(APNOEA, sight, "APNOEA", _AT_ONCE)
        if seen.state is BreathState.BREATHING:
            return self._watch(APNOEA, Sight(at, None, None), "APNOEA", Timing(clear_s=_CLEAR_S))
        if (at - self._breathing_known_at).total_seconds() >= NO_DATA_S:
            return self._finish(APNOEA, at, "no_data")
        return []

    def silent(self, at: datetime) -> list[DeviceId]:
        """Return the devices that send all the time and have not been heard for a while."""
        silent = [s for s in self.devices.values() if (at - s.heard_at).total_seconds() >= LINK_LOST_S]
        return [seen.device for seen in silent if seen.continuous]

    def forget(self, device: DeviceId, at: datetime) -> list[AlarmChanged]:
        """The device measures for this patient no more."""
        self.devices.pop(device, None)
        self.latest.forget(device)
        self._breathing.forget(device)
        changes = []
        for condition in [c for c in self._points if c.device == device]:
            changes += self._finish(condition, at, "device_gone")
        for vital in Vital:
            if self.latest.speaking(vital, at) is None:
                changes += self._end_vital(vital, at, "device_gone")
        return changes

    def end_all(self, at: datetime, reason: str) -> list[AlarmChanged]:
        changes = []
        for condition in list(self._points):
            changes += self._finish(condition, at, reason)
        return changes

    def review(self, vital: Vital, limits: Mapping[Vital, Limit], at: datetime) -> list[AlarmChanged]:
        """Compare with limits that have changed: what they no longer cover ends at once."""
        state = self.latest.speaking(vital, at)
        if state is None or vital not in limits:
            return self._end_vital(vital, at, "limit_changed")
        changes = []
        for side in SIDES:
            sight = _sight(limits[vital], side, state, at)
            if sight.held is None:
                changes += self._finish(_of(vital, side), at, "limit_changed")
        return changes + self._compare(limits[vital], state)

    # What people do

    def command(self, alarm: AlarmId, act: Callable[[Point], Step], at: datetime, by: str) -> list[AlarmChanged] | None:
        """Do something with an alarm; None if this track has it not."""
        for condition, point in self._points.items():
            if point.alarm is not None and point.alarm.id == alarm:
                return self._step(condition, act(point), at, by=by)
        return None

    def follow(self, stored: Alarm) -> None:
        """Take over an acknowledgement or a pause of an alarm of this track."""
        point = self._points.get(stored.condition)
        if point is None or point.alarm is None or point.alarm.id != stored.id or not point.alarm.open:
            return
        seen = replace(
            point.alarm,
            acknowledged_by=stored.acknowledged_by,
            acknowledged_name=stored.acknowledged_name,
            acknowledged_at=stored.acknowledged_at,
            snoozed_until=stored.snoozed_until,
        )
        if stored.state is AlarmState.ACKNOWLEDGED and stored.priority >= point.alarm.priority:
            seen = replace(seen, state=AlarmState.ACKNOWLEDGED)
        until = stored.snoozed_until
        snooze = point.snooze if until is None else Snooze(until, stored.priority)
        self._keep(stored.condition, Point(seen, snooze))

    # How it follows

    def _compare(self, limit: Limit, state: SourceState) -> list[AlarmChanged]:
        if not state.counts or state.value is None:
            return []
        if limit.vital is Vital.RESP_RATE and state.value == 0:
            # Not yet: it is an apnoea if it lasts (see breathe).
            return []
        timing = _AT_ONCE if state.spot else _timing(limit, state)
        changes = []
        for side in SIDES:
            condition = _of(limit.vital, side)
            if state.gap:
                self._drop_pending(condition)
            name = f"{SIGNS[limit.vital].label} {side.upper()}"
            changes += self._watch(condition, _sight(limit, side, state, state.last_at), name, timing)
        return changes

    def _off(self, state: SourceState, at: datetime) -> list[AlarmChanged]:
        if state.mdc not in OFF or state.valued_at is None:
            return []
        code, name = OFF[state.mdc]
        absent = state.absent_since is not None
        sight = Sight(at, Priority.LOW if absent else None, Priority.LOW if absent else None)
        condition = Condition(AlarmKind.TECHNICAL, code, device=state.device)
        changes = self._watch(condition, sight, name, _OFF_TIMING)
        vital = VITAL_OF[state.mdc]
        if any(c.change is Change.RAISED for c in changes) and self.latest.speaking(vital, at) is None:
            changes += self._end_vital(vital, at, "no_data")
        return changes

    def _lost(self, device: DeviceId, at: datetime) -> list[AlarmChanged]:
        sight = Sight(at, Priority.MEDIUM, Priority.MEDIUM)
        changes = self._watch(_link(device), sight, "LINK LOST", _AT_ONCE)
        if changes:
            for condition in [c for c in self._points if c.device == device and c != _link(device)]:
                changes += self._finish(condition, at, "no_data")
        return changes

    def _without_data(self, vital: Vital, at: datetime) -> list[AlarmChanged]:
        if all(_of(vital, side) not in self._points for side in SIDES) or self.latest.speaking(vital, at) is not None:
            return []
        last = self.latest.last_word(vital)
        source = SIGNS[vital].sources[0]
        patience_s = max(NO_DATA_S, fresh_s(source) if is_episodic(source) else 0.0)
        if last is not None and (at - last).total_seconds() < patience_s:
            return []
        return self._end_vital(vital, at, "no_data")

    def _end_vital(self, vital: Vital, at: datetime, reason: str) -> list[AlarmChanged]:
        return [change for side in SIDES for change in self._finish(_of(vital, side), at, reason)]

    def _watch(self, condition: Condition, sight: Sight, name: str, timing: Timing) -> list[AlarmChanged]:
        point = self._points.get(condition, Point())
        if point.alarm is None and sight.priority is None:
            return []
        fresh = Alarm(
            AlarmId(self._new_id() if point.alarm is None else point.alarm.id),
            condition,
            Priority.LOW,
            name[:LATEST_TEXT],
            sight.at,
            demo=self._demo,
            late=self._late,
        )
        return self._step(condition, machine.see(point, sight, fresh, timing, self._policy), sight.at)

    def _drop_pending(self, condition: Condition) -> None:
        point = self._points.get(condition)
        if point is not None and point.alarm is not None and point.alarm.state is AlarmState.PENDING:
            self._keep(condition, Point(None, point.snooze))

    def _finish(self, condition: Condition, at: datetime, reason: str) -> list[AlarmChanged]:
        point = self._points.get(condition)
        return [] if point is None else self._step(condition, machine.end(point, at, reason), at)

    def _step(self, condition: Condition, step: Step, at: datetime, *, by: str = "") -> list[AlarmChanged]:
        point, changes = step
        alarm = point.alarm
        if alarm is not None and alarm.state is AlarmState.ENDED:
            self._keep(condition, Point(None, point.snooze))
        else:
            self._keep(condition, point)
        return [] if alarm is None else [AlarmChanged(alarm, change, at, by) for change in changes]

    def _keep(self, condition: Condition, point: Point) -> None:
        if point.alarm is None:
            self._device_words.pop(condition, None)
        if point.alarm is None and point.snooze is None:
            self._points.pop(condition, None)
        else:
            self._points[condition] = point


def _timing(limit: Limit, state: SourceState) -> Timing:
    # A transducer that is zeroed or flushed is open to the air for some seconds: nobody's pressure is nearly nothing.
    near_air = state.mdc in ARTERIAL and state.value is not None and state.value < OPEN_TO_AIR
    hold_s = ZEROING_S if near_air else 0.0
    return Timing(limit.delay_s + hold_s, limit.urgent_delay_s + hold_s, _CLEAR_S)


def _of(vital: Vital, side: str) -> Condition:
    return Condition(AlarmKind.LIMIT, vital.value, side)


def _link(device: DeviceId) -> Condition:
    return Condition(AlarmKind.TECHNICAL, "link_lost", device=device)


def _sight(limit: Limit, side: str, state: SourceState, at: datetime) -> Sight:
    """Compare what is shown, not what hides behind its last digit."""
    sign = SIGNS[limit.vital]
    value = rounded(state.value or 0.0, sign.decimals)
    yellow, red = (limit.low, limit.very_low) if side == "low" else (limit.high, limit.very_high)
    priority = _beyond(value, yellow, red, side, 0.0)
    held = _beyond(value, yellow, red, side, 0.0 if state.spot else limit.hysteresis)
    crossed = red if priority is Priority.HIGH else yellow
    than = "<" if side == "low" else ">"
    reading = "" if crossed is None else f"{sign.written(value)} {than} {sign.written(crossed)}"
    return Sight(at, priority, held, reading, value, crossed, PARAMETERS[state.mdc].source)


def _beyond(value: float, yellow: float | None, red: float | None, side: str, margin: float) -> Priority | None:
    for limit, priority in ((red, Priority.HIGH), (yellow, Priority.MEDIUM)):
        if limit is not None and (value < limit + margin if side == "low" else value > limit - margin):
            return priority
    return None
