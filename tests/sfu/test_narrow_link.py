"""A link that becomes narrow: pictures go, the voice stays; it becomes wide again, and they come back."""

import asyncio

import pytest

from benchmarks.loss.impairment import Impairment, Link, Relay
from benchmarks.loss.peer import Peer
from telehealth.clock import SystemClock
from telehealth.consultations.model import Rung
from telehealth.consultations.ports import MediaEvent, MediaRungChanged
from telehealth.ids import EncounterId, ParticipantId
from telehealth.sfu.media_settings import MediaSettings
from telehealth.sfu.plane import ForwardingPlane
from tests.sfu.peers import until

pytestmark = pytest.mark.timeout(120)
ROOM = EncounterId("narrow")
WIDE = Link(delay_s=0.02)
NARROW = Link(delay_s=0.02, bitrate_bps=100_000)


async def test_on_a_hundred_kilobits_the_voice_is_not_starved_by_pictures_and_they_come_back_later() -> None:
    plane = ForwardingPlane(MediaSettings(host="127.0.0.1"), SystemClock())
    await plane.start()
    loop = asyncio.get_running_loop()
    rungs: list[tuple[float, Rung]] = []

    def heard(event: MediaEvent) -> None:
        if isinstance(event, MediaRungChanged) and event.participant == "ana":
            rungs.append((loop.time(), event.rung))

    plane.listen(heard)
    relay = await Relay(("127.0.0.1", plane.port), Impairment(WIDE, 1), Impairment(WIDE, 2)).start()
    ana = Peer(plane, ROOM, ParticipantId("ana"), ("127.0.0.1", relay.port), 0.04)
    bo = Peer(plane, ROOM, ParticipantId("bo"), ("127.0.0.1", plane.port), 0.005)
    for peer in (ana, bo):
        await peer.join()
    await asyncio.sleep(0.3)
    for peer in (ana, bo):
        peer.send_media()
    await asyncio.sleep(2)

    narrowed = loop.time()
    relay.down.link = NARROW
    await until(lambda: rungs and rungs[-1][1] in (Rung.STILLS, Rung.AUDIO))
    assert rungs[-1][0] - narrowed < 5.0
    await asyncio.sleep(1.5)  # What was queued before.
    first = bo.sent_audio
    await asyncio.sleep(4)
    marks = ana.incoming[bo.audio].marks
    frames = range(first, bo.sent_audio - 5)
    here = sum((frame, 0) in marks and marks[frame, 0][0] - marks[frame, 0][1] < 0.4 for frame in frames)
    print(f"down after {rungs[-1][0] - narrowed:.1f} s, voice {100 * here / len(frames):.1f} %")
    assert here / len(frames) > 0.97

    relay.down.link = WIDE
    widened = loop.time()
    await until(lambda: rungs[-1][1] is Rung.VIDEO, timeout_s=60)
    print(f"back up after {loop.time() - widened:.1f} s")
    for peer in (ana, bo):
        await peer.leave()
    await plane.aclose()
    relay.close()
    await asyncio.sleep(0.05)
