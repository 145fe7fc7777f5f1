"""What is due from time to time: deadlines, signs of life, reports, repeated requests."""

from telehealth.consultations.model import Rung
from telehealth.consultations.ports import MediaState
from telehealth.sfu import congestion
from telehealth.sfu.counters import Counters
from telehealth.sfu.feedback import send_arrivals, send_report
from telehealth.sfu.ladder import Ladder, Measured
from telehealth.sfu.limits import (
    AMPLE,
    APART_S,
    DTLS_DEADLINE_S,
    FEEDBACK_OF_FEW_S,
    FEEDBACK_S,
    FEW_ARRIVALS,
    FORGET_S,
    HEARD_S,
    ICE_DEADLINE_S,
    LOST_S,
    PROBE_S,
    REPORT_S,
    ROUND_TRIP_AGAIN_S,
    ROUND_TRIP_AT_MOST_S,
    ROUND_TRIP_S,
    SUSPECT_S,
    WEIGH_S,
    WEIGHED_BYTES,
)
from telehealth.sfu.offer import Kind
from telehealth.sfu.publication import Publication
from telehealth.sfu.transport import Transport


def is_over(transport: Transport, now: float) -> bool:
    """Tell whether a transport missed a deadline: no check, no handshake, or no datagram for too long."""
    if transport.connected:
        return now - transport.heard_at > FORGET_S
    if transport.checked_at is None:
        return now - transport.opened_at > ICE_DEADLINE_S
    return now - transport.checked_at > DTLS_DEADLINE_S


def liveness(transport: Transport, now: float) -> MediaState:
    """Judge a connected transport by its silence."""
    silence = now - transport.heard_at
    if silence > LOST_S:
        return MediaState.LOST
    return MediaState.SUSPECT if silence > SUSPECT_S else MediaState.CONNECTED


def probe(transport: Transport, now: float) -> None:
    """Ask a silent peer for a sign of life: one that only listens checks its path every 2.5 s and says no more.

    Others are asked from time to time, for the round trip.
    """
    if not transport.connected:
        return
    transport.bottleneck.waited(now - transport.probed_at, now)
    interval = PROBE_S if now - transport.heard_at >= PROBE_S else _round_trip_interval(transport)
    if now - transport.probed_at >= interval:
        transport.probe(now)


def _round_trip_interval(transport: Transport) -> float:
    if transport.bottleneck.unmeasured:
        # Soon, before much is sent: a queue is known by how long it takes without one.
        return ROUND_TRIP_AGAIN_S
    if transport.bottleneck.suspected:
        return max(ROUND_TRIP_AGAIN_S, 1.5 * transport.round_trip_s)
    # Asked again before the answer is here, one would never hear how long it takes.
    return min(ROUND_TRIP_AT_MOST_S, max(ROUND_TRIP_S, 4 * transport.round_trip_s))


def _feedback_interval(arrived: int) -> float:
    if arrived >= AMPLE:
        return 2 * FEEDBACK_S
    return FEEDBACK_S if arrived >= FEW_ARRIVALS else FEEDBACK_OF_FEW_S


def report(transport: Transport, now: float) -> None:
    """Send a receiver report once a second, and what congestion control needs more often."""
    if not transport.connected:
        return
    interval = _feedback_interval(len(transport.arrivals))
    if now - transport.fed_back_at >= interval:
        transport.fed_back_at = now
        send_arrivals(transport)
    if now - transport.reported_at >= REPORT_S:
        transport.reported_at = now
        transport.link.settle(transport.sent_packets, now)
        congestion.settle(transport, now)
        send_report(transport, now)


def ask(publication: Publication, now: float, counters: Counters) -> None:
    """Repeat to the publisher what is still wanted."""
    publication.ask_for_missing(now)
    publication.settle(now)
    counters.keyframe_requests += publication.ask_for_keyframe(now)
    publication.tell_estimate(now)


def _weigh(transport: Transport, now: float) -> None:
    if now - transport.weighed_at >= WEIGH_S and now - transport.probed_at >= APART_S:
        transport.weigh(now)


def judge(ladder: Ladder, transport: Transport, now: float) -> bool:
    """Let the ladder see what is known of the link; tell whether its rung has changed."""
    carried = [ladder.carries(kind) for kind in Kind]
    if ladder.rung is Rung.REDUCED:
        congestion.hold_down(transport, now)
    bottleneck = transport.bottleneck
    if ladder.below_pictures and not bottleneck.suspected:
        _weigh(transport, now)
    choked = bottleneck.choked and now - transport.heard_at < HEARD_S
    estimate, loss = congestion.estimate_for(transport), transport.link.lasting
    room = transport.capacity.bps(WEIGHED_BYTES)
    changed = ladder.judge(Measured(estimate, loss, full=bottleneck.full, choked=choked, room_bps=room), now)
    pictures = ladder.carries(Kind.VIDEO)
    congestion.hold_own(transport, now, seen=pictures)
    if changed and carried != [ladder.carries(kind) for kind in Kind]:
        # What was lost or estimated with pictures, or without, says nothing about what comes. Where not even small
        # ones fit, it is the link that is full, and copies would fill it more.
        transport.link.restart(now, most_copies=2 if pictures else 0)
        transport.estimate_bps = None
        bottleneck.restart()
    return changed
