"""Reports: what other systems say of a device (HL7, FHIR), recorded as if the device had sent it itself.

A socket of ours numbers its messages; these do not. So a frame's place is made of what it says: its time and values for
numbers, channel and first moment for waves. Whoever says the same again, on whatever way, changes nothing.
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from telehealth.access import Principal, Role
from telehealth.audit import AuditTrail, event_by
from telehealth.bus import Event
from telehealth.clock import Clock, from_ms, to_ms
from telehealth.errors import Invalid, NotFound, TooMany, Unauthenticated
from telehealth.ids import DeviceId, EncounterId
from telehealth.rtp.token_bucket import TokenBucket
from telehealth.vitals.alarm import Priority
from telehealth.vitals.codes import TEXTS
from telehealth.vitals.device_alarm import DeviceAlarm, Inactivation, Phase
from telehealth.vitals.device_clock import DeviceClock
from telehealth.vitals.feed import BACKFILL_AFTER_MS, BURST, MESSAGES_PER_S, Feed, Taken
from telehealth.vitals.intake import Intake, Moment, is_demo, name_of, taken_in
from telehealth.vitals.model import (
    NUMERICS_CHANNEL,
    Device,
    DeviceAssociation,
    FrameFlag,
    StoredFrame,
    WaveBlock,
    WaveChannel,
)
from telehealth.vitals.model import Report as StoredReport
from telehealth.vitals.ports import Devices, VitalFrames, VitalsWire
from telehealth.vitals.reported import UNCONFIRMED, ObservedWave, Quarantined, Reported, ReportedAlarm

logger = logging.getLogger(__name__)

BOOT = "reports"
"""All that is reported of a device is of one boot: reports know of no other."""

MAX_DEVICES = 1_000
MAX_CHANNELS = 32
BLOCK = 4_096
"""Most samples of a frame."""

FOLLOWS_S = 0.05
"""A block that begins so near to where the one before ended follows it."""

_PROBES = 8
_PHASES = MappingProxyType({phase.value: phase for phase in Phase})
_INACTIVATIONS = MappingProxyType({state.value: state for state in Inactivation})
_PRIORITIES = MappingProxyType({"low": Priority.LOW, "medium": Priority.MEDIUM, "high": Priority.HIGH})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Plane(Protocol):
    """What stores and tells; VitalsPlane does."""

    async def keep(self, feed: Feed, taken: Sequence[Taken]) -> Sequence[bool]: ...
    async def announce(self, feed: Feed, *events: Event) -> None: ...


class AlarmListener(Protocol):
    """Who watches patients; AlarmWatch does."""

    def device_alarm(self, encounter: EncounterId, said: DeviceAlarm) -> None: ...

    async def settled(self, encounter: EncounterId) -> None:
        """Wait until what was said of the encounter is stored; Unavailable if it can't be."""
        ...


@dataclass(frozen=True, slots=True)
class ReportPorts:
    """What reports need of the outside."""

    devices: Devices
    frames: VitalFrames
    audit: AuditTrail
    wire: VitalsWire
    clock: Clock


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a report.

    Attributes:
        fresh: By key of the moment, whether it was new.
        waves: How many blocks of waves are kept; `new_waves` of them were new.
    """

    fresh: Mapping[int, bool]
    waves: int
    new_waves: int
    alarms: int
    quarantined: tuple[Quarantined, ...]

    @property
    def something(self) -> bool:
        """Whether anything of it is kept, now or before."""
        return bool(self.fresh or self.waves or self.alarms)


@dataclass(slots=True)
class _Line:
    """One device, as far as others report of it."""

    feed: Feed
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    channels: dict[tuple[object, ...], WaveChannel] = field(default_factory=dict)
    ends: dict[int, tuple[int, float]] = field(default_factory=dict)


class Reports:
    """Records what is reported. Stored means stored: `record` returns after the commit."""

    def __init__(self, plane: Plane, ports: ReportPorts, alarms: AlarmListener) -> None:
        self._plane = plane
        self._ports = ports
        self._alarms = alarms
        self._lines: OrderedDict[DeviceId, _Line] = OrderedDict()
        # Kept over a lost connection: what comes first after it was kept, too, and is no word on the clock.
        self._clocks: OrderedDict[DeviceId, DeviceClock] = OrderedDict()

    async def record(self, device: DeviceId, reported: Reported) -> Kept:
        """Store what is reported of the device, tell the watchers what is new of it.

        Raises:
            NotFound: `not_associated`: the device measures for nobody; or there is no such device.
            Unauthenticated: `device_revoked`.
            TooMany: It reports more than it may.
            Unavailable: It could not be stored.
        """
        line = await self._line(device)
        async with line.lock:
            if not line.feed.bucket.take(1 + len(reported.waves), self._ports.clock.monotonic()):
                raise TooMany("The device sends too much.")
            return await self._record(line, reported)

    async def gone(self, device: DeviceId) -> None:
        """Tell the watchers that nobody reports of the device any more."""
        line = self._lines.pop(device, None)
        if line is not None:
            told = self._ports.wire.device(line.feed.device, connected=False)
            await self._plane.announce(line.feed, Event("device", told))

    async def aclose(self) -> None:
        """Tell the watchers of all devices that they are gone."""
        for device in list(self._lines):
            await self.gone(device)

    async def _line(self, device: DeviceId) -> _Line:
        known, association = await self._associated(device)
        line = self._lines.get(device)
        if line is not None and line.feed.association == association and line.feed.device == known:
            self._lines.move_to_end(device)
            return line
        await self._ports.audit.record(
            event_by(
                Principal(device, Role.DEVICE), "vitals.reported", f"device/{device}", patient=association.patient_id
            )
        )
        begins_at = await self._ports.devices.others_until(association)
        feed = Feed(
            device=known,
            association=association,
            boot=BOOT,
            channels={},
            last={},
            on_replaced=_nothing,
            bucket=TokenBucket(MESSAGES_PER_S, BURST, self._ports.clock.monotonic()),
            checked_at=0.0,
            begins_at=begins_at,
            clock=self._clock_of(device),
        )
        self._lines[device] = line = _Line(feed)
        if len(self._lines) > MAX_DEVICES:
            self._lines.popitem(last=False)
        await self._plane.announce(feed, Event("device", self._ports.wire.device(known, connected=True)))
        logger.info("device %s: is reported of, for encounter %s", device, association.encounter_id)
        return line

    def _clock_of(self, device: DeviceId) -> DeviceClock:
        clock = self._clocks.setdefault(device, DeviceClock())
        self._clocks.move_to_end(device)
        if len(self._clocks) > MAX_DEVICES:
            self._clocks.popitem(last=False)
        return clock

    async def _associated(self, device: DeviceId) -> tuple[Device, DeviceAssociation]:
        known = await self._ports.devices.get(device)
        if known.revoked:
            raise Unauthenticated("This device has been revoked.", code="device_revoked")
        association = await self._ports.devices.association(device)
        if association is None:
            raise NotFound("The device is not bound to a consultation.", code="not_associated")
        return known, association

    async def _record(self, line: _Line, reported: Reported) -> Kept:
        received_at, feed = self._ports.clock.now(), line.feed
        if reported.sent_at is not None and feed.observe_clock(to_ms(reported.sent_at), to_ms(received_at)):
            logger.warning("device %s: its clock jumped", feed.device.id)
        offset = timedelta(milliseconds=feed.clock.offset_ms)
        intake = taken_in(reported, received_at, offset)
        refused = list(intake.quarantined)
        own = _own(feed, intake, offset, refused)
        moments = [self._moment(feed, moment, received_at) for moment in own.moments]
        waves = [taken for wave in own.waves for taken in await self._wave(line, wave, received_at, refused)]
        new = await self._plane.keep(feed, [*moments, *waves]) if moments or waves else ()
        alarms = self._say_alarms(feed, reported.alarms, received_at, offset, refused)
        if alarms:
            await self._alarms.settled(feed.association.encounter_id)
        fresh = {moment.key: is_new for moment, is_new in zip(own.moments, new, strict=False)}
        if refused:
            logger.info("device %s: %d refused, first %s", feed.device.id, len(refused), refused[0].code)
        new_waves = sum(new[len(moments) :])
        return Kept(fresh, len(waves), new_waves, alarms, tuple(refused))

    def _moment(self, feed: Feed, moment: Moment, received_at: datetime) -> Taken:
        demo = moment.demo or feed.device.simulated
        report = StoredReport(feed.device.id, moment.taken_at, received_at, demo, moment.samples)
        frame = self._frame(
            feed, NUMERICS_CHANNEL, moment.key, moment.taken_at, received_at, self._ports.wire.stored(report)
        )
        # Those who watch numbers are told numbers.
        told = replace(report, samples=tuple(sample for sample in report.samples if sample.mdc not in TEXTS))
        event = Event("numerics", self._ports.wire.numerics(told))
        return Taken(frame, event, late=False, report=told)

    async def _wave(
        self, line: _Line, wave: ObservedWave, received_at: datetime, refused: list[Quarantined]
    ) -> list[Taken]:
        try:
            channel = await self._channel(line, wave)
        except Invalid as error:
            refused.append(Quarantined("too_many", wave.label, error.text))
            return []
        first = _first_index(line, channel, wave)
        blocks = []
        for at in range(0, wave.count, BLOCK):
            samples = wave.samples[2 * at : 2 * (at + BLOCK)]
            blocks.append(self._block(line.feed, channel, wave, first + at, at / wave.rate_hz, samples, received_at))
        return blocks

    def _block(  # noqa: PLR0913 - one place, and nothing of it belongs together elsewhere.
        self,
        feed: Feed,
        channel: WaveChannel,
        wave: ObservedWave,
        index: int,
        after_s: float,
        samples: bytes,
        received_at: datetime,
    ) -> Taken:
        stamp_ms = to_ms(wave.starts_at) + 1000.0 * after_s
        starts_at_ms = max(0.0, stamp_ms + feed.clock.offset_ms)
        length_ms = 1000.0 * (len(samples) // 2) / wave.rate_hz
        late = to_ms(received_at) - starts_at_ms - length_ms > BACKFILL_AFTER_MS
        # Milliseconds of the sender's clock: ascending, and the same when it is said again.
        place = round(stamp_ms)
        block = WaveBlock(
            channel.number,
            place & 0xFFFF_FFFF,
            index,
            starts_at_ms,
            samples,
            _flags(feed, channel, wave, late=late),
        )
        body = self._ports.wire.wave(block)
        frame = self._frame(feed, channel.device_channel, place, from_ms(starts_at_ms), received_at, body)
        return Taken(frame, Event("wave", body), late=False, wave=block)

    async def _channel(self, line: _Line, wave: ObservedWave) -> WaveChannel:
        described = (wave.mdc, wave.label, wave.unit, wave.rate_hz, wave.gain, wave.offset)
        if known := line.channels.get(described):
            return known
        if len(line.channels) >= MAX_CHANNELS:
            raise Invalid("The device has too many waves.", code="too_many_channels")
        feed = line.feed
        number = int.from_bytes(hashlib.sha256(repr(described).encode()).digest()[:2])
        for probe in range(_PROBES):
            asked = WaveChannel(
                feed.association.encounter_id, 0, feed.device.id, BOOT, 1 + (number + probe) % 65_535, *described
            )
            (channel,) = await self._ports.frames.add_channels((asked,))
            if replace(channel, number=0) == asked:
                line.channels[described] = channel
                feed.channels = {**feed.channels, channel.device_channel: channel}
                await self._plane.announce(feed, Event("channels", self._ports.wire.channels((channel,))))
                return channel
        raise Invalid("The device has too many waves.", code="too_many_channels")

    def _frame(
        self, feed: Feed, channel: int, place: int, taken_at: datetime, received_at: datetime, body: bytes
    ) -> StoredFrame:
        encounter = feed.association.encounter_id
        return StoredFrame(encounter, feed.device.id, BOOT, channel, place, taken_at, received_at, body)

    def _say_alarms(
        self,
        feed: Feed,
        alarms: Sequence[ReportedAlarm],
        received_at: datetime,
        offset: timedelta,
        refused: list[Quarantined],
    ) -> int:
        """Hand the alarms on; return how many of them are this patient's."""
        told = 0
        for alarm in alarms:
            at = alarm.at + offset if alarm.at else received_at
            if not feed.is_own(at):
                refused.append(Quarantined("before_association", alarm.event_name or "alarm"))
                continue
            self._alarms.device_alarm(feed.association.encounter_id, _device_alarm(feed.device, alarm, at))
            told += 1
        return told


def _own(feed: Feed, intake: Intake, offset: timedelta, refused: list[Quarantined]) -> Intake:
    """Return what was measured of this patient; what the device measured of another is refused."""
    moments = tuple(moment for moment in intake.moments if feed.is_own(moment.taken_at))
    waves = tuple(wave for wave in intake.waves if feed.is_own(wave.starts_at + offset))
    for moment in intake.moments:
        if not feed.is_own(moment.taken_at):
            refused += [Quarantined("before_association", name_of(sample.mdc)) for sample in moment.samples]
    for wave in intake.waves:
        if not feed.is_own(wave.starts_at + offset):
            refused.append(Quarantined("before_association", wave.label))
    return replace(intake, moments=moments, waves=waves)


def _device_alarm(device: Device, alarm: ReportedAlarm, at: datetime) -> DeviceAlarm:
    text = alarm.text or alarm.event_name or "Alarm"
    return DeviceAlarm(
        device.id,
        alarm.instance or f"{alarm.event}/{alarm.source}",
        _PHASES.get(alarm.phase, Phase.START),
        None if alarm.priority == "none" else _PRIORITIES.get(alarm.priority, Priority.MEDIUM),
        (text if alarm.priority_given else f"{text} (priority not given)")[:80],
        at,
        alarm.event,
        alarm.source,
        _INACTIVATIONS.get(alarm.inactivation, Inactivation.ENABLED),
        technical=alarm.kind == "technical",
        demo=device.simulated or is_demo(alarm.flags),
    )


def _flags(feed: Feed, channel: WaveChannel, wave: ObservedWave, *, late: bool) -> FrameFlag:
    flags = FrameFlag.NONE
    if feed.device.simulated or is_demo(wave.flags):
        flags |= FrameFlag.DEMO
    if feed.begins_epoch(channel.device_channel):
        flags |= FrameFlag.EPOCH
    if UNCONFIRMED in wave.flags or "questionable" in wave.flags or "invalid" in wave.flags:
        flags |= FrameFlag.QUESTIONABLE
    return flags | FrameFlag.BACKFILL if late else flags


def _first_index(line: _Line, channel: WaveChannel, wave: ObservedWave) -> int:
    """Return the index of the wave's first sample: counted on where it follows the one before, else from its time."""
    starts_s = (wave.starts_at - _EPOCH).total_seconds()
    first = max(0, round(starts_s * wave.rate_hz))
    expected = line.ends.get(channel.device_channel)
    if expected is not None and abs(expected[1] - starts_s) <= FOLLOWS_S:
        first = expected[0]
    ends_s = starts_s + wave.count / wave.rate_hz
    # What is said again, or late, doesn't move the place at which the newest goes on.
    if expected is None or ends_s > expected[1]:
        line.ends[channel.device_channel] = (first + wave.count, ends_s)
    return first


def _nothing() -> None:
    """Nobody waits to hear that a report was replaced."""
