"""`telehealth simulate monitor`: a bedside monitor that sends a synthetic patient or a recording, in real time.

It measures whether or not it has a line; what was not acknowledged is sent again after a reconnection.
"""

import asyncio
import logging
import secrets
import zlib
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp

from telehealth.clock import Clock, SystemClock, to_ms
from telehealth.demo.journal import Journal, Kept, Place, as_late
from telehealth.demo.patient import SyntheticPatient
from telehealth.demo.source import CHUNK_S, Chunk, Run, Source
from telehealth.errors import Forbidden, Invalid, TelehealthError, Unauthenticated, Unavailable
from telehealth.interop import device_messages as wire
from telehealth.interop.bulk_messages import encode_bulk, room_for
from telehealth.interop.vital_frames import encode_frame
from telehealth.vitals.model import NUMERICS_CHANNEL, RawValue, WaveBlock

logger = logging.getLogger(__name__)

JOURNAL = 200_000
"""Frames kept without an acknowledgement: about three hours of three channels."""

WINDOW = 512
"""So much back-fill is on its way at most: the server has room for twice as much."""

TOGETHER = 100
"""Messages of one container."""

CATCH_UP_S = 600.0
"""A monitor that was dead for longer does not make up for it: the indexes jump."""

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
        record: A recording to replay instead of a scenario: a `.csv`, or a WFDB record (path of its header).
        journal: A file in which what was not acknowledged survives the monitor's end; None: in memory.
        report: Told, in words, what happens to the connection.
    """

    url: str
    token: str = field(repr=False)
    scenario: str = "stable"
    record: str | Path | None = None
    seed: int = 1
    loop: bool = True
    journal: Path | None = None
    report: Report = logger.info


async def simulate_monitor(options: MonitorOptions) -> None:
    """Be a monitor until cancelled, replaced by another of the same credential, or the recording ends.

    Raises:
        Invalid: No such scenario or record (or it can't be sent), or the server does not understand us.
        Unauthenticated, Forbidden: The credential is not good.
        Unavailable: `record` needs the extra `replay`, which is not installed.
    """
    source = await asyncio.to_thread(_source, options)
    async with aiohttp.ClientSession() as session:
        with Journal(JOURNAL, options.journal) as journal:
            await MonitorClient(session, options, source, journal=journal).run()


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
        options: MonitorOptions,
        source: Source,
        *,
        clock: Clock | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._http = http
        self._url = device_socket_url(options.url)
        self._token = options.token
        self._source = source
        self._report = options.report
        self._clock = clock or SystemClock()
        self.journal = Journal(JOURNAL) if journal is None else journal
        self._place = self._where()
        self._rates = {channel.number: channel.rate_hz for channel in source.channels}
        self._sequences: dict[int, int] = defaultdict(int, self.journal.sequences)
        self._plugged = asyncio.Event()
        self._plugged.set()
        self._unplugged = asyncio.Event()
        self._welcomed = False
        self._fresh = asyncio.Event()
        self._acknowledged = asyncio.Event()
        self._filling: set[tuple[int, int]] = set()

    def _where(self) -> Place:
        """Go on where the journal ends, or begin."""
        channels = ",".join(f"{c.number}:{c.mdc}:{c.rate_hz:g}:{c.gain:g}" for c in self._source.channels)
        now_ms, place = to_ms(self._clock.now()), self.journal.place
        if place is None or (place.what != channels and not len(self.journal)):
            return Place(secrets.token_hex(8), channels, now_ms, 0)
        if place.what != channels:
            raise Invalid("The journal still holds what another source measured.", code="other_journal")
        behind = (now_ms - place.begin_ms) / 1000 / CHUNK_S - place.chunk
        return replace(place, chunk=place.chunk + int(behind)) if behind * CHUNK_S > CATCH_UP_S else place

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
        behind_s = (to_ms(self._clock.now()) - self._place.begin_ms) / 1000
        begin = self._clock.monotonic() - behind_s
        while (chunk := self._source.chunk(self._place.chunk)) is not None:
            place = replace(self._place, chunk=self._place.chunk + 1)
            # A stretch can be sent once it is over; from the start on, so that no rounding adds up.
            await asyncio.sleep(max(0.0, begin + place.chunk * CHUNK_S - self._clock.monotonic()))
            self._keep(chunk, place)

    def _keep(self, chunk: Chunk, place: Place) -> None:
        if chunk.unplugged:
            self._plugged.clear()
            self._unplugged.set()
        else:
            self._plugged.set()
            self._unplugged.clear()
        kept = [self._run_kept(run) for run in chunk.runs]
        if chunk.values:
            kept.append(self._values_kept(chunk.values, place.begin_ms + place.chunk * CHUNK_S * 1000))
        self.journal.add(kept, place)
        self._place = place
        self._fresh.set()

    def _run_kept(self, run: Run) -> Kept:
        sequence = self._next(run.channel)
        starts_at_ms = self._place.begin_ms + run.first_index * 1000.0 / self._rates[run.channel]
        gap = run.missing > 0
        block = WaveBlock(
            run.channel, sequence, run.first_index, starts_at_ms, run.samples, gap=gap, missing=run.missing
        )
        return Kept(run.channel, sequence, encode_frame(block))

    def _values_kept(self, values: tuple[RawValue, ...], now_ms: float) -> Kept:
        sequence = self._next(NUMERICS_CHANNEL)
        sent = tuple(wire.MdcValue(mdc=v.mdc, value=v.value, unit=v.unit, quality=v.quality) for v in values)
        message = wire.Numerics(seq=sequence, taken_at=now_ms, values=sent)
        return Kept(NUMERICS_CHANNEL, sequence, message.to_text().encode())

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
            ws = await self._http.ws_connect(
                self._url, headers=headers, heartbeat=10.0, max_msg_size=MAX_MESSAGE, compress=zlib.MAX_WBITS
            )
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
        hello = wire.Hello(version=1, boot=self._place.boot, sent_at=to_ms(self._clock.now()), channels=channels)
        await ws.send_str(hello.to_text())
        answer = await ws.receive(timeout=CONNECT_S)
        if answer.type is not aiohttp.WSMsgType.TEXT:
            raise _Refused(ws.close_code)
        welcome = wire.parse_server(answer.data)
        if not isinstance(welcome, wire.Welcome):
            raise _Refused(None)
        # What the server has of earlier lines it knows itself: what is sent again is acknowledged, and stored once.
        self.journal.open_line()
        self._filling.clear()
        self._fresh.set()
        self._welcomed = True
        self._report(f"connected; sends for encounter {welcome.encounter}")

    async def _send(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        # A line that takes no more ends here; why it did, the listener hears.
        with suppress(aiohttp.ClientError, OSError):
            while True:
                await self._fresh.wait()
                self._fresh.clear()
                more = True
                while more:
                    more = await self._send_some(ws)

    async def _send_some(self, ws: aiohttp.ClientWebSocketResponse) -> bool:
        """Send what is new, then a little of what is old; say whether there may be more."""
        live = self.journal.next_live(TOGETHER)
        if live:
            await self._send_together(ws, [one.body for one in live])
        late: list[Kept] = []
        if len(self._filling) <= WINDOW - TOGETHER:
            late = self.journal.next_late(TOGETHER)
            self._filling.update((one.channel, one.sequence) for one in late)
            if late:
                await self._send_together(ws, as_late(late))
        return bool(live or late)

    async def _send_together(self, ws: aiohttp.ClientWebSocketResponse, messages: list[bytes]) -> None:
        while messages:
            count = room_for(messages)
            some, messages = messages[:count], messages[count:]
            if len(some) > 1:
                await ws.send_bytes(encode_bulk(some))
            elif some[0][:1] == b"{":
                await ws.send_str(some[0].decode())
            else:
                await ws.send_bytes(some[0])

    async def _listen(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._hear(wire.parse_server(message.data))
        raise _Refused(ws.close_code)

    def _hear(self, told: wire.ServerMessage) -> None:
        if isinstance(told, wire.Replaced):
            raise _Refused(_REPLACED)
        if isinstance(told, wire.Ack):
            self.journal.acknowledge(told.last, told.filled)
            self._filling = {one for one in self._filling if one[1] > told.filled.get(one[0], -1)}
            self._acknowledged.set()
            self._fresh.set()
        elif isinstance(told, wire.Refused):
            logger.warning("refused: %s (channel %s, sequence %s)", told.code, told.ch, told.seq)
            if told.ch is not None and told.seq is not None:
                self.journal.give_up(told.ch, told.seq)
                self._filling.discard((told.ch, told.seq))
                self._acknowledged.set()
                self._fresh.set()

    async def _ask_the_time(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        with suppress(aiohttp.ClientError, OSError):
            while True:
                await asyncio.sleep(CLOCK_EVERY_S)
                await ws.send_str(wire.ClockAsked(sent_at=to_ms(self._clock.now())).to_text())

    async def _watch_the_plug(self) -> None:
        await self._unplugged.wait()
        raise _Unplugged
