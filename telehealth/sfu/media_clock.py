"""What viewers are told so that they know when a picture was taken."""

from telehealth.clock import Clock, to_ms
from telehealth.consultations.model import Layer
from telehealth.consultations.ports import MediaClock
from telehealth.ids import EncounterId
from telehealth.sfu.offer import Kind
from telehealth.sfu.publication import Publication

VIDEO_RATE = 90_000


def media_clock(encounter: EncounterId, publication: Publication, clock: Clock) -> MediaClock | None:
    """Return the clock of a picture's timestamps if its publisher has reported it anew."""
    if publication.kind is not Kind.VIDEO or publication.layer is not Layer.FULL or not publication.live:
        return None
    point = publication.reception.clock.news()
    if point is None:
        return None
    at_ms = to_ms(clock.now()) - (clock.monotonic() - point.at) * 1000.0
    return MediaClock(encounter, publication.participant, publication.source, point.rtp_timestamp, at_ms, VIDEO_RATE)
