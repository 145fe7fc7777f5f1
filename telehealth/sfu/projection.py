"""What one viewer is shown of a source that is sent in more than one size."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from telehealth.rtp import rtcp
from telehealth.rtp.key_pictures import begins_h264, begins_vp8
from telehealth.rtp.splice import Splice
from telehealth.sfu.offer import H264, MID_ID, VP8

if TYPE_CHECKING:
    from telehealth.sfu.publication import Publication
    from telehealth.sfu.transport import Transport

_BEGINS: dict[int, Callable[[bytes], bool]] = {VP8: begins_vp8, H264: begins_h264}


def begins_keyframe(packet: bytes) -> bool:
    """Tell whether a keyframe begins with this well-formed packet."""
    begins = _BEGINS.get(packet[1] & 0x7F)
    return begins is not None and begins(packet)


class Projection:
    """The sizes of one source as one viewer gets them: one stream, that changes its size where a keyframe begins.

    Args:
        newest: The furthest packet that the viewer may have been sent so far, as it is.
        goes_on: Whether those after it go to the viewer, too, until another size begins.

    Attributes:
        wanted: The size that the viewer is to get; until its next keyframe comes, what it gets goes on.
    """

    __slots__ = ("_full", "_splice", "_ssrc", "viewer", "wanted")

    def __init__(self, viewer: "Transport", full: "Publication", newest: bytes, *, goes_on: bool) -> None:
        self.viewer = viewer
        self.wanted = full
        self._full = full
        self._ssrc = int.from_bytes(newest[8:12], "big")
        self._splice = Splice(newest, mid=MID_ID, vp8=VP8, goes_on=goes_on)

    def waits_for(self, layer: "Publication") -> bool:
        """Tell whether this size is wanted and has not begun."""
        return layer is self.wanted and layer.ssrc is not None and layer.ssrc != self._splice.source

    def shows(self, layer: "Publication") -> bool:
        """Tell whether the viewer gets this size now."""
        return layer.ssrc is not None and layer.ssrc == self._splice.source

    def take(self, layer: "Publication", packet: bytes, now: float) -> None:
        """Send a packet of one of the sizes to the viewer, or not."""
        if self.waits_for(layer):
            if not begins_keyframe(packet):
                return
            self._splice.begin(packet, self._shift_of(layer, packet, now))
        carried = self._splice.carry(packet)
        if carried is not None:
            self.viewer.send_rtp(carried)

    def _shift_of(self, layer: "Publication", packet: bytes, now: float) -> int:
        """Return what to add to timestamps of this size, so that they are those of the full one."""
        if layer is self._full:
            return 0
        known = layer.reception.clock.behind(self._full.reception.clock)
        if known is not None:
            return known
        # Not reported yet: as if both had been as long on the way.
        return self._full.reception.timestamp_at(now) - int.from_bytes(packet[4:8], "big")

    def recall(self, number: int) -> bytes | None:
        """Return what the viewer got under this number, to the byte; None if it is not known any more."""
        original = self._splice.recall(number)
        layer = self._shown()
        packet = layer.cache.get(original) if layer is not None and original is not None else None
        return self._splice.carry(packet) if packet is not None else None

    def _shown(self) -> "Publication | None":
        for layer in (self._full, self._full.small):
            if layer is not None and self.shows(layer):
                return layer
        return None

    def report(self, layer: "Publication", report: rtcp.SenderReport) -> None:
        """Pass the report of a size on if the viewer gets it, as one of the stream that it knows."""
        if self.shows(layer):
            renumbered = rtcp.SenderReport(
                ssrc=self._ssrc,
                ntp_timestamp=report.ntp_timestamp,
                rtp_timestamp=self._splice.report(report.rtp_timestamp),
                packets=report.packets,
                octets=report.octets,
            )
            self.viewer.send_rtcp(rtcp.sender_report(renumbered))
