"""The text messages of `/ws/vitals` (docs/protocol.md, Vitals), and how reports are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from telehealth.bus import EventId
from telehealth.clock import from_ms, to_ms
from telehealth.consultations.documents import DocumentEntry
from telehealth.ids import DeviceId
from telehealth.interop.alarm_messages import (
    AlarmChangedMessage,
    EntriesMade,
    LimitsSet,
    RhythmMessage,
    ScoreIssued,
    SignalsSet,
)
from telehealth.interop.vital_frames import encode_frame
from telehealth.interop.wire import Id, Line, Message, Ms, TicketText, parse
from telehealth.vitals.codes import TEXTS
from telehealth.vitals.feed import BACKFILL_AFTER_MS
from telehealth.vitals.model import Device, DeviceKind, Quality, Report, Sample, WaveBlock, WaveChannel

_EventIdText = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}-[0-9]{1,15}$")]

BEFORE_ALL = EventId(0, 0)
"""Id of what a watcher gets from storage before the first event of the topic."""


class Hello(Message):
    """First message of a watcher."""

    type: Literal["hello"] = "hello"
    version: Literal[1]
    ticket: TicketText
    after: _EventIdText | None = None


class Ping(Message):
    """Measures the line and the clock."""

    type: Literal["ping"] = "ping"
    sent_at: Ms


class Channel(Message):
    """A waveform channel of the encounter."""

    ch: Annotated[int, Field(ge=1, le=0xFFFF)]
    device: Id
    mdc: Annotated[int, Field(ge=0)]
    label: Line
    unit: Line
    rate: float
    gain: float
    offset: float


class DeviceState(Message):
    """A device, and whether it is connected."""

    id: Id
    name: Line
    simulated: bool
    connected: bool
    kind: DeviceKind


class Value(Message):
    """One reading."""

    mdc: int
    value: float | None
    unit: str
    quality: Quality
    conflict: bool = False


class Welcome(Message):
    """Answer to hello: what there is."""

    type: Literal["welcome"] = "welcome"
    version: Literal[1] = 1
    resumed: bool
    devices: tuple[DeviceState, ...]
    channels: tuple[Channel, ...]
    server_time: Ms


class Channels(Message):
    """New or changed channels."""

    type: Literal["channels"] = "channels"
    id: _EventIdText
    channels: tuple[Channel, ...]


class Numerics(Message):
    """A report."""

    type: Literal["numerics"] = "numerics"
    id: _EventIdText
    device: Id
    taken_at: Ms
    received_at: Ms
    demo: bool
    late: bool
    values: tuple[Value, ...]


class DeviceChanged(Message):
    """A device came or went."""

    type: Literal["device"] = "device"
    id: _EventIdText
    device: DeviceState


class Photo(Message):
    """Somebody added a photo of a display; the picture is at `/api/v1/encounters/…/photos/{document}`."""

    type: Literal["photo"] = "photo"
    id: _EventIdText
    document: Id
    at: Ms


class Gap(Message):
    """What lies before the next event is missing."""

    type: Literal["gap"] = "gap"


class Refused(Message):
    """A message of the watcher that is not understood."""

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
WatchMessage = AlarmChangedMessage | ScoreIssued | LimitsSet | EntriesMade | SignalsSet | RhythmMessage
ServerMessage = Welcome | Channels | Numerics | DeviceChanged | Photo | WatchMessage | Gap | Refused | Pong
_CLIENT: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])
_SERVER: TypeAdapter[ServerMessage] = TypeAdapter(Annotated[ServerMessage, Field(discriminator="type")])


def parse_client(text: str | bytes) -> ClientMessage:
    """Return a watcher's message; Invalid (bad_message) for anything else."""
    return parse(_CLIENT, text)


def parse_server(text: str | bytes) -> ServerMessage:
    """Return a message to a watcher; Invalid (bad_message) for anything else."""
    return parse(_SERVER, text)


def event_text(body: bytes, event: EventId = BEFORE_ALL) -> str:
    """Return the text message of an event whose body VitalsJson wrote: the body with the event's id."""
    return f'{{"id":"{event}",{body[1:].decode()}'


def welcome(
    devices: Sequence[tuple[Device, bool]], channels: Sequence[WaveChannel], *, resumed: bool, server_time: datetime
) -> Welcome:
    """Return the welcome that tells a watcher of these devices (and whether each is connected) and channels."""
    return Welcome(
        resumed=resumed,
        devices=tuple(_device(device, connected=connected) for device, connected in devices),
        channels=tuple(_channel(channel) for channel in channels),
        server_time=to_ms(server_time),
    )


def photo_body(entry: DocumentEntry) -> bytes:
    """Return the body of the event that tells of a photo."""
    return _without_id(Photo(id=str(BEFORE_ALL), document=entry.id, at=to_ms(entry.created_at)))


class VitalsJson:
    """Vitals as JSON, waves as binary frames. Implements vitals.ports.VitalsWire."""

    def numerics(self, report: Report, conflicts: frozenset[int] = frozenset()) -> bytes:
        message = Numerics(
            id=str(BEFORE_ALL),
            device=report.device_id,
            taken_at=to_ms(report.taken_at),
            received_at=to_ms(report.received_at),
            demo=report.demo,
            late=to_ms(report.received_at) - to_ms(report.taken_at) > BACKFILL_AFTER_MS,
            # A rhythm is kept, but those who watch numbers are told numbers.
            values=tuple(
                _value(sample, conflict=sample.mdc in conflicts) for sample in report.samples if sample.mdc not in TEXTS
            ),
        )
        return _without_id(message)

    def stored(self, report: Report) -> bytes:
        kept = _KeptReport(
            taken_at=to_ms(report.taken_at),
            received_at=to_ms(report.received_at),
            demo=report.demo,
            values=tuple(_kept(sample) for sample in report.samples),
        )
        return kept.model_dump_json().encode()

    def from_stored(self, device: DeviceId, body: bytes) -> Report:
        kept = _KeptReport.model_validate_json(body)
        taken_at, received_at = from_ms(kept.taken_at), from_ms(kept.received_at)
        samples = tuple(
            Sample(v.mdc, v.value, v.unit, v.sent_value, v.sent_unit, taken_at, received_at, v.quality, v.text, v.flags)
            for v in kept.values
        )
        return Report(device, taken_at, received_at, kept.demo, samples)

    def wave(self, block: WaveBlock) -> bytes:
        return encode_frame(block)

    def channels(self, channels: Sequence[WaveChannel]) -> bytes:
        return _without_id(Channels(id=str(BEFORE_ALL), channels=tuple(_channel(channel) for channel in channels)))

    def device(self, device: Device, *, connected: bool) -> bytes:
        return _without_id(DeviceChanged(id=str(BEFORE_ALL), device=_device(device, connected=connected)))


def _value(sample: Sample, *, conflict: bool) -> Value:
    return Value(mdc=sample.mdc, value=sample.value, unit=sample.unit, quality=sample.quality, conflict=conflict)


class _KeptValue(Message):
    mdc: int
    value: float | None
    unit: str
    quality: Quality
    sent_value: float | None
    sent_unit: str
    text: str = ""
    flags: tuple[str, ...] = ()


class _KeptReport(Message):
    taken_at: Ms
    received_at: Ms
    demo: bool
    values: tuple[_KeptValue, ...]


def _kept(sample: Sample) -> _KeptValue:
    return _KeptValue(
        mdc=sample.mdc,
        value=sample.value,
        unit=sample.unit,
        quality=sample.quality,
        sent_value=sample.original_value,
        sent_unit=sample.original_unit,
        text=sample.text,
        flags=sample.flags,
    )


def _without_id(message: Message) -> bytes:
    return message.model_dump_json(exclude={"id"}).encode()


def _channel(channel: WaveChannel) -> Channel:
    return Channel(
        ch=channel.number,
        device=channel.device_id,
        mdc=channel.mdc,
        label=channel.label,
        unit=channel.unit,
        rate=channel.rate_hz,
        gain=channel.gain,
        offset=channel.offset,
    )


def _device(device: Device, *, connected: bool) -> DeviceState:
    return DeviceState(
        id=device.id, name=device.name, simulated=device.simulated, connected=connected, kind=device.kind
    )
