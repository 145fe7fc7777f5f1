"""Whether a subject is still good: not disabled, not revoked, not expired. Remembered for a few seconds."""

from dataclasses import dataclass

from telehealth.access import Principal, Role
from telehealth.accounts.model import Invitation, User
from telehealth.accounts.ports import Invitations, Users
from telehealth.clock import Clock
from telehealth.errors import NotFound
from telehealth.ids import EncounterId, InvitationId, UserId

REMEMBERED_S = 5.0
MAX_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """A subject in good standing.

    Attributes:
        epoch: The user's; 0 for an invitation.
        time_zone: Empty for an invitation.
    """

    principal: Principal
    epoch: int
    name: str
    time_zone: str


class Standings:
    """Looks subjects up among users and invitations, and remembers at most MAX_REMEMBERED of them for REMEMBERED_S."""

    def __init__(self, users: Users, invitations: Invitations, clock: Clock) -> None:
        self._users = users
        self._invitations = invitations
        self._clock = clock
        self._remembered: dict[str, tuple[float, Standing]] = {}

    async def of(self, subject: str, *, fresh: bool = False) -> Standing | None:
        """Return the subject's standing, None if it is not good; with `fresh` as it is stored at this moment."""
        asked_at = self._clock.monotonic()
        known = self._remembered.get(subject)
        if known is not None and not fresh and asked_at - known[0] < REMEMBERED_S:
            return known[1]
        self._remembered.pop(subject, None)
        standing = await self._look_up(subject)
        if standing is not None:
            self._remember(subject, asked_at, standing)
        return standing

    def forget(self, subject: str) -> None:
        """Look the subject up again next time."""
        self._remembered.pop(subject, None)

    def forget_encounter(self, encounter: EncounterId) -> None:
        """Look everybody up again who was invited to the encounter."""
        for subject, (_, standing) in list(self._remembered.items()):
            if standing.principal.encounter == encounter:
                self.forget(subject)

    def _remember(self, subject: str, at: float, standing: Standing) -> None:
        if len(self._remembered) >= MAX_REMEMBERED:
            # Insertion order is order of age, since whoever is looked up anew is put in anew.
            del self._remembered[next(iter(self._remembered))]
        self._remembered[subject] = (at, standing)

    async def _look_up(self, subject: str) -> Standing | None:
        try:
            return _of_user(await self._users.get(UserId(subject)))
        except NotFound:
            pass
        try:
            return self._of_invitation(await self._invitations.get(InvitationId(subject)))
        except NotFound:
            return None

    def _of_invitation(self, invitation: Invitation) -> Standing | None:
        if invitation.revoked_at is not None or self._clock.now() >= invitation.expires_at:
            return None
        return Standing(principal=guest(invitation), epoch=0, name=invitation.name, time_zone="")


def guest(invitation: Invitation) -> Principal:
    """Return the principal that somebody with this invitation is."""
    return Principal(
        subject=invitation.id,
        role=Role(invitation.role),
        patient=invitation.patient_id,
        encounter=invitation.encounter_id,
    )


def _of_user(user: User) -> Standing | None:
    if user.disabled:
        return None
    principal = Principal(subject=user.id, role=user.role, patient=user.patient_id)
    return Standing(principal=principal, epoch=user.epoch, name=user.name, time_zone=user.time_zone)
