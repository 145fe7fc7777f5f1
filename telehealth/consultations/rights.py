"""What each may do in a room, by role; the wire calls it `may`."""

from enum import StrEnum
from types import MappingProxyType

from telehealth.access import Role
from telehealth.consultations.model import Encounter, Participant, Source


class Right(StrEnum):
    """Something an admitted participant may do."""

    ADMIT = "admit"
    REMOVE = "remove"
    END = "end"
    CHAT = "chat"
    PUBLISH = "publish"
    SHARE_SCREEN = "share_screen"
    RECORD = "record"


_EVERYBODY = frozenset({Right.CHAT, Right.PUBLISH, Right.SHARE_SCREEN})
_STAFF = _EVERYBODY | {Right.ADMIT, Right.REMOVE, Right.END}

_PRACTITIONER = _STAFF | {Right.RECORD}

RIGHTS = MappingProxyType({Role.PATIENT: _EVERYBODY, Role.PRACTITIONER: _PRACTITIONER, Role.PARAMEDIC: _STAFF})
"""Role → what one of this role may do once admitted. A role that is missing here has no place in a room."""


def right_to_send(source: Source) -> Right:
    """Return the right that publishing the source takes."""
    return Right.SHARE_SCREEN if source is Source.SCREEN else Right.PUBLISH


def is_host(encounter: Encounter, participant: Participant) -> bool:
    """Say whether it is this person's own consultation: its practitioner or paramedic, admitted without asking."""
    match participant.role:
        case Role.PRACTITIONER:
            return participant.subject == encounter.practitioner_id
        case Role.PARAMEDIC:
            return participant.subject == encounter.paramedic_id
        case _:
            return False
