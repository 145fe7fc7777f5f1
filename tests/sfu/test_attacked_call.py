"""A call goes on while somebody floods the port, and while a participant misbehaves with everything they may send."""

import asyncio
import contextlib
import os
import random
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from aioice.stun import Class, Message, Method

from benchmarks.loss.peer import Incoming, Peer
from telehealth.clock import SystemClock
from telehealth.ids import EncounterId, ParticipantId
from telehealth.rtp import rtcp
from telehealth.sfu.aiortc_hooks import SrtpError
from telehealth.sfu.limits import RESENT_BYTES
from telehealth.sfu.media_settings import MediaSettings
from telehealth.sfu.plane import ForwardingPlane

pytestmark = pytest.mark.timeout(180)
ROOM = EncounterId("attacked")
ATTACK_S = 2.0
QUIET_S = 0.5
Attack = Callable[["Call"], Awaitable[None]]


class Call:
    """Two who talk, and a third, Mallory, who is in the room too and is hostile."""

    def __init__(self, plane: ForwardingPlane) -> None:
        to = ("127.0.0.1", plane.port)
        self.plane = plane
        self.ana, self.bo, self.mallory = (
            Peer(plane, ROOM, ParticipantId(name), to, 0.005) for name in ("ana", "bo", "mallory")
        )

    def voice(self) -> Incoming:
        """What Bo hears of Ana."""
        return self.bo.incoming[self.ana.audio]

    async def signals(self, seconds: float) -> list[float]:
        """Return how long the loop, on which all signalling runs too, made others wait."""
        loop = asyncio.get_running_loop()
        waits = []
        end = loop.time() + seconds
        while (now := loop.time()) < end:
            await asyncio.sleep(0.01)
            waits.append(loop.time() - now - 0.01)
        return sorted(waits)


@asynccontextmanager
async def a_call() -> AsyncIterator[Call]:
    plane = ForwardingPlane(MediaSettings(host="127.0.0.1"), SystemClock())
    await plane.start()
    call = Call(plane)
    people = (call.ana, call.bo, call.mallory)
    for peer in people:
        await peer.join()
    await asyncio.sleep(0.3)
    for peer in people:
        peer.send_media()
    await asyncio.sleep(0.7)
    try:
        yield call
    finally:
        for peer in people:
            await peer.leave()
        await plane.aclose()


@contextmanager
def flooding(port: int, datagrams: list[bytes], per_s: int) -> Iterator[None]:
    """Send these round and round from another process: the call pays only for what the server does with them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.connect(("127.0.0.1", port))
        child = os.fork()
        if child == 0:
            try:
                begun, sent = time.monotonic(), 0
                while time.monotonic() - begun < 2 * ATTACK_S:
                    while sent < (time.monotonic() - begun) * per_s:
                        stranger.send(datagrams[sent % len(datagrams)])
                        sent += 1
                    time.sleep(0.001)
            finally:
                os._exit(0)
        try:
            yield
        finally:
            os.kill(child, 9)
            os.waitpid(child, 0)


def unauthentic_checks() -> list[bytes]:
    checks = []
    for number in range(50):
        message = Message(Method.BINDING, Class.REQUEST)
        message.attributes["USERNAME"] = f"nobody{number}:them"
        message.add_message_integrity(b"x" * 32)
        checks.append(bytes(message))
    return checks


async def junk(call: Call) -> None:
    chance = random.Random(3)
    datagrams = [bytes([0x80, 96]) + chance.randbytes(200) for _ in range(50)]
    with flooding(call.plane.port, datagrams, 10_000):
        await asyncio.sleep(ATTACK_S)


async def checks_of_strangers(call: Call) -> None:
    with flooding(call.plane.port, unauthentic_checks(), 10_000):
        await asyncio.sleep(ATTACK_S)


async def empty_and_greetings_and_alerts(call: Call) -> None:
    hello = bytes.fromhex("16feff000000000000000000360100002a000000000000002afefd") + bytes(40)
    alert = bytes.fromhex("15feff00000000000000000002022a")
    with flooding(call.plane.port, [b"", hello, alert, b"\x00", b"\xff" * 1400], 5_000):
        await asyncio.sleep(ATTACK_S)


async def _each_ms(act: Callable[[int], object]) -> None:
    loop = asyncio.get_running_loop()
    end, number = loop.time() + ATTACK_S, 0
    while loop.time() < end:
        act(number)
        number += 1
        await asyncio.sleep(0.001)


async def sources_without_end(call: Call) -> None:
    def act(number: int) -> None:
        head = bytes([0x80, 96]) + bytes(6) + (10_000 + number).to_bytes(4, "big")
        call.mallory._rtp(head + bytes(50))

    await _each_ms(act)


async def requests_for_repetition(call: Call) -> None:
    ssrc = call.ana.video

    def act(number: int) -> None:
        newest = call.ana._numbers[ssrc]
        call.mallory._rtcp(rtcp.nack(7, ssrc, sorted((newest - back) & 0xFFFF for back in range(1, 60))))

    await _each_ms(act)


async def requests_for_keyframes(call: Call) -> None:
    await _each_ms(lambda _: call.mallory._rtcp(rtcp.picture_loss(7, call.ana.video)))


async def lies_about_bandwidth_and_farewells(call: Call) -> None:
    bye = bytes([0x81, 203, 0, 1]) + call.ana.audio.to_bytes(4, "big")

    def act(number: int) -> None:
        call.mallory._rtcp(rtcp.remb(7, 1, [call.ana.video]) if number % 2 else bye)

    await _each_ms(act)


async def random_authentic_packets(call: Call) -> None:
    chance = random.Random(5)

    def act(number: int) -> None:
        if number % 2:
            call.mallory._rtcp(bytes([0x80 | chance.randrange(32), 200 + number % 8, 0, 5]) + chance.randbytes(20))
        else:
            head = bytes([chance.randrange(0x80, 0xC0), chance.randrange(128)]) + chance.randbytes(6)
            with contextlib.suppress(SrtpError):  # Not all of it can be encrypted.
                call.mallory._rtp(head + call.mallory.video.to_bytes(4, "big") + chance.randbytes(60))

    await _each_ms(act)


async def twenty_megabits(call: Call) -> None:
    def act(number: int) -> None:
        for place in range(2):
            head = bytes([0x80, 96]) + (2 * number + place & 0xFFFF).to_bytes(2, "big") + bytes(4)
            call.mallory._rtp(head + call.mallory.video.to_bytes(4, "big") + bytes(1200))

    await _each_ms(act)


ATTACKS: list[Attack] = [
    junk,
    checks_of_strangers,
    empty_and_greetings_and_alerts,
    sources_without_end,
    requests_for_repetition,
    requests_for_keyframes,
    lies_about_bandwidth_and_farewells,
    random_authentic_packets,
    twenty_megabits,
]


TRIES = 3
"""A machine that others use pauses now and then; what an attack does, it does each time."""


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
async def test_under_attack_a_voice_keeps_nineteen_of_twenty_frames(attack: Attack) -> None:
    for tried in range(TRIES):
        share, wait_p99, quiet = await attacked(attack)
        print(f"{attack.__name__}: {100 * share:.1f} % of frames, the loop waits {1000 * wait_p99:.0f} ms (p99)")
        if (share >= 0.95 and wait_p99 < max(0.2, 3 * quiet)) or tried == TRIES - 1:
            assert share >= 0.95
            assert wait_p99 < max(0.2, 3 * quiet)
            return


async def attacked(attack: Attack) -> tuple[float, float, float]:
    """Return the share of voice that came in time, and how long the loop waited (s): p99 meanwhile, longest before."""
    async with a_call() as call:
        keyframes = call.ana.keyframes
        resent = call.plane.statistics().resent
        quiet = (await call.signals(QUIET_S))[-1]
        first = call.ana.sent_audio
        waits, _ = await asyncio.gather(call.signals(ATTACK_S), attack(call))
        last = call.ana.sent_audio - 5
        marks = call.voice().marks
        heard = [marks[frame, 0] for frame in range(first, last) if (frame, 0) in marks]
        in_time = sum(mark[0] - mark[1] < 0.2 for mark in heard)
        assert last > first
        assert call.ana.keyframes - keyframes <= 2 * ATTACK_S + 2
        bytes_resent = (call.plane.statistics().resent - resent) * 900
        assert bytes_resent <= 6 * (RESENT_BYTES + ATTACK_S * 90 * 900)
        return in_time / (last - first), waits[int(0.99 * len(waits))], quiet
