"""Who may do what: the one permission table.

A row names an Action and, for each Role that has it, how far it reaches: ANY object, or only one's OWN. What no row
grants is refused. A foreign object and a missing one look the same to whoever asks (NotFound).
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType

from telehealth.errors import Forbidden, NotFound
from telehealth.ids import EncounterId, PatientId


class Role(StrEnum):
    """What a principal is."""

    PATIENT = "patient"
    PRACTITIONER = "practitioner"
    PARAMEDIC = "paramedic"
    ADMIN = "admin"
    DEVICE = "device"


class Reach(Enum):
    """How far a grant goes."""

    OWN = "own"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated caller.

    Attributes:
        subject: Id of the user, of the invitation, or of the device.
        role: What the caller is.
        patient: The Patient that the caller is, for role patient.
        encounter: The only encounter the caller may touch, for one who came by an invitation.
    """

    subject: str
    role: Role
    patient: PatientId | None = None
    encounter: EncounterId | None = None

    def is_one_of(self, owners: Collection[str]) -> bool:
        """Say whether the caller is among the owners (ids of users, patients, devices, and of the encounter itself).

        One who came by an invitation reaches what belongs to that encounter, and nothing else.
        """
        if self.encounter is not None:
            return self.encounter in owners
        return self.subject in owners or (self.patient is not None and self.patient in owners)


class Action(StrEnum):
    """What one asks to do."""

    READ_OWN_ACCOUNT = "read_own_account"
    MANAGE_USERS = "manage_users"
    READ_AUDIT = "read_audit"
    ROTATE_KEYS = "rotate_keys"
    LIST_PRACTITIONERS = "list_practitioners"
    READ_SLOTS = "read_slots"
    EDIT_AVAILABILITY = "edit_availability"
    BOOK_APPOINTMENT = "book_appointment"
    LIST_APPOINTMENTS = "list_appointments"
    READ_APPOINTMENT = "read_appointment"
    CHANGE_APPOINTMENT = "change_appointment"
    ASK_TO_BE_SEEN = "ask_to_be_seen"
    READ_WORKLIST = "read_worklist"
    TAKE_FROM_QUEUE = "take_from_queue"
    READ_ENCOUNTER = "read_encounter"
    ENTER_ROOM = "enter_room"
    INVITE = "invite"
    READ_VITALS = "read_vitals"
    MANAGE_ALARMS = "manage_alarms"
    PAUSE_ALARMS = "pause_alarms"
    TURN_OFF_ALARMS = "turn_off_alarms"
    READ_TIMELINE = "read_timeline"
    OPEN_CASE = "open_case"
    READ_CASE = "read_case"
    RING_CASE = "ring_case"
    ANSWER_CASE = "answer_case"
    CLOSE_CASE = "close_case"
    GO_ON_CALL = "go_on_call"
    MANAGE_DEVICES = "manage_devices"
    LIST_DEVICES = "list_devices"
    ASSOCIATE_DEVICE = "associate_device"
    ENROL_DEVICE = "enrol_device"
    SEND_VITALS = "send_vitals"
    ADD_READING = "add_reading"
    READ_RECORDING = "read_recording"


_PATIENT, _PRACTITIONER, _PARAMEDIC = Role.PATIENT, Role.PRACTITIONER, Role.PARAMEDIC
_ADMIN, _DEVICE = Role.ADMIN, Role.DEVICE
_OWN, _ANY = Reach.OWN, Reach.ANY
_PEOPLE = {_PATIENT: _OWN, _PRACTITIONER: _OWN, _PARAMEDIC: _OWN, _ADMIN: _OWN}
_IN_ROOM = {_PATIENT: _OWN, _PRACTITIONER: _OWN, _PARAMEDIC: _OWN}

PERMISSIONS = MappingProxyType(
    {
        Action.READ_OWN_ACCOUNT: _PEOPLE,
        Action.MANAGE_USERS: {_ADMIN: _ANY},
        Action.READ_AUDIT: {_ADMIN: _ANY},
        Action.ROTATE_KEYS: {_ADMIN: _ANY},
        Action.LIST_PRACTITIONERS: {_PATIENT: _ANY, _PRACTITIONER: _ANY, _PARAMEDIC: _ANY, _ADMIN: _ANY},
        Action.READ_SLOTS: {_PATIENT: _ANY, _PRACTITIONER: _ANY, _ADMIN: _ANY},
        Action.EDIT_AVAILABILITY: {_PRACTITIONER: _OWN, _ADMIN: _ANY},
        Action.BOOK_APPOINTMENT: {_PATIENT: _OWN, _PRACTITIONER: _OWN, _ADMIN: _ANY},
        Action.LIST_APPOINTMENTS: {_PATIENT: _OWN, _PRACTITIONER: _OWN, _ADMIN: _ANY},
        Action.READ_APPOINTMENT: {_PATIENT: _OWN, _PRACTITIONER: _OWN, _ADMIN: _ANY},
        Action.CHANGE_APPOINTMENT: {_PATIENT: _OWN, _PRACTITIONER: _OWN, _ADMIN: _ANY},
        Action.ASK_TO_BE_SEEN: {_PATIENT: _OWN},
        Action.READ_WORKLIST: {_PRACTITIONER: _OWN},
        Action.TAKE_FROM_QUEUE: {_PRACTITIONER: _ANY},
        Action.READ_ENCOUNTER: _IN_ROOM,
        Action.ENTER_ROOM: _IN_ROOM,
        Action.INVITE: {_PRACTITIONER: _OWN, _PARAMEDIC: _OWN},
        Action.READ_VITALS: _IN_ROOM,
        Action.MANAGE_ALARMS: {_PRACTITIONER: _OWN, _PARAMEDIC: _OWN},
        Action.PAUSE_ALARMS: {_PRACTITIONER: _OWN},
        Action.TURN_OFF_ALARMS: {_ADMIN: _ANY},
        Action.READ_TIMELINE: {_PRACTITIONER: _OWN, _PARAMEDIC: _OWN},
        Action.OPEN_CASE: {_PARAMEDIC: _OWN},
        Action.READ_CASE: {_PARAMEDIC: _OWN, _PRACTITIONER: _OWN},
        Action.RING_CASE: {_PARAMEDIC: _OWN},
        Action.ANSWER_CASE: {_PRACTITIONER: _OWN},
        Action.CLOSE_CASE: {_PARAMEDIC: _OWN, _PRACTITIONER: _OWN},
        Action.GO_ON_CALL: {_PRACTITIONER: _OWN},
        Action.MANAGE_DEVICES: {_ADMIN: _ANY},
        Action.LIST_DEVICES: {_ADMIN: _ANY, _PARAMEDIC: _ANY, _PRACTITIONER: _ANY},
        Action.ASSOCIATE_DEVICE: {_ADMIN: _ANY, _PARAMEDIC: _OWN, _PRACTITIONER: _OWN},
        Action.ENROL_DEVICE: {_ADMIN: _ANY, _PARAMEDIC: _ANY},
        Action.SEND_VITALS: {_DEVICE: _OWN},
        Action.ADD_READING: _IN_ROOM,
        Action.READ_RECORDING: {_PRACTITIONER: _OWN},
    }
)
"""Action → Role → Reach. There are no other grants anywhere."""


def reach(role: Role, action: Action) -> Reach | None:
    """Return how far the role may do the action, None if not at all."""
    return PERMISSIONS[action].get(role)


def require_role(principal: Principal, action: Action) -> Reach:
    """Return how far the principal may do the action; Forbidden if its role never may."""
    granted = reach(principal.role, action)
    if granted is None:
        raise Forbidden("Your role does not allow this.")
    return granted


def require(principal: Principal, action: Action, *, owners: Collection[str]) -> None:
    """Let the principal do the action on an object with these owners, or raise.

    Raises:
        Forbidden: The role may never do it.
        NotFound: The object is somebody else's.
    """
    if require_role(principal, action) is Reach.OWN and not principal.is_one_of(owners):
        raise NotFound("There is no such thing, or it is not yours.")
