"""The work list of a practitioner: what rings, who waits, what is on today (docs/protocol.md, Work list)."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from telehealth.access import Action, Principal, require_role
from telehealth.audit import event_by
from telehealth.clock import to_ms
from telehealth.consultations.model import Admission, Encounter, EncounterKind, EncounterStatus
from telehealth.dispatch.model import Acuity, AgeBand, Complaint
from telehealth.dispatch.ports import DispatchPorts
from telehealth.ids import CaseId, EncounterId, PatientId, UserId

MAX_WAITING = 100
MAX_TODAY = 200


@dataclass(frozen=True, slots=True)
class Ringing:
    """An ambulance that rings for me."""

    case: CaseId
    encounter: EncounterId
    complaint: Complaint
    acuity: Acuity
    age_band: AgeBand
    paramedic: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A patient who waits: mine, or nobody's yet. The name is empty while nobody knows it."""

    encounter: EncounterId
    kind: EncounterKind
    patient: str
    reason: str
    since: datetime
    mine: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit of today."""

    encounter: EncounterId
    kind: EncounterKind
    patient: str
    reason: str
    starts_at: datetime
    status: EncounterStatus
    mine: bool


@dataclass(frozen=True, slots=True)
class Worklist:
    """The whole list at one moment."""

    on_call: bool
    server_time: datetime
    ringing: tuple[Ringing, ...]
    waiting: tuple[Waiting, ...]
    today: tuple[Visit, ...]

    def to_text(self) -> str:
        """Return it as the message `worklist`."""
        message = {"type": "worklist", **asdict(self)}
        return json.dumps(message, default=_instant_ms, separators=(",", ":"), ensure_ascii=False)


class Worklists:
    """Puts work lists together."""

    def __init__(self, ports: DispatchPorts) -> None:
        self._ports = ports

    async def of(self, principal: Principal) -> Worklist:
        """Return the caller's work list as it is now."""
        require_role(principal, Action.READ_WORKLIST)
        practitioner = UserId(principal.subject)
        names = _Names(self._ports)
        own = await self._ports.encounters.open_of_practitioner(practitioner)
        worklist = Worklist(
            on_call=practitioner in await self._ports.cases.on_call(),
            server_time=self._ports.clock.now(),
            ringing=await self._ringing(practitioner, names),
            waiting=await self._waiting(own, names),
            today=await self._today(practitioner, own, names),
        )
        await self._ports.audit.record(event_by(principal, "worklist.read", f"user/{practitioner}"))
        return worklist

    async def _ringing(self, practitioner: UserId, names: "_Names") -> tuple[Ringing, ...]:
        found = []
        for case in await self._ports.cases.ringing_for(practitioner):
            # The crew may have ended the encounter in the room without closing the case.
            if not (await self._ports.encounters.get(case.encounter_id)).ended:
                since = case.rung_at or case.opened_at
                paramedic = await names.of_user(case.opened_by)
                about = (case.complaint, case.acuity, case.age_band)
                found.append(Ringing(case.id, case.encounter_id, *about, paramedic=paramedic, since=since))
        return tuple(found)

    async def _waiting(self, own: Sequence[Encounter], names: "_Names") -> tuple[Waiting, ...]:
        mine = [encounter for encounter in own if encounter.status is EncounterStatus.ARRIVED]
        others = await self._ports.encounters.queue()
        found = [
            Waiting(
                encounter.id,
                encounter.kind,
                patient=await names.of_patient(encounter.patient_id),
                reason=encounter.reason,
                since=await self._waits_since(encounter),
                mine=encounter in mine,
            )
            for encounter in [*mine, *others][:MAX_WAITING]
        ]
        return tuple(sorted(found, key=lambda waiting: waiting.since))

    async def _waits_since(self, encounter: Encounter) -> datetime:
        if encounter.kind is not EncounterKind.SCHEDULED:
            return encounter.created_at
        seats = await self._ports.encounters.seats(encounter.id)
        waiting = [seat.since for seat in seats if seat.admission is Admission.WAITING]
        return min(waiting, default=encounter.starts_at or encounter.created_at)

    async def _today(self, practitioner: UserId, own: Sequence[Encounter], names: "_Names") -> tuple[Visit, ...]:
        """Return the visits that are booked for the practitioner's local day, and whatever of theirs is under way."""
        since, until = await self._local_day(practitioner)
        booked = await self._ports.appointments.of_practitioner(practitioner, since=since, until=until)
        known = {encounter.id: encounter for encounter in own}
        shown = {encounter.id: encounter for encounter in own if encounter.status is not EncounterStatus.PLANNED}
        for appointment in booked:
            id_ = appointment.encounter_id
            shown[id_] = known.get(id_) or await self._ports.encounters.get(id_)
        found = [
            Visit(
                encounter.id,
                encounter.kind,
                patient=await names.of_patient(encounter.patient_id),
                reason=encounter.reason,
                starts_at=encounter.starts_at or encounter.created_at,
                status=encounter.status,
                mine=True,
            )
            for encounter in list(shown.values())[:MAX_TODAY]
        ]
        return tuple(sorted(found, key=lambda visit: visit.starts_at))

    async def _local_day(self, practitioner: UserId) -> tuple[datetime, datetime]:
        zone = ZoneInfo((await self._ports.users.get(practitioner)).time_zone)
        day = self._ports.clock.now().astimezone(zone).date()
        midnights = [datetime.combine(day + timedelta(days=later), time(), zone).astimezone(UTC) for later in (0, 1)]
        return midnights[0], midnights[1]


class _Names:
    """Names for one list: each is looked up once."""

    def __init__(self, ports: DispatchPorts) -> None:
        self._ports = ports
        self._known: dict[str, str] = {}

    async def of_patient(self, patient: PatientId) -> str:
        if patient not in self._known:
            self._known[patient] = (await self._ports.patients.get(patient)).name
        return self._known[patient]

    async def of_user(self, user: UserId) -> str:
        if user not in self._known:
            self._known[user] = (await self._ports.users.get(user)).name
        return self._known[user]


def _instant_ms(value: object) -> float:
    if isinstance(value, datetime):
        return to_ms(value)
    raise TypeError(f"{type(value).__name__} has no place in a work list")
