"""Identifiers: each noun has its own type; a value is 128 random bits in hexadecimal."""

import secrets
from collections.abc import Callable
from typing import NewType

UserId = NewType("UserId", str)
PatientId = NewType("PatientId", str)
AppointmentId = NewType("AppointmentId", str)
AvailabilityId = NewType("AvailabilityId", str)
EncounterId = NewType("EncounterId", str)
ParticipantId = NewType("ParticipantId", str)
ConnectionId = NewType("ConnectionId", str)
InvitationId = NewType("InvitationId", str)
DeviceId = NewType("DeviceId", str)
CaseId = NewType("CaseId", str)
TokenId = NewType("TokenId", str)
DocumentId = NewType("DocumentId", str)
AlarmId = NewType("AlarmId", str)
ScoreId = NewType("ScoreId", str)
RecordingId = NewType("RecordingId", str)

NewId = Callable[[], str]
"""Where chance enters: returns a fresh identifier at each call."""


def random_id() -> str:
    """Return 128 random bits as 32 hexadecimal digits."""
    return secrets.token_hex(16)
