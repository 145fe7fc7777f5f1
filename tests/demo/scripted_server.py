"""A server for monitors that does what the test says: cuts lines, refuses, replaces; it stores what it acknowledges."""

from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from telehealth.demo.source import Chunk, Run
from telehealth.interop import device_messages as wire
from telehealth.interop.bulk_messages import decode_bulk, is_bulk
from telehealth.interop.vital_frames import decode_frame
from telehealth.interop.wire import Message
from telehealth.vitals.model import RawChannel, RawNumerics, WaveBlock

WAVE = RawChannel(1, 131330, "II", "mV", 250.0, 0.005, 0.0)


@dataclass
class ScriptedServer:
    """What happens to each connection in turn: a close code at once, or a number of messages after which it breaks.

    Attributes:
        script: `("close", code)`, `("cut", frames)` or `("replace", frames)`; after the last, all is taken.
        stored: Every frame taken, once, in the order of coming, by channel.
        late: How many came as back-fill.
        refused: Frames that are answered by `error`.
    """

    script: list[tuple[str, int]] = field(default_factory=list)
    refused: set[tuple[int, int]] = field(default_factory=set)
    stored: dict[int, list[int]] = field(default_factory=dict)
    late: int = 0
    blocks: list[WaveBlock] = field(default_factory=list)
    numerics: list[RawNumerics] = field(default_factory=list)
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
            assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY)
            for answer in self._take(message.data):
                await ws.send_str(answer.to_text())
        return ws

    def _take(self, data: str | bytes) -> list[Message]:
        """Store what a message holds; return what to answer."""
        last: dict[int, int] = {}
        filled: dict[int, int] = {}
        answers: list[Message] = []
        for one in self._read(data):
            channel = 0
            if isinstance(one, WaveBlock):
                self.blocks.append(one)
                channel = one.channel
            else:
                self.numerics.append(one)
            if (channel, one.sequence) in self.refused:
                answers.append(wire.Refused(code="bad_frame", text="", ch=channel, seq=one.sequence))
                continue
            stored = self.stored.setdefault(channel, [])
            if one.sequence not in stored:
                stored.append(one.sequence)
            self.late += one.late
            (filled if one.late else last)[channel] = one.sequence
        return [*answers, wire.Ack(last=last, filled=filled)]

    @staticmethod
    def _read(data: str | bytes) -> list[RawNumerics | WaveBlock]:
        if isinstance(data, bytes):
            return decode_bulk(data) if is_bulk(data) else [decode_frame(data)]
        told = wire.parse_client(data)
        assert isinstance(told, wire.Numerics)
        return [told.to_domain()]


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
