"""A track that one participant sends to the others, and the way its packets take."""

from telehealth.consultations.model import Source
from telehealth.ids import ParticipantId
from telehealth.rtp import rtcp
from telehealth.rtp.estimates import Estimates
from telehealth.rtp.keyframes import KeyframeRequests
from telehealth.rtp.missing import Missing
from telehealth.rtp.packet_cache import PacketCache
from telehealth.rtp.reception import Reception
from telehealth.sfu.limits import CACHED_AUDIO_PACKETS, CACHED_VIDEO_PACKETS
from telehealth.sfu.offer import PAYLOAD_TYPES, Kind
from telehealth.sfu.transport import Transport

SERVER_SSRC = 1
"""Who we are in RTCP; never in RTP."""

_CLOCK_RATE = {Kind.AUDIO: 48_000, Kind.VIDEO: 90_000}
_CACHED = {Kind.AUDIO: CACHED_AUDIO_PACKETS, Kind.VIDEO: CACHED_VIDEO_PACKETS}


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
        viewers: The transports that get its packets.
    """

    def __init__(self, mid: str, participant: ParticipantId, source: Source) -> None:
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
        self.viewers: tuple[Transport, ...] = ()
        self.keyframes = KeyframeRequests()
        self.estimates = Estimates()
        self.cache = PacketCache(_CACHED[self.kind])
        self.missing = Missing()
        self.reception = Reception(0, _CLOCK_RATE[self.kind])

    @property
    def live(self) -> bool:
        """Whether there is something to see or hear for others."""
        return self.ssrc is not None

    def feed(self, feeder: Transport | None, ssrc: int | None) -> None:
        """Take packets from this transport and SSRC from now on; from none if they are None."""
        if feeder is self.feeder and ssrc == self.ssrc:
            return
        if ssrc is not None and ssrc != self.last_ssrc:
            self.last_ssrc = ssrc
            self.cache.clear()
            self.missing = Missing()
            self.reception = Reception(ssrc, _CLOCK_RATE[self.kind])
        self.feeder = feeder
        self.ssrc = ssrc

    def forward(self, packet: bytes, now: float) -> None:
        """Send an authentic, well-formed packet of this publication to all viewers."""
        number = packet[2] << 8 | packet[3]
        for viewer in self.viewers:
            viewer.send_rtp(packet)
        self.cache.put(number, packet)
        self.reception.packet(number, int.from_bytes(packet[4:8], "big"), now)
        if self.missing.received(number, now):
            self.ask_for_missing(now)

    def set_viewers(self, viewers: tuple[Transport, ...]) -> None:
        """Send to these from now on; a new one needs a keyframe to begin with."""
        if any(viewer not in self.viewers for viewer in viewers):
            self.keyframes.want()
        for viewer in self.viewers:
            if viewer not in viewers:
                self.estimates.forget(viewer)
        self.viewers = viewers

    def ask_for_missing(self, now: float) -> None:
        """Ask the publisher again for video packets that did not come, those whose turn it is."""
        # Browsers do not answer a NACK for Opus unless they negotiated it: its in-band FEC is there for that.
        if self.feeder is None or self.ssrc is None or self.kind is Kind.AUDIO:
            return
        if numbers := self.missing.due(now):
            self.feeder.send_rtcp(rtcp.nack(SERVER_SSRC, self.ssrc, numbers))

    def ask_for_keyframe(self, now: float) -> bool:
        """Pass on a wish for a keyframe if it is time; tell whether it was sent."""
        if self.feeder is None or self.ssrc is None or self.kind is Kind.AUDIO or not self.feeder.connected:
            return False
        if not self.keyframes.due(now):
            return False
        self.feeder.send_rtcp(rtcp.picture_loss(SERVER_SSRC, self.ssrc))
        return True

    def tell_estimate(self, now: float) -> None:
        """Tell the publisher what its weakest viewer can receive, if it is time."""
        if self.feeder is None or self.ssrc is None:
            return
        if (bitrate := self.estimates.due(now)) is not None:
            self.feeder.send_rtcp(rtcp.remb(SERVER_SSRC, bitrate, (self.ssrc,)))
