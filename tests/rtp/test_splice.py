"""One stream out of several: what a decoder sees goes on without a seam, and no number ever means two things."""

import itertools
import random

import pytest

from telehealth.rtp.key_pictures import begins_h264, begins_vp8
from telehealth.rtp.splice import FRAME, Splice

VP8, MID = 96, 4
FULL, SMALL = 0x1111, 0x2222


def vp8(
    number: int, stamp: int, picture: int, *, ssrc: int = FULL, key: bool = False, base: int | None = None
) -> bytes:
    """Return the only packet of a frame, with its MID, a 15-bit picture id, and perhaps an index of base layers."""
    has = 0x80 | (0x40 if base is not None else 0)
    descriptor = bytes([0x90, has, 0x80 | picture >> 8 & 0x7F, picture & 0xFF])
    descriptor += b"" if base is None else bytes([base & 0xFF])
    head = bytes([0x90, VP8]) + (number & 0xFFFF).to_bytes(2, "big") + (stamp & 0xFFFFFFFF).to_bytes(4, "big")
    extensions = b"\xbe\xde\x00\x01" + bytes([MID << 4 | 1]) + b"12" + b"\x00"
    return head + ssrc.to_bytes(4, "big") + extensions + descriptor + (b"\x00" if key else b"\x01") + b"frame"


def seen(packet: bytes | None) -> tuple[int, int, int, int]:
    """Return number, timestamp, picture id and SSRC."""
    assert packet is not None
    number, stamp = int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[4:8], "big")
    return number, stamp, (packet[22] & 0x7F) << 8 | packet[23], int.from_bytes(packet[8:12], "big")


def spliced(newest: bytes, *, goes_on: bool = True) -> Splice:
    return Splice(newest, mid=MID, vp8=VP8, goes_on=goes_on)


def test_until_another_begins_packets_go_as_they_are() -> None:
    splice = spliced(vp8(10, 1000, 5))
    packet = vp8(11, 4000, 6)
    assert splice.carry(packet) is packet
    assert splice.carry(vp8(7, 0, 9, ssrc=SMALL)) is None


def test_where_another_begins_all_numbers_go_on() -> None:
    splice = spliced(vp8(65535, 2**32 - 100, 0x7FFF))
    first = vp8(7, 500, 20, ssrc=SMALL, key=True)
    splice.begin(first, timestamp_shift=2900)
    assert seen(splice.carry(first)) == (0, 3400, 0, FULL)
    assert seen(splice.carry(vp8(8, 3500, 21, ssrc=SMALL))) == (1, 6400, 1, FULL)
    assert splice.carry(vp8(0, 3000, 8)) is None


def test_the_name_of_the_line_is_erased_and_nothing_else_moves() -> None:
    splice = spliced(vp8(1, 1, 1))
    first = vp8(7, 500, 20, ssrc=SMALL, key=True)
    splice.begin(first, timestamp_shift=0)
    carried = splice.carry(first)
    assert carried is not None
    assert carried[12:20] == b"\xbe\xde\x00\x01\x00\x00\x00\x00"
    assert (len(carried), carried[24:]) == (len(first), first[24:])


def test_time_never_goes_back_where_clocks_disagree() -> None:
    splice = spliced(vp8(1, 90_000, 1))
    first = vp8(7, 500, 20, ssrc=SMALL, key=True)
    splice.begin(first, timestamp_shift=0)
    assert seen(splice.carry(first))[1] == 90_000 + FRAME
    assert splice.report(500) == 90_000 + FRAME


def test_what_is_older_than_the_beginning_is_not_carried() -> None:
    splice = spliced(vp8(1, 1, 1))
    first = vp8(7, 500, 20, ssrc=SMALL, key=True)
    splice.begin(first, timestamp_shift=0)
    assert splice.carry(vp8(6, 400, 19, ssrc=SMALL)) is None
    assert seen(splice.carry(vp8(9, 900, 22, ssrc=SMALL)))[0] == 4
    assert seen(splice.carry(vp8(8, 700, 21, ssrc=SMALL)))[0] == 3


def test_the_index_of_base_layer_frames_goes_on_too() -> None:
    splice = spliced(vp8(1, 1, 1, base=255))
    first = vp8(7, 500, 20, ssrc=SMALL, key=True, base=9)
    splice.begin(first, timestamp_shift=0)
    carried = splice.carry(first)
    assert carried is not None
    assert carried[24] == 0


def test_who_was_sent_nothing_lately_gets_nothing_before_a_beginning() -> None:
    splice = spliced(vp8(10, 1000, 5), goes_on=False)
    assert splice.carry(vp8(11, 4000, 6)) is None
    first = vp8(12, 7000, 7, key=True)
    splice.begin(first, timestamp_shift=0)
    assert seen(splice.carry(first))[0] == 11


def test_what_is_asked_for_again_is_found_only_since_the_beginning() -> None:
    splice = spliced(vp8(100, 1, 1))
    assert (splice.recall(100), splice.recall(101)) == (100, None)
    splice.begin(vp8(7, 500, 20, ssrc=SMALL, key=True), timestamp_shift=0)
    splice.carry(vp8(7, 500, 20, ssrc=SMALL, key=True))
    splice.carry(vp8(8, 900, 21, ssrc=SMALL))
    assert [splice.recall(number) for number in (100, 101, 102, 103)] == [None, 7, 8, None]


def test_other_payloads_and_short_ones_pass_with_their_numbers_changed() -> None:
    splice = spliced(vp8(1, 1, 1))
    splice.begin(vp8(7, 500, 20, ssrc=SMALL, key=True), timestamp_shift=0)
    bare = bytes([0x80, VP8]) + b"\x00\x08" + b"\x00\x00\x01\xf5" + SMALL.to_bytes(4, "big")
    for payload in (b"", b"\x90", b"\x90\xff", b"\x90\x80\x05", b"\x10\x00"):
        packet = bare + payload
        carried = splice.carry(packet)
        assert carried is not None
        assert len(carried) == len(packet)
    h264 = bytes([0x80, 102]) + packet[2:12] + b"\x65\x80\x81"
    carried = splice.carry(h264)
    assert carried is not None
    assert carried[12:] == h264[12:]


class _Sender:
    """Sends one picture as a stream of frames of one packet each, some lost, some late."""

    def __init__(self, ssrc: int, chance: random.Random) -> None:
        self.ssrc = ssrc
        self.number, self.stamp, self.picture = (
            chance.randrange(1 << 16),
            chance.randrange(1 << 32),
            chance.randrange(1 << 15),
        )

    def next(self, *, key: bool) -> bytes:
        self.number += 1
        self.stamp += 3000
        self.picture += 1
        return vp8(self.number, self.stamp, self.picture, ssrc=self.ssrc, key=key)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_order_no_number_means_two_things_and_the_stream_has_no_seam(seed: int) -> None:
    chance = random.Random(seed)
    senders = {ssrc: _Sender(ssrc, chance) for ssrc in (FULL, SMALL)}
    newest = senders[FULL].next(key=False)
    splice = spliced(newest)
    wanted, late, sent = FULL, list[bytes](), {seen(newest)[0]: newest}
    order = list[int]()
    for _ in range(30_000):
        if chance.random() < 0.002:
            wanted = FULL if wanted == SMALL else SMALL
        sender = senders[chance.choice((FULL, SMALL))]
        fate, packet = chance.random(), sender.next(key=chance.random() < 0.05)
        if fate < 0.05:
            continue
        if fate < 0.10:
            late.append(packet)
            continue
        if fate > 0.9 and late:
            packet = late.pop(chance.randrange(len(late)))
        source = int.from_bytes(packet[8:12], "big")
        if source == wanted != splice.source and begins_vp8(packet):
            splice.begin(packet, timestamp_shift=chance.randrange(1 << 32))
        carried = splice.carry(packet)
        if carried is None:
            continue
        number = seen(carried)[0]
        known = sent.get(number)
        assert known is None or known == carried or len(order) - order.index(number) > 20_000
        sent[number] = carried
        order.append(number)
        assert seen(carried)[3] == FULL
        original = splice.recall(number)
        assert original == packet[2] << 8 | packet[3]
        assert splice.carry(packet) == carried
    steps = [(later - earlier + 32768) % 65536 - 32768 for earlier, later in itertools.pairwise(order)]
    assert max(map(abs, steps)) < 4096


def test_a_keyframe_of_vp8_is_known_by_its_first_packet() -> None:
    assert begins_vp8(vp8(1, 1, 1, key=True))
    assert not begins_vp8(vp8(1, 1, 1))
    second = bytearray(vp8(1, 1, 1, key=True))
    second[20] &= 0xEF  # Not the start of a partition.
    assert not begins_vp8(bytes(second))
    assert not begins_vp8(vp8(1, 1, 1)[:20])
    assert not begins_vp8(vp8(1, 1, 1)[:24])


def test_a_sequence_of_h264_is_known_by_its_parameters() -> None:
    head = bytes([0x80, 102]) + bytes(10)
    assert begins_h264(head + b"\x67\x42")
    assert begins_h264(head + b"\x78\x00\x10\x67\x42")
    assert not begins_h264(head + b"\x78\x00")
    assert not begins_h264(head + b"\x65\x88")
    assert not begins_h264(head)
