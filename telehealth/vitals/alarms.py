"""Alarms: what people may do about the watch over a patient, and read of it; with their right, and audited."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from telehealth.access import Action, Principal, Role, reach, require, require_role
from telehealth.audit import AuditTrail, event_by
from telehealth.bus import Event, vitals_topic
from telehealth.errors import Forbidden, Invalid, Unavailable
from telehealth.ids import AlarmId, EncounterId
from telehealth.vitals import alarm as machine
from telehealth.vitals.alarm import Alarm, Point
from telehealth.vitals.alarm_watch import ALARMS, AlarmWatch, Watched, WatchPorts
from telehealth.vitals.limits import Limit, SetLimit
from telehealth.vitals.patient_watch import Outcome
from telehealth.vitals.scores import Score
from telehealth.vitals.scoring import Entered, Entry
from telehealth.vitals.signals import PAUSES_S, Signals, SignalsWanted, action_for
from telehealth.vitals.track import AlarmChanged
from telehealth.vitals.vital_signs import Vital
from telehealth.vitals.watch_ports import BedsideFacts

logger = logging.getLogger(__name__)

MAX_ALARMS = 200
MAX_SCORES = 200
TOP = 5
_WARM = (25.0, 45.0)


@dataclass(frozen=True, slots=True)
class Person:
    """Who does something, with the name that others see."""

    principal: Principal
    name: str


@dataclass(frozen=True, slots=True)
class Load:
    """How much a patient alarms; simulated and late data don't count.

    Attributes:
        per_hour: Alarms raised in an hour of watching, over the last eight hours at most.
        top: The most frequent causes with their numbers.
    """

    alarms: int
    hours: float
    per_hour: float
    top: tuple[tuple[str, int], ...]


class Alarms:
    """The use cases of alarms, limits, entries and scores."""

    def __init__(self, ports: WatchPorts, watch: AlarmWatch, audit: AuditTrail) -> None:
        self._ports = ports
        self._watch = watch
        self._audit = audit

    async def history(self, principal: Principal, encounter: EncounterId) -> Sequence[Alarm]:
        """Return the newest 200 alarms, newest first."""
        await self._readable(principal, encounter)
        return await self._ports.records.alarms(encounter, limit=MAX_ALARMS)

    def load(self, alarms: Sequence[Alarm]) -> Load:
        """Return how much these alarms of one patient are; see Load."""
        return load(alarms, self._ports.clock.now())

    async def acknowledge(self, who: Person, encounter: EncounterId, alarm: AlarmId) -> Alarm:
        """Mark an alarm as seen; the device at the bedside is not touched. Conflict (`not_open`) if it has ended."""
        await self._manageable(who.principal, encounter, "alarm.acknowledged")
        at, by = self._ports.clock.now(), who.principal.subject
        known = self._watch.find(encounter)
        outcome = known.watch.acknowledge(alarm, at, by, who.name) if known and known.watch else None
        if outcome is None:
            stored = Point(await self._ports.records.alarm(encounter, alarm))
            outcome = _outcome(machine.acknowledge(stored, at, by, who.name), at, by)
        return await self._changed(known or Watched(encounter), alarm, outcome)

    async def snooze(self, who: Person, encounter: EncounterId, alarm: AlarmId, seconds: int) -> Alarm:
        """Turn the sound of an alarm off for 60, 120 or 300 s, here; its picture stays."""
        if seconds not in PAUSES_S:
            raise Invalid("The sound can be off for 60, 120 or 300 seconds.", code="bad_snooze")
        await self._manageable(who.principal, encounter, "alarm.snoozed")
        at, by = self._ports.clock.now(), who.principal.subject
        known = self._watch.find(encounter)
        outcome = known.watch.snooze(alarm, at, by, seconds) if known and known.watch else None
        if outcome is None:
            stored = Point(await self._ports.records.alarm(encounter, alarm))
            outcome = _outcome(machine.snooze(stored, at, seconds), at, by)
        return await self._changed(known or Watched(encounter), alarm, outcome)

    async def signals(self, principal: Principal, encounter: EncounterId) -> Signals:
        """Return whether the alarms of the patient are heard and seen now; who may turn them off may ask, too."""
        may_turn_off = reach(principal.role, Action.TURN_OFF_ALARMS) is not None
        await self._allowed(principal, Action.TURN_OFF_ALARMS if may_turn_off else Action.READ_VITALS, encounter)
        return (await self._ports.records.signals(encounter)).at(self._ports.clock.now())

    async def set_signals(self, who: Person, encounter: EncounterId, wanted: SignalsWanted) -> Signals:
        """Pause all alarms of a patient, turn them off or on; they are watched and kept all the same.

        Raises:
            Forbidden: Not everybody may pause what is seen, and only an administrator turns off.
            Invalid: `bad_pause`.
            Conflict: `alarms_off`.
        """
        at = self._ports.clock.now()
        signals = wanted.set_by(who.principal.subject, who.name, at)
        action = action_for(who.principal, wanted.state)
        await self._manageable(who.principal, encounter, f"signals.{wanted.state}", action)
        signals = (await self._ports.records.signals(encounter)).changed(signals, at)
        await self._ports.records.set_signals(encounter, signals)
        await self._tell(encounter, Event("signals", self._ports.wire.signals(signals)))
        await self._ports.bedsides.note_signals(encounter, signals)
        return signals

    async def limits(self, principal: Principal, encounter: EncounterId) -> bytes:
        """Return the limits in force, as watchers are told them."""
        await self._readable(principal, encounter)
        return await self._watch.limits_body(encounter)

    async def limits_in_force(self, principal: Principal, encounter: EncounterId) -> Mapping[Vital, Limit]:
        """Return the limits in force, for somebody who is about to change them."""
        await self._allowed(principal, Action.MANAGE_ALARMS, encounter)
        return {vital: one.limit for vital, one in (await self._watch.limits_of(encounter)).items()}

    async def proposal(self, principal: Principal, encounter: EncounterId) -> Mapping[Vital, Limit]:
        """Return limits around what is measured now, for somebody to look at; nothing is set."""
        await self._allowed(principal, Action.MANAGE_ALARMS, encounter)
        known = self._watch.find(encounter)
        if known is None or known.watch is None:
            return {}
        at = self._ports.clock.now()
        return known.watch.proposal(at, demo=False) or known.watch.proposal(at, demo=True)

    async def set_limits(self, who: Person, encounter: EncounterId, limits: Sequence[Limit]) -> None:
        """Set limits for this patient. Invalid (`bad_limit`) if they make no sense."""
        limits = [limit.checked() for limit in limits]
        await self._manageable(who.principal, encounter, "limits.set")
        at = self._ports.clock.now()
        changed = [SetLimit(limit, who.principal.subject, who.name, at) for limit in limits]
        await self._ports.records.set_limits(encounter, changed)
        known = self._watch.find(encounter)
        if known is not None and known.watch is not None:
            await self._watch.settle(known, known.watch.set_limits(changed, at))
        await self._tell(encounter, Event("limits", await self._watch.limits_body(encounter)))
        await self._elsewhere(encounter)

    async def enter(self, who: Person, encounter: EncounterId, values: Mapping[Entry, str]) -> None:
        """Enter what no device tells. Forbidden: only a practitioner signs for the second SpO2 scale."""
        checked = {entry: _checked(entry, value) for entry, value in values.items()}
        await self._manageable(who.principal, encounter, "observation.entered")
        if Entry.SPO2_SCALE in values and who.principal.role is not Role.PRACTITIONER:
            raise Forbidden("Only a practitioner may set the target of SpO2.")
        at = self._ports.clock.now()
        entered = [Entered(entry, value, at, who.principal.subject, who.name) for entry, value in checked.items()]
        await self._ports.records.enter(encounter, entered)
        known = self._watch.find(encounter)
        if known is not None and known.watch is not None:
            known.watch.enter(entered)
        newest = {one.entry: one for one in await self._ports.records.entries(encounter)}
        await self._tell(encounter, Event("entries", self._ports.wire.entries(newest)))
        await self._elsewhere(encounter)

    async def score_now(self, who: Person, encounter: EncounterId) -> Sequence[Score]:
        """Issue every score of this moment; none if the patient is watched at another node or nothing is measured."""
        await self._manageable(who.principal, encounter, "score.asked")
        known = self._watch.find(encounter)
        if known is None or known.watch is None:
            return ()
        outcome = known.watch.score_now(self._ports.clock.now(), who.name)
        await self._watch.settle(known, outcome)
        return outcome.scores

    async def follow_rhythm(self, who: Person, encounter: EncounterId, *, on: bool) -> None:
        """Let the ECG be looked at for beats, or no more; it supports, and diagnoses nothing. TooMany."""
        await self._manageable(who.principal, encounter, "rhythm.followed" if on else "rhythm.left")
        if self._watch.find(encounter) is not None:
            await self._watch.follow_rhythm(encounter, on=on)
            return
        await self._command("rhythm_on" if on else "rhythm_off", encounter)

    async def scores(self, principal: Principal, encounter: EncounterId) -> Sequence[Score]:
        """Return the newest 200 issued scores, newest first."""
        await self._readable(principal, encounter)
        return await self._ports.records.scores(encounter, limit=MAX_SCORES)

    async def _changed(self, known: Watched, alarm: AlarmId, outcome: Outcome) -> Alarm:
        await self._watch.settle(known, outcome)
        await self._elsewhere(known.encounter)
        if outcome.alarms:
            return outcome.alarms[-1].alarm
        here = [one for one in (known.watch.open_alarms if known.watch else ()) if one.id == alarm]
        return here[0] if here else await self._ports.records.alarm(known.encounter, alarm)

    async def _elsewhere(self, encounter: EncounterId) -> None:
        """Let the node that watches the patient read what has changed."""
        await self._command("changed", encounter)

    async def _command(self, kind: str, encounter: EncounterId) -> None:
        try:
            await self._ports.bus.publish(ALARMS, Event(kind, encounter.encode()))
        except Unavailable:
            logger.warning("encounter %s: other nodes are not reached", encounter)

    async def _readable(self, principal: Principal, encounter: EncounterId) -> None:
        await self._allowed(principal, Action.READ_VITALS, encounter)

    async def _manageable(
        self, principal: Principal, encounter: EncounterId, what: str, action: Action = Action.MANAGE_ALARMS
    ) -> None:
        """Check the right and write down the attempt before anything is done."""
        facts = await self._allowed(principal, action, encounter)
        await self._audit.record(event_by(principal, what, f"encounter/{encounter}", patient=facts.patient))

    async def _allowed(self, principal: Principal, action: Action, encounter: EncounterId) -> BedsideFacts:
        require_role(principal, action)
        facts = await self._ports.bedsides.facts(encounter)
        require(principal, action, owners=facts.owners)
        await self._ports.bedsides.require_admitted(principal, encounter)
        return facts

    async def _tell(self, encounter: EncounterId, event: Event) -> None:
        try:
            await self._ports.bus.publish(vitals_topic(encounter), event)
        except Unavailable:
            logger.warning("encounter %s: watchers are not reached", encounter)


def load(alarms: Sequence[Alarm], now: datetime) -> Load:
    """Count real, timely alarms of the last eight hours against the time since the first of them, an hour at least."""
    since = now - timedelta(hours=8)
    counted = [a for a in alarms if not a.demo and not a.late and a.raised_at is not None and a.raised_at >= since]
    first = min((a.raised_at for a in counted if a.raised_at is not None), default=now)
    hours = max(1.0, (now - first).total_seconds() / 3600)
    causes = Counter(alarm.name for alarm in counted)
    return Load(len(counted), round(hours, 2), round(len(counted) / hours, 2), tuple(causes.most_common(TOP)))


def _outcome(step: machine.Step, at: datetime, by: str) -> Outcome:
    point, changes = step
    assert point.alarm is not None
    return Outcome(tuple(AlarmChanged(point.alarm, change, at, by) for change in changes))


def _checked(entry: Entry, value: str) -> str:
    choices = {Entry.CONSCIOUSNESS: "ACVPU", Entry.OXYGEN: ("yes", "no"), Entry.SPO2_SCALE: "12"}
    if entry is Entry.TEMPERATURE:
        try:
            degrees = float(value)
        except ValueError:
            degrees = 0.0
        if not _WARM[0] <= degrees <= _WARM[1]:
            raise Invalid("A body temperature is 25 to 45 degrees Celsius.", code="bad_entry")
        return f"{degrees:.1f}"
    if value == "" or value not in choices[entry]:
        raise Invalid("This can't be entered here.", code="bad_entry")
    return value
