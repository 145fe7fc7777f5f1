"""The way of somebody's media, tried before they join, by a transport that carries nothing, and with what relays."""

from collections.abc import Sequence
from dataclasses import dataclass

from telehealth.access import Action, Principal, Role, require, require_role
from telehealth.consultations.carrying_out import IceServers
from telehealth.consultations.messages import IceServer
from telehealth.consultations.model import Admission
from telehealth.consultations.ports import Encounters, MediaTrials
from telehealth.errors import Gone
from telehealth.ids import EncounterId, NewId, ParticipantId


@dataclass(frozen=True, slots=True)
class Trial:
    """What a browser needs to try its way.

    Attributes:
        sdp: The offer; nobody waits for an answer.
        ice_servers: As in `welcome`: none for who has not been let in.
        relay_later: There are relays, but for who has been let in only.
    """

    sdp: str
    ice_servers: Sequence[IceServer]
    relay_later: bool


class PathCheck:
    """Opens trials for whoever may enter a room."""

    def __init__(self, encounters: Encounters, trials: MediaTrials, ice_servers: IceServers, new_id: NewId) -> None:
        self._encounters = encounters
        self._trials = trials
        self._ice_servers = ice_servers
        self._new_id = new_id

    async def open(self, principal: Principal, encounter: EncounterId) -> Trial:
        """Begin a trial in place of the caller's last one.

        Raises:
            Forbidden, NotFound: The caller may not enter this room.
            Gone: `encounter_ended`.
            Unavailable: `trials_full`: too many others try just now.
        """
        require_role(principal, Action.ENTER_ROOM)
        found = await self._encounters.get(encounter)
        require(principal, Action.ENTER_ROOM, owners=found.owners)
        if found.ended:
            raise Gone("This consultation has ended.", code="encounter_ended")
        participant, inside = await self._place(principal, encounter)
        relays = tuple(self._ice_servers(participant))
        sdp = await self._trials.try_path(principal.subject)
        return Trial(sdp, relays if inside else (), relay_later=bool(relays) and not inside)

    async def _place(self, principal: Principal, encounter: EncounterId) -> tuple[ParticipantId, bool]:
        """Return as whom the caller would use a relay, and whether they may: staff, and who has been let in."""
        staff = principal.role is not Role.PATIENT
        for seat in await self._encounters.seats(encounter):
            if seat.subject == principal.subject:
                return seat.id, staff or seat.admission is Admission.ADMITTED
        return ParticipantId(self._new_id()), staff
