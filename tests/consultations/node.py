"""A node with one consultation, played over the ports: SQLite in memory, the bus in process, no media."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from telehealth.cluster.local_bus import LocalBus
from telehealth.consultations.carrying_out import RoomPorts
from telehealth.consultations.host import Connection, RoomHost, RoomLimits
from telehealth.consultations.messages import IceServer
from telehealth.consultations.model import Encounter, Participant, TimelineEntry
from telehealth.consultations.recordings import NoRecorder
from telehealth.errors import Unavailable
from telehealth.ids import EncounterId, ParticipantId
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.encounters import SqlEncounters
from telehealth.storage.stores import Stores, open_stores
from tests.builders import ENCOUNTER, PARAMEDIC, an_encounter
from tests.consultations.harness import FakeMediaPlane, RecordingOutbox, a_ticket
from tests.doubles import FakeClock, RecordingAudit, counted_ids
from tests.memory import populate


class MoodyEncounters(SqlEncounters):
    """The real store, which fails, hangs or changes under one's hands when told to."""

    failing: set[str]
    hanging: bool = False
    meanwhile: Callable[[Encounter], Encounter] | None = None
    always: Callable[[Encounter], Encounter] | None = None

    async def _mood(self, method: str) -> None:
        if self.hanging:
            await asyncio.Event().wait()
        if method in self.failing:
            raise Unavailable("The database does not answer.")

    async def get(self, encounter: EncounterId) -> Encounter:
        await self._mood("get")
        return await super().get(encounter)

    async def save(self, changed: Encounter, *, was: Encounter) -> None:
        await self._mood("save")
        if self.meanwhile is not None:
            other, self.meanwhile = self.meanwhile(was), None
            await super().save(other, was=was)
        if self.always is not None:
            await super().save(self.always(was), was=was)
        await super().save(changed, was=was)

    async def seat(self, participant: Participant) -> Participant:
        await self._mood("seat")
        return await super().seat(participant)

    async def save_seat(self, participant: Participant) -> None:
        await self._mood("save_seat")
        await super().save_seat(participant)

    async def append(self, entry: TimelineEntry) -> TimelineEntry:
        await self._mood("append")
        return await super().append(entry)


@dataclass(slots=True)
class Phone:
    """What somebody holds in their hand: a connection, and what came over it."""

    host: RoomHost
    connection: Connection
    outbox: RecordingOutbox
    read: int = 0

    async def says(self, type_: str, **fields: Any) -> list[dict[str, Any]]:
        """Say something and return what came meanwhile."""
        before = len(self.outbox.frames)
        await self.host.receive(self.connection, json.dumps({"type": type_, **fields}))
        return [json.loads(frame) for frame in self.outbox.frames[before:]]

    def heard(self) -> list[dict[str, Any]]:
        """Return what came since one last asked."""
        frames = self.outbox.frames[self.read :]
        self.read = len(self.outbox.frames)
        return [json.loads(frame) for frame in frames]

    async def until(self, type_: str, wanted: Callable[[Any], bool] = lambda message: True) -> dict[str, Any]:
        """Wait for a message among those that one has not asked for; what came before it counts as heard."""
        found: list[dict[str, Any]] = []

        def came() -> bool:
            while not found and self.read < len(self.outbox.frames):
                message = json.loads(self.outbox.frames[self.read])
                self.read += 1
                if message["type"] == type_ and wanted(message):
                    found.append(message)
            return bool(found)

        await until(came)
        return found[0]

    @property
    def me(self) -> str:
        return str(json.loads(self.outbox.frames[0])["participant"])


@dataclass(slots=True)
class Node:
    stores: Stores
    encounters: MoodyEncounters
    clock: FakeClock
    bus: LocalBus
    media: FakeMediaPlane
    audit: RecordingAudit
    host: RoomHost
    ports: RoomPorts
    phones: list[Phone] = field(default_factory=list)

    async def joins(self, who: str, encounter: EncounterId = ENCOUNTER, *, limit: int = 10_000) -> Phone:
        outbox = RecordingOutbox(limit)
        connection = await self.host.connect(a_ticket(who, encounter), outbox)
        phone = Phone(self.host, connection, outbox)
        self.phones.append(phone)
        return phone

    async def visit(self) -> tuple[Phone, Phone]:
        """Return the phones of Bo and Ana, who is let in; nothing before counts."""
        bo, ana = await self.joins("bo"), await self.joins("ana")
        await bo.says("admit", participant=ana.me)
        bo.heard(), ana.heard()
        return bo, ana

    async def encounter(self) -> Encounter:
        return await self.stores.encounters.get(ENCOUNTER)

    async def kinds(self) -> list[str]:
        return [entry.kind.value for entry in await self.stores.encounters.timeline(ENCOUNTER)]


def some_ice_servers(participant: ParticipantId) -> list[IceServer]:
    return [IceServer(urls=("turn:turn.example:3478",), username=participant, credential="secret")]


@asynccontextmanager
async def a_node(limits: RoomLimits | None = None) -> AsyncGenerator[Node]:
    clock, audit, media = FakeClock(), RecordingAudit(), FakeMediaPlane()
    cipher = FieldCipher({"k1": b"\x07" * 32}, "k1")
    async with Database.in_memory() as database:
        stores = open_stores(database, cipher, clock)
        await populate(stores)
        encounters = MoodyEncounters(database, cipher)
        encounters.failing = set()
        stores = replace(stores, encounters=encounters)
        await encounters.add(an_encounter(paramedic_id=PARAMEDIC))
        bus = LocalBus(clock)
        ports = RoomPorts(
            encounters=encounters,
            patients=stores.patients,
            media=media,
            recorder=NoRecorder(),
            bus=bus,
            audit=audit,
            clock=clock,
            new_id=counted_ids(),
        )
        host = RoomHost(ports, ice_servers=some_ice_servers, limits=limits)
        try:
            yield Node(stores, encounters, clock, bus, media, audit, host, ports)
        finally:
            await host.aclose()
            await bus.aclose()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what other tasks do; it fails if they don't."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)
