"""Trials of the way to us: answered like any transport, and nothing beyond that; few, short, one for each person."""

import asyncio
import socket

import pytest
from aioice.stun import Class, parse_message

from telehealth.errors import Unavailable
from telehealth.ids import ParticipantId
from telehealth.rtp.tcp_framing import Frames, frame
from telehealth.sfu.limits import TRIAL_S, TRIALS
from telehealth.sfu.plane import ForwardingPlane
from tests.doubles import FakeClock
from tests.sfu.peers import ROOM, until
from tests.sfu.test_tcp import check

ANA = ParticipantId("ana")


class Prober:
    """A socket that sends checks to the plane."""

    def __init__(self, plane: ForwardingPlane) -> None:
        self._plane = plane
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", plane.port))
        self._socket.setblocking(False)

    async def __call__(self, datagram: bytes) -> bytes:
        """Return what comes back, empty if the plane has looked at the datagram and nothing does."""
        before = self._plane.statistics().packets_in
        self._socket.send(datagram)
        await until(lambda: self._plane.statistics().packets_in > before)
        try:
            return self._socket.recv(2048)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self._socket.close()


async def test_a_check_of_a_trial_is_answered_until_its_time_is_over(
    still_plane: ForwardingPlane, clock: FakeClock
) -> None:
    offer = await still_plane.try_path("ana")
    assert offer.count("m=") == 1 and "a=inactive" in offer and " tcptype passive" in offer
    probe = Prober(still_plane)
    assert parse_message(await probe(check(offer))).message_class is Class.RESPONSE
    clock.advance(TRIAL_S + 0.1)
    still_plane.tick()
    assert await probe(check(offer)) == b""
    assert len(still_plane._trials) == len(still_plane._demultiplexer) == 0
    probe.close()


async def test_a_trial_shakes_no_hands_and_takes_no_media(still_plane: ForwardingPlane) -> None:
    offer = await still_plane.try_path("ana")
    probe = Prober(still_plane)
    await probe(check(offer))
    hello = b"\x16\xfe\xff" + bytes(60)
    assert [await probe(datagram) for datagram in (hello, hello, b"\x80" + bytes(99))] == [b"", b"", b""]
    assert still_plane.statistics().dropped["early"] == 1
    probe.close()


async def test_a_trial_takes_nobody_s_seat(still_plane: ForwardingPlane) -> None:
    for number in range(TRIALS):
        await still_plane.try_path(f"person {number}")
    counted = still_plane.statistics()
    assert (counted.transports, counted.rooms, counted.participants) == (0, 0, 0)
    await still_plane.open(ROOM, ANA)
    assert still_plane.statistics().transports == 1


async def test_a_new_trial_of_a_person_ends_their_last(still_plane: ForwardingPlane) -> None:
    first, second = await still_plane.try_path("ana"), await still_plane.try_path("ana")
    probe = Prober(still_plane)
    assert await probe(check(first)) == b""
    assert await probe(check(second)) != b""
    assert len(still_plane._trials) == 1
    probe.close()


async def test_trials_are_few_and_their_places_come_free_again(still_plane: ForwardingPlane, clock: FakeClock) -> None:
    for number in range(TRIALS):
        await still_plane.try_path(f"person {number}")
    with pytest.raises(Unavailable) as refused:
        await still_plane.try_path("ana")
    assert refused.value.code == "trials_full"
    await still_plane.try_path("person 0")  # Who is trying may begin anew.
    clock.advance(TRIAL_S + 0.1)
    still_plane.tick()
    assert await still_plane.try_path("ana")
    assert len(still_plane._trials) == 1


async def test_a_trial_answers_over_tcp_too(still_plane: ForwardingPlane) -> None:
    offer = await still_plane.try_path("ana")
    reader, writer = await asyncio.open_connection("127.0.0.1", still_plane.port)
    writer.write(frame(check(offer)))
    [answer] = Frames().feed(await asyncio.wait_for(reader.read(2048), 5))
    assert parse_message(answer).message_class is Class.RESPONSE
    writer.close()
    await until(lambda: len(still_plane._tcp) == 0)
