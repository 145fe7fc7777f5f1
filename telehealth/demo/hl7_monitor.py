"""`telehealth simulate hl7`: a monitor that speaks HL7 v2 over MLLP: each second its numbers and waves in one message.

It goes on measuring without a line, keeps what was not acknowledged, and sends it in order once there is one again.
"""

import asyncio
import logging
import secrets
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from telehealth.clock import Clock, SystemClock
from telehealth.demo.patient import SyntheticPatient
from telehealth.demo.seconds import Second, seconds_of
from telehealth.demo.source import Source
from telehealth.errors import Invalid
from telehealth.interop.hl7.framer import Fault, Framer, framed
from telehealth.interop.hl7.parse import parse
from telehealth.interop.hl7.writing import Sender, observation_message

logger = logging.getLogger(__name__)

KEPT = 1_200
"""Messages kept without an acknowledgement: twenty minutes."""

ANSWER_S = 5.0
RETRY_S = 1.0
UNTAKEN_S = 2.0

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Hl7Options:
    """What the command line says.

    Attributes:
        device: EUI-64 under which the device is registered as an alias.
    """

    host: str
    port: int
    device: str
    scenario: str = "stable"
    seed: int = 1
    tls: ssl.SSLContext | None = None


async def simulate_hl7(options: Hl7Options, report: Report = logger.info) -> None:
    """Be such a monitor until cancelled."""
    source = SyntheticPatient(options.scenario, seed=options.seed)
    await Hl7Monitor(options, source, report=report).run()


class Hl7Monitor:
    """One monitor, from switching on to switching off.

    Attributes:
        sent: How many messages were acknowledged.
    """

    def __init__(
        self, options: Hl7Options, source: Source, *, report: Report = logger.info, clock: Clock | None = None
    ) -> None:
        self._options = options
        self._source = source
        self._report = report
        self._clock = clock or SystemClock()
        self._sender = Sender("TELEHEALTH_SIM", _eui64(options.device))
        self._run_id = secrets.token_hex(3)
        self._number = 0
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=KEPT)
        self._fresh = asyncio.Event()
        self.sent = 0

    async def run(self) -> None:
        """Measure and send for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._measure())
            tasks.create_task(self._keep_connected())

    async def _measure(self) -> None:
        async for second in seconds_of(self._source, self._clock):
            self._keep(second)

    def _keep(self, second: Second) -> None:
        self._number += 1
        control_id = f"{self._run_id}{self._number:08d}"
        values, stretches = second.values, second.stretches
        if not values and not stretches:
            return
        self._waiting.append((control_id, observation_message(self._sender, control_id, second.now, values, stretches)))
        self._fresh.set()

    async def _keep_connected(self) -> None:
        while True:
            try:
                await self._use_a_line()
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self._report(f"no connection ({type(error).__name__}); trying again in {RETRY_S:g} s")
            await asyncio.sleep(RETRY_S)

    async def _use_a_line(self) -> None:
        options = self._options
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(options.host, options.port, ssl=options.tls)
        self._report("connected")
        try:
            while True:
                await self._fresh.wait()
                while self._waiting:
                    await self._send_first(reader, writer)
                self._fresh.clear()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _send_first(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        control_id, message = self._waiting[0]
        writer.write(framed(message))
        async with asyncio.timeout(ANSWER_S):
            await writer.drain()
            code, about, text = await _answer(reader)
        if about != control_id or not code.endswith("A"):
            # Nobody has it: perhaps the device is not bound yet. It is sent again.
            self._report(f"answered {code}: {text}")
            await asyncio.sleep(UNTAKEN_S)
            return
        self.sent += 1
        if self._waiting and self._waiting[0][0] == control_id:
            self._waiting.popleft()


async def _answer(reader: asyncio.StreamReader) -> tuple[str, str, str]:
    """Return code, MSH-10 and text of the next acknowledgement."""
    framer = Framer()
    while True:
        data = await reader.read(4_096)
        if not data:
            raise ConnectionResetError("the server closed the line")
        for found in framer.feed(data):
            if isinstance(found, Fault):
                raise ConnectionResetError("the server does not speak MLLP")
            (said,) = list(parse(found).of("MSA"))[:1]
            return said.text(1), said.text(2), said.text(3)


def _eui64(text: str) -> str:
    bare = text.upper().replace("-", "").replace(":", "")
    if len(bare) != 16 or any(char not in "0123456789ABCDEF" for char in bare):
        raise Invalid("The device must be an EUI-64: 16 hexadecimal digits.", code="bad_alias")
    return bare
