"""Parcels: numerics and waves of one device in one JSON text, over HTTP (`/api/v1/observations`) or MQTT.

The fields are those of `/ws/device` (docs/protocol.md, Device); samples are base64 of 16-bit little-endian integers.
"""

import base64
import binascii
from typing import Annotated

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from telehealth.errors import Invalid
from telehealth.interop.device_messages import MAX_CHANNELS, MAX_VALUES, Channel, Hello, LoincValue, MdcValue, Numerics
from telehealth.interop.vital_frames import LATEST_MS, MAX_SAMPLES
from telehealth.interop.wire import Message, Ms
from telehealth.vitals.feed import Incoming
from telehealth.vitals.model import FeedHello, FrameFlag, WaveBlock

MAX_BYTES = 256 * 1024
MAX_MESSAGES = 2_000

_Sequence = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]


class NumericsIn(Message):
    """Values measured together."""

    seq: _Sequence
    taken_at: Ms
    values: Annotated[tuple[MdcValue | LoincValue, ...], Field(min_length=1, max_length=MAX_VALUES)]
    backfill: bool = False


class WaveIn(Message):
    """A block of samples, or (`missing`) the mark that so many were not measured."""

    ch: Annotated[int, Field(ge=1, le=0xFFFF)]
    seq: _Sequence
    first: Annotated[int, Field(ge=0, le=2**63 - 1)]
    starts_at: Annotated[float, Field(ge=0, le=LATEST_MS)]
    samples: Annotated[str, StringConstraints(max_length=4 * (2 * MAX_SAMPLES // 3 + 1))] = ""
    missing: Annotated[int, Field(ge=0, le=MAX_SAMPLES)] = 0
    backfill: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> "WaveIn":
        if bool(self.samples) is bool(self.missing):
            raise ValueError("either samples or a number of missing ones")
        return self

    def to_domain(self) -> WaveBlock:
        """Return it as the vitals plane takes it; Invalid (bad_frame) if the samples can't be read."""
        try:
            samples = base64.b64decode(self.samples, validate=True)
        except (binascii.Error, ValueError):
            raise Invalid("The samples are not base64.", code="bad_frame") from None
        if len(samples) % 2 or len(samples) > 2 * MAX_SAMPLES:
            raise Invalid("The samples are not of 16 bits, or too many.", code="bad_frame")
        flags = FrameFlag.BACKFILL if self.backfill else FrameFlag.NONE
        place = (self.ch, self.seq, self.first, self.starts_at)
        return WaveBlock(*place, samples, flags, gap=bool(self.missing), missing=self.missing)


class Parcel(Message):
    """What a device sends at once. `channels` are needed with waves, and must be the same for one boot."""

    boot: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,64}$")]
    sent_at: Ms
    channels: Annotated[tuple[Channel, ...], Field(max_length=MAX_CHANNELS)] = ()
    numerics: Annotated[tuple[NumericsIn, ...], Field(max_length=MAX_MESSAGES)] = ()
    waves: Annotated[tuple[WaveIn, ...], Field(max_length=MAX_MESSAGES)] = ()

    def hello(self) -> FeedHello:
        """Return how the device introduces itself; Invalid (bad_message) for channels that contradict each other."""
        try:
            return Hello(version=1, boot=self.boot, sent_at=self.sent_at, channels=self.channels).to_domain()
        except ValidationError:
            raise Invalid("The channels contradict each other.", code="bad_message") from None

    def messages(self) -> list[Incoming]:
        """Return the messages, numerics first; Invalid (bad_frame) if a block can't be read."""
        numerics = [
            Numerics(seq=one.seq, taken_at=one.taken_at, values=one.values, backfill=one.backfill).to_domain()
            for one in self.numerics
        ]
        return [*numerics, *(one.to_domain() for one in self.waves)]


_PARCEL: TypeAdapter[Parcel] = TypeAdapter(Parcel)


def parse_parcel(text: bytes) -> Parcel:
    """Return the parcel in the text; Invalid (`bad_message`, `too_large`)."""
    if len(text) > MAX_BYTES:
        raise Invalid("A parcel may have 256 KiB.", code="too_large")
    try:
        return _PARCEL.validate_json(text)
    except ValueError:
        raise Invalid("The parcel is not understood.", code="bad_message") from None
