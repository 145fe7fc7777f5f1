"""What feedback of viewers tells of the way to them."""

import pytest

from telehealth.consultations.model import Source
from telehealth.ids import ParticipantId
from telehealth.rtp import rtcp
from telehealth.sfu.aiortc_hooks import Certificate
from telehealth.sfu.counters import Counters
from telehealth.sfu.feedback import receive_rtcp
from telehealth.sfu.limits import MOST_OF_PICTURE
from telehealth.sfu.offer import OPUS, VP8
from telehealth.sfu.publication import Publication
from telehealth.sfu.transport import Transport

SSRC = 4242


class Heard(Transport):
    """A transport whose other end keeps what it is told."""

    def __init__(self, counters: Counters) -> None:
        super().__init__(Certificate(), lambda datagram, address: None, counters, 0.0)
        self.told: list[rtcp.Packet] = []

    @property
    def connected(self) -> bool:
        return True

    def send_rtcp(self, compound: bytes) -> None:
        self.told += rtcp.parse(compound)


class Viewing:
    """Somebody who watches one publication of another."""

    def __init__(self, source: Source) -> None:
        self.counters = Counters()
        self.viewer = Heard(self.counters)
        self.publication = Publication("a-camera", ParticipantId("ana"), source)
        self.publication.feed(self.viewer, SSRC)
        self.publication.set_viewers((self.viewer,))
        self.viewer.watching[SSRC] = self.publication
        self.kind = OPUS if source is Source.MICROPHONE else VP8
        self.number = 65_500

    def sends(self, packets: int, *, marked: bool = True) -> list[int]:
        """Send one picture of so many packets, or one of sound; return their numbers."""
        numbers = []
        for place in range(packets):
            last = marked and place == packets - 1
            head = bytes([0x80, self.kind | 0x80 * last]) + self.number.to_bytes(2, "big")
            self.publication.forward(head + bytes(4) + SSRC.to_bytes(4, "big") + bytes(100), 0.0)
            numbers.append(self.number)
            self.number = (self.number + 1) & 0xFFFF
        return numbers

    def asks(self, *numbers: int) -> None:
        receive_rtcp(self.viewer, rtcp.nack(7, SSRC, numbers), 0.0, self.counters)

    def lost(self) -> int:
        return self.viewer.link.asked.settle()


@pytest.fixture
def pictures() -> Viewing:
    return Viewing(Source.CAMERA)


def test_lost_sound_is_counted_packet_by_packet() -> None:
    sound = Viewing(Source.MICROPHONE)
    numbers = [sound.sends(1, marked=False)[0] for _ in range(50)]
    sound.asks(*numbers[10:40:10])
    assert sound.lost() == 3


def test_a_link_that_only_reorders_pictures_is_not_taken_for_lossy(pictures: Viewing) -> None:
    for _ in range(20):
        first, second, _ = pictures.sends(3)
        pictures.asks(first)
        pictures.asks(second)
    assert pictures.lost() == 0
    assert pictures.counters.resent == 40  # It is sent again all the same: it might be lost.


def test_the_lost_ends_of_pictures_tell_how_many_of_their_packets_were_lost(pictures: Viewing) -> None:
    for picture in range(30):
        numbers = pictures.sends(3)
        if picture % 10 == 0:
            pictures.asks(*numbers)
        elif picture % 10 == 5:
            pictures.asks(numbers[0])
    assert pictures.lost() == 9


def test_a_lost_keyframe_makes_no_bad_link(pictures: Viewing) -> None:
    pictures.sends(1)
    numbers = pictures.sends(40)
    pictures.asks(*numbers)
    assert pictures.lost() == MOST_OF_PICTURE


def test_what_never_came_here_was_not_lost_on_the_way_to_the_viewer(pictures: Viewing) -> None:
    numbers = pictures.sends(3)
    pictures.asks((numbers[-1] + 7) & 0xFFFF)
    assert pictures.lost() == 0


class Published(Viewing):
    """The same, seen from the server as a receiver: what it asks of the one who publishes."""

    def __init__(self) -> None:
        super().__init__(Source.CAMERA)
        self.sound = Publication("a-microphone", ParticipantId("ana"), Source.MICROPHONE)
        self.sound.feed(self.viewer, SSRC + 1)

    def speaks(self, number: int, now: float) -> None:
        head = bytes([0x80, OPUS]) + number.to_bytes(2, "big")
        self.sound.forward(head + bytes(4) + (SSRC + 1).to_bytes(4, "big") + bytes(60), now)

    def shows(self, number: int, now: float, *, key: bool = False) -> None:
        head = bytes([0x80, VP8 | 0x80]) + number.to_bytes(2, "big")
        payload = bytes([0x10, 0x00 if key else 0x01, 0, 0])
        self.publication.forward(head + bytes(4) + SSRC.to_bytes(4, "big") + payload + bytes(60), now)

    def nacks(self) -> list[rtcp.Packet]:
        nacks = [packet for packet in self.viewer.told if isinstance(packet, rtcp.Nack)]
        self.viewer.told.clear()
        return list(nacks)


def test_what_is_missing_of_pictures_is_asked_for_again_while_sound_comes_and_pictures_do_not() -> None:
    ana = Published()
    ana.viewer.round_trip_s = 0.32
    ana.speaks(1, 0.0)
    ana.shows(1, 0.0)
    ana.shows(3, 0.01)
    assert ana.nacks() == [rtcp.Nack(SSRC, (2,))]
    ana.speaks(2, 0.02)
    assert ana.nacks() == []
    ana.speaks(3, 0.051)
    assert ana.nacks() == [rtcp.Nack(SSRC, (2,))]
    ana.shows(2, 0.4)
    ana.speaks(4, 0.5)
    assert ana.nacks() == []
    assert ana.viewer.lacking == set()


def test_a_publication_that_moves_to_another_transport_leaves_nothing_behind() -> None:
    ana = Published()
    ana.shows(1, 0.0)
    ana.shows(3, 0.0)
    assert ana.viewer.lacking == {ana.publication}
    ana.publication.feed(None, None)
    assert ana.viewer.lacking == set()


def test_a_keyframe_is_asked_for_until_one_begins() -> None:
    ana = Published()
    ana.publication.keyframes.want()
    ana.shows(1, 0.0)
    assert ana.publication.ask_for_keyframe(0.0)
    assert not ana.publication.ask_for_keyframe(0.4)
    ana.shows(2, 0.5)
    assert ana.publication.ask_for_keyframe(0.6)
    ana.shows(3, 1.0, key=True)
    assert not ana.publication.ask_for_keyframe(9.0)
    assert sum(isinstance(packet, rtcp.KeyframeRequest) for packet in ana.viewer.told) == 2
