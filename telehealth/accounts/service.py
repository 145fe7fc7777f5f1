"""Accounts: who somebody is, and what they prove it with. The one door to this package."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from telehealth.access import Action, Principal, Role, require_role
from telehealth.accounts.device_keys import DeviceKeys
from telehealth.accounts.keys import KeyRing
from telehealth.accounts.links import Links
from telehealth.accounts.model import Me, NewUser, OpenedInvitation, Purpose, Ticket, TokenPair, User
from telehealth.accounts.passwords import MAX_CHARS, MIN_LOGIN_CHARS
from telehealth.accounts.ports import AccountPorts
from telehealth.accounts.registration import MAX_EMAIL_CHARS, new_user
from telehealth.accounts.sign_ins import SignIns
from telehealth.accounts.standing import Standing, Standings
from telehealth.accounts.tokens import Tokens
from telehealth.audit import AuditEvent, event_by
from telehealth.bus import REVOCATIONS, Event
from telehealth.errors import Conflict, Invalid, Unauthenticated
from telehealth.ids import DeviceId, EncounterId, PatientId, UserId

__all__ = ["AccountPorts", "Accounts", "Me", "NewUser", "OpenedInvitation"]

logger = logging.getLogger(__name__)

MAX_USERS = 500
"""How many users are listed."""


class Accounts:
    """Logs in, says who a token's bearer is, and manages users, keys, links and device credentials.

    Args:
        ports: What accounts need of the outside.
        issuer: `iss` of our tokens: the base URL of this installation, the same on all nodes.
    """

    def __init__(self, ports: AccountPorts, *, issuer: str) -> None:
        self._ports = ports
        self._ring = KeyRing(ports.keys, ports.clock, ports.new_id)
        self._tokens = Tokens(self._ring, issuer=issuer, clock=ports.clock, new_id=ports.new_id)
        self._standings = Standings(ports.users, ports.invitations, ports.clock)
        self._sign_ins = SignIns(ports, self._tokens, self._standings)
        self._links = Links(ports, self._sign_ins, self._standings)
        self._devices = DeviceKeys(ports)

    # Signing in

    async def login(self, email: str, password: str) -> TokenPair:
        """Return a pair of tokens; Unauthenticated (`bad_credentials`), after as long for an unknown user."""
        possible = MIN_LOGIN_CHARS <= len(password) <= MAX_CHARS
        known = len(email) <= MAX_EMAIL_CHARS and email.isprintable()
        user = await self._ports.users.by_email(email.strip().lower()) if known else None
        password_hash = user.password_hash if user and possible else ""
        fits = await self._ports.passwords.verify(password_hash, password if possible else "")
        if user is None or user.disabled or not fits:
            await self._ports.audit.record(_refused_login(user))
            raise Unauthenticated("E-mail address or password is wrong.", code="bad_credentials")
        principal = Principal(subject=user.id, role=user.role, patient=user.patient_id)
        pair = await self._sign_ins.begin(Standing(principal, user.epoch, user.name, user.time_zone))
        await self._ports.audit.record(event_by(principal, "session.opened", f"user/{user.id}"))
        return pair

    async def refresh(self, secret: str) -> TokenPair:
        """Return the next pair; a secret that was used before ends its family (`refresh_reused`)."""
        return await self._sign_ins.refresh(secret)

    async def logout(self, secret: str) -> None:
        """End the sign-in; nothing happens if the secret is nobody's."""
        subject = await self._sign_ins.end(secret)
        if subject is not None:
            # Sockets of the same person elsewhere close too and come back with a new ticket.
            await self._revoked(subject)

    async def principal(self, access_token: str) -> Principal:
        """Return who bears the token, as they are stored now; Unauthenticated if it is not in force."""
        claims = await self._tokens.read_access(access_token)
        standing = await self._standings.of(claims.subject)
        if standing is None or standing.epoch != claims.epoch or standing.principal.encounter != claims.encounter:
            raise Unauthenticated("Please sign in.")
        return standing.principal

    async def me(self, principal: Principal) -> Me:
        """Return what the caller is told about themself."""
        require_role(principal, Action.READ_OWN_ACCOUNT)
        standing = await self._standings.of(principal.subject)
        if standing is None:
            raise Unauthenticated("Please sign in.")
        current = standing.principal
        return Me(current.subject, current.role, standing.name, standing.time_zone, current.patient, current.encounter)

    # Tickets for sockets

    async def issue_ticket(self, ticket: Ticket) -> tuple[str, datetime]:
        """Return the signed ticket and when it ends. The caller has checked that the subject may have it."""
        standing = await self._standings.of(ticket.subject)
        if standing is None:
            raise Unauthenticated("Please sign in.")
        return await self._tokens.ticket(ticket, epoch=standing.epoch)

    async def open_ticket(self, text: str, purpose: Purpose) -> Ticket:
        """Return the ticket; Unauthenticated if it is not in force, for something else, or its subject has gone."""
        ticket, epoch = await self._tokens.read_ticket(text, purpose)
        # A socket outlives the ticket: what was revoked a second ago must not open one.
        standing = await self._standings.of(ticket.subject, fresh=True)
        if standing is None or standing.epoch != epoch or standing.principal.role is not ticket.role:
            raise Unauthenticated("Please sign in.")
        return ticket

    # Users

    async def create_user(self, principal: Principal, new: NewUser) -> User:
        """Create a user; Conflict (`email_taken`), Invalid (`weak_password` and others)."""
        require_role(principal, Action.MANAGE_USERS)
        if not new.password:
            raise Invalid("A user needs a password.", code="weak_password")
        user = await self.add_user(new)
        await self._ports.audit.record(event_by(principal, "user.created", f"user/{user.id}"))
        return user

    async def add_user(self, new: NewUser) -> User:
        """Create a user for the server itself: the first administrator, the demo."""
        user = await new_user(new, id_=UserId(self._ports.new_id()), passwords=self._ports.passwords)
        await self._ports.users.add(user)
        return user

    async def disable_user(self, principal: Principal, user_id: UserId) -> None:
        """End everything the user has: log-in, tokens, sockets."""
        require_role(principal, Action.MANAGE_USERS)
        if user_id == principal.subject:
            raise Conflict("You can't disable your own account.", code="own_account")
        user = await self._ports.users.get(user_id)
        await self._ports.users.save(replace(user, disabled=True, epoch=user.epoch + 1))
        await self._ports.refresh_tokens.revoke_subject(user_id, self._ports.clock.now())
        await self._ports.audit.record(event_by(principal, "user.disabled", f"user/{user_id}"))
        await self._revoked(user_id)
        logger.info("user %s was disabled", user_id)

    async def users(self, principal: Principal) -> Sequence[User]:
        """Return at most 500 users."""
        require_role(principal, Action.MANAGE_USERS)
        await self._ports.audit.record(event_by(principal, "users.listed", "users"))
        return await self._ports.users.all(MAX_USERS)

    async def practitioners(self, principal: Principal) -> Sequence[User]:
        """Return those whom one can book."""
        require_role(principal, Action.LIST_PRACTITIONERS)
        return await self._ports.users.practitioners()

    # Keys

    async def ensure_key(self) -> str:
        """Return the kid of the key that signs; make one if there is none."""
        return await self._ring.ensure()

    async def rotate_keys(self, principal: Principal) -> str:
        """Sign with a new key from now on and return its kid; what is signed already stays valid for its time."""
        require_role(principal, Action.ROTATE_KEYS)
        kid = await self._ring.rotate()
        await self._ports.audit.record(event_by(principal, "keys.rotated", f"key/{kid}"))
        return kid

    async def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys that verify our tokens now, as a JWK Set."""
        return await self._ring.jwks()

    # Links

    async def invite(
        self, encounter: EncounterId, role: Role, name: str, patient: PatientId | None, expires_at: datetime
    ) -> str:
        """Return the secret of a new invitation. The caller has checked that it may be given."""
        return await self._links.invite(encounter, role, name, patient, expires_at)

    async def open_invitation(self, secret: str, browser: str | None) -> OpenedInvitation:
        """Let the bearer in; see Links.open_invitation."""
        return await self._links.open_invitation(secret, browser)

    async def revoke_invitations(self, encounter: EncounterId) -> None:
        """End all invitations to the encounter; the caller closes the sockets of its room."""
        await self._links.revoke(encounter)

    async def revoke_invitation(self, subject: str) -> None:
        """End the invitation by which the subject came; nothing happens to who has an account."""
        await self._links.revoke_one(subject)

    async def add_sign_in_link(self, user_id: UserId, path: str, expires_at: datetime) -> str:
        """Return the secret of a link that signs the user in; for the demo only."""
        return await self._links.add_sign_in_link(user_id, path, expires_at)

    async def enter_by_link(self, secret: str) -> tuple[TokenPair, str]:
        """Return the pair of the link's user and the path to go to; Gone (`link_invalid`)."""
        return await self._links.enter(secret)

    # Devices

    async def issue_device_credential(self, device_id: DeviceId, *, by: Principal | None = None) -> str:
        """Return a new credential of the device, to be shown once."""
        return await self._devices.issue(device_id, by=by)

    async def rotate_device_credential(self, device_id: DeviceId, *, by: Principal | None = None) -> str:
        """Return a new credential; the old one holds for ten more minutes."""
        return await self._devices.rotate(device_id, by=by)

    async def issue_enrolment_code(self, device_id: DeviceId, *, by: Principal) -> tuple[str, datetime]:
        """Return a code by which the device gets its credential once, and until when it is good."""
        return await self._devices.issue_code(device_id, by=by)

    async def enrol_device(self, code: str) -> tuple[DeviceId, str]:
        """Return the device of the code and its new credential; Gone (`code_invalid`)."""
        return await self._devices.enrol(code)

    async def revoke_device(self, device_id: DeviceId, *, by: Principal | None = None) -> None:
        """End all credentials of the device; its sockets close within 5 s."""
        await self._devices.revoke(device_id, by=by)

    async def device_principal(self, credential: str) -> Principal:
        """Return the device that bears the credential; Unauthenticated."""
        return await self._devices.principal(credential)

    async def _revoked(self, subject: str) -> None:
        self._standings.forget(subject)
        await self._ports.bus.publish(REVOCATIONS, Event("revoked", subject.encode()))


def _refused_login(user: User | None) -> AuditEvent:
    actor, role, entity = (user.id, user.role.value, f"user/{user.id}") if user else ("anonymous", "", "user")
    return AuditEvent("session.opened", actor, role, entity, outcome="bad_credentials")
