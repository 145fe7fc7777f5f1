"""What the watch over patients needs of the outside."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from telehealth.access import Principal
from telehealth.ids import AlarmId, EncounterId, PatientId
from telehealth.vitals.alarm import Alarm
from telehealth.vitals.limits import AgeBand, SetLimit
from telehealth.vitals.rhythms import RhythmSeen
from telehealth.vitals.scores import Score
from telehealth.vitals.scoring import Entered, Entry
from telehealth.vitals.signals import Signals
from telehealth.vitals.track import AlarmChanged
from telehealth.vitals.vital_signs import Vital


class WatchRecords(Protocol):
    """Stored alarms and what happened to them, limits, entries, issued scores."""

    async def save_alarms(self, encounter: EncounterId, changes: Sequence[AlarmChanged]) -> None:
        """Store the alarms as they are after the changes, and the changes, in one transaction; a repeat is no harm."""
        ...

    async def alarm(self, encounter: EncounterId, alarm: AlarmId) -> Alarm:
        """Return the alarm; NotFound."""
        ...

    async def open_alarms(self, encounter: EncounterId) -> Sequence[Alarm]: ...
    async def alarms(self, encounter: EncounterId, *, limit: int) -> Sequence[Alarm]:
        """Return the newest, newest first."""
        ...

    async def set_limits(self, encounter: EncounterId, limits: Sequence[SetLimit]) -> None: ...
    async def limits(self, encounter: EncounterId) -> Sequence[SetLimit]: ...

    async def enter(self, encounter: EncounterId, entered: Sequence[Entered]) -> None:
        """Store what somebody entered; what was entered before is kept, too."""
        ...

    async def entries(self, encounter: EncounterId) -> Sequence[Entered]:
        """Return the newest entry of each kind."""
        ...

    async def set_signals(self, encounter: EncounterId, signals: Signals) -> None:
        """Store what somebody set; what was set before is kept, too."""
        ...

    async def signals(self, encounter: EncounterId) -> Signals:
        """Return what was set last; a pause among it may have run out."""
        ...

    async def add_scores(self, encounter: EncounterId, scores: Sequence[Score]) -> None: ...
    async def scores(self, encounter: EncounterId, *, limit: int) -> Sequence[Score]:
        """Return the newest, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class BedsideFacts:
    """What is to be known about an encounter: whose it is, how old the patient is, and whether it is over."""

    patient: PatientId
    owners: Collection[str]
    born: date | None
    ended: bool


class Bedsides(Protocol):
    """The encounters that patients are watched in."""

    async def facts(self, encounter: EncounterId) -> BedsideFacts:
        """Return what is known; NotFound."""
        ...

    async def require_admitted(self, principal: Principal, encounter: EncounterId) -> None:
        """Forbidden (`not_admitted`) for a guest who has not been let in."""
        ...

    async def note(self, encounter: EncounterId, change: AlarmChanged) -> None:
        """Write on the timeline that an alarm was raised, got worse, or was acknowledged; the rest is left out."""
        ...

    async def note_signals(self, encounter: EncounterId, signals: Signals) -> None:
        """Write on the timeline that somebody has paused the alarms, turned them off or on."""
        ...


class WatchWire(Protocol):
    """How alarms, scores, limits and entries look to watchers."""

    def alarm(self, alarm: Alarm) -> bytes: ...
    def score(self, score: Score) -> bytes: ...
    def limits(self, band: AgeBand, *, age_known: bool, limits: Mapping[Vital, SetLimit]) -> bytes: ...
    def entries(self, entries: Mapping[Entry, Entered]) -> bytes: ...
    def signals(self, signals: Signals) -> bytes: ...
    def rhythm(self, seen: RhythmSeen) -> bytes: ...
