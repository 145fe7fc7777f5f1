"""RTCP between each participant and us: feedback ends here, and what others need to know of it goes on."""

from telehealth.rtp import rtcp
from telehealth.sfu.counters import Counters, Drop
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
        match packet:
            case rtcp.SenderReport():
                _sender_report(transport, packet, now)
            case rtcp.Nack():
                _nack(transport, packet, now, counters)
            case rtcp.KeyframeRequest():
                _keyframe(transport, packet, now, counters)
            case rtcp.Remb():
                _remb(transport, packet, now)
            case rtcp.ReceiverReport() | rtcp.Bye():
                pass


def _sender_report(transport: Transport, report: rtcp.SenderReport, now: float) -> None:
    publication = transport.routes.get(report.ssrc)
    if publication is None:
        return
    publication.reception.sender_report(report.ntp_timestamp, now)
    compound = rtcp.sender_report(report)
    for viewer in publication.viewers:
        viewer.send_rtcp(compound)


def _nack(viewer: Transport, nack: rtcp.Nack, now: float, counters: Counters) -> None:
    publication = viewer.watching.get(nack.ssrc)
    if publication is None:
        return
    for number in nack.numbers:
        packet = publication.cache.get(number)
        if packet is None:
            continue
        if not viewer.resend.take(1.0, now):
            counters.dropped[Drop.RESEND_LIMIT] += 1
            return
        # The very same bytes: SRTP gives the very same ciphertext, so nothing is revealed by repeating it.
        viewer.send_rtp(packet)
        counters.resent += 1


def _keyframe(viewer: Transport, request: rtcp.KeyframeRequest, now: float, counters: Counters) -> None:
    publication = viewer.watching.get(request.ssrc)
    if publication is None:
        return
    publication.keyframes.want()
    counters.keyframe_requests += publication.ask_for_keyframe(now)


def _remb(viewer: Transport, remb: rtcp.Remb, now: float) -> None:
    watched = [viewer.watching[ssrc] for ssrc in remb.ssrcs if ssrc in viewer.watching]
    videos = [publication for publication in watched if publication.kind is Kind.VIDEO]
    for publication in videos:
        publication.estimates.note(viewer, remb.bitrate_bps // len(videos), now)
        publication.tell_estimate(now)


def send_report(transport: Transport, now: float) -> None:
    """Tell a publisher how its streams arrive here."""
    blocks = [block for publication in transport.routes.values() if (block := publication.reception.report(now))]
    if blocks:
        transport.send_rtcp(rtcp.receiver_report(SERVER_SSRC, blocks))
