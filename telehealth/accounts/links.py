"""Links that let somebody in: invitations to one encounter, and the demo's sign-in links.

The secret stands in the fragment of the URL, so it reaches no log and no Referer. The first browser that opens an
invitation keeps it; possession of a link never means being in the room: the waiting room comes first.
"""

from datetime import datetime
from typing import NoReturn

from telehealth.access import Role
from telehealth.accounts.model import Invitation, OpenedInvitation, SignInLink, TokenPair
from telehealth.accounts.ports import AccountPorts
from telehealth.accounts.secrets import LINK_BYTES, digest, new_secret, presentable
from telehealth.accounts.sign_ins import SignIns
from telehealth.accounts.standing import Standings
from telehealth.audit import event_by
from telehealth.errors import Forbidden, Gone, Invalid
from telehealth.ids import EncounterId, InvitationId, PatientId, UserId

MAX_NAME_CHARS = 100


class Links:
    """Makes and opens links."""

    def __init__(self, ports: AccountPorts, sign_ins: SignIns, standings: Standings) -> None:
        self._ports = ports
        self._sign_ins = sign_ins
        self._standings = standings

    async def invite(
        self, encounter: EncounterId, role: Role, name: str, patient: PatientId | None, expires_at: datetime
    ) -> str:
        """Store an invitation and return the secret of its link."""
        now = self._ports.clock.now()
        if role in (Role.ADMIN, Role.DEVICE):
            raise Invalid("Only people who take part can be invited.", code="bad_role")
        if not 0 < len(name.strip()) <= MAX_NAME_CHARS or expires_at <= now:
            raise Invalid("An invitation needs a name and a time to come at which it ends.")
        secret = new_secret(LINK_BYTES)
        invitation = Invitation(
            id=InvitationId(self._ports.new_id()),
            encounter_id=encounter,
            role=role,
            name=name.strip(),
            secret_hash=digest(secret),
            created_at=now,
            expires_at=expires_at,
            patient_id=patient,
        )
        await self._ports.invitations.add(invitation)
        return secret

    async def open_invitation(self, secret: str, browser: str | None) -> OpenedInvitation:
        """Let the bearer in; the first browser binds the link to itself.

        Args:
            secret: From the link.
            browser: What an earlier opening gave to this browser, if any.

        Raises:
            Gone: `invitation_invalid`: unknown, expired or revoked, which all look the same.
            Forbidden: `invitation_bound`: another browser opened it first.
        """
        invitation = await self._ports.invitations.by_hash(digest(secret)) if presentable(secret) else None
        standing = await self._standings.of(invitation.id, fresh=True) if invitation else None
        if invitation is None or standing is None:
            _refuse_invitation()
        browser = browser if browser and presentable(browser) else new_secret(LINK_BYTES)
        if await self._ports.invitations.bind(invitation.id, digest(browser)) != digest(browser):
            raise Forbidden(
                "This link was opened in another browser first. Use that one, or ask for a new link.",
                code="invitation_bound",
            )
        pair = await self._sign_ins.begin(standing)
        entity = f"invitation/{invitation.id}"
        patient = invitation.patient_id or ""
        await self._ports.audit.record(event_by(standing.principal, "invitation.opened", entity, patient=patient))
        return OpenedInvitation(pair, invitation, browser)

    async def revoke(self, encounter: EncounterId) -> None:
        """End all invitations to the encounter."""
        await self._ports.invitations.revoke_encounter(encounter, self._ports.clock.now())
        self._standings.forget_encounter(encounter)

    async def revoke_one(self, subject: str) -> None:
        """End the invitation by which the subject came, if any."""
        if await self._ports.invitations.revoke(InvitationId(subject), self._ports.clock.now()):
            self._standings.forget(subject)

    async def add_sign_in_link(self, user: UserId, path: str, expires_at: datetime) -> str:
        """Store a link that signs the user in and leads to the path; return its secret."""
        secret = new_secret(LINK_BYTES)
        await self._ports.invitations.add_link(SignInLink(digest(secret), user, path, expires_at))
        return secret

    async def enter(self, secret: str) -> tuple[TokenPair, str]:
        """Sign the user of a sign-in link in; return the pair and the path. Gone (`link_invalid`)."""
        link = await self._ports.invitations.link_by_hash(digest(secret)) if presentable(secret) else None
        if link is None or self._ports.clock.now() >= link.expires_at:
            _refuse_link()
        standing = await self._standings.of(link.user_id, fresh=True)
        if standing is None:
            _refuse_link()
        pair = await self._sign_ins.begin(standing)
        await self._ports.audit.record(event_by(standing.principal, "session.opened_by_link", f"user/{link.user_id}"))
        return pair, link.path


def _refuse_invitation() -> NoReturn:
    raise Gone("This link is not valid, or no longer. Ask for a new one.", code="invitation_invalid")


def _refuse_link() -> NoReturn:
    raise Gone("This link is not valid, or no longer.", code="link_invalid")
