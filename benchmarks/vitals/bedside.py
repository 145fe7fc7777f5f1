"""A monitor that sends, and watchers that count, of the load generator."""

import asyncio
import functools
import json
import struct
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

from benchmarks.vitals.hospital import Bed
from benchmarks.vitals.socket_client import BINARY, TEXT, Socket, connect
from telehealth.demo.patient import SyntheticPatient
from telehealth.interop.bulk_messages import encode_bulk, room_for
from telehealth.vitals.model import FrameFlag

RATES = (250.0, 125.0, 62.5)
"""ECG, pleth, respiration."""

FRAME_S = 0.2
_MDC = ((131330, "II", "mV"), (150452, "Pleth", "1"), (151552, "Resp", "1"))
_CO2, _CO2_LEAST, _COUNTED = 151708, 36.0, 4_000
"""The carbon dioxide of each message counts it, in steps of a thousandth: so a watcher knows which one came."""

_NUMERICS = (
    (147842, 75.0, "/min"),
    (149514, 74.0, "/min"),
    (150456, 97.0, "%"),
    (151562, 14.0, "/min"),
    (150344, 37.0, "Cel"),
    (_CO2, _CO2_LEAST, "mm[Hg]"),
)
_HEAD = struct.Struct("<BBHIQdHBB")
_WINDOW = 900
_CLOCK_MS = 1_700_000_000_000.0
"""The devices' clocks are not ours: the server has to find out."""

_ROUND = 300
"""So many frames of a synthetic patient are sent again and again."""


def _now_ms() -> float:
    return _CLOCK_MS + perf_counter() * 1000


def index_at(frame: int, rate: float) -> int:
    """Return the first sample of a frame: 62.5 Hz gives 12 and 13 by turns, and never drifts."""
    return int(frame * rate * FRAME_S + 1e-9)


@functools.cache
def _patient() -> list[dict[int, bytes]]:
    """Return a minute of waves, by frame and channel: beats are found in them, as in a real patient's."""
    patient = SyntheticPatient("stable", seed=3)
    return [{run.channel: run.samples for run in patient.chunk(number).runs} for number in range(_ROUND)]


def wave_frame(channel: int, sequence: int, begin_ms: float, flags: int = 0) -> bytes:
    """Return the frame of a channel with this sequence (from 1 on)."""
    rate = RATES[channel - 1]
    first, end = index_at(sequence - 1, rate), index_at(sequence, rate)
    starts_at = begin_ms + first * 1000.0 / rate
    head = _HEAD.pack(1, 1, channel, sequence, first, starts_at, end - first, flags, 0)
    return head + (_patient()[(sequence - 1) % _ROUND][channel] + bytes(2))[: 2 * (end - first)]


def numerics_text(sequence: int, taken_at_ms: float, *, late: bool = False) -> bytes:
    """Return a second's numerics."""
    counted = {_CO2: _CO2_LEAST + sequence % _COUNTED / 1000}
    values = ",".join(
        f'{{"mdc":{mdc},"value":{counted.get(mdc, value)},"unit":"{unit}"}}' for mdc, value, unit in _NUMERICS
    )
    more = ',"backfill":true' if late else ""
    text = f'{{"type":"numerics","seq":{sequence},"taken_at":{taken_at_ms:.1f},"values":[{values}]{more}}}'
    return text.encode()


class Phases:
    """Where latencies go now."""

    def __init__(self) -> None:
        self._now = Latencies()

    def add(self, seconds: float) -> None:
        self._now.add(seconds)

    def next(self) -> "Latencies":
        """Begin a phase; return what it will hold."""
        self._now = Latencies()
        return self._now


@dataclass
class Latencies:
    """From send to receipt, in seconds."""

    seen: "array[float]" = field(default_factory=lambda: array("f"))

    def add(self, seconds: float) -> None:
        self.seen.append(seconds)

    def percentile_ms(self, share: float) -> float | None:
        """Return the percentile, None if there is nothing."""
        if not self.seen:
            return None
        return round(sorted(self.seen)[min(len(self.seen) - 1, int(share * len(self.seen)))] * 1000, 1)


class Connected:
    """Who has a socket once it is open."""

    socket: Socket | None

    def stop_reading(self) -> None:
        """Fall asleep."""
        assert self.socket is not None
        self.socket.stop_reading()

    def abort(self) -> None:
        """Be gone without a word."""
        if self.socket is not None:
            self.socket.abort()


@dataclass
class Bedside(Connected):
    """One device: what it sent when, and what was acknowledged.

    Attributes:
        backlog_s: How much it has kept from before; its live frames are numbered after that.
        sent: By channel, the moment at which each live frame was sent; the first is number `first`.
        waves: Whether it sends waves, or numerics only.
        second: With which frames its seconds end: devices don't agree about that.
    """

    bed: Bed
    url: str
    backlog_s: int = 0
    waves: bool = True
    together: bool = True
    sent: "list[array[float]]" = field(default_factory=lambda: [array("d") for _ in range(4)])
    acked: dict[int, int] = field(default_factory=dict)
    filled: dict[int, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    progress: asyncio.Event = field(default_factory=asyncio.Event)
    socket: Socket | None = None
    second: int = 0
    boot: str = "bench"
    begin_ms: float = 0.0

    @property
    def kept(self) -> tuple[int, int]:
        """How many frames of a wave, and how many numerics, lie before the live ones."""
        return round(self.backlog_s / FRAME_S), self.backlog_s

    async def open(self) -> None:
        """Connect and introduce the device."""
        welcomed = asyncio.Event()

        def heard(opcode: int, payload: bytes) -> None:
            told = json.loads(payload) if opcode == TEXT else {}
            if told.get("type") == "welcome":
                welcomed.set()
            elif told.get("type") == "ack":
                self.acked.update({int(ch): n for ch, n in told["last"].items()})
                self.filled.update({int(ch): n for ch, n in told["filled"].items()})
                self.progress.set()
            elif told.get("type") == "error":
                self.refused.append(told["code"])

        self.socket = await connect(self.url.replace("http", "ws") + "/ws/device", heard, token=self.bed.credential)
        channels = [
            {"ch": n, "mdc": mdc, "label": label, "unit": unit, "rate": rate, "gain": 0.005, "offset": 0.0}
            for n, ((mdc, label, unit), rate) in enumerate(zip(_MDC, RATES, strict=True), 1)
        ]
        hello = {"type": "hello", "version": 1, "boot": self.boot, "sent_at": _now_ms(), "channels": channels}
        self.socket.send(json.dumps(hello).encode(), TEXT)
        async with asyncio.timeout(30):
            await welcomed.wait()

    async def measure(self, until: Callable[[], bool], phase_s: float) -> None:
        """Send in real time until told to end; `phase_s` keeps the devices of a ward from sending all at once."""
        await asyncio.sleep(phase_s)
        begin, frame = perf_counter(), 0
        self.begin_ms = _now_ms()
        while not until():
            frame += 1
            await asyncio.sleep(max(0.0, begin + frame * FRAME_S - perf_counter()))
            self.send_live(frame)

    def send_live(self, frame: int) -> None:
        """Send what was measured in the frame's 200 ms; with every fifth, the numerics of a second."""
        assert self.socket is not None
        waves, seconds = self.kept
        begin_ms, sequence = self.begin_ms - self.backlog_s * 1000, frame + waves
        messages = [wave_frame(channel, sequence, begin_ms) for channel in (1, 2, 3)] if self.waves else []
        a_second = (frame + self.second) % 5 == 0
        if a_second:
            sequence = seconds + len(self.sent[0]) + 1
            messages.append(numerics_text(sequence, self.begin_ms + frame * FRAME_S * 1000))
        now = perf_counter()
        if self.waves:
            for channel in (1, 2, 3):
                self.sent[channel].append(now)
        if a_second:
            self.sent[0].append(now)
        if self.together and len(messages) > 1:
            self.socket.send(encode_bulk(messages))
            return
        for message in messages:
            self.socket.send(message, TEXT if message[:1] == b"{" else BINARY)

    async def fill(self) -> float:
        """Send what was kept from before; return how long it took until all of it was acknowledged."""
        assert self.socket is not None
        waves, _ = self.kept
        begin_ms, late = self.begin_ms - self.backlog_s * 1000, int(FrameFlag.BACKFILL)
        waiting: deque[tuple[int, int, bytes]] = deque()
        for number in range(1, waves + 1):
            waiting.extend((channel, number, wave_frame(channel, number, begin_ms, late)) for channel in (1, 2, 3))
            if number % 5 == 0:
                waiting.append((0, number // 5, numerics_text(number // 5, begin_ms + number * 200.0, late=True)))
        begin, unacknowledged = perf_counter(), deque[tuple[int, int]]()
        while waiting or unacknowledged:
            while unacknowledged and unacknowledged[0][1] <= self.filled.get(unacknowledged[0][0], 0):
                unacknowledged.popleft()
            free = min(_WINDOW - len(unacknowledged), 100)
            if waiting and free >= 50:
                some = [waiting[n] for n in range(min(free, len(waiting)))]
                some = some[: room_for([message for _, _, message in some])]
                self.socket.send(encode_bulk([message for _, _, message in some]))
                unacknowledged.extend((channel, sequence) for channel, sequence, _ in some)
                for _ in some:
                    waiting.popleft()
                continue
            if unacknowledged:
                self.progress.clear()
                async with asyncio.timeout(60):
                    await self.progress.wait()
        return perf_counter() - begin

    async def settled(self, within_s: float = 30.0) -> None:
        """Wait until all that was sent live is acknowledged."""
        waves, seconds = self.kept
        async with asyncio.timeout(within_s):
            for channel in range(4):
                last = len(self.sent[channel]) + (waves if channel else seconds)
                while self.sent[channel] and self.acked.get(channel, 0) < last:
                    self.progress.clear()
                    await self.progress.wait()

    @property
    def expected(self) -> list[int]:
        """How many frames of each channel there are, kept ones included."""
        waves, seconds = self.kept
        return [len(sent) + (waves if channel else seconds) for channel, sent in enumerate(self.sent)]


@dataclass
class Watcher(Connected):
    """One who watches a bed: each frame is to come once."""

    bedside: Bedside
    latencies: Latencies | Phases
    seen: list[set[int]] = field(default_factory=lambda: [set() for _ in range(4)])
    repeated: int = 0
    gaps: int = 0
    socket: Socket | None = None

    async def open(self, url: str, ticket: str, *, receive_buffer: int = 0) -> None:
        """Connect and say hello."""
        welcomed = asyncio.Event()

        def heard(opcode: int, payload: bytes) -> None:
            if opcode == BINARY:
                channel, sequence = struct.unpack_from("<HI", payload, 18)
                self._take(channel, sequence, late=bool(payload[42] & 4))
            elif b'"type":"numerics"' in payload:
                # What has the id 0-0 is the state before we came.
                if b'"id":"0-0"' not in payload:
                    self._take_numerics(payload)
            elif b'"welcome"' in payload:
                welcomed.set()
            elif payload == b'{"type":"gap"}':
                self.gaps += 1

        address = url.replace("http", "ws") + "/ws/vitals"
        self.socket = await connect(address, heard, receive_buffer=receive_buffer)
        self.socket.send(json.dumps({"type": "hello", "version": 1, "ticket": ticket}).encode(), TEXT)
        async with asyncio.timeout(30):
            await welcomed.wait()

    def _take(self, channel: int, sequence: int, *, late: bool) -> None:
        seen = self.seen[channel]
        if sequence in seen:
            self.repeated += 1
            return
        seen.add(sequence)
        if late:
            return
        waves, seconds = self.bedside.kept
        self.latencies.add(perf_counter() - self.bedside.sent[channel][sequence - 1 - (waves if channel else seconds)])

    def _take_numerics(self, payload: bytes) -> None:
        values = json.loads(payload)["values"]
        (counted,) = [value["value"] for value in values if value["mdc"] == _CO2]
        sequence = round((counted - _CO2_LEAST) * 1000)
        self._take(0, sequence, late=sequence <= self.bedside.kept[1])
