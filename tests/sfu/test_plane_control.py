"""What the plane offers, accepts, refuses and gives up: no media, and time moves by hand."""

import asyncio
import gc
import socket
from pathlib import Path

import pytest
from aioice.stun import Class, Message, Method, parse_message

from telehealth.clock import SystemClock
from telehealth.consultations.model import Source
from telehealth.consultations.ports import MediaOffered, MediaState
from telehealth.errors import Conflict, Invalid, NotFound, RoomFull, TelehealthError, TooMany, Unavailable
from telehealth.ids import EncounterId, ParticipantId
from telehealth.sfu.media_settings import MediaSettings
from telehealth.sfu.plane import ForwardingPlane
from tests.doubles import FakeClock
from tests.sfu.peers import ROOM, Caller, Listener, crafted_answer, until

ANA, BO = ParticipantId("ana"), ParticipantId("bo")


def credentials(offer: MediaOffered) -> tuple[str, str]:
    found = {}
    for line in offer.sdp.splitlines():
        for name in ("ice-ufrag", "ice-pwd"):
            if line.startswith(f"a={name}:"):
                found[name] = line.partition(":")[2]
    return found["ice-ufrag"], found["ice-pwd"]


def check(offer: MediaOffered, *, password: str | None = None) -> bytes:
    ufrag, right = credentials(offer)
    message = Message(Method.BINDING, Class.REQUEST)
    message.attributes["USERNAME"] = f"{ufrag}:abcd"
    message.attributes["PRIORITY"] = 1
    message.attributes["ICE-CONTROLLING"] = 1
    message.attributes["USE-CANDIDATE"] = None
    message.add_message_integrity((password or right).encode())
    return bytes(message)


def descriptors_open() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class Probe:
    """A bare UDP socket."""

    def __init__(self, plane: ForwardingPlane) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(("127.0.0.1", plane.port))
        self.received: list[bytes] = []

    def send(self, datagram: bytes) -> None:
        self._socket.send(datagram)

    def poll(self) -> list[bytes]:
        try:
            while True:
                self.received.append(self._socket.recv(2048))
        except BlockingIOError:
            return self.received

    def close(self) -> None:
        self._socket.close()


async def test_the_first_offer_receives_microphone_and_camera(still_plane: ForwardingPlane) -> None:
    heard = Listener(still_plane)
    await still_plane.open(ROOM, ANA)
    [offer] = heard.offers["ana"]
    assert [(t.participant, t.source) for t in offer.tracks] == [("ana", Source.MICROPHONE), ("ana", Source.CAMERA)]
    assert offer.sdp.count("a=recvonly") == 2
    assert "a=ice-lite" in offer.sdp
    assert f" 127.0.0.1 {still_plane.port} typ host" in offer.sdp
    assert heard.states["ana"] == [MediaState.CONNECTING]


async def test_the_others_are_offered_a_track_as_soon_as_its_answer_says_it_is_sent(
    still_plane: ForwardingPlane,
) -> None:
    heard = Listener(still_plane)
    await still_plane.open(ROOM, ANA)
    await still_plane.open(ROOM, BO)
    await still_plane.answer(ROOM, BO, 1, crafted_answer(heard.offers["bo"][0]))
    assert len(heard.offers["bo"]) == 1
    sending = crafted_answer(heard.offers["ana"][0], sends=True)
    head, audio, video = sending.split("m=")
    sdp = f"{head}m={audio}a=ssrc:111 cname:x\r\nm={video}a=ssrc:222 cname:x\r\n"
    await still_plane.answer(ROOM, ANA, 1, sdp)
    latest = heard.offers["bo"][-1]
    assert [t.source for t in latest.tracks if t.participant == "ana"] == [Source.MICROPHONE, Source.CAMERA]
    assert "a=ssrc:111 cname:ana" in latest.sdp
    assert "a=ssrc:222 msid:ana" in latest.sdp


async def test_an_ssrc_of_another_participant_cannot_be_claimed(
    still_plane: ForwardingPlane, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Listener(still_plane)
    for who in (ANA, BO):
        await still_plane.open(ROOM, who)
    for who in (ANA, BO):
        head, audio, video = crafted_answer(heard.offers[who][0], sends=True).split("m=")
        sdp = f"{head}m={audio}a=ssrc:5 cname:x\r\nm={video}"
        await still_plane.answer(ROOM, who, 1, sdp)
    live = [(p.participant, p.ssrc) for p in still_plane._rooms[ROOM].publications() if p.live]
    assert live == [("ana", 5)]
    assert "taken" in caplog.text


async def test_changes_gather_while_an_offer_is_outstanding(still_plane: ForwardingPlane) -> None:
    heard = Listener(still_plane)
    await still_plane.open(ROOM, ANA)
    await still_plane.publish(ROOM, ANA, Source.SCREEN)
    await still_plane.unpublish(ROOM, ANA, Source.CAMERA)
    assert len(heard.offers["ana"]) == 1
    await still_plane.answer(ROOM, ANA, 1, crafted_answer(heard.offers["ana"][0]))
    [_, second] = heard.offers["ana"]
    assert [t.source for t in second.tracks] == [Source.MICROPHONE, Source.SCREEN]


async def test_an_ended_screen_gives_its_line_to_the_next(still_plane: ForwardingPlane) -> None:
    heard = Listener(still_plane)

    async def answer() -> MediaOffered:
        offer = heard.offers["ana"][-1]
        await still_plane.answer(ROOM, ANA, offer.negotiation, crafted_answer(offer))
        return offer

    await still_plane.open(ROOM, ANA)
    await answer()
    await still_plane.publish(ROOM, ANA, Source.SCREEN)
    first = await answer()
    await still_plane.unpublish(ROOM, ANA, Source.SCREEN)
    ended = await answer()
    assert "m=video 0 " in ended.sdp
    await still_plane.publish(ROOM, ANA, Source.SCREEN)
    again = await answer()
    assert [offer.sdp.count("m=") for offer in (first, ended, again)] == [3, 3, 3]
    assert again.tracks[2].source is Source.SCREEN
    assert again.tracks[2].mid != first.tracks[2].mid


@pytest.mark.parametrize("negotiation", [0, 2, -1])
async def test_an_answer_to_another_offer_is_stale(still_plane: ForwardingPlane, negotiation: int) -> None:
    heard = Listener(still_plane)
    await still_plane.open(ROOM, ANA)
    with pytest.raises(Invalid) as refused:
        await still_plane.answer(ROOM, ANA, negotiation, crafted_answer(heard.offers["ana"][0]))
    assert refused.value.code == "stale_negotiation"


async def test_a_second_answer_to_one_offer_is_stale(still_plane: ForwardingPlane) -> None:
    heard = Listener(still_plane)
    await still_plane.open(ROOM, ANA)
    sdp = crafted_answer(heard.offers["ana"][0])
    await still_plane.answer(ROOM, ANA, 1, sdp)
    with pytest.raises(Invalid):
        await still_plane.answer(ROOM, ANA, 1, sdp)


async def test_a_certificate_does_not_change_within_one_connection(still_plane: ForwardingPlane) -> None:
    heard = Listener(still_plane)
    await still_plane.open(ROOM, ANA)
    await still_plane.answer(ROOM, ANA, 1, crafted_answer(heard.offers["ana"][0]))
    await still_plane.publish(ROOM, ANA, Source.SCREEN)
    other = crafted_answer(heard.offers["ana"][1], fingerprint="sha-256 " + ":".join(["CD"] * 32))
    with pytest.raises(Invalid) as refused:
        await still_plane.answer(ROOM, ANA, 2, other)
    assert refused.value.code == "bad_sdp"


async def test_answers_are_limited_in_rate(still_plane: ForwardingPlane) -> None:
    await still_plane.open(ROOM, ANA)
    with pytest.raises(TooMany):
        for _ in range(20):
            with pytest.raises(Invalid):
                await still_plane.answer(ROOM, ANA, 99, "")


async def test_a_room_has_six_places() -> None:
    plane = ForwardingPlane(MediaSettings(host="127.0.0.1"), FakeClock())
    await plane.start()
    for number in range(6):
        await plane.open(ROOM, ParticipantId(str(number)))
    with pytest.raises(RoomFull):
        await plane.open(ROOM, ParticipantId("seventh"))
    await plane.aclose()
    assert plane.statistics().rooms == 0


async def test_a_server_has_so_many_transports(still_plane: ForwardingPlane) -> None:
    for number in range(4):
        await still_plane.open(EncounterId(str(number)), ANA)
    with pytest.raises(Unavailable) as refused:
        await still_plane.open(ROOM, ANA)
    assert refused.value.code == "media_full"


async def test_renewing_the_transport_again_and_again_is_refused_and_leaves_at_most_two(
    still_plane: ForwardingPlane,
) -> None:
    with pytest.raises(TooMany):
        for _ in range(10):
            await still_plane.open(ROOM, ANA)
    assert still_plane.statistics().transports == 2


async def test_a_participant_without_a_transport_is_not_found(still_plane: ForwardingPlane) -> None:
    await still_plane.open(ROOM, ANA)
    for encounter, participant in ((ROOM, BO), (EncounterId("other"), ANA)):
        with pytest.raises(NotFound):
            await still_plane.publish(encounter, participant, Source.SCREEN)
        with pytest.raises(NotFound):
            await still_plane.answer(encounter, participant, 1, "")


async def test_closing_what_is_not_there_does_nothing(still_plane: ForwardingPlane) -> None:
    await still_plane.close(ROOM, ANA)
    await still_plane.close_room(ROOM)
    await still_plane.open(ROOM, ANA)
    await still_plane.close(ROOM, BO)
    await still_plane.unpublish(ROOM, ANA, Source.SCREEN)
    assert still_plane.statistics().participants == 1


async def test_a_participant_has_three_tracks_at_most(still_plane: ForwardingPlane) -> None:
    await still_plane.open(ROOM, ANA)
    await still_plane.publish(ROOM, ANA, Source.SCREEN)
    room = still_plane._rooms[ROOM]
    with pytest.raises(Conflict):
        room.publish(room.seats[ANA], Source.SCREEN)


async def test_without_any_check_a_transport_is_gone_after_thirty_seconds(
    still_plane: ForwardingPlane, clock: FakeClock
) -> None:
    heard = Listener(still_plane)
    await still_plane.open(ROOM, ANA)
    clock.advance(29.9)
    still_plane.tick()
    assert still_plane.statistics().transports == 1
    clock.advance(0.2)
    still_plane.tick()
    assert still_plane.statistics().transports == 0
    assert heard.states["ana"] == [MediaState.CONNECTING, MediaState.LOST]


async def test_ice_without_dtls_is_gone_after_fifteen_seconds(still_plane: ForwardingPlane, clock: FakeClock) -> None:
    heard = Listener(still_plane)
    await still_plane.open(ROOM, ANA)
    [offer] = heard.offers["ana"]
    await still_plane.answer(ROOM, ANA, 1, crafted_answer(offer))
    probe = Probe(still_plane)
    probe.send(check(offer))
    await until(probe.poll)
    assert parse_message(probe.received[0]).message_class is Class.RESPONSE
    clock.advance(14.9)
    still_plane.tick()
    assert still_plane.statistics().transports == 1
    clock.advance(0.2)
    still_plane.tick()
    assert still_plane.statistics().transports == 0
    assert heard.states["ana"][-1] is MediaState.LOST
    probe.close()


async def test_a_check_with_a_wrong_password_is_not_even_answered(still_plane: ForwardingPlane) -> None:
    heard = Listener(still_plane)
    await still_plane.open(ROOM, ANA)
    [offer] = heard.offers["ana"]
    probe = Probe(still_plane)
    probe.send(check(offer, password="x" * 32))
    probe.send(check(offer)[:-8])  # Without its fingerprint.
    await until(lambda: still_plane.statistics().dropped["stun"] == 2)
    assert probe.poll() == []
    assert still_plane._rooms[ROOM].seats[ANA].current.transport.paths == {}  # type: ignore[union-attr]
    probe.close()


async def test_at_most_eight_addresses_are_validated(still_plane: ForwardingPlane) -> None:
    heard = Listener(still_plane)
    await still_plane.open(ROOM, ANA)
    for port in range(5000, 5012):
        still_plane._demultiplexer.receive(check(heard.offers["ana"][0]), ("127.0.0.1", port), float(port))
    current = still_plane._rooms[ROOM].seats[ANA].current
    assert current is not None
    assert len(current.transport.paths) == len(still_plane._demultiplexer._paths) == 8
    assert current.transport.address == ("127.0.0.1", 5011)


async def test_an_address_in_use_stays_with_its_participant(still_plane: ForwardingPlane) -> None:
    heard = Listener(still_plane)
    address = ("127.0.0.1", 5000)
    for who in (ANA, BO):
        await still_plane.open(ROOM, who)
        still_plane._demultiplexer.receive(check(heard.offers[who][0]), address, 1000.0)
    assert list(still_plane._rooms[ROOM].seats[BO].current.transport.paths) == []  # type: ignore[union-attr]
    still_plane._demultiplexer.receive(check(heard.offers["bo"][0]), address, 1003.0)
    assert list(still_plane._rooms[ROOM].seats[BO].current.transport.paths) == [address]  # type: ignore[union-attr]


async def test_an_offer_without_an_answer_comes_again_three_times(
    still_plane: ForwardingPlane, clock: FakeClock
) -> None:
    heard = Listener(still_plane)
    async with Caller(still_plane, "ana", sends=False).joined() as ana:
        await until(lambda: MediaState.CONNECTED in heard.states["ana"])
        ana._muted = True
        await still_plane.publish(ROOM, ANA, Source.SCREEN)
        before = len(heard.offers["ana"])
        for _ in range(10):
            clock.advance(11)
            for address in list(still_plane._demultiplexer._paths):
                still_plane._demultiplexer._paths[address].heard_at = clock.monotonic()
            still_plane.tick()
        assert [o.negotiation for o in heard.offers["ana"][before:]] == [before + 1, before + 2, before + 3]


async def test_silence_is_suspect_after_two_seconds_and_lost_after_five(
    still_plane: ForwardingPlane, clock: FakeClock
) -> None:
    heard = Listener(still_plane)
    async with Caller(still_plane, "ana", sends=False).joined():
        await until(lambda: MediaState.CONNECTED in heard.states["ana"])
        [path] = still_plane._demultiplexer._paths.values()
        states = []
        for silence in (1.9, 2.1, 4.9, 5.1, 0.0):
            clock.advance(100 + silence)
            path.heard_at = clock.monotonic() - silence
            still_plane.tick()
            states.append(heard.states["ana"][-1])
        assert states == ["connected", "suspect", "suspect", "lost", "connected"]
        clock.advance(61)
        path.heard_at = clock.monotonic() - 61
        still_plane.tick()
        assert still_plane.statistics().transports == 0


async def test_a_taken_port_is_said_so(still_plane: ForwardingPlane) -> None:
    other = ForwardingPlane(MediaSettings(host="127.0.0.1", port=still_plane.port), SystemClock())
    with pytest.raises(Unavailable) as refused:
        await other.start()
    assert refused.value.code == "media_port"
    await other.aclose()


def test_an_address_must_be_advertised() -> None:
    with pytest.raises(TelehealthError):
        ForwardingPlane(MediaSettings(advertised=()), FakeClock())


async def test_fifty_planes_and_calls_leave_no_task_and_no_descriptor() -> None:
    async def once() -> None:
        plane = ForwardingPlane(MediaSettings(host="127.0.0.1"), SystemClock())
        heard = Listener(plane)
        await plane.start()
        await plane.open(ROOM, ANA)
        await plane.answer(ROOM, ANA, 1, crafted_answer(heard.offers["ana"][0]))
        await plane.open(ROOM, BO)
        await plane.open(ROOM, BO)
        await plane.aclose()

    await once()
    gc.collect()
    tasks, descriptors = len(asyncio.all_tasks()), descriptors_open()
    for _ in range(50):
        await once()
    assert len(asyncio.all_tasks()) == tasks
    assert descriptors_open() == descriptors


async def test_connected_calls_leave_no_task_and_no_descriptor(plane: ForwardingPlane) -> None:
    async def once() -> None:
        heard = Listener(plane)
        async with Caller(plane, "ana", sends=False).joined():
            await until(lambda: MediaState.CONNECTED in heard.states["ana"])
            await plane.close_room(ROOM)
        plane._listeners.clear()

    await once()
    gc.collect()
    await asyncio.sleep(0.05)
    tasks, descriptors = len(asyncio.all_tasks()), descriptors_open()
    for _ in range(20):
        await once()
    await asyncio.sleep(0.05)
    assert len(asyncio.all_tasks()) == tasks
    assert descriptors_open() == descriptors


async def test_a_new_transport_that_fails_leaves_the_old_one_in_place(
    still_plane: ForwardingPlane, clock: FakeClock
) -> None:
    heard = Listener(still_plane)
    async with Caller(still_plane, "ana", sends=False).joined() as ana:
        await until(lambda: MediaState.CONNECTED in heard.states["ana"])
        ana._muted = True
        await still_plane.open(ROOM, ANA)
        assert still_plane.statistics().transports == 2
        clock.advance(31)
        for path in still_plane._demultiplexer._paths.values():
            path.heard_at = clock.monotonic()
        still_plane.tick()
        assert still_plane.statistics().transports == 1
        assert heard.states["ana"] == [MediaState.CONNECTING, MediaState.CONNECTED]


async def test_when_the_old_transport_fails_first_the_new_one_is_what_there_is(
    still_plane: ForwardingPlane, clock: FakeClock
) -> None:
    heard = Listener(still_plane)
    await still_plane.open(ROOM, ANA)
    clock.advance(20)
    await still_plane.open(ROOM, ANA)
    clock.advance(11)
    still_plane.tick()
    seat = still_plane._rooms[ROOM].seats[ANA]
    assert seat.current is not None
    assert seat.pending is None
    assert heard.states["ana"] == [MediaState.CONNECTING]


async def test_a_silent_participant_is_asked_for_a_sign_of_life(still_plane: ForwardingPlane, clock: FakeClock) -> None:
    heard = Listener(still_plane)
    async with Caller(still_plane, "ana", sends=False).joined():
        await until(lambda: MediaState.CONNECTED in heard.states["ana"])
        [path] = still_plane._demultiplexer._paths.values()
        clock.advance(1.5)
        still_plane.tick()
        await until(lambda: path.heard_at == clock.monotonic())


async def test_nothing_is_sent_to_who_is_lost(still_plane: ForwardingPlane, clock: FakeClock) -> None:
    heard = Listener(still_plane)
    async with Caller(still_plane, "ana").joined() as ana, Caller(still_plane, "bo").joined() as bo:
        await ana.gets("bo")
        await bo.gets("ana")
        seat = still_plane._rooms[ROOM].seats[BO]
        assert seat.current is not None
        [path] = seat.current.transport.paths.values()
        clock.advance(6)
        for other in still_plane._demultiplexer._paths.values():
            other.heard_at = clock.monotonic() - (6 if other is path else 0)
        still_plane.tick()
        assert heard.states["bo"][-1:] == [MediaState.LOST]
        camera = still_plane._rooms[ROOM].seats[ANA].publications[Source.CAMERA]
        assert camera.viewers == ()
        await until(lambda: path.heard_at == clock.monotonic())
        still_plane.tick()
        assert heard.states["bo"][-1:] == [MediaState.CONNECTED]
        assert camera.viewers != ()


async def test_a_failing_listener_does_not_stop_the_upkeep(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telehealth.sfu.plane.UNASKED_S", 0.001)
    clock = FakeClock()
    plane = ForwardingPlane(MediaSettings(host="127.0.0.1"), clock)
    await plane.start()
    await plane.open(ROOM, ANA)
    await plane.open(ROOM, BO)

    def fail(event: object) -> None:
        raise RuntimeError("a listener's fault")

    plane.listen(fail)
    clock.advance(31)

    def all_gone() -> bool:
        clock.advance(0.1)
        return plane.statistics().transports == 0

    await until(all_gone)
    assert "upkeep" in caplog.text
    await plane.aclose()
