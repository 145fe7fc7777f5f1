"""Encounters as the watch over patients sees them: whose they are, the age, what the timeline shall say."""

from datetime import date

from telehealth.access import Principal
from telehealth.consultations.admission import require_admitted
from telehealth.consultations.model import EntryKind, TimelineEntry
from telehealth.consultations.ports import Encounters, Patients
from telehealth.ids import EncounterId
from telehealth.vitals.alarm import Change
from telehealth.vitals.signals import Signals
from telehealth.vitals.track import AlarmChanged
from telehealth.vitals.watch_ports import BedsideFacts

_NOTED = {
    Change.RAISED: EntryKind.ALARM_RAISED,
    Change.ESCALATED: EntryKind.ALARM_RAISED,
    Change.ACKNOWLEDGED: EntryKind.ALARM_ACKNOWLEDGED,
}


class EncounterBedsides:
    """Implements vitals.watch_ports.Bedsides."""

    def __init__(self, encounters: Encounters, patients: Patients) -> None:
        self._encounters = encounters
        self._patients = patients

    async def facts(self, encounter: EncounterId) -> BedsideFacts:
        found = await self._encounters.get(encounter)
        patient = await self._patients.get(found.patient_id)
        return BedsideFacts(found.patient_id, found.owners, _born(patient.birth_date), found.ended)

    async def require_admitted(self, principal: Principal, encounter: EncounterId) -> None:
        await require_admitted(self._encounters, principal, encounter)

    async def note(self, encounter: EncounterId, change: AlarmChanged) -> None:
        kind = _NOTED.get(change.change)
        if kind is None:
            return
        alarm = change.alarm
        marks = "".join(f" ({mark})" for mark, holds in (("DEMO", alarm.demo), ("late", alarm.late)) if holds)
        key = f"alarm/{alarm.id}/{change.change}/{int(change.at.timestamp() * 1000)}"
        author = change.by or alarm.condition.device or "system"
        await self._encounters.append(TimelineEntry(encounter, kind, change.at, author, key, f"{alarm.text}{marks}"))

    async def note_signals(self, encounter: EncounterId, signals: Signals) -> None:
        if signals.set_at is None:
            return
        lasts = "" if signals.until is None else f" {(signals.until - signals.set_at).total_seconds():.0f} s"
        key = f"signals/{int(signals.set_at.timestamp() * 1000)}"
        text = f"{signals.state.value}{lasts}"
        entry = TimelineEntry(encounter, EntryKind.ALARM_SIGNALS, signals.set_at, signals.set_by, key, text)
        await self._encounters.append(entry)


def _born(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
