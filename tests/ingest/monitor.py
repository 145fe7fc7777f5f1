"""A sender that is not ours: octets over a socket, as monitors write them."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self

from telehealth.ids import DeviceId, EncounterId
from telehealth.ingest.hl7_inbox import Hl7Inbox, InboxPorts
from telehealth.ingest.mllp import MllpOptions, MllpServer
from telehealth.interop.hl7.acks import AckStyle
from telehealth.interop.hl7.rows import Reading
from telehealth.metrics import Metrics
from telehealth.storage.database import Database
from telehealth.vitals.aliases import AliasRegistry, AliasSystem, DeviceAlias
from telehealth.vitals.device_alarm import DeviceAlarm
from telehealth.vitals.reports import ReportPorts, Reports
from tests.doubles import counted_ids
from tests.vitals.ward import ADMIN, Ward


class HeardAlarms:
    """Alarms in a list. Implements vitals.reports.AlarmListener."""

    def __init__(self) -> None:
        self.said: list[DeviceAlarm] = []

    def device_alarm(self, encounter: EncounterId, said: DeviceAlarm) -> None:
        self.said.append(said)

    async def settled(self, encounter: EncounterId) -> None:
        await asyncio.sleep(0)


class Station:
    """A ward with a door for other systems."""

    def __init__(self, database: Database) -> None:
        self.ward = Ward(database)
        self.alarms = HeardAlarms()
        ward = self.ward
        self.reports = self.after_a_restart()
        self.metrics = Metrics()
        self.registry = AliasRegistry(aliases=ward.stores.device_aliases, devices=ward.stores.devices, audit=ward.audit)

    def after_a_restart(self) -> Reports:
        ward = self.ward
        ports = ReportPorts(ward.stores.devices, ward.stores.vital_frames, ward.audit, ward.wire, ward.clock)
        return Reports(ward.another_plane(), ports, self.alarms)

    def inbox(self, style: AckStyle = AckStyle.AUTO, reading: Reading | None = None) -> Hl7Inbox:
        ward = self.ward
        ports = InboxPorts(self.reports, ward.stores.device_aliases, self.metrics, ward.clock, counted_ids())
        return Hl7Inbox(ports, reading or Reading(), style)

    async def a_device(self, *, bound: bool = True, simulated: bool = False, zone: str = "") -> DeviceId:
        """Register a device that other systems call by the EUI-64 of the messages in tests/interop/hl7/wire.py."""
        device = await self.ward.a_device(bound=bound, simulated=simulated)
        alias = DeviceAlias(AliasSystem.EUI64, "00-11-22-33-44-55-66-77", device, zone)
        await self.registry.put(ADMIN, device, [alias])
        return device

    @asynccontextmanager
    async def listening(self, **options: object) -> AsyncIterator[MllpServer]:
        server = MllpServer(
            MllpOptions("127.0.0.1", 0, **options),  # type: ignore[arg-type]
            self.inbox(),
            self.reports,
            self.metrics,
        )
        await server.start()
        try:
            yield server
        finally:
            await server.aclose()

    def counted(self, name: str) -> dict[str, float]:
        """Return the counter's values by their labels."""
        found = {}
        for family in self.metrics.registry.collect():
            for sample in family.samples:
                if sample.name == f"telehealth_{name}_total":
                    found["/".join(sample.labels.values())] = sample.value
        return found


class Monitor:
    """A connection, and the octets over it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connected(cls, port: int, tls: ssl.SSLContext | None = None) -> Self:
        name = "localhost" if tls else None
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name))

    async def send(self, octets: bytes) -> None:
        self.writer.write(octets)
        await self.writer.drain()

    async def answer(self) -> str:
        """Return the next answer, without its frame."""
        async with asyncio.timeout(5):
            framed = await self.reader.readuntil(b"\x1c\r")
        assert framed.startswith(b"\x0b")
        return framed[1:-2].decode()

    async def ask(self, message: bytes) -> str:
        await self.send(b"\x0b" + message + b"\x1c\r")
        return await self.answer()

    async def ended(self) -> bool:
        """Wait until the other side closes."""
        async with asyncio.timeout(5):
            try:
                return await self.reader.read(1) == b""
            except ConnectionError:
                return True
            finally:
                await self.close()

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError, ssl.SSLError):
            await self.writer.wait_closed()
