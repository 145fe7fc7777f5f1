"""What one wake-up brings goes out in few system calls, whole, in order, and to the right ones."""

import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.sfu import outbox
from telehealth.sfu.counters import Counters, Drop
from telehealth.sfu.outbox import RUN, Outbox, runs


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A socket that sends and one that receives, both on loopback."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiving,
    ):
        sending.setblocking(False)
        receiving.bind(("127.0.0.1", 0))
        receiving.settimeout(5)
        yield sending, receiving


def received(receiving: socket.socket, number: int) -> list[bytes]:
    return [receiving.recv(2048) for _ in range(number)]


@given(st.lists(st.integers(1, 4).map(bytes), max_size=100))
def test_runs_lose_nothing_and_only_their_last_is_shorter(datagrams: list[bytes]) -> None:
    cut = list(runs(datagrams))
    assert [one for run in cut for one in run] == datagrams
    for run in cut:
        assert 1 <= len(run) <= RUN
        assert len({len(one) for one in run[:-1]}) <= 1
        assert len(run[-1]) <= len(run[0])


def test_a_burst_arrives_as_it_was_sent(pair: tuple[socket.socket, socket.socket]) -> None:
    sending, receiving = pair
    counters = Counters()
    box = Outbox(sending, counters)
    burst = [bytes([number]) * size for number, size in enumerate([900, 900, 900, 120, 900, 1000, 80, 80])]
    box.hold()
    for datagram in burst:
        box.send(datagram, receiving.getsockname())
    box.release()
    assert received(receiving, len(burst)) == burst
    assert counters.packets_out == len(burst)
    assert counters.bytes_out == sum(map(len, burst))


def test_what_is_not_held_goes_at_once(pair: tuple[socket.socket, socket.socket]) -> None:
    sending, receiving = pair
    box = Outbox(sending, Counters())
    box.send(b"now", receiving.getsockname())
    assert received(receiving, 1) == [b"now"]
    box.release()


def test_what_cannot_go_together_goes_one_by_one(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    sending, receiving = pair
    counters = Counters()
    box = Outbox(sending, counters)
    monkeypatch.setattr(outbox, "UDP_SEGMENT", 9999)  # Which no kernel knows.
    box.hold()
    for _ in range(3):
        box.send(b"x" * 100, receiving.getsockname())
    box.release()
    assert received(receiving, 3) == [b"x" * 100] * 3
    assert counters.packets_out == 3


def test_without_the_option_nothing_is_held(
    pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "UDP_SEGMENT", 9999)
    sending, receiving = pair
    box = Outbox(sending, Counters())
    box.hold()
    box.send(b"now", receiving.getsockname())
    assert received(receiving, 1) == [b"now"]


def test_a_full_buffer_drops_the_run_and_counts_each() -> None:
    class Full(socket.socket):
        def sendmsg(self, *_: object) -> int:
            raise BlockingIOError

    with Full(socket.AF_INET, socket.SOCK_DGRAM) as full:
        counters = Counters()
        box = Outbox(full, counters)
        box.hold()
        for _ in range(4):
            box.send(b"abc", ("127.0.0.1", 9))
        box.release()
    assert counters.dropped[Drop.SOCKET] == 4
