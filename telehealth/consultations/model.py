"""Encounter, Participant and what is written on the timeline (FHIR R4 Encounter; media words from W3C WebRTC)."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from telehealth.access import Role
from telehealth.errors import Conflict, Gone
from telehealth.ids import AppointmentId, EncounterId, ParticipantId, PatientId, UserId


class EncounterKind(StrEnum):
    """How the encounter came about."""

    SCHEDULED = "scheduled"
    ON_DEMAND = "on_demand"
    AMBULANCE = "ambulance"


class EncounterStatus(StrEnum):
    """FHIR R4 encounter-status, those we use."""

    PLANNED = "planned"
    ARRIVED = "arrived"
    IN_PROGRESS = "in-progress"
    FINISHED = "finished"
    CANCELLED = "cancelled"


ENDED = frozenset({EncounterStatus.FINISHED, EncounterStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class Patient:
    """The person an encounter is about; unidentified in an ambulance until somebody knows better."""

    id: PatientId
    name: str
    user_id: UserId | None = None
    birth_date: str = ""
    identified: bool = True


@dataclass(frozen=True, slots=True)
class Encounter:
    """A visit that takes place, or will."""

    id: EncounterId
    kind: EncounterKind
    patient_id: PatientId
    created_at: datetime
    status: EncounterStatus = EncounterStatus.PLANNED
    practitioner_id: UserId | None = None
    paramedic_id: UserId | None = None
    appointment_id: AppointmentId | None = None
    reason: str = ""
    starts_at: datetime | None = None
    begun_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def owners(self) -> frozenset[str]:
        """Ids of those whose encounter it is (patient, practitioner, paramedic), and its own for whoever is invited."""
        return frozenset(o for o in (self.id, self.patient_id, self.practitioner_id, self.paramedic_id) if o)

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def arrived(self) -> "Encounter":
        """Return it with the patient waiting; unchanged if it is already under way."""
        self._require_open()
        if self.status is EncounterStatus.IN_PROGRESS:
            return self
        return replace(self, status=EncounterStatus.ARRIVED)

    def begun(self, at: datetime) -> "Encounter":
        """Return it in progress; unchanged if it already is."""
        self._require_open()
        if self.status is EncounterStatus.IN_PROGRESS:
            return self
        return replace(self, status=EncounterStatus.IN_PROGRESS, begun_at=at)

    def taken_by(self, practitioner: UserId) -> "Encounter":
        """Return it with this practitioner; Conflict if it has another."""
        self._require_open()
        if self.practitioner_id not in (None, practitioner):
            raise Conflict("A colleague has already taken this consultation.", code="already_accepted")
        return replace(self, practitioner_id=practitioner)

    def finished(self, at: datetime) -> "Encounter":
        """Return it finished; Gone if it has ended before."""
        self._require_open()
        return replace(self, status=EncounterStatus.FINISHED, ended_at=at)

    def cancelled(self, at: datetime) -> "Encounter":
        """Return it cancelled; Gone if it has ended before, Conflict once it is in progress."""
        self._require_open()
        if self.status is EncounterStatus.IN_PROGRESS:
            raise Conflict("The consultation is under way: end it instead.", code="in_progress")
        return replace(self, status=EncounterStatus.CANCELLED, ended_at=at)

    def _require_open(self) -> None:
        if self.ended:
            raise Gone("This consultation has ended.", code="encounter_ended")


class Source(StrEnum):
    """What a track shows."""

    CAMERA = "camera"
    MICROPHONE = "microphone"
    SCREEN = "screen"


class Layer(StrEnum):
    """In which size a source is sent; the small one only while somebody's link wants it."""

    FULL = "full"
    SMALL = "small"


class Rung(StrEnum):
    """What a participant's link is good for, best first; the vitals have a socket of their own and come always."""

    VIDEO = "video"
    REDUCED = "reduced"
    STILLS = "stills"
    AUDIO = "audio"
    VITALS = "vitals"


class Admission(StrEnum):
    """Where a participant stands."""

    WAITING = "waiting"
    ADMITTED = "admitted"
    LEFT = "left"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Participant:
    """One person's presence in a room: a seat that survives reloads and lost connections."""

    id: ParticipantId
    encounter_id: EncounterId
    subject: str
    role: Role
    name: str
    admission: Admission
    since: datetime

    def admitted(self) -> "Participant":
        """Return the participant let in."""
        return replace(self, admission=Admission.ADMITTED)


class EntryKind(StrEnum):
    """What can stand on the timeline."""

    ARRIVED = "arrived"
    ADMITTED = "admitted"
    LEFT = "left"
    REMOVED = "removed"
    ENDED = "ended"
    CHAT = "chat"
    DEVICE_CONNECTED = "device_connected"
    DEVICE_DISCONNECTED = "device_disconnected"
    ALARM_RAISED = "alarm_raised"
    ALARM_ACKNOWLEDGED = "alarm_acknowledged"
    ALARM_SIGNALS = "alarm_signals"
    """Its text is the state, and how long a pause lasts."""
    PHOTO = "photo"
    """Its text is the id of the document."""
    RECORDING_STARTED = "recording_started"
    RECORDING_STOPPED = "recording_stopped"


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened in an encounter, in its place.

    Attributes:
        number: Position on the encounter's timeline from 1; 0 until stored.
        key: Chosen by who wrote it; the same key is stored once (a chat line sent twice appears once).
        author: Participant or device id.
        text: A chat line, else empty. Personal data.
    """

    encounter_id: EncounterId
    kind: EntryKind
    at: datetime
    author: str
    key: str
    text: str = ""
    number: int = 0
