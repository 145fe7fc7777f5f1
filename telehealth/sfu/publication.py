"""A track that one participant sends to the others, and the way its packets take."""

from collections.abc import Callable

from telehealth.consultations.model import Layer, Source
from telehealth.ids import ParticipantId
from telehealth.rtp import rtcp
from telehealth.rtp.estimates import Estimates
from telehealth.rtp.keyframes import KeyframeRequests
from telehealth.rtp.missing import Missing
from telehealth.rtp.packet import original
from telehealth.rtp.packet_cache import PacketCache
from telehealth.rtp.reception import Reception, ReportBlock
from telehealth.rtp.sequence import HALF
from telehealth.sfu.limits import (
    CACHE_AT_FIRST,
    CACHED_S,
    GIVE_UP_AUDIO_S,
    GIVE_UP_VIDEO_S,
    MANY_MISSING,
    MOST_TOLD_LOSS,
)
from telehealth.sfu.offer import PAYLOAD_TYPES, Kind
from telehealth.sfu.projection import Projection, begins_keyframe
from telehealth.sfu.transport import Transport

SERVER_SSRC = 1
"""Who we are in RTCP; never in RTP."""

_CLOCK_RATE = {Kind.AUDIO: 48_000, Kind.VIDEO: 90_000}
_GIVE_UP_S = {Kind.AUDIO: GIVE_UP_AUDIO_S, Kind.VIDEO: GIVE_UP_VIDEO_S}


class Publication:
    """One source of one participant: it stays the same when the transport beneath it is replaced.

    Args:
        mid: Names its media line towards its publisher and towards every viewer alike (unique in the room), so that
            the MID which the publisher writes into its packets is right for all (RFC 8843 §9.2).

    Attributes:
        wanted: False while it is unpublished; its lines stay, inactive.
        ssrc: What it is sent with now; None while nothing is sent.
        last_ssrc: What it was sent with most recently.
        ended: True once it will never come back; its lines are given up.
        plain: The transports that get its packets as they are.
        projections: Those to which its packets go renumbered, since they have been shown, or are to be, another size.
        layer: Which size of its source it is.
        small: The small size of the same source, if it was ever asked for.
        held: Whether no viewer wants more of it than small pictures.
        idle_since: When it was last needed, of a small size that is sent all the same.
        tap: Sees each packet, too, while the room is recorded.
        repeated: Those of them that get earlier packets along with each new one, and how many; sound only.
    """

    def __init__(self, mid: str, participant: ParticipantId, source: Source, layer: Layer = Layer.FULL) -> None:
        self.mid = mid
        self.mid_bytes = mid.encode()
        self.participant = participant
        self.source = source
        self.kind = Kind.AUDIO if source is Source.MICROPHONE else Kind.VIDEO
        self.payload_types = frozenset(PAYLOAD_TYPES[self.kind])
        self.wanted = True
        self.ended = False
        self.ssrc: int | None = None
        self.last_ssrc: int | None = None
        self.feeder: Transport | None = None
        self.plain: tuple[Transport, ...] = ()
        self.projections: tuple[Projection, ...] = ()
        self.layer = layer
        self.small: Publication | None = None
        self.held = False
        self.idle_since: float | None = None
        self.keyframes = KeyframeRequests()
        self.estimates = Estimates()
        self.repeated: tuple[tuple[Transport, int], ...] = ()
        self.cache = PacketCache(CACHE_AT_FIRST)
        self.tap: Callable[[Publication, bytes, float], None] | None = None
        self._begin(0)

    @property
    def live(self) -> bool:
        """Whether there is something to see or hear for others."""
        return self.ssrc is not None

    @property
    def viewers(self) -> tuple[Transport, ...]:
        """The transports to which this size goes, or is to go as soon as it can."""
        return (*self.plain, *(one.viewer for one in self.projections if one.wanted is self))

    def _begin(self, ssrc: int) -> None:
        self.cache.clear()
        self._newest: int | None = None
        self.missing = Missing(_GIVE_UP_S[self.kind])
        self.reception = Reception(ssrc, _CLOCK_RATE[self.kind])
        self._given_up = 0
        self._fitted = (0.0, 0)

    def feed(self, feeder: Transport | None, ssrc: int | None) -> None:
        """Take packets from this transport and SSRC from now on; from none if they are None."""
        if feeder is self.feeder and ssrc == self.ssrc:
            return
        if ssrc is not None and ssrc != self.last_ssrc:
            self.last_ssrc = ssrc
            self._begin(ssrc)
        if self.feeder is not None:
            self.feeder.lacking.discard(self)
        self.feeder = feeder
        self.ssrc = ssrc

    def forward(self, packet: bytes, now: float) -> None:
        """Send an authentic, well-formed packet of this publication to all viewers, each number once."""
        number = packet[2] << 8 | packet[3]
        step = 1 if self._newest is None else (number - self._newest) & 0xFFFF
        if 0 < step < HALF:
            self._newest = number
        elif self.cache.get(number) is not None or -step & 0xFFFF >= len(self.cache):
            # A retransmission was faster. What it repeated may bear other extensions, and two packets under one number
            # would give away the key of authentication (RFC 7714 §9.1). Too old to be known is too late for anybody.
            return
        for viewer, copies in self.repeated:
            self._repeat(viewer, number, copies)
        for viewer in self.plain:
            viewer.send_rtp(packet)
        for projection in self.projections:
            projection.take(self, packet, now)
        if self.tap is not None or self.keyframes.awaited:
            self._look_at(packet, now)
        self.cache.put(number, packet)
        self.reception.packet(number, int.from_bytes(packet[4:8], "big"), now)
        self.missing.received(number, now)
        if self.feeder is not None and (step > 1 or self.feeder.lacking):
            self._ask_for_all(self.feeder, now)

    def _look_at(self, packet: bytes, now: float) -> None:
        if self.keyframes.awaited and begins_keyframe(packet):
            self.keyframes.came()
        if self.tap is not None:
            self.tap(self, packet, now)

    def _ask_for_all(self, feeder: Transport, now: float) -> None:
        # Sound comes more often than pictures: what these lack need not wait for the next one of them.
        for publication in {self, *feeder.lacking}:
            publication.ask_for_missing(now)

    def repair(self, packet: bytes, payload_type: int, now: float) -> None:
        """Forward what a retransmission repeats, unless we have it already: browsers fill probes with old packets."""
        restored = original(packet, payload_type, self.ssrc or 0)
        if restored is None or payload_type not in self.payload_types:
            return
        if self.missing.lacks(restored[2] << 8 | restored[3]):
            self.forward(restored, now)

    def _repeat(self, viewer: Transport, number: int, copies: int) -> None:
        # Ahead of the new packet: who lost only the last one never notices. The same bytes give the same ciphertext, so
        # nothing is revealed by it, and whoever has them already drops them as replayed. The second copy is of an older
        # packet, since losses come in bursts.
        for back in (3, 1)[2 - copies :]:
            packet = self.cache.get((number - back) & 0xFFFF)
            if packet is not None:
                viewer.send_copy(packet)

    def settle(self, now: float) -> None:
        """Adapt to the last second: the size of the cache, and who gets copies."""
        since, received = self._fitted
        if now - since >= 1.0:
            self.cache.fit((self.reception.received - received) / (now - since) * CACHED_S, self._newest or 0)
            self._fitted = (now, self.reception.received)
        if self.kind is Kind.AUDIO:
            # Where a queue overflows, copies would only make it longer.
            lossy = (viewer for viewer in self.plain if viewer.link.copies and not viewer.bottleneck.queued)
            self.repeated = tuple((viewer, viewer.link.copies) for viewer in lossy)
        if any(one.waits_for(self) for one in self.projections):
            self.keyframes.want()

    def report(self, now: float) -> ReportBlock | None:
        """Return what the publisher is to hear of how it arrives.

        Of sound also what its listeners lose: its encoder adds redundancy by that (RFC 6716 §2.1.7).
        """
        if self.kind is Kind.VIDEO:
            return self.reception.report(now)
        worst = max((viewer.link.share for viewer in self.viewers), default=0.0)
        return self.reception.report(now, least_fraction=int(256 * min(worst, MOST_TOLD_LOSS)))

    def shown_to(self, viewer: Transport) -> "Publication":
        """Return the size that a viewer gets of this source, or is to get as soon as it can."""
        projection = viewer.projections.get(self.ssrc or 0)
        return self if projection is None else projection.wanted

    def newest_packet(self) -> bytes | None:
        """Return the furthest packet that went out, if it is still known."""
        return None if self._newest is None else self.cache.get(self._newest)

    def set_viewers(self, plain: tuple[Transport, ...], projections: tuple[Projection, ...] = ()) -> None:
        """Send to these from now on; a new one needs a keyframe to begin with."""
        before = self.viewers
        self.plain, self.projections = plain, projections
        viewers = self.viewers
        if any(viewer not in before for viewer in viewers):
            self.keyframes.want()
        for viewer in before:
            if viewer not in viewers:
                self.estimates.forget(viewer)
        self.repeated = tuple((viewer, copies) for viewer, copies in self.repeated if viewer in plain)

    def ask_for_missing(self, now: float) -> None:
        """Ask the publisher again for packets that did not come, those whose turn it is."""
        if self.feeder is None or self.ssrc is None:
            return
        self.missing.set_round_trip(self.feeder.round_trip_s)
        numbers = self.missing.due(now)
        if len(numbers) >= MANY_MISSING:
            self.feeder.bottleneck.hint()
        if len(self.missing):
            self.feeder.lacking.add(self)
        else:
            self.feeder.lacking.discard(self)
        # What a full link dropped, a repetition would only keep it full.
        if numbers and not self.feeder.bottleneck.queued:
            self.feeder.send_rtcp(rtcp.nack(SERVER_SSRC, self.ssrc, numbers))
        if self.missing.given_up != self._given_up:
            # Viewers would find out for themselves, up to three seconds later.
            self._given_up = self.missing.given_up
            self.keyframes.want()

    def ask_for_keyframe(self, now: float) -> bool:
        """Pass on a wish for a keyframe if it is time; tell whether it was sent."""
        if self.feeder is None or self.ssrc is None or self.kind is Kind.AUDIO or not self.feeder.connected:
            return False
        if not self.keyframes.due(now, self.feeder.round_trip_s):
            return False
        self.feeder.send_rtcp(rtcp.picture_loss(SERVER_SSRC, self.ssrc))
        return True

    def tell_estimate(self, now: float) -> None:
        """Tell the publisher what its weakest viewer can receive, if it is time."""
        if self.feeder is None or self.ssrc is None:
            return
        if (bitrate := self.estimates.due(now)) is not None:
            self.feeder.send_rtcp(rtcp.remb(SERVER_SSRC, bitrate, (self.ssrc,)))
