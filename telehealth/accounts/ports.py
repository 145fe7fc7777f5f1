"""What accounts need of the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from telehealth.accounts.model import (
    DeviceCredential,
    EnrolmentCode,
    Invitation,
    RefreshToken,
    SigningKey,
    SignInLink,
    User,
)
from telehealth.audit import AuditTrail
from telehealth.bus import Bus
from telehealth.clock import Clock
from telehealth.ids import DeviceId, EncounterId, InvitationId, NewId, TokenId, UserId


class Users(Protocol):
    """Stored users. E-mail addresses are unique."""

    async def add(self, user: User) -> None:
        """Store a new user; Conflict (`email_taken`)."""
        ...

    async def get(self, user: UserId) -> User:
        """Return the user; NotFound."""
        ...

    async def by_email(self, email: str) -> User | None: ...
    async def save(self, user: User) -> None: ...
    async def all(self, limit: int) -> Sequence[User]: ...
    async def practitioners(self) -> Sequence[User]:
        """Return the practitioners who are not disabled, by name; at most 500."""
        ...


class SigningKeys(Protocol):
    """Stored signing keys."""

    async def add(self, key: SigningKey) -> None: ...
    async def all(self) -> Sequence[SigningKey]: ...
    async def save(self, key: SigningKey) -> None: ...


class RefreshTokens(Protocol):
    """Stored refresh tokens."""

    async def add(self, token: RefreshToken) -> None: ...
    async def by_hash(self, secret_hash: bytes) -> RefreshToken | None: ...

    async def use(self, token: TokenId, at: datetime) -> bool:
        """Mark it used; False if it was used or revoked before. Of many at once exactly one gets True."""
        ...

    async def revoke_family(self, family: TokenId, at: datetime) -> None: ...
    async def revoke_subject(self, subject: str, at: datetime) -> None: ...


class Invitations(Protocol):
    """Stored invitations and sign-in links."""

    async def add(self, invitation: Invitation) -> None: ...
    async def get(self, invitation: InvitationId) -> Invitation:
        """Return the invitation; NotFound."""
        ...

    async def by_hash(self, secret_hash: bytes) -> Invitation | None: ...

    async def bind(self, invitation: InvitationId, device_hash: bytes) -> bytes:
        """Bind to this browser unless bound already; return what it is bound to now."""
        ...

    async def revoke(self, invitation: InvitationId, at: datetime) -> bool:
        """End this invitation; say whether there was one in force."""
        ...

    async def revoke_encounter(self, encounter: EncounterId, at: datetime) -> None: ...
    async def add_link(self, link: SignInLink) -> None: ...
    async def link_by_hash(self, secret_hash: bytes) -> SignInLink | None: ...


class DeviceCredentials(Protocol):
    """Stored credentials of medical devices."""

    async def add(self, credential: DeviceCredential) -> None: ...
    async def of_device(self, device: DeviceId) -> Sequence[DeviceCredential]: ...
    async def expire_others(self, device: DeviceId, *, keep: bytes, at: datetime) -> None:
        """Let all credentials but the one with hash `keep` end at `at`."""
        ...

    async def revoke(self, device: DeviceId, at: datetime) -> None: ...


class EnrolmentCodes(Protocol):
    """Stored codes by which devices are enrolled."""

    async def add(self, code: EnrolmentCode) -> None:
        """Store it in the place of the device's earlier one."""
        ...

    async def use(self, code_hash: bytes, at: datetime) -> DeviceId | None:
        """Use the code up and return its device; None if there is none that is good at this instant."""
        ...


class PasswordHasher(Protocol):
    """Slow hashing, off the event loop."""

    async def hash(self, password: str) -> str: ...
    async def verify(self, password_hash: str, password: str) -> bool:
        """Say whether it fits; takes as long for an empty hash as for a real one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPorts:
    """Everything that accounts need."""

    users: Users
    keys: SigningKeys
    refresh_tokens: RefreshTokens
    invitations: Invitations
    device_credentials: DeviceCredentials
    enrolment_codes: EnrolmentCodes
    passwords: PasswordHasher
    bus: Bus
    audit: AuditTrail
    clock: Clock
    new_id: NewId
