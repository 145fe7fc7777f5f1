"""aiortc's MediaRelay as a system under test; it decodes, so its participants send real VP8 and Opus."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from fractions import Fraction

import av
from aiortc.codecs.opus import OpusEncoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.rtcdtlstransport import RTCCertificate

from benchmarks.media.descriptions import OPUS, VP8, offer, remote, sections
from benchmarks.media.load import FRAMES_PER_S, PACKETS_PER_FRAME, VIDEO_BYTES, Line, Member
from benchmarks.media.processes import Child, child
from benchmarks.media.systems import ssrc_of
from benchmarks.media.transport import Transport

WIDTH, HEIGHT = 1280, 720
BITRATE_BPS = FRAMES_PER_S * PACKETS_PER_FRAME * VIDEO_BYTES * 8
PICTURES = 60
ROW = WIDTH + PICTURES
GRAIN = 6
SAMPLES = 960


def real_frames() -> list[list[bytes]]:
    """Two seconds of moving 720p, encoded at the bitrate of the synthetic load, beginning with a keyframe."""
    encoder = Vp8Encoder()
    encoder.target_bitrate = BITRATE_BPS
    # A textured picture that pans, as from a hand: still pictures would be too cheap for the relay.
    chance = random.Random(1)
    waves = [(chance.uniform(0.004, 0.05), chance.uniform(0.004, 0.05), chance.uniform(0, 6)) for _ in range(6)]
    rows = [_texture(y, waves, chance) for y in range(HEIGHT)]
    frames = []
    for number in range(PICTURES):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        # There and back, so that the end meets the beginning.
        shift = 2 * min(number, PICTURES - number)
        frame.planes[0].update(b"".join(row[shift : shift + WIDTH] for row in rows))
        for plane in frame.planes[1:]:
            plane.update(bytes([128]) * plane.buffer_size)
        frame.pts, frame.time_base = number * 3000, Fraction(1, 90_000)
        payloads, _ = encoder.encode(frame, force_keyframe=number == 0)
        frames.append(payloads)
    return frames


def _texture(y: int, waves: Sequence[tuple[float, float, float]], chance: random.Random) -> bytes:
    """Return one row, wide enough to pan over it."""
    sums = (sum(math.sin(across * x + down * y + phase) for across, down, phase in waves) for x in range(ROW))
    return bytes(
        int(128 + 15 * value) + grain
        for value, grain in zip(sums, (byte % GRAIN for byte in chance.randbytes(ROW)), strict=True)
    )


def real_voice() -> list[bytes]:
    """A second of noise, 20 ms each."""
    encoder = OpusEncoder()
    chance = random.Random(2)
    found: list[bytes] = []
    for number in range(50):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=SAMPLES)
        frame.planes[0].update(bytes(chance.randrange(8) for _ in range(frame.planes[0].buffer_size)))
        frame.sample_rate, frame.pts, frame.time_base = 48_000, number * SAMPLES, Fraction(1, 48_000)
        payloads, _ = encoder.encode(frame)
        found += payloads
    return found


class Relay:
    """One room of two; more do not fit on a core."""

    name = "MediaRelay"

    def __init__(self, process: Child, host: str) -> None:
        self._process = process
        self._host = host
        self._certificate = RTCCertificate.generateCertificate()
        self.pid = process.pid

    async def fill(self, rooms: int, size: int, *, first: int = 0) -> Sequence[Member]:
        transports = [Transport(self._host, self._certificate) for _ in range(size)]
        for place, transport in enumerate(transports):
            ssrc = ssrc_of(0, place)
            sdp = offer(transport.local, ssrc, ssrc + 1, direction="sendrecv")
            await self._process.ask(do="offer", name=str(place), sdp=sdp)
        members = []
        for place, transport in enumerate(transports):
            reply = await self._process.ask(do="answer", name=str(place))
            await transport.connect(remote(reply["sdp"]), answered=False)
            ids = {part.kind: part.extensions for part in sections(reply["sdp"])}
            ssrc = ssrc_of(0, place)
            members.append(
                Member(
                    transport,
                    transport,
                    Line(ssrc, OPUS, "0", ids["audio"]),
                    Line(ssrc + 1, VP8, "1", ids["video"]),
                    [part.ssrc for part in sections(reply["sdp"])],
                )
            )
        await asyncio.sleep(0.2)
        return members


@asynccontextmanager
async def relay(host: str) -> AsyncIterator[Relay]:
    async with child("benchmarks.media.relay_server", host) as process:
        yield Relay(process, host)
