"""The text messages of `/ws/device` (docs/protocol.md, Device)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from telehealth.interop.wire import Id, Message, Ms, parse
from telehealth.vitals.model import FeedHello, Quality, RawChannel, RawNumerics, RawValue

MAX_CHANNELS = 32
MAX_VALUES = 64

_Sequence = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]
_Mdc = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]
_ChannelNumber = Annotated[int, Field(ge=1, le=0xFFFF)]
_Boot = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")]
_Label = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,32}$")]
_Unit = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{0,32}$")]
_Text = Annotated[str, Field(max_length=500)]


class Channel(Message):
    """A waveform channel, declared."""

    ch: _ChannelNumber
    mdc: _Mdc
    label: _Label
    unit: _Unit
    rate: Annotated[float, Field(gt=0, le=20_000)]
    gain: Annotated[float, Field(ge=-1e12, le=1e12)]
    offset: Annotated[float, Field(ge=-1e12, le=1e12)]


class Hello(Message):
    """First message of a device."""

    type: Literal["hello"] = "hello"
    version: Literal[1]
    boot: _Boot
    sent_at: Ms
    channels: Annotated[tuple[Channel, ...], Field(max_length=MAX_CHANNELS)]

    @model_validator(mode="after")
    def _numbered_once(self) -> "Hello":
        if len({channel.ch for channel in self.channels}) != len(self.channels):
            raise ValueError("two channels have one number")
        if any(channel.gain == 0 for channel in self.channels):
            raise ValueError("a gain of zero says nothing")
        return self

    def to_domain(self) -> FeedHello:
        """Return it as the vitals plane takes it."""
        channels = tuple(RawChannel(c.ch, c.mdc, c.label, c.unit, c.rate, c.gain, c.offset) for c in self.channels)
        return FeedHello(boot=self.boot, sent_at_ms=self.sent_at, channels=channels)


class MdcValue(Message):
    """A value named by its MDC code."""

    mdc: Annotated[int, Field(ge=1, le=0xFFFF_FFFF)]
    value: Annotated[float, Field(ge=-1e12, le=1e12)] | None
    unit: _Unit = ""
    quality: Quality = Quality.GOOD


class LoincValue(Message):
    """A value named by its LOINC code."""

    loinc: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,7}-[0-9]$")]
    value: Annotated[float, Field(ge=-1e12, le=1e12)] | None
    unit: _Unit = ""
    quality: Quality = Quality.GOOD


class Numerics(Message):
    """Values measured together, by the device's clock."""

    type: Literal["numerics"] = "numerics"
    seq: _Sequence
    taken_at: Ms
    values: Annotated[tuple[MdcValue | LoincValue, ...], Field(min_length=1, max_length=MAX_VALUES)]
    backfill: bool = False

    def to_domain(self) -> RawNumerics:
        """Return it as the vitals plane takes it."""
        return RawNumerics(self.seq, self.taken_at, tuple(_raw(value) for value in self.values), self.backfill)


class ClockAsked(Message):
    """The device asks for the time."""

    type: Literal["clock"] = "clock"
    sent_at: Ms


class Welcome(Message):
    """Answer to hello: whose vitals these are, and from where to go on."""

    type: Literal["welcome"] = "welcome"
    version: Literal[1] = 1
    device: Id
    encounter: Id
    last: dict[int, _Sequence]
    server_time: Ms


class Ack(Message):
    """For each channel, the sequence up to which what came on this connection is stored: live, and back-fill."""

    type: Literal["ack"] = "ack"
    last: dict[int, _Sequence]
    filled: dict[int, _Sequence] = Field(default_factory=dict)


class Refused(Message):
    """A frame, or a value of it, that is not taken and not to be sent again; `ch` and `seq` when known."""

    type: Literal["error"] = "error"
    code: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}$")]
    text: _Text
    ch: int | None = None
    seq: int | None = None


class ClockTold(Message):
    """The server's time, beside the question it answers."""

    type: Literal["clock"] = "clock"
    sent_at: Ms
    server_time: Ms


class Replaced(Message):
    """The device has connected elsewhere."""

    type: Literal["replaced"] = "replaced"


ClientMessage = Hello | Numerics | ClockAsked
ServerMessage = Welcome | Ack | Refused | ClockTold | Replaced
_CLIENT: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])
_SERVER: TypeAdapter[ServerMessage] = TypeAdapter(Annotated[ServerMessage, Field(discriminator="type")])


def ack_text(last: Mapping[int, int], filled: Mapping[int, int]) -> str:
    """Return an Ack as it goes out, some thousand times a second."""
    return f'{{"type":"ack","last":{_counts(last)},"filled":{_counts(filled)}}}'


def _counts(numbers: Mapping[int, int]) -> str:
    return "{" + ",".join(f'"{channel}":{sequence}' for channel, sequence in numbers.items()) + "}"


def parse_client(text: str | bytes) -> ClientMessage:
    """Return a device's message; Invalid (bad_message) for anything else."""
    return parse(_CLIENT, text)


def parse_server(text: str | bytes) -> ServerMessage:
    """Return a message to a device; Invalid (bad_message) for anything else."""
    return parse(_SERVER, text)


def _raw(value: MdcValue | LoincValue) -> RawValue:
    if isinstance(value, MdcValue):
        return RawValue(value.value, value.unit, value.quality, mdc=value.mdc)
    return RawValue(value.value, value.unit, value.quality, loinc=value.loinc)
