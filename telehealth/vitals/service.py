"""VitalsPlane: what devices send is checked, converted, stored, told to whoever watches, and then acknowledged."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from telehealth.access import Action, Principal, require
from telehealth.audit import AuditTrail, event_by
from telehealth.bus import Bus, Event, vitals_topic
from telehealth.clock import Clock, to_ms
from telehealth.errors import Conflict, NotFound, TooMany, Unauthenticated, Unavailable
from telehealth.ids import DeviceId, EncounterId
from telehealth.rtp.token_bucket import TokenBucket
from telehealth.vitals.conflicts import conflicting
from telehealth.vitals.feed import (
    BURST,
    LATE_BURST,
    LATE_PER_S,
    MESSAGES_PER_S,
    Feed,
    Incoming,
    Refusal,
    Taken,
    declared,
)
from telehealth.vitals.model import (
    NUMERICS_CHANNEL,
    Device,
    DeviceAssociation,
    FeedHello,
    Report,
    Sample,
    StoredFrame,
    WaveChannel,
)
from telehealth.vitals.ports import Devices, ReportObserver, VitalFrames, VitalsWire

logger = logging.getLogger(__name__)

RECHECK_S = 2.0
"""How long a device may go on after its association or its right has ended."""

MAX_FEEDS = 2_000
RECENT = timedelta(minutes=10)
RECENT_REPORTS = 1_000
CONNECTED_WITHIN = timedelta(seconds=5)
REMEMBERED_ENCOUNTERS = 512


@dataclass(frozen=True, slots=True)
class Recorded:
    """What to tell the device: what is stored, by channel, and what was refused.

    Attributes:
        acks: Of what came live.
        filled: Of what came as back-fill.
    """

    acks: dict[int, int]
    refused: tuple[Refusal, ...]
    filled: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a watcher who has seen nothing yet is told.

    Attributes:
        devices: Each with whether it is connected.
        channels: Those of each device's newest boot.
        numerics: Bodies (VitalsWire.numerics) with the latest sample of each parameter and device, oldest first.
    """

    devices: tuple[tuple[Device, bool], ...]
    channels: tuple[WaveChannel, ...]
    numerics: tuple[bytes, ...]


class VitalsPlane:
    """Takes what devices send and remembers it. `record` of one feed is called by one task at a time."""

    def __init__(
        self,
        *,
        devices: Devices,
        frames: VitalFrames,
        bus: Bus,
        audit: AuditTrail,
        wire: VitalsWire,
        clock: Clock,
    ) -> None:
        self._devices = devices
        self._frames = frames
        self._bus = bus
        self._audit = audit
        self._wire = wire
        self._clock = clock
        self._observer: ReportObserver | None = None
        self._feeds: dict[DeviceId, Feed] = {}
        self._late = TokenBucket(LATE_PER_S, LATE_BURST, clock.monotonic())
        self._latest: OrderedDict[EncounterId, dict[tuple[DeviceId, int], Report]] = OrderedDict()

    def observed_by(self, observer: ReportObserver) -> None:
        """Let somebody hear of what is stored from now on."""
        self._observer = observer

    async def open_feed(self, principal: Principal, hello: FeedHello, *, on_replaced: Callable[[], None]) -> Feed:
        """Begin to take what the device sends; an older connection of it is told that it was replaced.

        Raises:
            NotFound: `not_associated`: nobody has said whose vitals these are.
            Unauthenticated: `device_revoked`.
            Invalid: A channel is declared with no unit, or with one that does not fit.
            TooMany: Too many devices are connected to this node.
        """
        device, association = await self._associated(principal)
        channels = await self._frames.add_channels(declared(hello, association))
        last = await self._frames.last_sequences(device.id, hello.boot)
        begins_at = await self._devices.others_until(association)
        await self._audit.record(
            event_by(principal, "vitals.opened", f"device/{device.id}", patient=association.patient_id)
        )
        if device.id not in self._feeds and len(self._feeds) >= MAX_FEEDS:
            raise TooMany("Too many devices are connected.")
        now = self._clock.monotonic()
        feed = Feed(
            device=device,
            association=association,
            boot=hello.boot,
            channels={channel.device_channel: channel for channel in channels},
            last=last,
            on_replaced=on_replaced,
            bucket=TokenBucket(MESSAGES_PER_S, BURST, now),
            checked_at=now,
            begins_at=begins_at,
        )
        self.observe_clock(feed, hello.sent_at_ms)
        self._put_in_place(feed)
        try:
            await self._publish(feed, Event("device", self._wire.device(device, connected=True)))
            if channels:
                await self._publish(feed, Event("channels", self._wire.channels(channels)))
        except BaseException:
            # Cancelled: nobody holds the feed to close it.
            await self.close_feed(feed)
            raise
        logger.info("device %s: sends for encounter %s", device.id, association.encounter_id)
        return feed

    def observe_clock(self, feed: Feed, sent_at_ms: float) -> None:
        """Take note of what the device's clock said when it sent a message that has just come."""
        if feed.observe_clock(sent_at_ms, to_ms(self._clock.now()), just_sent=True):
            logger.warning("device %s: its clock jumped", feed.device.id)

    async def record(self, feed: Feed, batch: Sequence[Incoming]) -> Recorded:
        """Store the messages in one transaction, tell the watchers what is new of them, return what to acknowledge.

        Raises:
            Conflict: `replaced`: a newer connection of the device has taken over, or this one is closed.
            NotFound: `not_associated`: the association has ended.
            TooMany: The device sends more than it may.
        """
        await self._require_current(feed)
        live = sum(not message.late for message in batch)
        if not feed.bucket.take(live, self._clock.monotonic()):
            raise TooMany("The device sends too much.")
        taken, refused = feed.take(batch, self._clock.now(), self._wire)
        acks = feed.stored(await self._store(feed, [item for item in taken if not item.late], late=False))
        filled: dict[int, int] = {}
        if live < len(batch):
            for frame in await self._store(feed, [item for item in taken if item.late], late=True):
                filled[frame.channel] = max(frame.sequence, filled.get(frame.channel, 0))
        if refused:
            logger.info("device %s: %d refused, first %s", feed.device.id, len(refused), refused[0].code)
        return Recorded(acks, tuple(refused), filled)

    def may_fill(self, count: int) -> bool:
        """Say whether so many messages of back-fill may be recorded now; if not, ask again in a moment."""
        return self._late.take(count, self._clock.monotonic())

    async def _store(self, feed: Feed, taken: Sequence[Taken], *, late: bool) -> Sequence[StoredFrame]:
        """Store, then tell the watchers what is new of it; return all the frames."""
        if taken:
            await self._keep(feed, taken, late=late)
        return [item.frame for item in taken]

    async def keep(self, feed: Feed, taken: Sequence[Taken]) -> Sequence[bool]:
        """Store what was taken of a report (see Reports), tell the watchers; say of each whether it is new."""
        return await self._keep(feed, taken, late=False)

    async def announce(self, feed: Feed, *events: Event) -> None:
        """Tell the watchers of the feed's encounter."""
        await self._publish(feed, *events)

    async def _keep(self, feed: Feed, taken: Sequence[Taken], *, late: bool) -> Sequence[bool]:
        fresh = await self._frames.add([item.frame for item in taken], late=late)
        new = [item for item, is_new in zip(taken, fresh, strict=True) if is_new]
        for item in new:
            if item.report is not None:
                self._remember(feed.association.encounter_id, item.report)
        self._observe(feed, new)
        await self._publish(feed, *(self._told(feed, item) for item in new))
        return fresh

    def _observe(self, feed: Feed, new: Sequence[Taken]) -> None:
        if self._observer is None:
            return
        encounter = feed.association.encounter_id
        for item in new:
            if item.report is not None:
                self._observer.reported(encounter, item.report)
            elif item.wave is not None:
                self._observer.waved(feed.channels[item.frame.channel], item.wave)
        if any(item.wave is not None for item in new):
            self._observer.heard(encounter, feed.device.id, demo=feed.device.simulated)

    def _told(self, feed: Feed, item: Taken) -> Event:
        """Return what watchers are told: with the parameters marked that another source contradicts."""
        known = self._latest.get(feed.association.encounter_id)
        if item.report is None or item.late or not known:
            return item.event
        conflicts = conflicting(item.report, known.values())
        return Event("numerics", self._wire.numerics(item.report, conflicts)) if conflicts else item.event

    async def close_feed(self, feed: Feed) -> None:
        """End the feed; no effect if it was replaced or closed before."""
        if not feed.open:
            return
        feed.open = False
        del self._feeds[feed.device.id]
        await self._publish(feed, Event("device", self._wire.device(feed.device, connected=False)))
        logger.info("device %s: gone", feed.device.id)

    async def snapshot(self, encounter: EncounterId) -> Snapshot:
        """Return how things stand; the caller has checked the watcher's ticket."""
        since = self._clock.now() - RECENT
        devices = await self._devices.of_encounter(encounter)
        channels = await self._frames.channels(encounter)
        stored = await self._frames.since(encounter, since, limit=RECENT_REPORTS, channel=NUMERICS_CHANNEL)
        return Snapshot(
            devices=tuple((device, self._is_connected(device, stored)) for device in devices),
            channels=_of_newest_boots(channels),
            numerics=tuple(self._wire.numerics(report) for report in self._newest(encounter, stored)),
        )

    async def _associated(self, principal: Principal) -> tuple[Device, DeviceAssociation]:
        device = await self._devices.get(DeviceId(principal.subject))
        require(principal, Action.SEND_VITALS, owners={device.id})
        if device.revoked:
            raise Unauthenticated("This device has been revoked.", code="device_revoked")
        association = await self._devices.association(device.id)
        if association is None:
            raise NotFound("The device is not bound to a consultation.", code="not_associated")
        return device, association

    def _put_in_place(self, feed: Feed) -> None:
        older = self._feeds.get(feed.device.id)
        self._feeds[feed.device.id] = feed
        if older is not None:
            older.open = False
            older.on_replaced()

    async def _require_current(self, feed: Feed) -> None:
        if not feed.open:
            raise Conflict("The device has connected elsewhere.", code="replaced")
        now = self._clock.monotonic()
        if now - feed.checked_at >= RECHECK_S:
            feed.checked_at = now
            await self._recheck(feed)

    async def _recheck(self, feed: Feed) -> None:
        device = await self._devices.get(feed.device.id)
        if device.revoked:
            raise Unauthenticated("This device has been revoked.", code="device_revoked")
        association = await self._devices.association(device.id)
        if association is None or association.encounter_id != feed.association.encounter_id:
            raise NotFound("The device is no longer bound to this consultation.", code="not_associated")

    async def _publish(self, feed: Feed, *events: Event) -> None:
        if not events:
            return
        try:
            await self._bus.publish_all(vitals_topic(feed.association.encounter_id), events)
        except Unavailable:
            # It is stored, or is told again with the next snapshot: the device need not wait for the watchers' line.
            logger.warning("device %s: watchers are not reached", feed.device.id)

    def _remember(self, encounter: EncounterId, report: Report) -> None:
        latest = self._latest.setdefault(encounter, {})
        self._latest.move_to_end(encounter)
        if len(self._latest) > REMEMBERED_ENCOUNTERS:
            self._latest.popitem(last=False)
        _keep_newest(latest, report)

    def _newest(self, encounter: EncounterId, stored: Sequence[StoredFrame]) -> Iterable[Report]:
        latest = dict(self._latest.get(encounter, {}))
        for frame in stored:
            _keep_newest(latest, self._wire.from_stored(frame.device_id, frame.body))
        together: dict[tuple[DeviceId, float], Report] = {}
        for (device, mdc), report in latest.items():
            key = (device, to_ms(report.taken_at))
            samples = (*(together[key].samples if key in together else ()), _of(report, mdc))
            together[key] = replace(report, samples=samples)
        return sorted(together.values(), key=lambda report: report.taken_at)

    def _is_connected(self, device: Device, stored: Sequence[StoredFrame]) -> bool:
        # Its feed may be at another node: then what it stored of late tells.
        lately = self._clock.now() - CONNECTED_WITHIN
        return device.id in self._feeds or any(f.device_id == device.id and f.received_at >= lately for f in stored)


def _keep_newest(latest: dict[tuple[DeviceId, int], Report], report: Report) -> None:
    for sample in report.samples:
        known = latest.get((report.device_id, sample.mdc))
        if known is None or known.taken_at <= report.taken_at:
            latest[report.device_id, sample.mdc] = report


def _of(report: Report, mdc: int) -> Sample:
    return next(sample for sample in report.samples if sample.mdc == mdc)


def _of_newest_boots(channels: Sequence[WaveChannel]) -> tuple[WaveChannel, ...]:
    newest = {channel.device_id: channel.boot for channel in sorted(channels, key=lambda channel: channel.number)}
    return tuple(channel for channel in channels if newest[channel.device_id] == channel.boot)
