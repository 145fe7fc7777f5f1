"""What fits of pictures to each viewer, and what their publishers are told of it."""

from telehealth.consultations.model import Layer
from telehealth.sfu.limits import PLENTY_BPS, REDUCED_BPS, SHARED_LEAST_BPS, UNSEEN_BPS
from telehealth.sfu.offer import Kind
from telehealth.sfu.publication import Publication
from telehealth.sfu.transport import Transport


def videos_of(viewer: Transport) -> list[Publication]:
    """Return the pictures that go to this viewer, each in the size that it gets."""
    return [one.shown_to(viewer) for one in viewer.watching.values() if one.kind is Kind.VIDEO]


def estimate_for(viewer: Transport) -> int | None:
    """Return how much of pictures fits, if that is a limit now; None if more would fit for all we know.

    What a receiver estimates by itself (REMB) never exceeds half as much again as it receives.
    """
    bottleneck = viewer.bottleneck
    known = [estimate for estimate in (viewer.estimate_bps, bottleneck.estimate_bps) if estimate is not None]
    limiting = [estimate for estimate in known if bottleneck.limits(estimate)]
    return int(min(limiting)) if limiting else None


def settle(viewer: Transport, now: float) -> None:
    """Judge the last second of the way to this viewer, and tell those whose pictures it gets."""
    totals = {publication.ssrc or 0: publication.cache.octets for publication in videos_of(viewer)}
    back = max((publication.reception.lost_share for publication in viewer.routes.values()), default=0.0)
    viewer.bottleneck.settle(totals, viewer.link.reported, now, back=back)
    tell(viewer, now)


def tell(viewer: Transport, now: float, *, at_most_bps: int = PLENTY_BPS) -> None:
    """Hold those whose pictures this viewer gets to what fits.

    Where several watch, one does not hold the publisher below SHARED_LEAST_BPS for the others.
    """
    videos = videos_of(viewer)
    if not videos:
        return
    share = min(at_most_bps, _cap(viewer) // len(videos))
    for publication in videos:
        shared = len(publication.viewers) > 1 and publication.layer is Layer.FULL
        least = SHARED_LEAST_BPS if shared and not publication.held else 0
        publication.estimates.note(viewer, max(least, share), now)
        publication.tell_estimate(now)


def hold_down(viewer: Transport, now: float) -> None:
    """Keep the pictures that go to this viewer small, if nobody else gets full ones."""
    if all(publication.held for publication in videos_of(viewer)):
        tell(viewer, now, at_most_bps=REDUCED_BPS)


def hold_own(transport: Transport, now: float, *, seen: bool) -> None:
    """Keep the pictures that come from here next to nothing while the link is too weak for them, in both directions.

    The page stops sending them when it hears of its rung; but that waits in the same queue as they do.
    """
    for publication in transport.routes.values():
        if publication.kind is not Kind.VIDEO:
            continue
        if seen:
            publication.estimates.forget(transport)
        else:
            publication.estimates.note(transport, UNSEEN_BPS, now)
            publication.tell_estimate(now)


def _cap(viewer: Transport) -> int:
    bottleneck = viewer.bottleneck
    cap = min(PLENTY_BPS, bottleneck.estimate_bps or PLENTY_BPS)
    if (own := viewer.estimate_bps) is not None:
        # An estimate that says no more than what is sent must not keep it from growing.
        cap = min(cap, own if bottleneck.limits(own) or not bottleneck.pictures_bps else 2 * own)
    return int(cap)
