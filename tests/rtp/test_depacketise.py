"""Frames from packets."""

import pytest

from telehealth.rtp import depacketise
from telehealth.rtp.depacketise import MAX_FRAME, WINDOW, OpusFrames, Vp8Frames

KEY, DELTA = b"\x10\x02\x00", b"\x11\x02\x00"


def packet(number: int, payload: bytes, *, at: int = 0, marker: bool = False, padding: int = 0) -> bytes:
    head = bytes([0xA0 if padding else 0x80, 0x80 * marker | 96]) + (number & 0xFFFF).to_bytes(2, "big")
    tail = bytes(padding - 1) + bytes([padding]) if padding else b""
    return head + at.to_bytes(4, "big") + bytes(4) + payload + tail


def begins(data: bytes) -> bytes:
    return b"\x10" + data


def goes_on(data: bytes) -> bytes:
    return b"\x00" + data


def test_a_frame_is_what_its_packets_carry() -> None:
    frames = Vp8Frames()
    assert frames.put(packet(65535, begins(KEY), at=9)) == []
    (frame,) = frames.put(packet(0, goes_on(b"more"), at=9, marker=True, padding=3))
    assert (frame.timestamp, frame.data, frame.keyframe) == (9, KEY + b"more", True)


@pytest.mark.parametrize(
    "descriptor",
    [b"\x90\x80\x05", b"\x90\x80\x85\x05", b"\x90\xf0\x85\x05\x01\x02", b"\x90\x20\x40", b"\x90\x40\x07", b"\x90\x00"],
)
def test_descriptors_of_every_length_are_taken_off(descriptor: bytes) -> None:
    (frame,) = Vp8Frames().put(packet(1, descriptor + KEY, marker=True))
    assert frame.data == KEY


def test_nothing_comes_before_the_first_keyframe() -> None:
    frames = Vp8Frames()
    assert frames.put(packet(1, begins(DELTA), at=1, marker=True)) == []
    assert frames.needs_keyframe
    assert len(frames.put(packet(2, begins(KEY), at=2, marker=True))) == 1
    assert len(frames.put(packet(3, begins(DELTA), at=3, marker=True))) == 1


def test_packets_that_change_places_and_come_twice_make_the_same_frames() -> None:
    frames = Vp8Frames()
    frames.put(packet(1, begins(KEY), at=1, marker=True))
    assert frames.put(packet(3, goes_on(b"b"), at=2, marker=True)) == []
    (frame,) = frames.put(packet(2, begins(DELTA), at=2))
    assert frame.data == DELTA + b"b"
    assert frames.put(packet(2, begins(DELTA), at=2)) == []


def test_after_a_loss_nothing_comes_until_a_keyframe() -> None:
    frames = Vp8Frames()
    frames.put(packet(1, begins(KEY), at=1, marker=True))
    got = []
    for number in range(3, 3 + WINDOW):
        got += frames.put(packet(number, begins(DELTA), at=number, marker=True))
    assert got == []
    assert frames.needs_keyframe
    (frame,) = frames.put(packet(3 + WINDOW, begins(KEY), at=999, marker=True))
    assert frame.keyframe


def test_a_frame_without_its_end_is_dropped() -> None:
    frames = Vp8Frames()
    frames.put(packet(1, begins(KEY), at=1))
    assert frames.put(packet(2, begins(DELTA), at=2, marker=True)) == []
    assert frames.needs_keyframe


def test_a_frame_beyond_the_limit_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depacketise, "MAX_FRAME", 10)
    frames = Vp8Frames()
    frames.put(packet(1, begins(KEY)))
    assert frames.put(packet(2, goes_on(bytes(11)), marker=True)) == []
    assert MAX_FRAME > 10


def test_what_is_empty_or_cut_short_gives_nothing() -> None:
    frames = Vp8Frames()
    assert frames.put(packet(1, b"", padding=200)) == []
    assert frames.put(packet(2, b"\x90", marker=True)) == []
    assert frames.put(packet(3, b"\x90\xf0", marker=True)) == []


def test_each_packet_of_sound_is_a_frame_and_a_lost_one_only_a_gap() -> None:
    frames = OpusFrames()
    assert [frame.data for frame in frames.put(packet(7, b"a", at=960))] == [b"a"]
    got = []
    for number in range(9, 9 + WINDOW):
        got += frames.put(packet(number, b"x", at=number))
    assert len(got) == WINDOW
