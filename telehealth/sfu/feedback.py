"""RTCP between each participant and us: feedback ends here, and what others need to know of it goes on."""

from collections.abc import Callable, Iterable

from telehealth.rtp import rtcp
from telehealth.rtp.packet import ends_picture
from telehealth.rtp.reception import ReportBlock
from telehealth.sfu import congestion
from telehealth.sfu.counters import Counters, Drop
from telehealth.sfu.limits import LOSSY, MANY_MISSING, MOST_OF_PICTURE
from telehealth.sfu.offer import Kind
from telehealth.sfu.publication import SERVER_SSRC
from telehealth.sfu.transport import Transport


def receive_rtcp(transport: Transport, compound: bytes, now: float, counters: Counters) -> None:
    """Act on an authentic compound packet. A BYE does nothing: signalling says when a track ends."""
    try:
        packets = rtcp.parse(compound)
    except ValueError:
        counters.dropped[Drop.MALFORMED] += 1
        return
    for packet in packets:
        _act(transport, packet, now, counters)


def _act(transport: Transport, packet: rtcp.Packet, now: float, counters: Counters) -> None:
    match packet:
        case rtcp.SenderReport():
            _sender_report(transport, packet, now)
            _note_loss(transport, packet.blocks)
        case rtcp.Nack():
            _nack(transport, packet)
        case rtcp.KeyframeRequest():
            _keyframe(transport, packet, now, counters)
        case rtcp.Remb():
            _remb(transport, packet, now)
        case rtcp.ReceiverReport():
            _note_loss(transport, packet.blocks)
        case rtcp.Bye():
            pass


def _sender_report(transport: Transport, report: rtcp.SenderReport, now: float) -> None:
    publication = transport.routes.get(report.ssrc)
    if publication is None:
        return
    publication.reception.sender_report(report.ntp_timestamp, now)
    publication.reception.clock.report(report.ntp_timestamp, report.rtp_timestamp, now, transport.round_trip_s)
    compound = rtcp.sender_report(report)
    for viewer in publication.plain:
        viewer.send_rtcp(compound)
    for projection in publication.projections:
        projection.report(publication, report)


def _nack(viewer: Transport, nack: rtcp.Nack) -> None:
    publication = viewer.watching.get(nack.ssrc)
    if publication is None:
        return
    projection = viewer.projections.get(nack.ssrc)
    recall = publication.cache.get if projection is None else projection.recall
    if len(nack.numbers) >= MANY_MISSING:
        viewer.bottleneck.hint()
    packets = []
    for number in nack.numbers:
        # What we do not have ourselves was lost before it came here.
        if (packet := recall(number)) is not None:
            packets.append(packet)
            viewer.link.asked.note(nack.ssrc, number, _stands_for(packet, number, publication.kind, recall))
    # Where it is a queue that overflows, twice would be one too many.
    twice = viewer.link.share >= LOSSY and not viewer.bottleneck.full
    for packet in packets * 2 if twice else packets:
        # The very same bytes: SRTP gives the very same ciphertext, so nothing is revealed by repeating it.
        if not viewer.send_again(packet):
            return


def _stands_for(packet: bytes, number: int, kind: Kind, recall: Callable[[int], bytes | None]) -> int:
    """Return how many packets, as many as its picture has, a lost one stands for; 0 if it is not the last one of it."""
    if kind is Kind.AUDIO:
        return 1
    if not ends_picture(packet):
        return 0
    for size in range(1, MOST_OF_PICTURE):
        before = recall((number - size) & 0xFFFF)
        if before is None or ends_picture(before):
            return size
    return MOST_OF_PICTURE


def _note_loss(viewer: Transport, blocks: Iterable[ReportBlock]) -> None:
    for block in blocks:
        publication = viewer.watching.get(block.ssrc)
        if publication is not None:
            viewer.link.told(block.fraction_lost, before=publication.shown_to(viewer).reception.lost_share)


def _keyframe(viewer: Transport, request: rtcp.KeyframeRequest, now: float, counters: Counters) -> None:
    publication = viewer.watching.get(request.ssrc)
    if publication is None:
        return
    layer = publication.shown_to(viewer)
    layer.keyframes.want()
    counters.keyframe_requests += layer.ask_for_keyframe(now)


def _remb(viewer: Transport, remb: rtcp.Remb, now: float) -> None:
    watched = [viewer.watching[ssrc] for ssrc in remb.ssrcs if ssrc in viewer.watching]
    if any(publication.kind is Kind.VIDEO for publication in watched):
        viewer.estimate_bps = remb.bitrate_bps
        congestion.tell(viewer, now)


def send_report(transport: Transport, now: float) -> None:
    """Tell a publisher how its streams arrive here."""
    blocks = [block for publication in transport.routes.values() if (block := publication.report(now))]
    if blocks:
        transport.send_rtcp(rtcp.receiver_report(SERVER_SSRC, blocks))


def send_arrivals(transport: Transport) -> None:
    """Tell a publisher when its packets arrived, so that it can estimate its bandwidth."""
    media = next(iter(transport.routes), 0)
    if (feedback := transport.arrivals.feedback(SERVER_SSRC, media)) is not None:
        transport.send_rtcp(feedback)
