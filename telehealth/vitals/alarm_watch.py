"""AlarmWatch: the patients whom this node watches, and the one task that stores and tells what changes with them.

A patient is watched where the device's feed is recorded. A report is judged at once and in memory; storing and telling
come after, in the order of the changes. If the store fails, people are told all the same, and it is tried again: an
alarm that nobody hears is worse than one that is written down late.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from telehealth.bus import Bus, Delivery, Event, Topic, vitals_topic
from telehealth.clock import Clock
from telehealth.errors import TelehealthError, Unavailable
from telehealth.ids import DeviceId, EncounterId, NewId
from telehealth.vitals.alarm import Alarm, AlarmPolicy
from telehealth.vitals.breaths import shows_breaths
from telehealth.vitals.device_alarm import DeviceAlarm
from telehealth.vitals.limits import SetLimit, age_in_months, band_of, in_force
from telehealth.vitals.model import FrameFlag, Report, WaveBlock, WaveChannel
from telehealth.vitals.patient_watch import Known, Outcome, PatientWatch
from telehealth.vitals.pews import PewsTable
from telehealth.vitals.ports import Devices
from telehealth.vitals.rhythms import Rhythms
from telehealth.vitals.scores import Score
from telehealth.vitals.track import AlarmChanged
from telehealth.vitals.vital_signs import Vital
from telehealth.vitals.watch_ports import Bedsides, WatchRecords, WatchWire

logger = logging.getLogger(__name__)

ALARMS = Topic("alarms")
"""Tells nodes that somebody changed something about a patient at another one."""

TICK_S = 1.0
RETRY_S = 1.0
SETTLING_S = 0.02
CALL_S = 5.0
MAX_PATIENTS = 2_000
MAX_WAITING = 64
"""Reports that wait until what is known of their patient has been read."""

LOOK_S = 5.0
"""How often it is asked whether a silent device is still bound."""

MAX_UNSAVED = 1_000
SCORES_KNOWN = 50

_Arrival = Callable[[PatientWatch], Outcome]


@dataclass(frozen=True, slots=True)
class WatchPorts:
    """What the watch needs of the outside."""

    records: WatchRecords
    bedsides: Bedsides
    devices: Devices
    bus: Bus
    wire: WatchWire
    clock: Clock
    new_id: NewId


@dataclass(slots=True)
class Watched:
    """One patient: the watch once it is loaded, what waits for it, and what is to be stored and told, one at a time."""

    encounter: EncounterId
    watch: PatientWatch | None = None
    waiting: deque[_Arrival] = field(default_factory=lambda: deque(maxlen=MAX_WAITING))
    unsaved: deque[AlarmChanged] = field(default_factory=lambda: deque(maxlen=MAX_UNSAVED))
    untold: deque[AlarmChanged] = field(default_factory=lambda: deque(maxlen=MAX_UNSAVED))
    scores: deque[Score] = field(default_factory=lambda: deque(maxlen=SCORES_KNOWN))
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    looked_at: datetime | None = None

    @property
    def unsettled(self) -> bool:
        """Whether something heard is not stored yet, or being stored."""
        return bool(self.waiting or self.unsaved) or self.turn.locked()

    @property
    def busy(self) -> bool:
        return bool(self.unsaved or self.untold or self.scores)

    def take(self, outcome: Outcome) -> None:
        """Keep what changed until it is stored and told."""
        self.unsaved.extend(outcome.alarms)
        self.untold.extend(outcome.alarms)
        self.scores.extend(outcome.scores)


class AlarmWatch:
    """Watches patients. Implements vitals.ports.ReportObserver. Nothing that a feed calls here waits.

    Args:
        ports: The outside.
        demonstration: Whether simulated data are watched, marked as such; otherwise they drive nothing.
        policy: Rules of all alarms.
        table: By which children are scored, if the site has one.
    """

    def __init__(
        self,
        ports: WatchPorts,
        *,
        demonstration: bool,
        policy: AlarmPolicy | None = None,
        table: PewsTable | None = None,
    ) -> None:
        self._ports = ports
        self._demonstration = demonstration
        self._policy = policy or AlarmPolicy()
        self._table = table
        self._patients: OrderedDict[EncounterId, Watched] = OrderedDict()
        self.rhythms = Rhythms(demonstration=demonstration)
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def patients(self) -> int:
        """Number of patients watched here."""
        return len(self._patients)

    # What feeds tell

    def reported(self, encounter: EncounterId, report: Report) -> None:
        heard_at = self._ports.clock.now()
        self._arrived(encounter, lambda watch: watch.report(report, heard_at))

    def heard(self, encounter: EncounterId, device: DeviceId, *, demo: bool) -> None:
        heard_at = self._ports.clock.now()
        known = self._patients.get(encounter)
        if known is not None and known.watch is not None:
            self._took(known, known.watch.alive(device, heard_at, demo=demo))

    def waved(self, channel: WaveChannel, block: WaveBlock) -> None:
        self.rhythms.waved(channel, block, self._ports.clock.now())
        demo = int.__and__(block.flags, FrameFlag.DEMO) != 0
        if not shows_breaths(channel) or (demo and not self._demonstration):
            return
        known = self._patients.get(channel.encounter_id) or self._newcomer(channel.encounter_id)
        if known is not None and known.watch is not None:
            known.watch.waved(channel, block)

    def device_alarm(self, encounter: EncounterId, said: DeviceAlarm) -> None:
        """Take what a device says of an alarm of its own; its message has been stored by the caller."""
        self._arrived(encounter, lambda watch: watch.device_alarm(said))

    async def settled(self, encounter: EncounterId) -> None:
        """Wait until what was heard of the encounter is stored; Unavailable if it takes too long."""
        try:
            async with asyncio.timeout(CALL_S):
                while (known := self._patients.get(encounter)) is not None and known.unsettled:
                    self._wake.set()
                    await asyncio.sleep(SETTLING_S)
        except TimeoutError:
            raise Unavailable("It is known here, but could not be stored yet.") from None

    # What people do: see Alarms

    def find(self, encounter: EncounterId) -> Watched | None:
        """Return the patient if watched here."""
        known = self._patients.get(encounter)
        return known if known is not None and known.watch is not None else None

    async def settle(self, known: Watched, outcome: Outcome) -> None:
        """Store and tell an outcome now; Unavailable if it can't be stored (it is told and tried again)."""
        known.take(outcome)
        if not await self._flush(known):
            raise Unavailable("It is known here, but could not be stored yet.")

    async def ended(self, encounter: EncounterId) -> None:
        """End every alarm of an encounter that is over."""
        at = self._ports.clock.now()
        self.rhythms.follow(encounter, on=False)
        known = self._patients.pop(encounter, None)
        if known is None or known.watch is None:
            known = Watched(encounter, await self._loaded(encounter))
        if known.watch is not None:
            known.take(known.watch.end_all(at, "encounter_ended"))
            if not await self._flush(known):
                # An alarm that stays open in the store would come back: it is tried again.
                self._patients.setdefault(encounter, known)

    async def known(self, encounter: EncounterId) -> Sequence[bytes]:
        """Return bodies of events that tell how alarms, signals, limits, entries and scores of an encounter stand."""
        ports = self._ports
        here = self.find(encounter)
        alarms: Iterable[Alarm] = (
            here.watch.open_alarms if here is not None and here.watch else await ports.records.open_alarms(encounter)
        )
        scores = await ports.records.scores(encounter, limit=SCORES_KNOWN)
        entries = {one.entry: one for one in await ports.records.entries(encounter)}
        newest = {(score.kind, score.demo): score for score in reversed(scores)}
        return [
            await self.limits_body(encounter),
            ports.wire.entries(entries),
            ports.wire.signals(await ports.records.signals(encounter)),
            ports.wire.rhythm(self.rhythms.told(encounter)),
            *(ports.wire.score(score) for score in newest.values()),
            *(ports.wire.alarm(alarm) for alarm in alarms),
        ]

    async def limits_body(self, encounter: EncounterId) -> bytes:
        """Return the body of the event that tells the limits in force."""
        months, limits = await self._months(encounter), await self.limits_of(encounter)
        return self._ports.wire.limits(band_of(months), age_known=months is not None, limits=limits)

    async def limits_of(self, encounter: EncounterId) -> dict[Vital, SetLimit]:
        """Return the limits in force."""
        months = await self._months(encounter)
        return in_force(band_of(months), await self._ports.records.limits(encounter))

    # The task

    def start(self) -> None:
        """Begin to watch the clock, and what people do at other nodes."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run(), name="alarms"), loop.create_task(self._follow(), name="commands")]

    async def aclose(self) -> None:
        """Stop; what was not yet stored is stored now, if it can be."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for known in list(self._patients.values()):
            if known.busy:
                await self._flush(known)

    async def turn(self) -> None:
        """Read about newcomers, store and tell what has changed."""
        for known in list(self._patients.values()):
            with _apart(known):
                if known.watch is None:
                    await self._load(known)
                if known.busy:
                    await self._flush(known)

    async def tick(self) -> None:
        """Let a second pass for everybody."""
        at = self._ports.clock.now()
        for known in list(self._patients.values()):
            # Many patients take their time: feeds get their turn in between.
            await asyncio.sleep(0)
            with _apart(known):
                await self._tick(known, at)

    async def _tick(self, known: Watched, at: datetime) -> None:
        if known.watch is None:
            return
        if silent := known.watch.silent(at):
            await self._forget_removed(known, silent, at)
        known.take(known.watch.tick(at))
        await self._look_at_rhythm(known)
        if known.watch.idle(at) and not known.busy:
            self._patients.pop(known.encounter, None)
            self.rhythms.follow(known.encounter, on=False)

    async def _run(self) -> None:
        clock, next_tick = self._ports.clock, self._ports.clock.monotonic() + TICK_S
        while True:
            pause_s = max(0.0, next_tick - clock.monotonic())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause_s)
            self._wake.clear()
            try:
                if clock.monotonic() >= next_tick:
                    next_tick = clock.monotonic() + TICK_S
                    await self.tick()
                await self.turn()
            except Exception:
                # Nobody else would hear of it, and without this task nobody is watched.
                logger.exception("watching failed")

    async def _follow(self) -> None:
        while True:
            try:
                async with self._ports.bus.subscribe(ALARMS) as deliveries:
                    # What was said before is not told again.
                    await self._reread_all()
                    async for delivery in deliveries:
                        await (self.obey(delivery.event) if isinstance(delivery, Delivery) else self._reread_all())
            except TelehealthError as error:
                logger.warning("topic %s: %s", ALARMS, error.code)
            except Exception:
                # Nobody else would hear of it, and what people do at other nodes would hold there only.
                logger.exception("topic %s: following failed", ALARMS)
            await asyncio.sleep(RETRY_S)

    async def obey(self, event: Event) -> None:
        """Do what somebody asked for at another node, if the patient is watched here."""
        encounter = EncounterId(event.body.decode())
        if self.find(encounter) is None:
            return
        if event.kind in ("rhythm_on", "rhythm_off"):
            await self.follow_rhythm(encounter, on=event.kind == "rhythm_on")
        else:
            await self.reread(encounter)

    async def follow_rhythm(self, encounter: EncounterId, *, on: bool) -> None:
        """Begin or stop to look for beats; TooMany."""
        if self.rhythms.follows(encounter) == on:
            return
        self.rhythms.follow(encounter, on=on)
        await self._tell(encounter, Event("rhythm", self._ports.wire.rhythm(self.rhythms.told(encounter))))

    async def _look_at_rhythm(self, known: Watched) -> None:
        if known.watch is None or not self.rhythms.follows(known.encounter):
            return
        rate = known.watch.heart_rate(self._ports.clock.now(), demo=self.rhythms.told(known.encounter).demo)
        seen = self.rhythms.look(known.encounter, rate)
        if seen is not None:
            await self._tell(known.encounter, Event("rhythm", self._ports.wire.rhythm(seen)))

    async def reread(self, encounter: EncounterId) -> None:
        """Take over what people have stored at another node."""
        known = self.find(encounter)
        if known is None or known.watch is None:
            return
        records, at = self._ports.records, self._ports.clock.now()
        known.watch.follow(await records.open_alarms(encounter))
        known.watch.enter(await records.entries(encounter))
        self._took(known, known.watch.set_limits(await records.limits(encounter), at))

    async def _reread_all(self) -> None:
        """Take over what people have stored at other nodes while it could not be heard here."""
        for known in list(self._patients.values()):
            with _apart(known):
                await self.reread(known.encounter)

    def _arrived(self, encounter: EncounterId, arrival: _Arrival) -> None:
        known = self._patients.get(encounter) or self._newcomer(encounter)
        if known is None:
            return
        if known.watch is None:
            known.waiting.append(arrival)
            self._wake.set()
            return
        self._took(known, arrival(known.watch))

    def _took(self, known: Watched, outcome: Outcome) -> None:
        if outcome:
            known.take(outcome)
            self._wake.set()

    def _newcomer(self, encounter: EncounterId) -> Watched | None:
        if len(self._patients) >= MAX_PATIENTS:
            logger.error("encounter %s: not watched, there are too many", encounter)
            return None
        return self._patients.setdefault(encounter, Watched(encounter))

    async def _load(self, known: Watched) -> None:
        try:
            async with asyncio.timeout(CALL_S), known.turn:
                known.watch = known.watch or await self._loaded(known.encounter)
        except (TelehealthError, TimeoutError) as error:
            logger.warning("encounter %s: not watched yet: %s", known.encounter, type(error).__name__)
            return
        if known.watch is None:
            self._patients.pop(known.encounter, None)
            return
        while known.waiting:
            known.take(known.waiting.popleft()(known.watch))

    async def _loaded(self, encounter: EncounterId) -> PatientWatch | None:
        records = self._ports.records
        if (await self._ports.bedsides.facts(encounter)).ended and not await records.open_alarms(encounter):
            return None
        known = Known(
            months=await self._months(encounter),
            limits=await records.limits(encounter),
            entries=await records.entries(encounter),
            alarms=await records.open_alarms(encounter),
            scores=await records.scores(encounter, limit=SCORES_KNOWN),
        )
        now = self._ports.clock.now()
        return PatientWatch(self._ports.new_id, self._policy, self._demonstration, known, now, self._table)

    async def _months(self, encounter: EncounterId) -> int | None:
        born = (await self._ports.bedsides.facts(encounter)).born
        return None if born is None else age_in_months(born, self._ports.clock.now().date())

    async def _forget_removed(self, known: Watched, silent: set[DeviceId], at: datetime) -> None:
        """A device that staff took away is not lost."""
        assert known.watch is not None
        if known.looked_at is not None and (at - known.looked_at).total_seconds() < LOOK_S:
            return
        known.looked_at = at
        try:
            there = {device.id for device in await self._ports.devices.of_encounter(known.encounter)}
        except TelehealthError:
            return
        for device in silent - there:
            known.take(known.watch.forget(device, at))

    async def _flush(self, known: Watched) -> bool:
        """Store, then tell; return whether all is stored."""
        async with known.turn:
            stored = await self._store(known)
            while known.untold:
                change = known.untold.popleft()
                await self._tell(known.encounter, Event("alarm", self._ports.wire.alarm(change.alarm)))
                await self._note(known.encounter, change)
            return stored

    async def _store(self, known: Watched) -> bool:
        changes, scores = list(known.unsaved), list(known.scores)
        known.unsaved.clear()
        known.scores.clear()
        try:
            async with asyncio.timeout(CALL_S):
                await self._ports.records.save_alarms(known.encounter, changes)
                await self._ports.records.add_scores(known.encounter, scores)
        except Exception as error:
            # Whatever keeps it from being stored must not keep people from hearing of it.
            foreseen = isinstance(error, TelehealthError | TimeoutError)
            told = "encounter %s: %d changes are not stored yet"
            logger.warning(told, known.encounter, len(changes), exc_info=None if foreseen else error)
            known.unsaved = deque([*changes, *known.unsaved], MAX_UNSAVED)
            known.scores = deque([*scores, *known.scores], SCORES_KNOWN)
            return False
        for score in scores:
            await self._tell(known.encounter, Event("score", self._ports.wire.score(score)))
        return True

    async def _tell(self, encounter: EncounterId, event: Event) -> None:
        try:
            await self._ports.bus.publish(vitals_topic(encounter), event)
        except Unavailable:
            logger.warning("encounter %s: watchers are not reached", encounter)

    async def _note(self, encounter: EncounterId, change: AlarmChanged) -> None:
        try:
            await self._ports.bedsides.note(encounter, change)
        except TelehealthError as error:
            logger.warning("encounter %s: the timeline lacks an alarm: %s", encounter, error.code)


@contextlib.contextmanager
def _apart(known: Watched) -> Iterator[None]:
    """Keep to one patient what goes wrong with the watch over them: the others are watched all the same."""
    try:
        yield
    except Exception:
        logger.exception("encounter %s: watching failed", known.encounter)
