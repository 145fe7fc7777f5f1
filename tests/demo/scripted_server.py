"""A server for monitors that does what the test says: cuts lines, refuses, replaces; it stores what it acknowledges."""

from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from telehealth.demo.source import Chunk, Run
from telehealth.interop import device_messages as wire
from telehealth.interop.vital_frames import decode_frame
from telehealth.interop.wire import Message
from telehealth.vitals.model import RawChannel, WaveBlock

WAVE = RawChannel(1, 131330, "II", "mV", 250.0, 0.005, 0.0)


@dataclass
class ScriptedServer:
    """What happens to each connection in turn: a close code at once, or a number of frames after which it breaks.

    Attributes:
        script: `("close", code)`, `("cut", frames)` or `("replace", frames)`; after the last, all is taken.
        stored: Every frame taken, in the order of coming, by channel.
        refused: Frames that are answered by `error`.
    """

    script: list[tuple[str, int]] = field(default_factory=list)
    refused: set[tuple[int, int]] = field(default_factory=set)
    stored: dict[int, list[int]] = field(default_factory=dict)
    blocks: list[WaveBlock] = field(default_factory=list)
    numerics: list[wire.Numerics] = field(default_factory=list)
    hellos: list[wire.Hello] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    clocks_asked: int = 0

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/ws/device", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        self.tokens.append(request.headers["Authorization"])
        what, number = self.script.pop(0) if self.script else ("take", 0)
        hello = wire.parse_client((await ws.receive()).data)
        assert isinstance(hello, wire.Hello)
        self.hellos.append(hello)
        if what == "close":
            await ws.close(code=number)
            return ws
        last = {channel: max(sequences) for channel, sequences in self.stored.items()}
        await ws.send_str(wire.Welcome(device="d", encounter="e", last=last, server_time=0.0).to_text())
        async for message in ws:
            if message.type is WSMsgType.TEXT and isinstance(wire.parse_client(message.data), wire.ClockAsked):
                self.clocks_asked += 1
                continue
            if what != "take" and number <= 0:
                if what == "replace":
                    await ws.send_str(wire.Replaced().to_text())
                    await ws.close(code=4409)
                # The last frame came and was stored, but its acknowledgement never arrives.
                self._take(message.data)
                assert request.transport is not None
                request.transport.abort()
                return ws
            number -= 1
            channel, sequence = self._take(message.data)
            if (channel, sequence) in self.refused:
                answer: Message = wire.Refused(code="bad_frame", text="", ch=channel, seq=sequence)
            else:
                answer = wire.Ack(last={channel: max(self.stored[channel])})
            assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY)
            await ws.send_str(answer.to_text())
        return ws

    def _take(self, data: str | bytes) -> tuple[int, int]:
        if isinstance(data, bytes):
            block = decode_frame(data)
            self.blocks.append(block)
            key = (block.channel, block.sequence)
        else:
            told = wire.parse_client(data)
            assert isinstance(told, wire.Numerics)
            self.numerics.append(told)
            key = (0, told.seq)
        if key not in self.refused:
            self.stored.setdefault(key[0], []).append(key[1])
        return key


@dataclass
class ShortSource:
    """So many stretches of one wave; some of them unplugged. Implements demo.source.Source."""

    count: int
    unplugged: range = range(0)

    @property
    def channels(self) -> tuple[RawChannel, ...]:
        return (WAVE,)

    def chunk(self, number: int) -> Chunk | None:
        if number >= self.count:
            return None
        if number in self.unplugged:
            return Chunk((Run(1, number * 50, b"", 50),), unplugged=True)
        return Chunk((Run(1, number * 50, b"\x01\x00" * 50),))
