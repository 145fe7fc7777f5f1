"""Devices and what they send: numerics and waveforms, normalised (MDC, LOINC, UCUM)."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag, StrEnum

from telehealth.ids import DeviceId, EncounterId, PatientId

MISSING = -32768
"""Raw waveform value that stands for a missing sample."""

NUMERICS_CHANNEL = 0
"""Number of the channel on which a device counts its messages of numerics."""


class DeviceKind(StrEnum):
    """How a device comes to be here."""

    REGISTERED = "registered"
    """Staff registered it; it has a credential."""

    SENSOR = "sensor"
    """Somebody's browser reads it and sends on what it says, for one encounter."""

    SPOT = "spot"
    """As SENSOR, but somebody measured once, or typed: its values do not go blank, their age is shown."""


@dataclass(frozen=True, slots=True)
class Device:
    """A medical device (a camera is a Source).

    Attributes:
        name: As staff know it (`Monitor bay 3`); not personal data.
        simulated: Its data are shown as demonstration data.
    """

    id: DeviceId
    name: str
    model: str = ""
    simulated: bool = False
    revoked: bool = False
    kind: DeviceKind = DeviceKind.REGISTERED


@dataclass(frozen=True, slots=True)
class DeviceAssociation:
    """Device ↔ Patient and Encounter, for a period; made by people, never by what a payload claims."""

    device_id: DeviceId
    encounter_id: EncounterId
    patient_id: PatientId
    since: datetime
    until: datetime | None = None


class Quality(StrEnum):
    """How far a value may be trusted."""

    GOOD = "good"
    QUESTIONABLE = "questionable"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading, normalised.

    Attributes:
        mdc: ISO/IEEE 11073-10101 code.
        value: In `unit`; None when the device says it has none (`quality` tells why).
        unit: UCUM, the parameter's own.
        original_value, original_unit: As the device sent them.
        taken_at: When the device measured, on the server's clock.
        received_at: When we got it.
        text: What was observed, where that is no number (a rhythm, `< 20`); then there is no value.
        flags: What the source says of it besides, and what was put right to read it (vitals.reported).
    """

    mdc: int
    value: float | None
    unit: str
    original_value: float | None
    original_unit: str
    taken_at: datetime
    received_at: datetime
    quality: Quality = Quality.GOOD
    text: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Samples that one device sent together.

    Attributes:
        demo: They are for demonstration and mean nothing about anybody.
        spot: Somebody measured once, or typed (DeviceKind.SPOT): no more need come. Not kept with it.
    """

    device_id: DeviceId
    taken_at: datetime
    received_at: datetime
    demo: bool
    samples: tuple[Sample, ...]
    spot: bool = False


@dataclass(frozen=True, slots=True)
class RawValue:
    """A value as a device sends it: named by `mdc` or, when that is 0, by `loinc`."""

    value: float | None
    unit: str
    quality: Quality
    mdc: int = 0
    loinc: str = ""


@dataclass(frozen=True, slots=True)
class RawNumerics:
    """A message of numerics as a device sends it, by the device's clock; `late`: sent as back-fill."""

    sequence: int
    taken_at_ms: float
    values: tuple[RawValue, ...]
    late: bool = False


@dataclass(frozen=True, slots=True)
class RawChannel:
    """A waveform channel as a device declares it. `mdc` 0: the device has no code for it; it is drawn by its label."""

    number: int
    mdc: int
    label: str
    unit: str
    rate_hz: float
    gain: float
    offset: float


@dataclass(frozen=True, slots=True)
class FeedHello:
    """How a device introduces what it will send.

    Attributes:
        boot: New at each start of the device's counters.
        sent_at_ms: The device's clock when it sent this.
    """

    boot: str
    sent_at_ms: float
    channels: tuple[RawChannel, ...]


@dataclass(frozen=True, slots=True)
class WaveChannel:
    """What a waveform channel of an encounter carries.

    Attributes:
        number: Unique in the encounter; 1 … 65535.
        device_channel: The device's own number for it.
        label: As drawn beside the trace (`II`, `Pleth`).
        rate_hz: Samples a second; need not be whole.
        gain, offset: value = raw × gain + offset, in `unit`.
    """

    encounter_id: EncounterId
    number: int
    device_id: DeviceId
    boot: str
    device_channel: int
    mdc: int
    label: str
    unit: str
    rate_hz: float
    gain: float
    offset: float


class FrameFlag(IntFlag):
    """Bits of a waveform frame."""

    NONE = 0
    DEMO = 1
    QUESTIONABLE = 2
    BACKFILL = 4
    EPOCH = 8
    """The device's clock was set: times before and after are not of one clock."""


_BACKFILL = int(FrameFlag.BACKFILL)


@dataclass(frozen=True, slots=True)
class WaveBlock:
    """A block of equidistant raw samples of one channel.

    Attributes:
        channel: Number of the channel (the device's own on its way in, the encounter's on its way out).
        sequence: +1 per frame of the channel.
        first_index: Index of the first sample since the channel began.
        starts_at_ms: Time of the first sample, milliseconds since 1970.
        samples: Signed 16-bit, little-endian; MISSING stands for none.
        gap: Whether the block only marks that samples are missing; then it has none.
        missing: How many samples a gap stands for.
    """

    channel: int
    sequence: int
    first_index: int
    starts_at_ms: float
    samples: bytes
    flags: FrameFlag = FrameFlag.NONE
    gap: bool = False
    missing: int = 0

    @property
    def late(self) -> bool:
        """Whether it was kept for a while and is sent as back-fill."""
        # As plain numbers: this is asked of each frame several times, and operators of flags are slow.
        return int.__and__(self.flags, _BACKFILL) != 0

    @property
    def count(self) -> int:
        """Number of samples it carries, or, of a gap, lacks."""
        return self.missing if self.gap else len(self.samples) // 2


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """A message of a device as it is kept: what came, from whom, in which place.

    Attributes:
        channel: The device's channel; NUMERICS_CHANNEL for numerics.
        body: The report of the samples (with what the device sent beside it), or the binary frame as watchers get it.
    """

    encounter_id: EncounterId
    device_id: DeviceId
    boot: str
    channel: int
    sequence: int
    taken_at: datetime
    received_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class FramePage:
    """A part of what is stored, in the order in which it was measured.

    Attributes:
        next: Where the next part begins; empty if there is none.
    """

    frames: tuple[StoredFrame, ...]
    next: str
