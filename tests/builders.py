"""Objects of the domain with sensible values; a test names only what matters to it."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from telehealth.access import Principal, Role
from telehealth.accounts.model import Invitation, RefreshToken, SigningKey, User
from telehealth.consultations.model import Admission, Encounter, EncounterKind, Participant, Patient
from telehealth.dispatch.model import Case
from telehealth.ids import (
    AppointmentId,
    AvailabilityId,
    CaseId,
    EncounterId,
    InvitationId,
    ParticipantId,
    PatientId,
    TokenId,
    UserId,
)
from telehealth.scheduling.model import Appointment, Availability, Slot

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
DOCTOR = UserId("d0" * 16)
OTHER_DOCTOR = UserId("d1" * 16)
PARAMEDIC = UserId("e0" * 16)
PATIENT = PatientId("a0" * 16)
OTHER_PATIENT = PatientId("a1" * 16)
ENCOUNTER = EncounterId("c0" * 16)


def a_user(**changes: Any) -> User:
    values: dict[str, Any] = {
        "id": DOCTOR,
        "role": Role.PRACTITIONER,
        "email": "ifeoma.okafor@clinic.example",
        "name": "Dr Ifeoma Okafor",
        "time_zone": "Europe/Berlin",
    }
    return User(**(values | changes))


def a_patient(**changes: Any) -> Patient:
    return Patient(**({"id": PATIENT, "name": "Ana Ruiz"} | changes))


def an_encounter(**changes: Any) -> Encounter:
    values: dict[str, Any] = {
        "id": ENCOUNTER,
        "kind": EncounterKind.SCHEDULED,
        "patient_id": PATIENT,
        "created_at": NOON,
        "practitioner_id": DOCTOR,
    }
    return Encounter(**(values | changes))


def a_participant(**changes: Any) -> Participant:
    values: dict[str, Any] = {
        "id": ParticipantId("b0" * 16),
        "encounter_id": ENCOUNTER,
        "subject": "f0" * 16,
        "role": Role.PATIENT,
        "name": "Ana Ruiz",
        "admission": Admission.WAITING,
        "since": NOON,
    }
    return Participant(**(values | changes))


def an_availability(**changes: Any) -> Availability:
    """Thursdays 9 to 12 in Berlin, half hours; 1 January 2026 is a Thursday."""
    values: dict[str, Any] = {
        "id": AvailabilityId("70" * 16),
        "practitioner_id": DOCTOR,
        "weekday": 3,
        "starts": time(9),
        "ends": time(12),
        "slot_minutes": 30,
        "time_zone": "Europe/Berlin",
        "valid_from": date(2025, 1, 1),
    }
    return Availability(**(values | changes))


def a_slot(**changes: Any) -> Slot:
    starts_at = changes.get("starts_at", NOON + timedelta(days=7))
    values: dict[str, Any] = {
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=30),
        "practitioner_id": DOCTOR,
    }
    return Slot(**(values | changes))


def an_appointment(**changes: Any) -> Appointment:
    starts_at = changes.get("starts_at", NOON + timedelta(days=7))
    values: dict[str, Any] = {
        "id": AppointmentId("90" * 16),
        "practitioner_id": DOCTOR,
        "patient_id": PATIENT,
        "encounter_id": ENCOUNTER,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=30),
        "created_at": NOON,
        "reason": "Check-up",
    }
    return Appointment(**(values | changes))


def a_case(**changes: Any) -> Case:
    values: dict[str, Any] = {
        "id": CaseId("80" * 16),
        "encounter_id": ENCOUNTER,
        "opened_by": PARAMEDIC,
        "opened_at": NOON,
    }
    return Case(**(values | changes))


def an_invitation(**changes: Any) -> Invitation:
    values: dict[str, Any] = {
        "id": InvitationId("60" * 16),
        "encounter_id": ENCOUNTER,
        "role": Role.PATIENT,
        "name": "Ana Ruiz",
        "secret_hash": b"\x01" * 32,
        "created_at": NOON,
        "expires_at": NOON + timedelta(days=1),
    }
    return Invitation(**(values | changes))


def a_refresh_token(**changes: Any) -> RefreshToken:
    values: dict[str, Any] = {
        "id": TokenId("50" * 16),
        "family": TokenId("51" * 16),
        "subject": DOCTOR,
        "is_invitation": False,
        "secret_hash": b"\x02" * 32,
        "issued_at": NOON,
        "expires_at": NOON + timedelta(days=7),
    }
    return RefreshToken(**(values | changes))


def a_signing_key(**changes: Any) -> SigningKey:
    values: dict[str, Any] = {"kid": "k1", "private_pem": b"pem", "created_at": NOON, "active_from": NOON}
    return SigningKey(**(values | changes))


def the_doctor(**changes: Any) -> Principal:
    return Principal(**({"subject": DOCTOR, "role": Role.PRACTITIONER} | changes))


def the_paramedic(**changes: Any) -> Principal:
    return Principal(**({"subject": PARAMEDIC, "role": Role.PARAMEDIC} | changes))


def the_patient(**changes: Any) -> Principal:
    return Principal(**({"subject": "f0" * 16, "role": Role.PATIENT, "patient": PATIENT} | changes))


def the_admin(**changes: Any) -> Principal:
    return Principal(**({"subject": "ad" * 16, "role": Role.ADMIN} | changes))


def the_guest(**changes: Any) -> Principal:
    """One who came by an invitation to ENCOUNTER."""
    return Principal(**({"subject": "60" * 16, "role": Role.PATIENT, "encounter": ENCOUNTER} | changes))
