"""PatientWatch: everything that is watched of one patient, without I/O: reports and commands in, what changed out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from telehealth.ids import AlarmId, DeviceId, NewId
from telehealth.vitals import alarm as machine
from telehealth.vitals.alarm import Alarm, AlarmPolicy
from telehealth.vitals.codes import HEART_RATE
from telehealth.vitals.device_alarm import DeviceAlarm
from telehealth.vitals.limits import AgeBand, Limit, SetLimit, band_of, in_force, proposed
from telehealth.vitals.model import FrameFlag, Report, Sample, WaveBlock, WaveChannel
from telehealth.vitals.pews import PewsTable
from telehealth.vitals.scores import Score
from telehealth.vitals.scoring import Entered, Entry, Scoring
from telehealth.vitals.track import AlarmChanged, Track
from telehealth.vitals.vital_signs import SIGNS, Vital, is_episodic

LATE_AFTER_S = 5.0
LATE_CUFF_AFTER_S = 300.0
"""A value of somebody who measures now and then speaks for the present for longer than that of a probe."""

CAUGHT_UP_S = 30.0
MAX_CATCHING_UP = 16
IDLE_S = 600.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What changed: alarms in their order, and scores that were issued."""

    alarms: tuple[AlarmChanged, ...] = ()
    scores: tuple[Score, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.alarms or self.scores)


@dataclass(slots=True)
class _CatchingUp:
    track: Track
    heard_at: datetime
    taken_at: datetime


@dataclass(slots=True)
class _Stream:
    """What is measured now, of one kind: of the patient, or simulated."""

    track: Track
    scoring: Scoring


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a patient before the first report."""

    months: int | None = None
    limits: Sequence[SetLimit] = ()
    entries: Sequence[Entered] = ()
    alarms: Sequence[Alarm] = ()
    scores: Sequence[Score] = ()


@dataclass(slots=True)
class PatientWatch:
    """The watch over one patient. Real and simulated data never meet here: each has its own track and scores.

    Attributes:
        demonstration: Whether simulated data are watched at all; if not, they drive nothing.
        table: By which children are scored, if the site has one.
    """

    new_id: NewId
    policy: AlarmPolicy
    demonstration: bool
    known: Known
    heard_at: datetime
    table: PewsTable | None = None
    limits: dict[Vital, SetLimit] = field(init=False)
    entries: dict[Entry, Entered] = field(init=False)
    _streams: dict[bool, _Stream] = field(default_factory=dict)
    _late: dict[tuple[DeviceId, bool], _CatchingUp] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.limits = in_force(self.band, self.known.limits)
        self.entries = {one.entry: one for one in self.known.entries}
        for demo in (False, True):
            stream = self._stream(demo=demo)
            stream.track.adopt(a for a in self.known.alarms if a.demo is demo and a.open and not a.late)
            for score in self.known.scores:
                if score.demo is demo:
                    stream.scoring.adopt(score)

    @property
    def band(self) -> AgeBand:
        return band_of(self.known.months)

    @property
    def open_alarms(self) -> list[Alarm]:
        return [alarm for track in self._tracks() for alarm in track.open_alarms]

    def idle(self, at: datetime) -> bool:
        """Say whether nothing is going on here."""
        return not self.open_alarms and (at - self.heard_at).total_seconds() >= IDLE_S

    # What comes in

    def report(self, report: Report, heard_at: datetime) -> Outcome:
        """Take a report that was just stored."""
        if report.demo and not self.demonstration:
            return Outcome()
        self.heard_at = heard_at
        now, late = _split(report, heard_at)
        changes: list[AlarmChanged] = []
        if late.samples:
            changes += self._catch_up(late, heard_at)
        track = self._stream(demo=report.demo).track
        if now.samples:
            changes += track.report(now, self._limits(), heard_at)
        else:
            changes += track.alive(report.device_id, heard_at)
        return Outcome(tuple(changes))

    def alive(self, device: DeviceId, heard_at: datetime, *, demo: bool) -> Outcome:
        """Take note of a wave: the line stands."""
        if demo and not self.demonstration:
            return Outcome()
        self.heard_at = heard_at
        return Outcome(tuple(self._stream(demo=demo).track.alive(device, heard_at, continuous=True)))

    def waved(self, channel: WaveChannel, block: WaveBlock) -> None:
        """Take a block of a channel that shows breaths; what comes late says nothing of the present."""
        demo = int.__and__(block.flags, FrameFlag.DEMO) != 0
        if block.late or (demo and not self.demonstration):
            return
        self._stream(demo=demo).track.waved(channel, block)

    def device_alarm(self, said: DeviceAlarm) -> Outcome:
        if said.demo and not self.demonstration:
            return Outcome()
        return Outcome(tuple(self._stream(demo=said.demo).track.device_alarm(said)))

    def tick(self, at: datetime) -> Outcome:
        """Let time pass."""
        changes: list[AlarmChanged] = []
        scores: list[Score] = []
        for stream in self._streams.values():
            changes += stream.track.tick(at)
            changes += stream.track.breathe(self.limits[Vital.RESP_RATE].limit.apnoea_s, at)
            scores += stream.scoring.tick(stream.track.latest, self.entries, self.known.months, at)
        for key, behind in list(self._late.items()):
            if (at - behind.heard_at).total_seconds() >= CAUGHT_UP_S:
                changes += behind.track.end_all(behind.taken_at, "late")
                del self._late[key]
        return Outcome(tuple(changes), tuple(scores))

    def silent(self, at: datetime) -> set[DeviceId]:
        """Return the devices that are no longer heard."""
        return {device for stream in self._streams.values() for device in stream.track.silent(at)}

    def forget(self, device: DeviceId, at: datetime) -> Outcome:
        """The device measures for this patient no more."""
        return Outcome(tuple(c for stream in self._streams.values() for c in stream.track.forget(device, at)))

    def end_all(self, at: datetime, reason: str) -> Outcome:
        return Outcome(tuple(change for track in self._tracks() for change in track.end_all(at, reason)))

    # What people do

    def acknowledge(self, alarm: AlarmId, at: datetime, by: str, name: str) -> Outcome | None:
        """Mark an alarm as seen; None if it is not here. Conflict as alarm.acknowledge."""
        return self._command(alarm, lambda point: machine.acknowledge(point, at, by, name), at, by)

    def snooze(self, alarm: AlarmId, at: datetime, by: str, seconds: float) -> Outcome | None:
        """Turn its sound off for a time; None if it is not here. Conflict as alarm.snooze."""
        return self._command(alarm, lambda point: machine.snooze(point, at, seconds), at, by)

    def follow(self, stored: Iterable[Alarm]) -> None:
        """Take over what somebody did at another node: an acknowledgement, a pause."""
        for alarm in stored:
            for track in self._tracks():
                track.follow(alarm)

    def set_limits(self, changed: Iterable[SetLimit], at: datetime) -> Outcome:
        changes: list[AlarmChanged] = []
        for one in changed:
            if self.limits.get(one.limit.vital) == one:
                continue
            self.limits[one.limit.vital] = one
            for stream in self._streams.values():
                changes += stream.track.review(one.limit.vital, self._limits(), at)
        return Outcome(tuple(changes))

    def proposal(self, at: datetime, *, demo: bool) -> dict[Vital, Limit]:
        """Return limits around what is measured now; nothing changes."""
        latest = self._stream(demo=demo).track.latest
        speaking = {vital: latest.speaking(vital, at) for vital in SIGNS}
        values = {v: state.value for v, state in speaking.items() if state is not None and state.value is not None}
        return proposed(self._limits(), values)

    def heart_rate(self, at: datetime, *, demo: bool) -> float | None:
        """Return the rate that a device says of its ECG now."""
        speaking = self._stream(demo=demo).track.latest.speaking(Vital.HEART_RATE, at)
        return speaking.value if speaking is not None and speaking.mdc == HEART_RATE else None

    def enter(self, entered: Iterable[Entered]) -> None:
        self.entries |= {one.entry: one for one in entered}

    def score_now(self, at: datetime, by: str) -> Outcome:
        scores: list[Score] = []
        for stream in self._streams.values():
            latest = stream.track.latest
            scores += stream.scoring.now(latest, self.entries, self.known.months, at, asked_by=by)
        return Outcome((), tuple(scores))

    def _limits(self) -> Mapping[Vital, Limit]:
        return {vital: one.limit for vital, one in self.limits.items()}

    def _command(
        self, alarm: AlarmId, act: Callable[[machine.Point], machine.Step], at: datetime, by: str
    ) -> Outcome | None:
        for track in self._tracks():
            changes = track.command(alarm, act, at, by)
            if changes is not None:
                return Outcome(tuple(changes))
        return None

    def _tracks(self) -> list[Track]:
        return [stream.track for stream in self._streams.values()] + [late.track for late in self._late.values()]

    def _stream(self, *, demo: bool) -> _Stream:
        if demo not in self._streams:
            track = Track(self.new_id, self.policy, demo=demo)
            self._streams[demo] = _Stream(track, Scoring(self.new_id, demo=demo, table=self.table))
        return self._streams[demo]

    def _catch_up(self, report: Report, heard_at: datetime) -> list[AlarmChanged]:
        key = (report.device_id, report.demo)
        behind = self._late.get(key)
        if behind is None:
            if len(self._late) >= MAX_CATCHING_UP:
                return []
            track = Track(self.new_id, self.policy, demo=report.demo, late=True)
            behind = self._late[key] = _CatchingUp(track, heard_at, report.taken_at)
        behind.heard_at, behind.taken_at = heard_at, max(behind.taken_at, report.taken_at)
        return behind.track.report(report, self._limits(), report.taken_at)


def _split(report: Report, heard_at: datetime) -> tuple[Report, Report]:
    """Return what of the report speaks for the present, and what for the past."""
    late = [sample for sample in report.samples if _is_late(sample, heard_at, spot=report.spot)]
    now = [sample for sample in report.samples if not _is_late(sample, heard_at, spot=report.spot)]
    return _with(report, now), _with(report, late)


def _with(report: Report, samples: Sequence[Sample]) -> Report:
    return replace(report, samples=tuple(samples))


def _is_late(sample: Sample, heard_at: datetime, *, spot: bool) -> bool:
    patience_s = LATE_CUFF_AFTER_S if spot or is_episodic(sample.mdc) else LATE_AFTER_S
    return (heard_at - sample.taken_at).total_seconds() > patience_s
