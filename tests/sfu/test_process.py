"""The media process: real participants through it, and what becomes of a call when it dies, hangs or is orphaned."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from telehealth.clock import SystemClock
from telehealth.consultations.model import Rung, Source
from telehealth.consultations.ports import MediaRungChanged, MediaState
from telehealth.errors import Invalid, NotFound, Unavailable
from telehealth.ids import EncounterId, ParticipantId, RecordingId
from telehealth.sfu import crossing, process
from telehealth.sfu.crossing import Crossing, Done, Open, Piece, Refused
from telehealth.sfu.media_settings import MediaSettings, ProcessSettings
from telehealth.sfu.process import MediaProcess, media_process
from tests.sfu.peers import ROOM, Caller, Listener, until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiortc")

ANA = ParticipantId("ana")
SETTINGS = ProcessSettings(MediaSettings(host="127.0.0.1"), "warning", "text")
WEBM = b"\x1a\x45\xdf\xa3"


@pytest.fixture
async def media() -> AsyncIterator[MediaProcess]:
    async with media_process(SETTINGS) as running:
        yield running


async def test_two_participants_see_and_hear_each_other_through_it(media: MediaProcess) -> None:
    async with Caller(media, "ana").joined() as ana, Caller(media, "bo").joined() as bo:
        for caller, other in ((ana, "bo"), (bo, "ana")):
            await caller.gets(other, Source.CAMERA, more_than=5)
            await caller.gets(other, Source.MICROPHONE, more_than=5)
        await until(lambda: media.statistics().participants == 2)
        assert ana.errors == bo.errors == []
        await media.check()


async def test_refusals_come_back_as_what_they_are(media: MediaProcess) -> None:
    with pytest.raises(NotFound):
        await media.publish(ROOM, ANA, Source.SCREEN)
    await media.open(ROOM, ANA)
    with pytest.raises(Invalid) as refused:
        await media.answer(ROOM, ANA, 7, "v=0")
    assert refused.value.code == "stale_negotiation"
    assert "m=audio" in await media.try_path("ana")
    await media.close(ROOM, ANA)
    await media.close_room(ROOM)


async def test_it_is_told_no_secret(media: MediaProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEHEALTH_SECRET_KEY", "guarded")
    monkeypatch.setenv("PGPASSWORD", "guarded")
    async with media_process(SETTINGS) as other:
        environment, command = (_told(other, name) for name in ("environ", "cmdline"))
    assert b"PATH=" in environment
    assert b"guarded" not in environment + command


async def test_a_killed_process_is_replaced_on_the_same_port_and_the_call_goes_on(media: MediaProcess) -> None:
    heard = Listener(media)
    rungs: list[MediaRungChanged] = []
    media.listen(lambda event: rungs.append(event) if isinstance(event, MediaRungChanged) else None)
    port = media.port
    async with Caller(media, "ana").joined() as ana, Caller(media, "bo").joined():
        await ana.gets("bo")
        await media.publish(ROOM, ANA, Source.SCREEN)
        await media.lock(ROOM, ANA, Rung.AUDIO)
        assert media.pid is not None
        os.kill(media.pid, signal.SIGKILL)
        await until(lambda: heard.states["ana"][-1] is heard.states["bo"][-1] is MediaState.LOST)
        rungs.clear()
    # Browsers answer that with another connection: these are new ones under the same seats, and the request waits.
    async with Caller(media, "ana").joined() as ana, Caller(media, "bo").joined() as bo:
        await bo.gets("ana", Source.MICROPHONE)
        await ana.gets("bo", Source.MICROPHONE)
        offered = heard.offers["ana"][-1].tracks
    assert media.port == port
    assert media.restarts == 1
    assert Source.SCREEN in {track.source for track in offered if track.participant == "ana"}
    assert [(rung.participant, rung.rung, rung.locked) for rung in rungs] == [("ana", Rung.AUDIO, True)]


async def test_a_process_that_hangs_is_replaced(media: MediaProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SILENT_LOOKS", 2)
    monkeypatch.setattr(process, "ANSWER_S", 0.2)
    pid = media.pid
    assert pid is not None
    await until(lambda: media.statistics().dropped)
    os.kill(pid, signal.SIGSTOP)
    # What it has not read makes its end look like an error of the stream.
    silent = await asyncio.gather(*(media.open(ROOM, ANA) for _ in range(3)), return_exceptions=True)
    assert {getattr(one, "code", one) for one in silent} == {"media_silent"}
    await until(lambda: media.pid not in (pid, None), 20)
    monkeypatch.setattr(process, "ANSWER_S", 4.0)
    await media.open(ROOM, ANA)


async def test_without_a_process_requests_are_refused_and_nothing_waits_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken: list[str] = []
    monkeypatch.setattr(process, "AGAIN_S", 30.0)
    async with media_process(SETTINGS) as media:
        await media.open(ROOM, ANA)
        media.film(ROOM, RecordingId("one"), lambda data: True, lambda: broken.append("one"))
        monkeypatch.setattr(process, "ANSWER_S", 0.1)
        assert media.pid is not None
        os.kill(media.pid, signal.SIGKILL)
        await until(lambda: media.pid is None)
        await until(lambda: broken == ["one"])
        media.film(ROOM, RecordingId("two"), lambda data: True, lambda: broken.append("two"))
        await until(lambda: broken == ["one", "two"])
        for refused in (media.cut(RecordingId("two")), media.open(ROOM, ANA), media.check()):
            with pytest.raises(Unavailable):
                await refused
        await media.close_room(ROOM)  # There is nothing to close any more.
        assert media.statistics().rooms == 0


async def test_what_is_wished_between_a_death_and_the_page_s_return_is_so_when_it_returns(media: MediaProcess) -> None:
    heard = Listener(media)
    rungs: list[MediaRungChanged] = []
    media.listen(lambda event: rungs.append(event) if isinstance(event, MediaRungChanged) else None)
    await media.open(ROOM, ANA)
    await media.publish(ROOM, ANA, Source.SCREEN)
    pid = media.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: media.pid not in (pid, None), 20)
    # What was measured of the link is forgotten, and the room is told.
    assert [(rung.rung, rung.locked) for rung in rungs] == [(Rung.VIDEO, False)]
    await media.unpublish(ROOM, ANA, Source.SCREEN)
    await media.lock(ROOM, ANA, Rung.STILLS)
    with pytest.raises(NotFound):
        await media.publish(ROOM, ParticipantId("stranger"), Source.SCREEN)
    await media.open(ROOM, ANA)
    await until(lambda: rungs[-1].rung is Rung.STILLS and rungs[-1].locked)
    assert Source.SCREEN not in {track.source for track in heard.offers["ana"][-1].tracks}


async def test_a_fault_in_who_listens_ends_nothing(media: MediaProcess, caplog: pytest.LogCaptureFixture) -> None:
    def faulty(event: object) -> None:
        raise RuntimeError("a fault of ours")

    media.listen(faulty)
    heard = Listener(media)
    await media.open(ROOM, ANA)
    await until(lambda: heard.offers.get("ana"))
    assert "a fault of ours" in caplog.text


async def test_requests_under_way_are_bounded(media: MediaProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "ASKED", 3)
    outcomes = await asyncio.gather(*(media.open(ROOM, ANA) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(outcome, Unavailable) for outcome in outcomes) == 2


async def test_a_film_comes_across_and_ends_when_it_is_cut(media: MediaProcess) -> None:
    film: list[bytes] = []
    one = RecordingId("one")

    def keep(data: bytes) -> bool:
        film.append(data)
        return True

    async with Caller(media, "ana").joined(), Caller(media, "bo").joined() as bo:
        await bo.gets("ana")
        media.film(ROOM, one, keep, lambda: None)
        await until(lambda: film)
        await media.cut(one)
        pieces = len(film)
        await bo.gets("ana", more_than=bo.frames["ana", Source.CAMERA] + 10)
    assert film[0].startswith(WEBM)
    assert len(film) == pieces


async def test_a_film_that_can_t_be_kept_is_told_once_it_breaks(media: MediaProcess) -> None:
    broken: list[str] = []
    async with Caller(media, "ana").joined(), Caller(media, "bo").joined() as bo:
        await bo.gets("ana")
        media.film(ROOM, RecordingId("one"), lambda data: False, lambda: broken.append("one"))
        await until(lambda: broken)


async def test_a_taken_port_is_said_so(media: MediaProcess) -> None:
    taken = ProcessSettings(MediaSettings(host="127.0.0.1", port=media.port), "warning", "text")
    with pytest.raises(Unavailable) as refused:
        await MediaProcess(taken, SystemClock()).start()
    assert refused.value.code == "media_port"


async def test_it_ends_with_its_server_whatever_ends_that(tmp_path: Path) -> None:
    program = (
        "import asyncio\n"
        "from telehealth.clock import SystemClock\n"
        "from telehealth.sfu.media_settings import MediaSettings, ProcessSettings\n"
        "from telehealth.sfu.process import MediaProcess\n"
        "async def main():\n"
        "    media = MediaProcess(ProcessSettings(MediaSettings(host='127.0.0.1'), 'warning', 'text'), SystemClock())\n"
        "    await media.start()\n"
        "    print(media.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    child = int(await server.stdout.readline())
    server.kill()
    await server.wait()
    await until(lambda: not _runs(child))


def _told(media: MediaProcess, name: str) -> bytes:
    return Path(f"/proc/{media.pid}/{name}").read_bytes()


def _runs(pid: int) -> bool:
    with suppress(OSError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


async def test_a_message_comes_across_as_it_was_and_long_films_in_pieces() -> None:
    one, other = await _ends()
    one.say(Open(EncounterId("room"), ANA), 7)
    assert await other.hear() == (7, Open(EncounterId("room"), ANA))
    other.say(Refused.of(NotFound("Nobody.", code="nobody")), 7)
    heard = await one.hear()
    assert isinstance(heard, tuple) and isinstance(heard[1], Refused)
    error = heard[1].error()
    assert isinstance(error, NotFound) and error.code == "nobody"
    film = bytes(range(256)) * 2_000
    assert other.show(RecordingId("one"), film)
    pieces = [await one.hear(), await one.hear()]
    assert b"".join(piece.data for piece in pieces if isinstance(piece, Piece)) == film
    await one.aclose()
    await other.aclose()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x00\x00\x02\x00[]",
        b'\x00\x00\x00\x0f\x00[1, "None", {}]',
        b'\x00\x00\x00\x0c\x00[1,"Open",0]',
        b"\x00\x00\x00\x00\x01",
        b"\xff\xff\xff\xff\x00",
        b"\x00\x00\x00\x01\x005",
        b'\x00\x00\x00\x11\x00[null,"Open",{}]',
        b"\x00\x00\x00\x09\x00[1,[],{}]",
        b"\x00\x00\x20\x00\x00" + b"[" * 0x2000,
        b"\x00\x00",
    ],
)
async def test_what_can_t_be_understood_ends_the_stream(garbage: bytes) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        end = await Crossing.over(ours)
        theirs.sendall(garbage)
        theirs.shutdown(socket.SHUT_WR)
        assert await end.hear() is None
        await end.aclose()


async def test_who_takes_nothing_costs_a_film_first_and_then_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossing, "FILM_WAITING_BYTES", 1 << 20)
    monkeypatch.setattr(crossing, "WAITING_BYTES", 2 << 20)
    one, other = await _ends()
    shown = 0
    while one.show(RecordingId("one"), bytes(crossing.FILM_BYTES)):
        shown += 1
    assert shown <= 32
    told = 0
    with pytest.raises(Unavailable):
        while told < 100:
            one.say(Done("x" * 100_000))
            told += 1
    assert told < 100
    await one.aclose()
    # After the end nothing is said any more, and nothing breaks by it.
    assert not one.show(RecordingId("one"), b"x")
    with pytest.raises(Unavailable):
        one.say(Done())
    await one.aclose()
    await other.aclose()


async def _ends() -> tuple[Crossing, Crossing]:
    ours, theirs = socket.socketpair()
    return await Crossing.over(ours), await Crossing.over(theirs)
