"""The text messages of `/ws/worklist` (docs/protocol.md, Work list)."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from telehealth.consultations.model import EncounterKind, EncounterStatus
from telehealth.dispatch.model import Acuity, AgeBand, Complaint
from telehealth.interop.wire import Id, Message, Ms, TicketText, parse


class Hello(Message):
    """First message of a practitioner's page."""

    type: Literal["hello"] = "hello"
    version: Literal[1]
    ticket: TicketText


class Ping(Message):
    """Measures the line and the clock."""

    type: Literal["ping"] = "ping"
    sent_at: Ms


class Ringing(Message):
    """An ambulance that rings for me."""

    case: Id
    encounter: Id
    complaint: Complaint
    acuity: Acuity
    age_band: AgeBand
    paramedic: str
    since: Ms


class Waiting(Message):
    """A patient who waits: mine, or nobody's yet."""

    encounter: Id
    kind: EncounterKind
    patient: str
    reason: str
    since: Ms
    mine: bool


class Today(Message):
    """A visit of today."""

    encounter: Id
    kind: EncounterKind
    patient: str
    reason: str
    starts_at: Ms
    status: EncounterStatus
    mine: bool


class Worklist(Message):
    """The whole list."""

    type: Literal["worklist"] = "worklist"
    on_call: bool
    server_time: Ms
    ringing: tuple[Ringing, ...]
    waiting: tuple[Waiting, ...]
    today: tuple[Today, ...]


class Refused(Message):
    """A message that is not understood."""

    type: Literal["error"] = "error"
    code: str
    text: str
    about: str


class Pong(Message):
    """Answer to ping."""

    type: Literal["pong"] = "pong"
    sent_at: Ms
    server_time: Ms


ClientMessage = Hello | Ping
ServerMessage = Worklist | Refused | Pong
_CLIENT: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])
_SERVER: TypeAdapter[ServerMessage] = TypeAdapter(Annotated[ServerMessage, Field(discriminator="type")])


def parse_client(text: str | bytes) -> ClientMessage:
    """Return a page's message; Invalid (bad_message) for anything else."""
    return parse(_CLIENT, text)


def parse_server(text: str | bytes) -> ServerMessage:
    """Return a message to a page; Invalid (bad_message) for anything else."""
    return parse(_SERVER, text)
