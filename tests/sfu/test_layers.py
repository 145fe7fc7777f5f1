"""Who gets small pictures: only those whose link is weak, only where others get full ones."""

from collections.abc import AsyncIterator

import pytest

from telehealth.consultations.model import Layer, Rung, Source
from telehealth.ids import ParticipantId
from telehealth.rtp import rtcp
from telehealth.sfu import room as room_module
from telehealth.sfu.offer import VP8
from telehealth.sfu.plane import ForwardingPlane
from telehealth.sfu.projection import Projection
from telehealth.sfu.publication import Publication
from tests.sfu.peers import ROOM, Caller, Listener, until

ANA, BO, CY = ParticipantId("ana"), ParticipantId("bo"), ParticipantId("cy")


def camera_of(plane: ForwardingPlane, who: ParticipantId) -> Publication:
    return plane._rooms[ROOM].seats[who].publications[Source.CAMERA]


def projection_of(plane: ForwardingPlane, viewer: ParticipantId) -> Projection | None:
    transport = plane._rooms[ROOM].seats[viewer].viewer
    return transport.projections.get(camera_of(plane, ANA).ssrc or 0) if transport else None


def layers_offered(heard: Listener) -> list[Layer]:
    return [track.layer for track in heard.offers["ana"][-1].tracks if track.source is Source.CAMERA]


@pytest.fixture
async def three(plane: ForwardingPlane) -> AsyncIterator[tuple[Caller, Caller, Listener]]:
    """Ana sends; bo and cy watch."""
    heard = Listener(plane)
    async with (
        Caller(plane, "ana").joined(),
        Caller(plane, "bo", sends=False).joined() as bo,
        Caller(plane, "cy", sends=False).joined() as cy,
    ):
        await bo.gets("ana")
        await cy.gets("ana")
        yield bo, cy, heard


async def test_a_weak_viewer_is_shown_the_small_size_and_goes_back_without_a_seam(
    plane: ForwardingPlane, three: tuple[Caller, Caller, Listener]
) -> None:
    bo, cy, heard = three
    assert layers_offered(heard) == [Layer.FULL]
    await plane.lock(ROOM, CY, Rung.REDUCED)
    await until(lambda: layers_offered(heard) == [Layer.FULL, Layer.SMALL])
    full = camera_of(plane, ANA)
    await until(lambda: full.small is not None and full.small.live)
    assert full.small is not None
    small = full.small
    await until(lambda: (shown := projection_of(plane, CY)) is not None and shown.shows(small))
    assert (len(full.viewers), len(full.plain), len(small.viewers)) == (1, 1, 1)
    for viewer in (bo, cy):
        await viewer.gets("ana", more_than=viewer.frames["ana", Source.CAMERA] + 5)
    await plane.lock(ROOM, CY, Rung.VIDEO)
    await until(lambda: (shown := projection_of(plane, CY)) is not None and shown.shows(full))
    assert (len(full.viewers), small.viewers) == (2, ())
    await cy.gets("ana", more_than=cy.frames["ana", Source.CAMERA] + 5)
    assert bo.errors == cy.errors == []


async def test_the_small_size_ends_when_nobody_has_needed_it_for_a_while(
    plane: ForwardingPlane, three: tuple[Caller, Caller, Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, heard = three
    monkeypatch.setattr(room_module, "LAYER_IDLE_S", 0.2)
    await plane.lock(ROOM, CY, Rung.REDUCED)
    await until(lambda: layers_offered(heard) == [Layer.FULL, Layer.SMALL])
    await plane.lock(ROOM, CY, Rung.VIDEO)
    await until(lambda: layers_offered(heard) == [Layer.FULL])
    small = camera_of(plane, ANA).small
    await until(lambda: small is not None and not small.live)
    await plane.lock(ROOM, CY, Rung.REDUCED)
    await until(lambda: layers_offered(heard) == [Layer.FULL, Layer.SMALL])
    await until(lambda: small is not None and small.live)


async def test_where_all_are_weak_the_sender_is_held_down_instead(
    plane: ForwardingPlane, three: tuple[Caller, Caller, Listener]
) -> None:
    _, _, heard = three
    for who in (BO, CY):
        await plane.lock(ROOM, who, Rung.REDUCED)
    assert camera_of(plane, ANA).held
    await plane.lock(ROOM, BO, None)
    assert camera_of(plane, ANA).held
    await plane.lock(ROOM, BO, Rung.VIDEO)
    await until(lambda: layers_offered(heard) == [Layer.FULL, Layer.SMALL])
    assert not camera_of(plane, ANA).held


async def test_what_a_viewer_of_small_pictures_asks_for_is_about_the_small_size(
    plane: ForwardingPlane, three: tuple[Caller, Caller, Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    await plane.lock(ROOM, CY, Rung.REDUCED)
    full = camera_of(plane, ANA)
    await until(lambda: full.small is not None and full.small.live)
    small = full.small
    assert small is not None
    await until(lambda: (shown := projection_of(plane, CY)) is not None and shown.shows(small))
    viewer, shown = plane._rooms[ROOM].seats[CY].viewer, projection_of(plane, CY)
    assert viewer is not None
    assert shown is not None
    sent, reports = list[bytes](), list[bytes]()
    monkeypatch.setattr(viewer, "send_rtp", sent.append)
    monkeypatch.setattr(viewer, "send_rtcp", reports.append)
    await until(lambda: sum(packet[1] & 0x7F == VP8 for packet in sent) > 3)
    picture = [packet for packet in sent if packet[1] & 0x7F == VP8][1]
    number = picture[2] << 8 | picture[3]
    assert picture[8:12] == (full.ssrc or 0).to_bytes(4, "big")
    assert shown.recall(number) == picture
    assert shown.recall(number + 10_000 & 0xFFFF) is None
    reports.clear()
    for layer in (small, full):
        shown.report(layer, rtcp.SenderReport(layer.ssrc or 0, 1 << 63, 1000, 5, 500))
    [told] = [report for compound in reports for report in rtcp.parse(compound)]
    assert isinstance(told, rtcp.SenderReport)
    assert told.ssrc == full.ssrc


async def test_a_number_is_sent_once_whatever_comes_under_it_later(
    plane: ForwardingPlane, three: tuple[Caller, Caller, Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = camera_of(plane, ANA)
    newest = full.newest_packet()
    assert newest is not None
    sent = list[bytes]()
    for viewer in full.plain:
        monkeypatch.setattr(viewer, "send_rtp", sent.append)
    number = newest[2] << 8 | newest[3]
    long_ago = (number - 2000 & 0xFFFF).to_bytes(2, "big")
    full.forward(newest[:-1] + bytes([newest[-1] ^ 1]), 0.0)
    full.forward(newest[:2] + long_ago + newest[4:], 0.0)
    assert sent == []
    following = (number + 1 & 0xFFFF).to_bytes(2, "big")
    full.forward(newest[:2] + following + newest[4:], 0.0)
    assert len(sent) == len(full.plain)
