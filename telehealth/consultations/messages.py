"""The messages of the room socket, as docs/protocol.md describes them (version 1)."""

import json
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from telehealth.access import Role
from telehealth.consultations.model import Admission, EncounterKind, EncounterStatus, Layer, Rung, Source
from telehealth.errors import Invalid

VERSION = 1
MAX_TEXT = 64 * 1024
"""Bytes of one text message, in UTF-8."""
MAX_STILL = 40_000
"""Characters of a still picture, in base64."""
MAX_CHAT = 2_000
"""Characters of one chat line."""


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("blank")
    return text


def _without_nul(text: str) -> str:
    # PostgreSQL can't keep U+0000 in text, and no person writes it.
    if "\x00" in text:
        raise ValueError("NUL")
    return text


Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Key = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Sdp = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_without_nul)]
Jpeg = Annotated[str, Field(min_length=4, max_length=MAX_STILL)]
Line = Annotated[
    str, Field(min_length=1, max_length=MAX_CHAT), AfterValidator(_not_blank), AfterValidator(_without_nul)
]
Milliseconds = Annotated[float, Field(allow_inf_nan=False)]
Number = Annotated[int, Field(ge=0, lt=2**31)]
Word = Annotated[str, Field(pattern=r"^[a-z_]{0,40}$")]
MuteReason = Literal["user", "interrupted", "unplugged", "hidden", ""]


class Message(BaseModel):
    """What all messages and their parts share: frozen, exact types, no unknown fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Hello(Message):
    """First message of a connection."""

    type: Literal["hello"] = "hello"
    version: Literal[1]
    ticket: Annotated[str, Field(min_length=1, max_length=4096)]


class Connect(Message):
    """Asks for a fresh media transport."""

    type: Literal["connect"] = "connect"


class Answer(Message):
    """The browser's answer to the offer of that number."""

    type: Literal["answer"] = "answer"
    negotiation: Number
    sdp: Sdp


class Publish(Message):
    """Wants to send a source."""

    type: Literal["publish"] = "publish"
    source: Source


class Unpublish(Message):
    """Sends a source no more."""

    type: Literal["unpublish"] = "unpublish"
    source: Source


class Mute(Message):
    """Tells the others whether something comes, and why not."""

    type: Literal["mute"] = "mute"
    source: Source
    muted: bool
    reason: MuteReason


class Lock(Message):
    """Chooses what one's own link is to carry at most and at least; null leaves it to measurement."""

    type: Literal["lock"] = "lock"
    rung: Rung | None


class Still(Message):
    """One picture instead of moving ones."""

    type: Literal["still"] = "still"
    source: Literal[Source.CAMERA, Source.SCREEN]
    jpeg: Jpeg


class Chat(Message):
    """Writes a line."""

    type: Literal["chat"] = "chat"
    key: Key
    text: Line


class Admit(Message):
    """Lets a waiting participant in."""

    type: Literal["admit"] = "admit"
    participant: Id


class Remove(Message):
    """Sends a participant away."""

    type: Literal["remove"] = "remove"
    participant: Id


class Leave(Message):
    """Goes, and may come back."""

    type: Literal["leave"] = "leave"


class End(Message):
    """Ends the consultation for everybody."""

    type: Literal["end"] = "end"


class RecordRequest(Message):
    """Asks everybody whether the consultation may be recorded."""

    type: Literal["record_request"] = "record_request"


class RecordConsent(Message):
    """Agrees to being recorded, or refuses; refusing later is withdrawing."""

    type: Literal["record_consent"] = "record_consent"
    accepted: bool


class Ping(Message):
    """Measures the line and the clock."""

    type: Literal["ping"] = "ping"
    sent_at: Milliseconds


ClientMessage = Annotated[
    Hello
    | Connect
    | Answer
    | Publish
    | Unpublish
    | Mute
    | Lock
    | Still
    | Chat
    | Admit
    | Remove
    | Leave
    | End
    | RecordRequest
    | RecordConsent
    | Ping,
    Field(discriminator="type"),
]


class SourceState(Message):
    """Whether a published source is muted, and why."""

    muted: bool = False
    reason: MuteReason = ""


class ParticipantView(Message):
    """A participant as others see them."""

    id: Id
    name: str
    role: Role
    admission: Admission
    connected: bool
    media: Literal["connecting", "connected", "suspect", "lost", ""]
    sources: dict[Source, SourceState]


class EncounterView(Message):
    """The encounter as people in its room see it; the patient's name is empty for one who waits."""

    id: Id
    kind: EncounterKind
    status: EncounterStatus
    patient: str
    begun_at: Milliseconds | None


class Track(Message):
    """One live line of an offer."""

    mid: Annotated[str, Field(max_length=32)]
    participant: Id
    source: Source
    layer: Layer = Layer.FULL


class RingView(Message):
    """One practitioner who was rung."""

    name: str
    state: Word


class CaseView(Message):
    """How the ringing of an ambulance case goes."""

    id: Id
    status: Word
    complaint: Word
    acuity: Word
    rings: Annotated[tuple[RingView, ...], Field(max_length=100)]


class IceServer(Message):
    """A STUN or TURN server, in the form of RTCIceServer (W3C WebRTC §4.2.4)."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = ""


class ChatLine(Message):
    """A line of chat in its place on the timeline."""

    type: Literal["chat"] = "chat"
    number: Annotated[int, Field(ge=1)]
    participant: Id
    text: str
    at: Milliseconds
    key: str


class Welcome(Message):
    """The whole state, for one participant."""

    type: Literal["welcome"] = "welcome"
    version: Literal[1] = 1
    participant: Id
    admission: Literal[Admission.WAITING, Admission.ADMITTED]
    may: tuple[Word, ...]
    encounter: EncounterView
    participants: tuple[ParticipantView, ...]
    chat: tuple[ChatLine, ...]
    ice_servers: tuple[IceServer, ...]
    server_time: Milliseconds


class ParticipantChanged(Message):
    """Someone is new or changed."""

    type: Literal["participant"] = "participant"
    participant: ParticipantView


class Lobby(Message):
    """Where one who waits stands."""

    type: Literal["lobby"] = "lobby"
    position: Annotated[int, Field(ge=1)]
    waiting: Annotated[int, Field(ge=1)]
    practitioner: Literal["in_room", "away"]


class Offer(Message):
    """The server's offer."""

    type: Literal["offer"] = "offer"
    negotiation: Number
    sdp: Sdp
    tracks: tuple[Track, ...]


class ClockOfMedia(Message):
    """When a picture with this RTP timestamp was taken; `rate` timestamps make a second, and they wrap at 2³²."""

    type: Literal["clock"] = "clock"
    participant: Id
    source: Source
    rtp: Annotated[int, Field(ge=0, lt=2**32)]
    at: Milliseconds
    rate: Annotated[int, Field(ge=1_000, le=1_000_000)]


class RungOf(Message):
    """What a participant's link is good for; `locked` if they chose it."""

    type: Literal["rung"] = "rung"
    participant: Id
    rung: Rung
    locked: bool


class StillOf(Message):
    """A picture of somebody whose moving pictures do not come."""

    type: Literal["still"] = "still"
    participant: Id
    source: Literal[Source.CAMERA, Source.SCREEN]
    jpeg: Jpeg
    at: Milliseconds


class CaseChanged(Message):
    """How the ringing goes."""

    type: Literal["case"] = "case"
    case: CaseView


class RecordingChanged(Message):
    """Whether the consultation is recorded, who asked, who agreed, and who refused."""

    type: Literal["recording"] = "recording"
    state: Literal["off", "asking", "on"]
    by: Annotated[str, Field(max_length=64)]
    accepted: tuple[Id, ...]
    refused: Annotated[str, Field(max_length=64)]


class Ended(Message):
    """The consultation is over."""

    type: Literal["ended"] = "ended"
    reason: Literal["finished", "cancelled"]


class Removed(Message):
    """The receiver was sent away."""

    type: Literal["removed"] = "removed"


class Replaced(Message):
    """The receiver is connected elsewhere."""

    type: Literal["replaced"] = "replaced"


class Refusal(Message):
    """A message was refused and nothing changed; `about` is its type."""

    type: Literal["error"] = "error"
    code: Annotated[str, Field(pattern=r"^[a-z_]{1,64}$")]
    text: str
    about: str = ""


class Pong(Message):
    """Answers a ping."""

    type: Literal["pong"] = "pong"
    sent_at: Milliseconds
    server_time: Milliseconds


ServerMessage = Annotated[
    Welcome
    | ParticipantChanged
    | Lobby
    | Offer
    | ClockOfMedia
    | RungOf
    | StillOf
    | ChatLine
    | CaseChanged
    | RecordingChanged
    | Ended
    | Removed
    | Replaced
    | Refusal
    | Pong,
    Field(discriminator="type"),
]

_CLIENT: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)
_SERVER: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage)


def parse_client(text: str) -> ClientMessage:
    """Return the message that a client wrote; Invalid (`bad_message`) for whatever is none."""
    _require_plain_json(text, limit=MAX_TEXT)
    try:
        return _CLIENT.validate_json(text)
    except ValidationError:
        raise _bad() from None


def parse_server(text: str) -> ServerMessage:
    """Return the message that a server wrote; Invalid (`bad_message`) for whatever is none."""
    try:
        return _SERVER.validate_json(text)
    except ValidationError:
        raise _bad() from None


def parse_case(body: bytes) -> CaseView:
    """Return the case in the body of a `case_changed` event; Invalid if it is none."""
    try:
        return CaseView.model_validate_json(body)
    except ValidationError:
        raise _bad() from None


def serialise(message: Message) -> str:
    """Return the text that goes over the wire."""
    return message.model_dump_json()


def _require_plain_json(text: str, *, limit: int) -> None:
    """Refuse what JSON parsers read differently: repeated names, NaN, lone surrogates, numbers without end."""
    if len(text) > limit:
        raise _bad()
    try:
        if len(text.encode()) > limit:
            raise _bad()
        json.loads(text, object_pairs_hook=_unrepeated, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _bad() from None


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name is repeated")
    return fields


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _bad() -> Invalid:
    return Invalid("The message is not understood.", code="bad_message")
