"""A vitals plane over a real database in memory, with a patient, two encounters, and devices."""

from typing import Any

from telehealth.access import Principal, Role
from telehealth.bus import Event, vitals_topic
from telehealth.clock import to_ms
from telehealth.ids import DeviceId, EncounterId, PatientId
from telehealth.interop.watch_messages import VitalsJson
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.stores import Stores, open_stores
from telehealth.vitals.feed import Feed
from telehealth.vitals.model import FeedHello, Quality, RawChannel, RawNumerics, RawValue, WaveBlock
from telehealth.vitals.registry import Bedside, DeviceRegistry
from telehealth.vitals.service import VitalsPlane
from tests.builders import ENCOUNTER, PATIENT, a_patient, an_encounter
from tests.doubles import FakeClock, RecordingAudit, RecordingBus, counted_ids

ADMIN = Principal("admin", Role.ADMIN)
OTHER_ENCOUNTER = EncounterId("c1" * 16)
BEDSIDE = Bedside(ENCOUNTER, PATIENT, {ENCOUNTER})
OTHER_BEDSIDE = Bedside(OTHER_ENCOUNTER, PATIENT, {OTHER_ENCOUNTER, "doctor"})
TOPIC = vitals_topic(ENCOUNTER)
ECG = RawChannel(1, 131330, "II", "mV", 250.0, 0.005, 0.0)
PLETH = RawChannel(2, 150452, "Pleth", "1", 125.0, 0.001, 0.0)


class Ward:
    """All that a test of vitals needs.

    Attributes:
        replaced: How often a feed was told that it was replaced.
    """

    def __init__(self, database: Database) -> None:
        self.clock = FakeClock()
        self.bus = RecordingBus()
        self.audit = RecordingAudit()
        self.stores: Stores = open_stores(database, FieldCipher({"k": bytes(32)}, "k"))
        self.wire = VitalsJson()
        self.plane = self.another_plane()
        self.registry = DeviceRegistry(
            devices=self.stores.devices, audit=self.audit, clock=self.clock, new_id=counted_ids()
        )
        self.replaced = 0

    async def prepare(self) -> None:
        await self.stores.patients.add(a_patient())
        for encounter in (ENCOUNTER, OTHER_ENCOUNTER):
            await self.stores.encounters.add(an_encounter(id=encounter, practitioner_id=None))

    def another_plane(self) -> VitalsPlane:
        """Return the plane of another node, or of this one after a restart."""
        return VitalsPlane(
            devices=self.stores.devices,
            frames=self.stores.vital_frames,
            bus=self.bus,
            audit=self.audit,
            wire=self.wire,
            clock=self.clock,
        )

    async def a_device(self, *, bound: bool = True, simulated: bool = False) -> DeviceId:
        device = await self.registry.register(ADMIN, name="Monitor bay 3", model="", simulated=simulated)
        if bound:
            await self.registry.associate(ADMIN, device.id, BEDSIDE)
        self.audit.events.clear()
        return device.id

    async def another_patient(self) -> Bedside:
        """Add a patient with an encounter of their own; return where that is."""
        patient, encounter = PatientId("a7" * 16), EncounterId("c7" * 16)
        await self.stores.patients.add(a_patient(id=patient))
        await self.stores.encounters.add(an_encounter(id=encounter, patient_id=patient, practitioner_id=None))
        return Bedside(encounter, patient, {encounter})

    async def open(self, device: DeviceId, *channels: RawChannel, boot: str = "b1", **changes: Any) -> Feed:
        sent_at_ms = changes.get("sent_at_ms", self.now_ms)
        hello = FeedHello(boot, sent_at_ms, channels or (ECG,))
        return await self.plane.open_feed(Principal(device, Role.DEVICE), hello, on_replaced=self._count)

    @property
    def now_ms(self) -> float:
        return to_ms(self.clock.now())

    def heard(self, kind: str) -> list[Event]:
        return [event for event in self.bus.of(TOPIC) if event.kind == kind]

    def wave(self, sequence: int, *, channel: int = 1, count: int = 50, **changes: Any) -> WaveBlock:
        values: dict[str, Any] = {
            "channel": channel,
            "sequence": sequence,
            "first_index": sequence * 50,
            "starts_at_ms": self.now_ms - 200,
            "samples": b"\x01\x00" * count,
        }
        return WaveBlock(**(values | changes))

    def numerics(self, sequence: int, value: float | None = 75.0, **changes: Any) -> RawNumerics:
        raw = RawValue(value, changes.get("unit", "/min"), Quality.GOOD, mdc=changes.get("mdc", 147842))
        return RawNumerics(sequence, changes.get("taken_at_ms", self.now_ms), (raw,))

    def _count(self) -> None:
        self.replaced += 1
