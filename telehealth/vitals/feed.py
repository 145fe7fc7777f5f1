"""A Feed: one connected device, what it declared, and how its messages become frames to store and to show."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from telehealth.bus import Event
from telehealth.clock import from_ms, to_ms
from telehealth.errors import Invalid
from telehealth.rtp.token_bucket import TokenBucket
from telehealth.vitals.codes import WAVES
from telehealth.vitals.device_clock import DeviceClock
from telehealth.vitals.model import (
    NUMERICS_CHANNEL,
    Device,
    DeviceAssociation,
    DeviceKind,
    FeedHello,
    FrameFlag,
    RawChannel,
    RawNumerics,
    Report,
    StoredFrame,
    WaveBlock,
    WaveChannel,
)
from telehealth.vitals.ports import VitalsWire
from telehealth.vitals.readings import judge
from telehealth.vitals.units import UNITS, linear

BACKFILL_AFTER_MS = 5_000.0
"""What arrives so long after it was measured was kept by the device meanwhile."""

# Operators of flags are slow, and this is some thousand times a second.
_DEMO, _BACKFILL, _EPOCH = int(FrameFlag.DEMO), int(FrameFlag.BACKFILL), int(FrameFlag.EPOCH)

FAULTS = MappingProxyType(
    {
        "bad_frame": "The waveform frame is malformed.",
        "bad_message": "The message has too many values, or two of one parameter.",
        "before_association": "It was measured while the device was another patient's.",
        "impossible_value": "A value is impossible and kept as invalid.",
        "out_of_order": "The samples begin before the end of the frame before.",
        "unit_required": "A value has no unit.",
        "unknown_channel": "The channel was not declared in hello.",
        "unknown_parameter": "The parameter is not known.",
        "unknown_unit": "The unit is not known, or not one of this parameter.",
    }
)
"""What a refusal says, by code."""

Incoming = RawNumerics | WaveBlock

MESSAGES_PER_S = 200.0
BURST = 2_000.0
"""Messages that a device may send at once; MESSAGES_PER_S on average."""

LATE_PER_S = 1_000.0
LATE_BURST = 250.0
"""Messages of back-fill that all devices of a node may send together: live data go first."""

MAX_CHANNELS = 32
MAX_VALUES = 64


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message, or a value of one, that was not taken; sending it again does not help."""

    code: str
    channel: int
    sequence: int

    @property
    def text(self) -> str:
        return FAULTS[self.code]


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that can be stored, what watchers are told of it, and its samples if it has any.

    Attributes:
        late: The device kept it for a while and says so.
        wave: The block as watchers get it, for a wave.
    """

    frame: StoredFrame
    event: Event
    late: bool
    report: Report | None = None
    wave: WaveBlock | None = None


@dataclass(slots=True)
class Feed:
    """An open connection of a device. Belongs to VitalsPlane; callers read `device`, `encounter` and `last`.

    Attributes:
        last: By device channel, the highest sequence stored of this boot.
        on_replaced: Called once when a newer connection of the device takes over.
        begins_at: What was measured earlier is another patient's; None if the device had none before.
    """

    device: Device
    association: DeviceAssociation
    boot: str
    channels: Mapping[int, WaveChannel]
    last: dict[int, int]
    on_replaced: Callable[[], None]
    bucket: TokenBucket
    checked_at: float
    begins_at: datetime | None = None
    open: bool = True
    clock: DeviceClock = field(default_factory=DeviceClock)
    _next_index: dict[int, int] = field(default_factory=dict)
    _next_sequence: dict[int, int] = field(default_factory=dict)
    _epoch_begins: set[int] = field(default_factory=set)

    def take(
        self, batch: Sequence[Incoming], received_at: datetime, wire: VitalsWire
    ) -> tuple[list[Taken], list[Refusal]]:
        """Check and convert the messages; those that can be stored, and what was refused."""
        taken: dict[tuple[int, int], Taken] = {}
        refused: list[Refusal] = []
        for message in batch:
            channel = NUMERICS_CHANNEL if isinstance(message, RawNumerics) else message.channel
            try:
                if isinstance(message, RawNumerics):
                    item, faults = self._numerics(message, received_at, wire)
                else:
                    item, faults = self._wave(message, received_at, wire), ()
            except Invalid as error:
                refused.append(Refusal(error.code, channel, message.sequence))
                continue
            refused.extend(Refusal(code, channel, message.sequence) for code in faults)
            if item is not None:
                taken.setdefault((channel, message.sequence), item)
        return list(taken.values()), refused

    def stored(self, frames: Sequence[StoredFrame]) -> dict[int, int]:
        """Take note that the frames are in the database; return what to acknowledge."""
        for frame in frames:
            self.last[frame.channel] = max(frame.sequence, self.last.get(frame.channel, 0))
        return {frame.channel: self.last[frame.channel] for frame in frames}

    def observe_clock(self, device_ms: float, received_ms: float, *, just_sent: bool = False) -> bool:
        """Take note of the device's clock; after a jump the next block of each channel begins a new epoch."""
        jumped = self.clock.observe(device_ms, received_ms, just_sent=just_sent)
        if jumped:
            self._epoch_begins.update(self.channels)
        return jumped

    def begins_epoch(self, channel: int) -> bool:
        """Say, once for each channel, that the clock has jumped since its block before."""
        if channel not in self._epoch_begins:
            return False
        self._epoch_begins.discard(channel)
        return True

    def _numerics(
        self, message: RawNumerics, received_at: datetime, wire: VitalsWire
    ) -> tuple[Taken | None, tuple[str, ...]]:
        if len(message.values) > MAX_VALUES:
            raise Invalid("The message has too many values.", code="bad_message")
        # What was kept for a while tells nothing of the clock, but that it was earlier.
        if not message.late:
            self.observe_clock(message.taken_at_ms, to_ms(received_at))
        taken_at = from_ms(message.taken_at_ms + self.clock.offset_ms)
        self._require_own(taken_at)
        judged = judge(message.values, taken_at, received_at)
        if not judged.samples:
            return None, judged.faults
        spot = self.device.kind is DeviceKind.SPOT
        report = Report(self.device.id, taken_at, received_at, self.device.simulated, judged.samples, spot)
        frame = self._frame(NUMERICS_CHANNEL, message.sequence, taken_at, received_at, wire.stored(report))
        return Taken(frame, Event("numerics", wire.numerics(report)), message.late, report), judged.faults

    def _wave(self, block: WaveBlock, received_at: datetime, wire: VitalsWire) -> Taken:
        channel = self.channels.get(block.channel)
        if channel is None:
            raise Invalid(FAULTS["unknown_channel"], code="unknown_channel")
        received_ms = to_ms(received_at)
        length_ms = 1000.0 * block.count / channel.rate_hz
        if not block.late:
            self._follow(block)
            # A frame can't leave before its last sample: that moment is the device's latest known time.
            self.observe_clock(block.starts_at_ms + length_ms, received_ms)
        starts_at_ms = max(0.0, block.starts_at_ms + self.clock.offset_ms)
        self._require_own(from_ms(starts_at_ms))
        flags = int(block.flags)
        if self.device.simulated:
            flags |= _DEMO
        if received_ms - starts_at_ms - length_ms > BACKFILL_AFTER_MS:
            flags |= _BACKFILL
        if not block.late and self.begins_epoch(block.channel):
            flags |= _EPOCH
        moved = replace(block, channel=channel.number, starts_at_ms=starts_at_ms, flags=FrameFlag(flags))
        shown = wire.wave(moved)
        frame = self._frame(block.channel, block.sequence, from_ms(starts_at_ms), received_at, shown)
        return Taken(frame, Event("wave", shown), block.late, wave=moved)

    def is_own(self, taken_at: datetime) -> bool:
        """Say whether what was measured then is of the patient whom the device measures now."""
        return self.begins_at is None or taken_at >= self.begins_at

    def _require_own(self, taken_at: datetime) -> None:
        if not self.is_own(taken_at):
            raise Invalid(FAULTS["before_association"], code="before_association")

    def _follow(self, block: WaveBlock) -> None:
        """Keep the place of the channel; Invalid (out_of_order) for a new frame with samples of the past."""
        expected = self._next_sequence.get(block.channel, self.last.get(block.channel, -1) + 1)
        if block.sequence < expected:
            return  # A repeat, or one that fills a hole: the store knows which.
        if block.first_index < self._next_index.get(block.channel, 0):
            raise Invalid(FAULTS["out_of_order"], code="out_of_order")
        self._next_sequence[block.channel] = block.sequence + 1
        self._next_index[block.channel] = block.first_index + block.count

    def _frame(
        self, channel: int, sequence: int, taken_at: datetime, received_at: datetime, body: bytes
    ) -> StoredFrame:
        encounter = self.association.encounter_id
        return StoredFrame(encounter, self.device.id, self.boot, channel, sequence, taken_at, received_at, body)


def declared(hello: FeedHello, association: DeviceAssociation) -> list[WaveChannel]:
    """Return the channels of a hello, each in the unit in which its wave is shown.

    Raises:
        Invalid: `too_many_channels`; `unit_required`, `unknown_unit` for a unit that does not fit.
    """
    if len(hello.channels) > MAX_CHANNELS:
        raise Invalid("The device has too many channels.", code="too_many_channels")
    return [_declared(channel, hello.boot, association) for channel in hello.channels]


def _declared(raw: RawChannel, boot: str, association: DeviceAssociation) -> WaveChannel:
    wave = WAVES.get(raw.mdc)
    # Steps of the device instead of millivolts: the shape counts, and nothing is claimed of its height.
    shape_only = wave is not None and _relative(raw.unit) and not _relative(wave.unit)
    unit = raw.unit if wave is None or shape_only else wave.unit
    factor, shift = linear(raw.unit, unit)
    if unit not in UNITS:
        raise Invalid(FAULTS["unknown_unit"], code="unknown_unit")
    return WaveChannel(
        encounter_id=association.encounter_id,
        number=0,
        device_id=association.device_id,
        boot=boot,
        device_channel=raw.number,
        mdc=raw.mdc,
        label=raw.label,
        unit=unit,
        rate_hz=raw.rate_hz,
        gain=raw.gain * factor,
        offset=raw.offset * factor + shift,
    )


def _relative(unit: str) -> bool:
    return unit in UNITS and UNITS[unit].quantity == "ratio"
