"""Case: one ambulance incident, and who was rung for it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from telehealth.errors import AlreadyAccepted, Gone
from telehealth.ids import CaseId, EncounterId, UserId


class Acuity(StrEnum):
    """How urgent the crew finds it."""

    RED = "red"
    YELLOW = "yellow"
    GREEN = "green"


class AgeBand(StrEnum):
    """Age as seen at a glance."""

    INFANT = "infant"
    CHILD = "child"
    ADULT = "adult"
    OLDER = "older"
    UNKNOWN = "unknown"


class Complaint(StrEnum):
    """What it seems to be."""

    CHEST_PAIN = "chest_pain"
    BREATHING = "breathing"
    STROKE = "stroke"
    TRAUMA = "trauma"
    UNCONSCIOUS = "unconscious"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class NewCase:
    """What a crew tells of a new case.

    Attributes:
        id: Chosen by the phone, at random: told twice, it is one case.
    """

    id: CaseId
    complaint: Complaint = Complaint.OTHER
    acuity: Acuity = Acuity.YELLOW
    age_band: AgeBand = AgeBand.UNKNOWN


class CaseStatus(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    RINGING = "ringing"
    ACCEPTED = "accepted"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Case:
    """One ambulance incident; it has one Encounter."""

    id: CaseId
    encounter_id: EncounterId
    opened_by: UserId
    opened_at: datetime
    complaint: Complaint = Complaint.OTHER
    acuity: Acuity = Acuity.YELLOW
    age_band: AgeBand = AgeBand.UNKNOWN
    status: CaseStatus = CaseStatus.OPEN
    rung_at: datetime | None = None
    accepted_by: UserId | None = None
    accepted_at: datetime | None = None

    @property
    def owners(self) -> frozenset[str]:
        return frozenset(o for o in (self.opened_by, self.accepted_by) if o)

    def ringing(self, at: datetime) -> "Case":
        """Return it ringing; unchanged if accepted already; Gone if closed."""
        self._require_open()
        if self.status is CaseStatus.ACCEPTED:
            return self
        return replace(self, status=CaseStatus.RINGING, rung_at=at)

    def accepted(self, by: UserId, at: datetime) -> "Case":
        """Return it accepted; AlreadyAccepted if a colleague was faster; unchanged for the same practitioner."""
        self._require_open()
        if self.accepted_by == by:
            return self
        if self.accepted_by is not None:
            raise AlreadyAccepted("A colleague has accepted this case.")
        return replace(self, status=CaseStatus.ACCEPTED, accepted_by=by, accepted_at=at)

    def closed(self) -> "Case":
        """Return it closed; Gone if it is."""
        self._require_open()
        return replace(self, status=CaseStatus.CLOSED)

    def _require_open(self) -> None:
        if self.status is CaseStatus.CLOSED:
            raise Gone("This case is closed.", code="case_closed")


class RingState(StrEnum):
    """What a practitioner who was rung did."""

    RINGING = "ringing"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Ring:
    """One practitioner rung for one case."""

    case_id: CaseId
    practitioner_id: UserId
    state: RingState
    at: datetime
