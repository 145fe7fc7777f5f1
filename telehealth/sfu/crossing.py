"""What crosses between the server and its media process: requests and their outcomes, events, and pieces of films.

The stream is a socket pair that only these two have. A frame is its length (4 bytes), its kind (1 byte), and either a
message in JSON, `[number, type, fields]`, or a piece of a film: the length of the recording's id (1 byte), the id, the
data. A number other than 0 names the request that a message is, or is the outcome of.
"""

import asyncio
import json
import logging
import socket
import struct
from dataclasses import dataclass
from typing import Any, Self, get_args

from pydantic import TypeAdapter

from telehealth import errors
from telehealth.consultations.model import Rung, Source
from telehealth.consultations.ports import MediaEvent
from telehealth.errors import TelehealthError, Unavailable
from telehealth.ids import EncounterId, ParticipantId, RecordingId
from telehealth.sfu.counters import MediaStatistics

logger = logging.getLogger(__name__)

COUNTED_S = 1.0
"""How often the media process tells what it carries."""
FRAME_BYTES = 1 << 20
"""No message is longer: the longest are session descriptions, of some tens of kilobytes."""
FILM_BYTES = 256 * 1024
"""Longer pieces of films are divided."""
FILM_WAITING_BYTES = 8 << 20
"""With so much waiting for the other side a film is given up."""
WAITING_BYTES = 16 << 20
"""With so much the other side is given up."""

_HEAD = struct.Struct(">IB")
_MESSAGE, _FILM = 0, 1


@dataclass(frozen=True, slots=True)
class Open:
    """As MediaPlane.open."""

    encounter: EncounterId
    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class Publish:
    """As MediaPlane.publish."""

    encounter: EncounterId
    participant: ParticipantId
    source: Source


@dataclass(frozen=True, slots=True)
class Unpublish:
    """As MediaPlane.unpublish."""

    encounter: EncounterId
    participant: ParticipantId
    source: Source


@dataclass(frozen=True, slots=True)
class Answer:
    """As MediaPlane.answer."""

    encounter: EncounterId
    participant: ParticipantId
    negotiation: int
    sdp: str


@dataclass(frozen=True, slots=True)
class Lock:
    """As MediaPlane.lock."""

    encounter: EncounterId
    participant: ParticipantId
    rung: Rung | None


@dataclass(frozen=True, slots=True)
class Close:
    """As MediaPlane.close."""

    encounter: EncounterId
    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class CloseRoom:
    """As MediaPlane.close_room."""

    encounter: EncounterId


@dataclass(frozen=True, slots=True)
class TryPath:
    """As MediaTrials.try_path."""

    person: str


@dataclass(frozen=True, slots=True)
class Film:
    """As Films.film; the pieces come back under the recording's id."""

    encounter: EncounterId
    recording: RecordingId


@dataclass(frozen=True, slots=True)
class Cut:
    """As Films.cut at this moment of the monotonic clock; what was taken until then comes before the outcome."""

    recording: RecordingId
    at: float


Request = Open | Publish | Unpublish | Answer | Lock | Close | CloseRoom | TryPath | Film | Cut


@dataclass(frozen=True, slots=True)
class Ready:
    """The media process serves on this port."""

    port: int


@dataclass(frozen=True, slots=True)
class Done:
    """A request was carried out; the value is an offer for TryPath, or nothing."""

    value: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A request was refused, or, without a number, the start: a TelehealthError of this class."""

    kind: str
    code: str
    text: str

    @classmethod
    def of(cls, error: TelehealthError) -> Self:
        return cls(type(error).__name__, error.code, error.text)

    def error(self) -> TelehealthError:
        """Return the error that it tells of; Unavailable if its class is unknown."""
        known = getattr(errors, self.kind, None)
        kind = known if isinstance(known, type) and issubclass(known, TelehealthError) else Unavailable
        return kind(self.text, code=self.code)


@dataclass(frozen=True, slots=True)
class FilmBroken:
    """No more of this film will come."""

    recording: RecordingId


Outcome = Done | Refused
Message = Request | Outcome | MediaEvent | Ready | FilmBroken | MediaStatistics


_TYPES: tuple[type, ...] = get_args(Message)
_ADAPTERS: dict[str, TypeAdapter[Any]] = {known.__name__: TypeAdapter[Any](known) for known in _TYPES}


@dataclass(frozen=True, slots=True)
class Piece:
    """The next piece of a film."""

    recording: RecordingId
    data: bytes


class Crossing:
    """One end of the stream. Nothing waits but `hear`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, connected: socket.socket) -> Self:
        """Return an end on one socket of a pair; it is closed with it."""
        return cls(*await asyncio.open_unix_connection(sock=connected, limit=FRAME_BYTES))

    @property
    def waiting(self) -> int:
        """Bytes that the other side has not taken yet."""
        return self._writer.transport.get_write_buffer_size()

    def say(self, message: Message, number: int = 0) -> None:
        """Send a message; Unavailable if the other side has gone, or takes nothing any more, which ends the stream."""
        transport = self._writer.transport
        if transport.is_closing() or self.waiting > WAITING_BYTES:
            transport.abort()
            raise Unavailable("The media process takes nothing any more.", code="media_silent")
        name = type(message).__name__
        body = json.dumps([number, name, _ADAPTERS[name].dump_python(message, mode="json")]).encode()
        self._writer.write(_HEAD.pack(len(body), _MESSAGE) + body)

    def show(self, recording: RecordingId, data: bytes) -> bool:
        """Send a piece of a film; False if the other side has gone, or too much waits already."""
        if self._writer.transport.is_closing() or self.waiting > FILM_WAITING_BYTES:
            return False
        name = recording.encode()
        for begin in range(0, len(data), FILM_BYTES):
            body = bytes([len(name)]) + name + data[begin : begin + FILM_BYTES]
            self._writer.write(_HEAD.pack(len(body), _FILM) + body)
        return True

    async def hear(self) -> tuple[int, Message] | Piece | None:
        """Return what comes next; None when the other side has gone, or says what cannot be understood."""
        try:
            length, kind = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
            if length > FRAME_BYTES:
                raise ValueError("too long")
            body = await self._reader.readexactly(length)
            return _piece(body) if kind == _FILM else _understood(body)
        except (OSError, asyncio.IncompleteReadError):
            return None
        except Exception as error:
            # Whatever it was: what comes after it can't be told apart any more.
            logger.error("what came from the other side can't be understood: %s", type(error).__name__)
            return None

    async def aclose(self) -> None:
        """Send what waits, for a second at most, and close."""
        transport = self._writer.transport
        try:
            if not transport.is_closing():
                async with asyncio.timeout(1.0):
                    transport.set_write_buffer_limits(0)
                    await self._writer.drain()
        except (OSError, RuntimeError, TimeoutError):
            pass  # It has ended meanwhile, or takes nothing.
        finally:
            transport.abort()


def _understood(body: bytes) -> tuple[int, Message]:
    number, name, fields = json.loads(body)
    return int(number), _ADAPTERS[name].validate_python(fields)


def _piece(body: bytes) -> Piece:
    end = 1 + body[0]
    return Piece(RecordingId(body[1:end].decode()), body[end:])
