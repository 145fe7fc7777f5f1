"""Packets between participants: real aiortc peers on loopback."""

import asyncio
import socket

import pytest
from aiortc.rtp import RtpPacket

from telehealth.consultations.model import Rung, Source
from telehealth.consultations.ports import MediaRungChanged, MediaState
from telehealth.ids import ParticipantId
from telehealth.rtp import rtcp
from telehealth.sfu import ladder
from telehealth.sfu.limits import SSRCS_PER_TRANSPORT, UNSEEN_BPS
from telehealth.sfu.plane import ForwardingPlane
from tests.sfu.peers import ROOM, Caller, Listener, until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiortc")


async def test_two_participants_decode_each_others_sound_and_picture(plane: ForwardingPlane) -> None:
    async with Caller(plane, "ana").joined() as ana, Caller(plane, "bo").joined() as bo:
        for caller, other in ((ana, "bo"), (bo, "ana")):
            await caller.gets(other, Source.CAMERA, more_than=5)
            await caller.gets(other, Source.MICROPHONE, more_than=5)
        assert ana.errors == bo.errors == []
        dropped = plane.statistics().dropped
    assert dropped["failed"] == dropped["srtp"] == dropped["malformed"] == 0


async def test_three_participants_each_see_the_two_others(plane: ForwardingPlane) -> None:
    async with (
        Caller(plane, "ana").joined() as ana,
        Caller(plane, "bo").joined() as bo,
        Caller(plane, "cy").joined() as cy,
    ):
        for caller in (ana, bo, cy):
            for other in {"ana", "bo", "cy"} - {caller.name}:
                await caller.gets(other, Source.CAMERA, more_than=2)


async def test_a_viewers_keyframe_request_reaches_the_publisher(plane: ForwardingPlane) -> None:
    async with Caller(plane, "ana").joined() as ana, Caller(plane, "bo", sends=False).joined() as bo:
        await bo.gets("ana")
        asked = ana.asked
        table = bo.dtls._rtp_router.ssrc_table
        video = next(s for s, r in table.items() if r._track.kind == "video")
        await asyncio.sleep(0.5)  # Requests are limited to two a second: let the first ones be over.
        await bo.send_raw(rtcp.picture_loss(7, video))
        await until(lambda: ana.asked > asked)


async def test_a_storm_of_keyframe_requests_becomes_two_a_second(plane: ForwardingPlane) -> None:
    async with Caller(plane, "ana").joined() as ana, Caller(plane, "bo", sends=False).joined() as bo:
        await bo.gets("ana")
        table = bo.dtls._rtp_router.ssrc_table
        video = next(s for s, r in table.items() if r._track.kind == "video")
        asked = ana.asked
        loop = asyncio.get_running_loop()
        started = loop.time()
        for _ in range(300):
            await bo.send_raw(rtcp.picture_loss(7, video))
            await asyncio.sleep(0)
        await until(lambda: ana.asked > asked)
        await asyncio.sleep(0.7)
        assert ana.asked - asked <= 2 * (loop.time() - started) + 2


async def test_a_lost_packet_is_sent_again_to_the_viewer_who_asks(plane: ForwardingPlane) -> None:
    async with Caller(plane, "ana").joined(), Caller(plane, "bo", sends=False).joined() as bo:
        await bo.gets("ana")
        publication = next(p for p in plane._rooms[ROOM].publications() if p.participant == "ana" and p.ssrc)
        number = publication.reception._numbers.highest & 0xFFFF  # type: ignore[union-attr]
        assert publication.ssrc is not None
        await bo.send_raw(rtcp.nack(7, publication.ssrc, [number, (number - 1) & 0xFFFF]))
        await until(lambda: plane.statistics().resent >= 1)


async def test_a_flood_of_sources_is_capped_and_the_call_goes_on(plane: ForwardingPlane) -> None:
    async with Caller(plane, "ana").joined() as ana, Caller(plane, "bo").joined() as bo:
        await bo.gets("ana")
        for ssrc in range(1000, 1400):
            await ana.send_raw(RtpPacket(payload_type=96, ssrc=ssrc, payload=b"x").serialize())
        await until(lambda: plane.statistics().dropped["ssrc_limit"] > 300)
        transport = plane._rooms[ROOM].seats[ParticipantId("ana")].current.transport  # type: ignore[union-attr]
        assert len(transport._ssrcs) <= SSRCS_PER_TRANSPORT
        await bo.gets("ana", more_than=bo.frames[("ana", Source.CAMERA)] + 3)


async def test_foreign_datagrams_change_nothing_for_a_running_call(plane: ForwardingPlane) -> None:
    async with Caller(plane, "ana").joined(), Caller(plane, "bo").joined() as bo:
        await bo.gets("ana")
        client_hello = bytes.fromhex("16feff000000000000000000360100002a000000000000002afefd") + bytes(40)
        fatal_alert = bytes.fromhex("15feff00000000000000000002022a")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for datagram in (b"", b"\x80", client_hello, fatal_alert, bytes([0, 1]) + bytes(26), b"\x80" * 1200):
                stranger.sendto(datagram, ("127.0.0.1", plane.port))
        await until(lambda: plane.statistics().dropped["foreign"] >= 4)
        assert plane.statistics().dropped["empty"] == 1
        await bo.gets("ana", more_than=bo.frames[("ana", Source.CAMERA)] + 3)


async def test_an_empty_datagram_from_a_participants_own_address_changes_nothing(plane: ForwardingPlane) -> None:
    async with Caller(plane, "ana").joined(), Caller(plane, "bo").joined() as bo:
        await bo.gets("ana")
        for address in list(plane._demultiplexer._paths):
            plane._demultiplexer.receive(b"", address, 0.0)
        assert plane.statistics().dropped["empty"] == 2
        await bo.gets("ana", more_than=bo.frames[("ana", Source.CAMERA)] + 3)


async def test_a_packet_with_the_mid_of_another_is_not_forwarded(plane: ForwardingPlane) -> None:
    async with Caller(plane, "ana").joined() as ana, Caller(plane, "bo").joined() as bo:
        await bo.gets("ana")
        camera = next(p for p in plane._rooms[ROOM].publications() if p.participant == "ana" and p.source == "camera")
        victim = next(p for p in plane._rooms[ROOM].publications() if p.participant == "bo" and p.source == "camera")
        number = (camera.reception._numbers.highest + 200) & 0xFFFF  # type: ignore[union-attr]
        head = bytes([0x90, 96]) + number.to_bytes(2, "big") + bytes(4) + (camera.ssrc or 0).to_bytes(4, "big")
        forged = head + bytes([0xBE, 0xDE, 0, 1, 0x40]) + victim.mid_bytes + bytes(2) + b"payload"
        await ana.send_raw(forged)
        await until(lambda: plane.statistics().dropped["malformed"] == 1)


async def test_a_wrong_fingerprint_never_connects(plane: ForwardingPlane) -> None:
    heard = Listener(plane)
    ana = Caller(plane, "ana")
    ana.change_answer = lambda sdp: "\r\n".join(
        f"a=fingerprint:sha-256 {':'.join(['00'] * 32)}" if line.startswith("a=fingerprint:") else line
        for line in sdp.splitlines()
    )
    async with ana.joined():
        await until(lambda: MediaState.LOST in heard.states["ana"])
        assert MediaState.CONNECTED not in heard.states["ana"]
        assert plane.statistics().transports == 0


async def test_leaving_says_goodbye_and_the_others_are_told(plane: ForwardingPlane) -> None:
    heard = Listener(plane)
    async with Caller(plane, "ana").joined() as ana:
        async with Caller(plane, "bo").joined():
            await ana.gets("bo")
        await until(lambda: MediaState.LOST in heard.states["bo"])
        await plane.close(ROOM, ParticipantId("bo"))
        await until(lambda: not any(t.participant == "bo" for t in heard.offers["ana"][-1].tracks))
        assert plane.statistics().participants == 1


async def test_a_second_connection_takes_over_and_the_first_serves_until_then(plane: ForwardingPlane) -> None:
    heard = Listener(plane)
    async with Caller(plane, "bo").joined() as bo:
        first = Caller(plane, "ana")
        async with first.joined():
            await bo.gets("ana")
            first._muted = True
            second = Caller(plane, "ana")
            async with second.joined():
                await second.gets("bo")
                await until(lambda: plane.statistics().transports == 2)
                assert heard.states["ana"] == [MediaState.CONNECTING, MediaState.CONNECTED]
                mids = {t.mid for o in heard.offers["bo"] for t in o.tracks if t.participant == "ana"}
                assert len(mids) == 2  # The publications are the same ones.


async def test_a_publisher_that_announces_no_ssrc_is_known_by_the_mid_of_its_packets(plane: ForwardingPlane) -> None:
    ana = Caller(plane, "ana")
    ana.change_answer = lambda sdp: "\r\n".join(line for line in sdp.splitlines() if not line.startswith("a=ssrc"))
    async with ana.joined(), Caller(plane, "bo").joined() as bo:
        await bo.gets("ana", Source.CAMERA)
        await bo.gets("ana", Source.MICROPHONE)


async def test_a_camera_that_was_unpublished_is_not_forwarded_until_it_is_published_again(
    plane: ForwardingPlane,
) -> None:
    async with Caller(plane, "ana").joined() as ana, Caller(plane, "bo").joined() as bo:
        await bo.gets("ana")
        heard = Listener(plane)
        await plane.unpublish(ROOM, ana.name, Source.CAMERA)
        camera = plane._rooms[ROOM].seats[ana.name].publications[Source.CAMERA]
        assert camera.viewers == ()
        await until(lambda: heard.offers["bo"] and Source.CAMERA not in bo_sees(heard))
        await plane.publish(ROOM, ana.name, Source.CAMERA)
        await until(lambda: Source.CAMERA in bo_sees(heard))
        await until(lambda: camera.viewers != ())


def bo_sees(heard: Listener) -> set[Source]:
    return {track.source for track in heard.offers["bo"][-1].tracks if track.participant == "ana"}


async def test_estimates_of_viewers_reach_the_publisher(plane: ForwardingPlane) -> None:
    async with Caller(plane, "ana").joined() as ana, Caller(plane, "bo", sends=False).joined() as bo:
        await bo.gets("ana")
        camera = plane._rooms[ROOM].seats[ana.name].publications[Source.CAMERA]
        assert camera.ssrc is not None
        await bo.send_raw(rtcp.remb(7, 123_456, [camera.ssrc]))
        await until(lambda: any(estimate[0] == 123_456 for estimate in camera.estimates._by_viewer.values()))
        await until(lambda: camera.estimates._sent == 123_456)


async def test_whose_own_link_is_too_weak_for_pictures_is_told_to_send_next_to_none(plane: ForwardingPlane) -> None:
    async with Caller(plane, "ana").joined() as ana, Caller(plane, "bo", sends=False).joined() as bo:
        await bo.gets("ana")
        camera = plane._rooms[ROOM].seats[ana.name].publications[Source.CAMERA]
        await plane.lock(ROOM, ana.name, Rung.AUDIO)
        await until(lambda: camera.estimates._sent == UNSEEN_BPS)
        await plane.lock(ROOM, ana.name, Rung.VIDEO)
        await until(lambda: camera.estimates._sent > UNSEEN_BPS)


async def test_an_endless_repetition_of_a_nack_is_cut_at_the_budget(plane: ForwardingPlane) -> None:
    async with Caller(plane, "ana").joined() as ana, Caller(plane, "bo", sends=False).joined() as bo:
        await bo.gets("ana")
        microphone = plane._rooms[ROOM].seats[ana.name].publications[Source.MICROPHONE]
        assert microphone.ssrc is not None
        await until(lambda: microphone.reception.received > 20)
        number = microphone.reception._numbers.highest & 0xFFFF  # type: ignore[union-attr]
        storm = rtcp.nack(7, microphone.ssrc, sorted((number - back) & 0xFFFF for back in range(16)))
        for _ in range(200):
            await bo.send_raw(storm)
            await asyncio.sleep(0)
        await until(lambda: plane.statistics().dropped["resend_limit"] > 0)
        assert plane.statistics().resent < 600


async def test_feedback_on_what_one_does_not_watch_does_nothing(plane: ForwardingPlane) -> None:
    async with Caller(plane, "ana").joined() as ana, Caller(plane, "bo", sends=False).joined() as bo:
        await bo.gets("ana")
        asked = plane.statistics().keyframe_requests
        own = plane._rooms[ROOM].seats[ana.name].publications[Source.CAMERA].ssrc or 0
        bye = bytes([0x81, 203, 0, 1]) + own.to_bytes(4, "big")
        await bo.send_raw(rtcp.picture_loss(7, 424242) + rtcp.nack(7, 424242, [1]) + bye)
        await bo.send_raw(rtcp.sender_report(rtcp.SenderReport(own, 1, 1, 1, 1)))
        await bo.gets("ana", more_than=bo.frames[("ana", Source.CAMERA)] + 3)
        assert plane.statistics().keyframe_requests == asked


async def test_one_who_chooses_sound_only_gets_no_pictures_until_they_lift_it(
    plane: ForwardingPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ladder, "TRY_UP_AFTER_S", 3.0)
    heard: list[MediaRungChanged] = []
    plane.listen(lambda event: heard.append(event) if isinstance(event, MediaRungChanged) else None)
    async with Caller(plane, "ana").joined() as ana, Caller(plane, "bo").joined() as bo:
        await bo.gets("ana")
        camera = plane._rooms[ROOM].seats[ana.name].publications[Source.CAMERA]
        microphone = plane._rooms[ROOM].seats[ana.name].publications[Source.MICROPHONE]
        await plane.lock(ROOM, bo.name, Rung.AUDIO)
        assert (len(camera.viewers), len(microphone.viewers)) == (0, 1)
        await plane.lock(ROOM, bo.name, Rung.VITALS)
        assert (camera.viewers, microphone.viewers) == ((), ())
        await plane.lock(ROOM, bo.name, None)
        await until(lambda: len(camera.viewers) == 1, timeout_s=40)
        await bo.gets("ana", more_than=bo.frames[("ana", Source.CAMERA)] + 3)
    assert [(event.rung, event.locked) for event in heard[:3]] == [
        (Rung.AUDIO, True),
        (Rung.VITALS, True),
        (Rung.VITALS, False),
    ]
