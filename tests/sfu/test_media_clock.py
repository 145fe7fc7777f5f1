"""Viewers are told when pictures were taken, and only of pictures."""

import pytest

from telehealth.clock import to_ms
from telehealth.consultations.model import Source
from telehealth.ids import EncounterId, ParticipantId
from telehealth.sfu.media_clock import media_clock
from telehealth.sfu.publication import Publication
from tests.doubles import FakeClock

ROOM = EncounterId("room")
NTP_S = 3_976_000_000


def publication(source: Source, clock: FakeClock) -> Publication:
    made = Publication("1", ParticipantId("ana"), source)
    made.feed(None, 7)
    made.reception.clock.report(NTP_S << 32, 90_000, clock.monotonic(), 0.05)
    return made


def test_a_report_of_a_picture_is_told_in_the_servers_time() -> None:
    clock = FakeClock()
    camera = publication(Source.CAMERA, clock)
    clock.advance(0.4)
    told = media_clock(ROOM, camera, clock)
    assert told is not None
    assert (told.encounter, told.participant, told.source) == (ROOM, "ana", Source.CAMERA)
    assert (told.rtp_timestamp, told.rate) == (90_000, 90_000)
    assert told.at_ms == pytest.approx(to_ms(clock.now()) - 425.0, abs=0.5)
    assert media_clock(ROOM, camera, clock) is None


def test_sound_and_what_is_not_sent_tell_nothing() -> None:
    clock = FakeClock()
    assert media_clock(ROOM, publication(Source.MICROPHONE, clock), clock) is None
    stopped = publication(Source.SCREEN, clock)
    stopped.feed(None, None)
    assert media_clock(ROOM, stopped, clock) is None
