"""Packets to be sent once more."""

import pytest

from telehealth.rtp.packet_cache import LEAST, MOST, PacketCache


def test_a_kept_packet_is_found_by_its_number() -> None:
    cache = PacketCache(4)
    cache.put(65535, b"a")
    cache.put(0, b"b")
    assert cache.get(65535) == b"a"
    assert cache.get(0) == b"b"
    assert cache.get(1) is None


def test_the_oldest_makes_room() -> None:
    cache = PacketCache(4)
    for number in range(6):
        cache.put(number, bytes([number]))
    assert [cache.get(number) for number in range(6)] == [None, None, b"\x02", b"\x03", b"\x04", b"\x05"]


def test_after_clearing_nothing_is_found() -> None:
    cache = PacketCache(4)
    cache.put(1, b"a")
    cache.clear()
    assert cache.get(1) is None


@pytest.mark.parametrize("size", [0, 3, 65536])
def test_its_size_is_a_power_of_two(size: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        PacketCache(size)


def test_it_grows_with_its_stream_and_forgets_nothing() -> None:
    cache = PacketCache(64)
    for number in range(64):
        cache.put(number, b"%d" % number)
    cache.fit(200, 63)
    assert len(cache) == 256
    assert all(cache.get(number) == b"%d" % number for number in range(64))


def test_it_is_bounded_and_shrinks_only_when_a_quarter_would_do() -> None:
    cache = PacketCache(512)
    cache.fit(10_000, 0)
    assert len(cache) == MOST
    cache.fit(MOST / 2, 0)
    assert len(cache) == MOST
    cache.fit(0, 0)
    assert len(cache) == LEAST


def test_the_newest_stay_when_it_shrinks() -> None:
    cache = PacketCache(512)
    for number in range(65_300, 65_300 + 512):
        cache.put(number & 0xFFFF, b"%d" % number)
    cache.fit(64, (65_300 + 511) & 0xFFFF)
    assert len(cache) == 64
    assert all(cache.get(number & 0xFFFF) == b"%d" % number for number in range(65_300 + 448, 65_300 + 512))
