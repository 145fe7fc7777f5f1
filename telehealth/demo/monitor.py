"""`telehealth simulate monitor`: a bedside monitor that sends a synthetic patient or a recording, in real time.

It measures whether or not it has a line; what was not acknowledged is sent again after a reconnection.
"""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from telehealth.clock import Clock, SystemClock, to_ms
from telehealth.demo.journal import Journal
from telehealth.demo.patient import SyntheticPatient
from telehealth.demo.source import CHUNK_S, Chunk, Run, Source
from telehealth.errors import Forbidden, Invalid, TelehealthError, Unauthenticated, Unavailable
from telehealth.interop import device_messages as wire
from telehealth.interop.vital_frames import encode_frame
from telehealth.vitals.model import NUMERICS_CHANNEL, RawValue, WaveBlock

logger = logging.getLogger(__name__)

JOURNAL = 20_000
"""Frames kept without an acknowledgement: about twenty minutes of three channels."""

FIRST_BACKOFF_S = 0.5
LAST_BACKOFF_S = 5.0
UNBOUND_S = 2.0
BUSY_S = 10.0
CONNECT_S = 10.0
CLOCK_EVERY_S = 10.0
DRAIN_S = 5.0
MAX_MESSAGE = 64 * 1024

_REPLACED, _UNBOUND, _BUSY = 4409, 4404, 4429
_FINAL: dict[int, TelehealthError] = {
    4400: Invalid("The server does not understand this monitor.", code="bad_message"),
    4401: Unauthenticated("The server does not know this credential: is it right, and not revoked?"),
    4403: Forbidden("The server does not take vitals from this credential."),
}

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    """What the command line says.

    Attributes:
        url: Where the server is: `http(s)://host:port`, or the whole address of its device socket.
        token: The device's credential.
        record: A WFDB record to replay instead of a scenario; path without ending.
        report: Told, in words, what happens to the connection.
    """

    url: str
    token: str = field(repr=False)
    scenario: str = "stable"
    record: str | Path | None = None
    seed: int = 1
    loop: bool = True
    report: Report = logger.info


async def simulate_monitor(options: MonitorOptions) -> None:
    """Be a monitor until cancelled, replaced by another of the same credential, or the recording ends.

    Raises:
        Invalid: No such scenario or record, or the server does not understand us.
        Unauthenticated, Forbidden: The credential is not good.
        Unavailable: `record` needs the extra `replay`, which is not installed.
    """
    source = await asyncio.to_thread(_source, options)
    async with aiohttp.ClientSession() as session:
        await MonitorClient(session, options.url, options.token, source, report=options.report).run()


def _source(options: MonitorOptions) -> Source:
    if options.record is None:
        return SyntheticPatient(options.scenario, seed=options.seed)
    try:
        from telehealth.demo.replay import RecordSource

        return RecordSource(Path(options.record), loop=options.loop)
    except ImportError as error:
        text = "Replaying a record needs the extra `replay`: pip install 'telehealth[replay]'."
        raise Unavailable(text, code="no_replay") from error


def device_socket_url(url: str) -> str:
    """Return the address of the device socket of a server: `http://host:8080` becomes `ws://host:8080/ws/device`."""
    scheme, _, rest = url.partition("://")
    socket_scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(scheme)
    host, _, path = rest.partition("/")
    if socket_scheme is None or not host:
        raise Invalid("The server's address must begin with http:// or https://.", code="bad_url")
    return f"{socket_scheme}://{host}/{path or 'ws/device'}"


class _Unplugged(Exception):
    """The scenario takes the line away."""


class _Refused(Exception):
    """The server closed the line with this code."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class MonitorClient:
    """One monitor, from switching on to switching off."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        url: str,
        token: str,
        source: Source,
        *,
        report: Report = logger.info,
        clock: Clock | None = None,
    ) -> None:
        self._http = http
        self._url = device_socket_url(url)
        self._token = token
        self._source = source
        self._report = report
        self._clock = clock or SystemClock()
        self._boot = secrets.token_hex(8)
        self._rates = {channel.number: channel.rate_hz for channel in source.channels}
        self._sequences: dict[int, int] = defaultdict(int)
        self._plugged = asyncio.Event()
        self._plugged.set()
        self._unplugged = asyncio.Event()
        self._welcomed = False
        self._fresh = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self.journal = Journal(JOURNAL)

    async def run(self) -> None:
        """Measure and send until replaced or at the end; raises when the server will never take us."""
        try:
            async with asyncio.TaskGroup() as tasks:
                measuring = tasks.create_task(self._measure())
                sending = tasks.create_task(self._keep_connected())
                await asyncio.wait({measuring, sending}, return_when=asyncio.FIRST_COMPLETED)
                if not sending.done():
                    await self._drained()
                measuring.cancel()
                sending.cancel()
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _drained(self) -> None:
        """Wait, but not for ever, until all that was measured is stored."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while len(self.journal):
                    self._acknowledged.clear()
                    await self._acknowledged.wait()

    async def _measure(self) -> None:
        begin_ms, begin = to_ms(self._clock.now()), self._clock.monotonic()
        number = 0
        while (chunk := self._source.chunk(number)) is not None:
            number += 1
            # A stretch can be sent once it is over; from the start on, so that no rounding adds up.
            await asyncio.sleep(max(0.0, begin + number * CHUNK_S - self._clock.monotonic()))
            self._keep(chunk, begin_ms, begin_ms + number * CHUNK_S * 1000)

    def _keep(self, chunk: Chunk, begin_ms: float, now_ms: float) -> None:
        if chunk.unplugged:
            self._plugged.clear()
            self._unplugged.set()
        else:
            self._plugged.set()
            self._unplugged.clear()
        for run in chunk.runs:
            self._keep_run(run, begin_ms)
        if chunk.values:
            self._keep_values(chunk.values, now_ms)
        self._fresh.set()

    def _keep_run(self, run: Run, begin_ms: float) -> None:
        sequence = self._next(run.channel)
        starts_at_ms = begin_ms + run.first_index * 1000.0 / self._rates[run.channel]
        gap = run.missing > 0
        block = WaveBlock(
            run.channel, sequence, run.first_index, starts_at_ms, run.samples, gap=gap, missing=run.missing
        )
        self.journal.add(run.channel, sequence, encode_frame(block))

    def _keep_values(self, values: tuple[RawValue, ...], now_ms: float) -> None:
        sequence = self._next(NUMERICS_CHANNEL)
        sent = tuple(wire.MdcValue(mdc=v.mdc, value=v.value, unit=v.unit, quality=v.quality) for v in values)
        self.journal.add(
            NUMERICS_CHANNEL, sequence, wire.Numerics(seq=sequence, taken_at=now_ms, values=sent).to_text()
        )

    def _next(self, channel: int) -> int:
        self._sequences[channel] += 1
        return self._sequences[channel]

    async def _keep_connected(self) -> None:
        backoff_s = FIRST_BACKOFF_S
        while True:
            await self._plugged.wait()
            wait_s = backoff_s
            try:
                await self._use_a_line()
            except _Unplugged:
                self._report("unplugged")
                continue
            except _Refused as refused:
                if refused.code == _REPLACED:
                    self._report("replaced by another connection of this device")
                    return
                if refused.code in _FINAL:
                    raise _FINAL[refused.code] from refused
                wait_s = {_UNBOUND: UNBOUND_S, _BUSY: BUSY_S, None: FIRST_BACKOFF_S}.get(refused.code, backoff_s)
                self._report(f"closed by the server ({refused.code}); trying again in {wait_s:g} s")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self._report(f"no connection ({type(error).__name__}); trying again in {wait_s:g} s")
            await asyncio.sleep(wait_s)
            backoff_s = FIRST_BACKOFF_S if self._welcomed else min(LAST_BACKOFF_S, backoff_s * 2)

    async def _use_a_line(self) -> None:
        """Connect and send until the line ends; raises to say how it did."""
        self._welcomed = False
        headers = {"Authorization": f"Bearer {self._token}"}
        async with asyncio.timeout(CONNECT_S):
            ws = await self._http.ws_connect(self._url, headers=headers, heartbeat=10.0, max_msg_size=MAX_MESSAGE)
        try:
            await self._introduce(ws)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._send(ws))
                tasks.create_task(self._listen(ws))
                tasks.create_task(self._ask_the_time(ws))
                tasks.create_task(self._watch_the_plug())
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        finally:
            await ws.close()

    async def _introduce(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        channels = tuple(
            wire.Channel(
                ch=c.number, mdc=c.mdc, label=c.label, unit=c.unit, rate=c.rate_hz, gain=c.gain, offset=c.offset
            )
            for c in self._source.channels
        )
        hello = wire.Hello(version=1, boot=self._boot, sent_at=to_ms(self._clock.now()), channels=channels)
        await ws.send_str(hello.to_text())
        answer = await ws.receive(timeout=CONNECT_S)
        if answer.type is not aiohttp.WSMsgType.TEXT:
            raise _Refused(ws.close_code)
        welcome = wire.parse_server(answer.data)
        if not isinstance(welcome, wire.Welcome):
            raise _Refused(None)
        self.journal.acknowledge(welcome.last)
        self.journal.send_again()
        self._fresh.set()
        self._welcomed = True
        self._report(f"connected; sends for encounter {welcome.encounter}")

    async def _send(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        # A line that takes no more ends here; why it did, the listener hears.
        with suppress(aiohttp.ClientError, OSError):
            while True:
                await self._fresh.wait()
                self._fresh.clear()
                while (frame := self.journal.next_unsent()) is not None:
                    await (ws.send_str(frame) if isinstance(frame, str) else ws.send_bytes(frame))

    async def _listen(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._hear(wire.parse_server(message.data))
        raise _Refused(ws.close_code)

    def _hear(self, told: wire.ServerMessage) -> None:
        if isinstance(told, wire.Replaced):
            raise _Refused(_REPLACED)
        if isinstance(told, wire.Ack):
            self.journal.acknowledge(told.last)
            self._acknowledged.set()
        elif isinstance(told, wire.Refused):
            logger.warning("refused: %s (channel %s, sequence %s)", told.code, told.ch, told.seq)
            if told.ch is not None and told.seq is not None:
                self.journal.give_up(told.ch, told.seq)
                self._acknowledged.set()

    async def _ask_the_time(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        with suppress(aiohttp.ClientError, OSError):
            while True:
                await asyncio.sleep(CLOCK_EVERY_S)
                await ws.send_str(wire.ClockAsked(sent_at=to_ms(self._clock.now())).to_text())

    async def _watch_the_plug(self) -> None:
        await self._unplugged.wait()
        raise _Unplugged
