"""Users, what they prove themselves with, and the links that let others in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from telehealth.access import Role
from telehealth.ids import DeviceId, EncounterId, InvitationId, PatientId, TokenId, UserId


@dataclass(frozen=True, slots=True)
class User:
    """An account that can log in.

    Attributes:
        email: Lower-cased; personal data.
        password_hash: Argon2id in PHC form; empty means nobody can log in with a password.
        epoch: Raised to end all use of what was issued before (log out everywhere, disabling).
        patient_id: The Patient that a user of role patient is.
    """

    id: UserId
    role: Role
    email: str
    name: str
    time_zone: str
    password_hash: str = ""
    epoch: int = 0
    disabled: bool = False
    patient_id: PatientId | None = None


class TokenKind(StrEnum):
    """The explicit type of a JWT (RFC 8725 §3.11), its `typ` header."""

    ACCESS = "access+jwt"
    TICKET = "ticket+jwt"


class Purpose(StrEnum):
    """What a ticket opens."""

    ROOM = "room"
    VITALS = "vitals"
    WORKLIST = "worklist"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key that signs tokens, from `active_from` until `retires_at`; it verifies a little longer."""

    kid: str
    private_pem: bytes
    created_at: datetime
    active_from: datetime
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link in a family of refresh tokens; using a used one again ends the family.

    Attributes:
        secret_hash: SHA-256 of the opaque secret.
        subject: User or invitation id.
        is_invitation: Whether the subject is an invitation.
    """

    id: TokenId
    family: TokenId
    subject: str
    is_invitation: bool
    secret_hash: bytes
    issued_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a successful login gives: a JWT for 15 minutes, and the opaque token that gets the next pair."""

    access: str
    refresh: str
    access_expires_at: datetime
    refresh_expires_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that lets one person ask to join one encounter, without an account.

    Attributes:
        secret_hash: SHA-256 of the 160-bit secret in the link's fragment.
        role: What the person will be in the room.
        patient_id: Set when the link is the patient's own.
        device_hash: SHA-256 of the cookie of the browser that opened it first; another browser is refused.
    """

    id: InvitationId
    encounter_id: EncounterId
    role: Role
    name: str
    secret_hash: bytes
    created_at: datetime
    expires_at: datetime
    patient_id: PatientId | None = None
    device_hash: bytes | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A link that signs one user in; only the demo makes them."""

    secret_hash: bytes
    user_id: UserId
    path: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Ticket:
    """The short-lived right to open one socket.

    Attributes:
        encounter_id: The encounter it is for; empty for the work list.
    """

    subject: str
    role: Role
    purpose: Purpose
    encounter_id: EncounterId
    patient: PatientId | None
    name: str


@dataclass(frozen=True, slots=True)
class DeviceCredential:
    """What a medical device proves itself with; several may be valid while one replaces another."""

    device_id: DeviceId
    secret_hash: bytes
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """What a device shows once to get its credential.

    Attributes:
        code_hash: SHA-256 of the code.
    """

    code_hash: bytes
    device_id: DeviceId
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewUser:
    """What is told of a user to create.

    Attributes:
        password: Empty means nobody can log in with a password; only for seeding.
        patient_id: The Patient that a user of role patient is.
    """

    email: str
    name: str
    role: Role
    password: str
    time_zone: str
    patient_id: PatientId | None = None


@dataclass(frozen=True, slots=True)
class Me:
    """What a caller is told about themself.

    Attributes:
        time_zone: IANA name; empty for one who came by an invitation: then the browser's holds.
    """

    subject: str
    role: Role
    name: str
    time_zone: str
    patient: PatientId | None
    encounter: EncounterId | None


@dataclass(frozen=True, slots=True)
class OpenedInvitation:
    """What opening an invitation gives; `browser` is to be kept in a cookie of that browser."""

    pair: TokenPair
    invitation: Invitation
    browser: str
