"""AlarmWatch and Alarms over a real database: stored, told, answered, and what happens when something fails."""

import json
import math
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from telehealth.access import Principal, Role
from telehealth.bus import Event, vitals_topic
from telehealth.clock import to_ms
from telehealth.consultations.bedsides import EncounterBedsides
from telehealth.consultations.model import EntryKind
from telehealth.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unavailable
from telehealth.ids import AlarmId, DeviceId, EncounterId
from telehealth.interop.alarm_messages import AlarmsJson
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.stores import open_stores
from telehealth.vitals import alarm_watch
from telehealth.vitals.alarm import Alarm, AlarmKind, AlarmState, Condition, Priority
from telehealth.vitals.alarm_watch import AlarmWatch, WatchPorts
from telehealth.vitals.alarms import Alarms, Person, load
from telehealth.vitals.limits import Limit
from telehealth.vitals.model import Device, DeviceAssociation, FrameFlag, Report, Sample, WaveBlock, WaveChannel
from telehealth.vitals.rhythms import MAX_FOLLOWED, Rhythms, RhythmSeen
from telehealth.vitals.scoring import Entry
from telehealth.vitals.signals import SignalState, SignalsWanted
from telehealth.vitals.track import AlarmChanged
from telehealth.vitals.vital_signs import Vital
from tests.builders import (
    DOCTOR,
    ENCOUNTER,
    NOON,
    OTHER_DOCTOR,
    PARAMEDIC,
    PATIENT,
    a_patient,
    a_user,
    an_encounter,
    the_admin,
    the_doctor,
    the_guest,
    the_paramedic,
    the_patient,
)
from tests.consultations.node import until
from tests.doubles import FakeClock, RecordingAudit, RecordingBus, counted_ids

MONITOR = DeviceId("de" * 16)
IFEOMA = Person(the_doctor(), "Dr Ifeoma Okafor")
TOPIC = vitals_topic(ENCOUNTER)


class Node:
    """One node of a clinic; several share a database and a bus."""

    def __init__(self, database: Database, bus: RecordingBus, clock: FakeClock, *, demonstration: bool = False) -> None:
        self.clock, self.bus = clock, bus
        self.audit = RecordingAudit()
        self.stores = open_stores(database, FieldCipher({"k": bytes(32)}, "k"))
        self.ports = WatchPorts(
            records=self.stores.watch_records,
            bedsides=EncounterBedsides(self.stores.encounters, self.stores.patients),
            devices=self.stores.devices,
            bus=bus,
            wire=AlarmsJson(),
            clock=clock,
            new_id=counted_ids(),
        )
        self.watch = AlarmWatch(self.ports, demonstration=demonstration)
        self.alarms = Alarms(self.ports, self.watch, self.audit)

    async def prepare(self) -> None:
        await self.stores.patients.add(a_patient(birth_date="1962-03-14"))
        await self.stores.users.add(a_user())
        await self.stores.users.add(a_user(id=PARAMEDIC, role=Role.PARAMEDIC, email="jo.moreau@clinic.example"))
        await self.stores.users.add(a_user(id=OTHER_DOCTOR, email="amal.haddad@clinic.example"))
        await self.stores.encounters.add(an_encounter(paramedic_id=PARAMEDIC))
        await self.stores.devices.add(Device(MONITOR, "Monitor bay 3"))
        await self.stores.devices.associate(DeviceAssociation(MONITOR, ENCOUNTER, PATIENT, NOON))

    async def seconds(self, count: int, *, spo2: float | None = 97.0, demo: bool = False) -> None:
        for _ in range(count):
            self.clock.advance(1)
            now = self.clock.now()
            if spo2 is not None:
                values = {150456: spo2, 147842: 75.0}
                samples = tuple(Sample(mdc, value, "", value, "", now, now) for mdc, value in values.items())
                self.watch.reported(ENCOUNTER, Report(MONITOR, now, now, demo, samples))
            await self.watch.turn()
            await self.watch.tick()
        await self.watch.turn()

    def told(self, kind: str = "alarm") -> list[Any]:
        return [json.loads(event.body) for event in self.bus.of(TOPIC) if event.kind == kind]

    async def open(self) -> Alarm:
        (alarm,) = await self.stores.watch_records.open_alarms(ENCOUNTER)
        return alarm


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    opened = Database.in_memory()
    yield opened
    await opened.aclose()


@pytest.fixture
async def node(database: Database) -> Node:
    node = Node(database, RecordingBus(), FakeClock())
    await node.prepare()
    return node


async def test_an_alarm_is_stored_told_and_written_on_the_timeline(node: Node) -> None:
    await node.seconds(20, spo2=86.0)
    assert [(a["alarm"]["state"], a["alarm"]["text"]) for a in node.told()] == [("active", "** SpO2 LOW 86 < 90")]
    assert (await node.open()).text == "** SpO2 LOW 86 < 90"
    (entry,) = await node.stores.encounters.timeline(ENCOUNTER)
    assert (entry.kind, entry.text) == (EntryKind.ALARM_RAISED, "** SpO2 LOW 86 < 90")


async def test_who_has_seen_it_is_told_to_everybody_and_kept(node: Node) -> None:
    await node.seconds(20, spo2=86.0)
    done = await node.alarms.acknowledge(IFEOMA, ENCOUNTER, (await node.open()).id)
    assert done.state is AlarmState.ACKNOWLEDGED
    assert node.told()[-1]["alarm"]["acknowledged_by"] == "Dr Ifeoma Okafor"
    assert (await node.open()).acknowledged_by == DOCTOR
    assert node.audit.actions == ["alarm.acknowledged"]
    kinds = [entry.kind for entry in await node.stores.encounters.timeline(ENCOUNTER)]
    assert kinds == [EntryKind.ALARM_RAISED, EntryKind.ALARM_ACKNOWLEDGED]
    again = await node.alarms.acknowledge(IFEOMA, ENCOUNTER, done.id)
    assert again.acknowledged_at == done.acknowledged_at


async def test_a_pause_lasts_as_long_as_it_may_and_no_other(node: Node) -> None:
    await node.seconds(20, spo2=86.0)
    alarm = await node.open()
    with pytest.raises(Invalid):
        await node.alarms.snooze(IFEOMA, ENCOUNTER, alarm.id, 3600)
    await node.alarms.snooze(IFEOMA, ENCOUNTER, alarm.id, 60)
    await node.seconds(61, spo2=86.0)
    assert [a["alarm"]["snoozed_until"] is None for a in node.told()] == [True, False, True]


QUIET = SignalsWanted(SignalState.AUDIO_PAUSED, 120)
AMINA = Person(the_admin(), "Amina Diallo")


async def test_a_pause_of_all_alarms_is_told_kept_written_down_and_survives_a_restart(
    node: Node, database: Database
) -> None:
    await node.alarms.set_signals(IFEOMA, ENCOUNTER, QUIET)
    (told,) = node.told("signals")
    assert (told["signals"]["state"], told["signals"]["by"]) == ("audio_paused", "Dr Ifeoma Okafor")
    assert told["signals"]["until"] - told["signals"]["at"] == 120_000
    assert node.audit.actions == ["signals.audio_paused"]
    (entry,) = await node.stores.encounters.timeline(ENCOUNTER)
    assert (entry.kind, entry.author, entry.text) == (EntryKind.ALARM_SIGNALS, DOCTOR, "audio_paused 120 s")
    after = Node(database, RecordingBus(), node.clock)
    assert (await after.alarms.signals(the_patient(), ENCOUNTER)).set_by_name == "Dr Ifeoma Okafor"
    node.clock.advance(120)
    assert (await after.alarms.signals(the_patient(), ENCOUNTER)).state is SignalState.ON


async def test_while_alarms_are_off_they_are_watched_and_kept_all_the_same(node: Node) -> None:
    await node.alarms.set_signals(AMINA, ENCOUNTER, SignalsWanted(SignalState.ALARM_OFF))
    await node.seconds(20, spo2=86.0)
    assert (await node.open()).text == "** SpO2 LOW 86 < 90"
    with pytest.raises(Conflict):
        await node.alarms.set_signals(IFEOMA, ENCOUNTER, QUIET)
    await node.alarms.set_signals(IFEOMA, ENCOUNTER, SignalsWanted(SignalState.ON))
    assert [one["signals"]["state"] for one in node.told("signals")] == ["alarm_off", "on"]
    assert node.audit.actions == ["signals.alarm_off", "signals.audio_paused", "signals.on"]


@pytest.mark.parametrize(
    ("who", "state", "refusal"),
    [
        (the_patient(), SignalState.AUDIO_PAUSED, Forbidden),
        (the_guest(), SignalState.AUDIO_PAUSED, Forbidden),
        (the_patient(), SignalState.ON, Forbidden),
        (the_admin(), SignalState.AUDIO_PAUSED, Forbidden),
        (the_paramedic(), SignalState.ALARM_PAUSED, Forbidden),
        (the_paramedic(), SignalState.AUDIO_OFF, Forbidden),
        (the_doctor(), SignalState.ALARM_OFF, Forbidden),
        (the_doctor(subject=OTHER_DOCTOR), SignalState.AUDIO_PAUSED, NotFound),
    ],
)
async def test_nobody_else_pauses_or_turns_off(
    node: Node, who: Principal, state: SignalState, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await node.alarms.set_signals(
            Person(who, "Somebody"), ENCOUNTER, SignalsWanted(state, 60 if state.paused else 0)
        )
    assert (node.told("signals"), node.audit.actions) == ([], [])


async def test_what_has_ended_cannot_be_acknowledged_and_what_never_was_is_not_found(node: Node) -> None:
    await node.seconds(20, spo2=86.0)
    alarm = await node.open()
    await node.seconds(10)
    with pytest.raises(Conflict) as refusal:
        await node.alarms.acknowledge(IFEOMA, ENCOUNTER, alarm.id)
    assert refusal.value.code == "not_open"
    with pytest.raises(NotFound):
        await node.alarms.acknowledge(IFEOMA, ENCOUNTER, AlarmId("f" * 32))


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        (the_patient(), Forbidden),
        (the_guest(), Forbidden),
        (the_admin(), Forbidden),
        (the_doctor(subject=OTHER_DOCTOR), NotFound),
    ],
    ids=["patient", "guest", "admin", "other doctor"],
)
async def test_nobody_else_answers_an_alarm(node: Node, who: Principal, refusal: type[Exception]) -> None:
    await node.seconds(20, spo2=86.0)
    alarm, person = await node.open(), Person(who, "Somebody")
    with pytest.raises(refusal):
        await node.alarms.acknowledge(person, ENCOUNTER, alarm.id)
    with pytest.raises(refusal):
        await node.alarms.set_limits(person, ENCOUNTER, [Limit(Vital.SPO2)])
    with pytest.raises(refusal):
        await node.alarms.enter(person, ENCOUNTER, {Entry.OXYGEN: "yes"})
    assert (await node.open()).state is AlarmState.ACTIVE


async def test_the_attempt_is_written_down_before_anything_is_done(node: Node) -> None:
    await node.seconds(20, spo2=86.0)
    node.audit.failing = True
    with pytest.raises(Unavailable):
        await node.alarms.acknowledge(IFEOMA, ENCOUNTER, (await node.open()).id)
    assert (await node.open()).state is AlarmState.ACTIVE


async def test_limits_hold_at_once_and_say_who_set_them(node: Node) -> None:
    await node.seconds(20, spo2=86.0)
    await node.alarms.set_limits(IFEOMA, ENCOUNTER, [Limit(Vital.SPO2, low=84.0, very_low=80.0)])
    (limits,) = node.told("limits")
    spo2 = next(one for one in limits["limits"] if one["vital"] == "spo2")
    assert (spo2["low"], spo2["set_by"]) == (84.0, "Dr Ifeoma Okafor")
    assert (node.told()[-1]["alarm"]["state"], node.told()[-1]["alarm"]["reason"]) == ("ended", "limit_changed")
    await node.seconds(20, spo2=86.0)
    assert await node.stores.watch_records.open_alarms(ENCOUNTER) == []


async def test_a_proposal_sets_nothing(node: Node) -> None:
    assert await node.alarms.proposal(the_doctor(), ENCOUNTER) == {}
    await node.seconds(3)
    found = await node.alarms.proposal(the_doctor(), ENCOUNTER)
    assert found[Vital.HEART_RATE].low == 60
    assert await node.stores.watch_records.limits(ENCOUNTER) == []


async def test_only_a_practitioner_signs_for_the_second_scale(node: Node) -> None:
    crew = Person(the_paramedic(), "Jo Moreau")
    await node.alarms.enter(crew, ENCOUNTER, {Entry.OXYGEN: "yes", Entry.CONSCIOUSNESS: "V"})
    with pytest.raises(Forbidden):
        await node.alarms.enter(crew, ENCOUNTER, {Entry.SPO2_SCALE: "2"})
    await node.alarms.enter(IFEOMA, ENCOUNTER, {Entry.SPO2_SCALE: "2"})
    assert [(e["entry"], e["by"]) for e in node.told("entries")[-1]["entries"]] == [
        ("consciousness", "Jo Moreau"),
        ("oxygen", "Jo Moreau"),
        ("spo2_scale", "Dr Ifeoma Okafor"),
    ]


@pytest.mark.parametrize(
    ("entry", "value"),
    [(Entry.CONSCIOUSNESS, "X"), (Entry.CONSCIOUSNESS, ""), (Entry.OXYGEN, "perhaps"), (Entry.TEMPERATURE, "98.6")],
)
async def test_what_makes_no_sense_is_not_entered(node: Node, entry: Entry, value: str) -> None:
    with pytest.raises(Invalid):
        await node.alarms.enter(IFEOMA, ENCOUNTER, {entry: value})
    assert node.audit.actions == []


async def test_a_score_is_issued_kept_and_told(node: Node) -> None:
    assert await node.alarms.score_now(IFEOMA, ENCOUNTER) == ()
    await node.seconds(3)
    issued = await node.alarms.score_now(IFEOMA, ENCOUNTER)
    assert [s["score"]["kind"] for s in node.told("score")] == ["news2", "mews"]
    assert set(await node.alarms.scores(the_patient(), ENCOUNTER)) == set(issued)


async def test_a_store_that_fails_keeps_nobody_from_hearing(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    records, saved = node.ports.records, node.ports.records.save_alarms

    async def failing(encounter: EncounterId, changes: Sequence[AlarmChanged]) -> None:
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr(records, "save_alarms", failing)
    await node.seconds(20, spo2=86.0)
    assert len(node.told()) == 1
    assert await records.open_alarms(ENCOUNTER) == []
    alarm = AlarmId(node.told()[0]["alarm"]["id"])
    with pytest.raises(Unavailable):
        await node.alarms.acknowledge(IFEOMA, ENCOUNTER, alarm)
    monkeypatch.setattr(records, "save_alarms", saved)
    await node.seconds(1, spo2=86.0)
    assert (await node.open()).state is AlarmState.ACKNOWLEDGED
    assert len(node.told()) == 2


async def test_what_nobody_foresaw_of_one_patient_keeps_nobody_from_hearing(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = EncounterId("0a" * 16)
    await node.stores.encounters.add(an_encounter(id=other))
    node.watch.reported(other, Report(MONITOR, NOON, NOON, False, ()))
    months = node.watch._months

    async def unreadable(encounter: EncounterId) -> int | None:
        if encounter == other:
            raise ValueError("the row can't be read")
        return await months(encounter)

    monkeypatch.setattr(node.watch, "_months", unreadable)
    await node.seconds(20, spo2=86.0)
    assert [a["alarm"]["text"] for a in node.told()] == ["** SpO2 LOW 86 < 90"]


async def test_an_alarm_that_cannot_be_stored_for_whatever_reason_is_told_and_tried_again(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(encounter: EncounterId, changes: Sequence[AlarmChanged]) -> None:
        raise ValueError("nobody foresaw this")

    with monkeypatch.context() as patch:
        patch.setattr(node.stores.watch_records, "save_alarms", broken)
        await node.seconds(20, spo2=86.0)
        assert [a["alarm"]["text"] for a in node.told()] == ["** SpO2 LOW 86 < 90"]
    await node.seconds(1, spo2=86.0)
    assert (await node.open()).text == "** SpO2 LOW 86 < 90"


async def test_what_ends_with_the_encounter_is_stored_later_if_not_now(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await node.seconds(20, spo2=86.0)

    async def unavailable(encounter: EncounterId, changes: Sequence[AlarmChanged]) -> None:
        raise Unavailable("The database is away.")

    with monkeypatch.context() as patch:
        patch.setattr(node.stores.watch_records, "save_alarms", unavailable)
        await node.watch.ended(ENCOUNTER)
    await node.watch.turn()
    assert list(await node.stores.watch_records.open_alarms(ENCOUNTER)) == []


async def test_a_bus_that_fails_keeps_nothing_from_being_stored(node: Node) -> None:
    node.bus.failing = True
    await node.seconds(20, spo2=86.0)
    assert (await node.open()).state is AlarmState.ACTIVE


async def test_after_a_restart_the_alarm_is_the_same(node: Node, database: Database) -> None:
    await node.seconds(20, spo2=86.0)
    before = await node.open()
    after = Node(database, node.bus, node.clock)
    await after.seconds(5, spo2=86.0)
    assert (await after.open()).id == before.id
    await after.seconds(10)
    assert await after.stores.watch_records.open_alarms(ENCOUNTER) == []
    assert await after.stores.watch_records.scores(ENCOUNTER, limit=10)


async def test_what_was_said_at_another_node_holds_here(node: Node, database: Database) -> None:
    elsewhere = Node(database, node.bus, node.clock)
    await node.seconds(20, spo2=86.0)
    alarm = await node.open()
    await elsewhere.alarms.acknowledge(IFEOMA, ENCOUNTER, alarm.id)
    await elsewhere.alarms.enter(IFEOMA, ENCOUNTER, {Entry.OXYGEN: "yes"})
    await node.watch.reread(ENCOUNTER)
    known = node.watch.find(ENCOUNTER)
    assert known is not None and known.watch is not None
    assert [one.acknowledged_name for one in known.watch.open_alarms] == ["Dr Ifeoma Okafor"]
    assert known.watch.entries[Entry.OXYGEN].value == "yes"
    await node.seconds(5, spo2=86.0)
    assert (await node.open()).state is AlarmState.ACKNOWLEDGED


async def test_all_ends_with_the_encounter_also_where_nobody_watches(node: Node, database: Database) -> None:
    await node.seconds(20, spo2=80.0)
    await Node(database, node.bus, node.clock).watch.ended(ENCOUNTER)
    assert await node.stores.watch_records.open_alarms(ENCOUNTER) == []
    assert node.told()[-1]["alarm"]["reason"] == "encounter_ended"


async def test_a_device_that_was_released_is_not_lost(node: Node) -> None:
    await node.seconds(5)
    await node.stores.devices.release(MONITOR, node.clock.now())
    await node.seconds(60, spo2=None)
    assert node.told() == []


async def test_who_comes_later_is_told_how_things_stand(node: Node) -> None:
    await node.seconds(20, spo2=86.0)
    kinds = [json.loads(body)["type"] for body in await node.watch.known(ENCOUNTER)]
    assert kinds == ["limits", "entries", "signals", "rhythm", "score", "alarm"]


async def test_a_patient_of_whom_nothing_comes_is_forgotten(node: Node) -> None:
    await node.seconds(2)
    await node.stores.devices.release(MONITOR, node.clock.now())
    await node.seconds(700, spo2=None)
    assert node.watch.patients == 0


async def test_no_more_than_so_many_patients_are_watched(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarm_watch, "MAX_PATIENTS", 1)
    await node.seconds(1)
    now = node.clock.now()
    node.watch.reported(EncounterId("c9" * 16), Report(MONITOR, now, now, False, ()))
    assert node.watch.patients == 1


async def test_simulated_data_are_watched_in_a_demonstration_only(node: Node, database: Database) -> None:
    await node.seconds(20, spo2=80.0, demo=True)
    assert node.told() == []
    shown = Node(database, RecordingBus(), node.clock, demonstration=True)
    await shown.seconds(20, spo2=80.0, demo=True)
    assert [a["alarm"]["demo"] for a in shown.told()] == [True]
    entries = await shown.stores.encounters.timeline(ENCOUNTER)
    assert entries[-1].text.endswith("(DEMO)")


async def test_its_task_stores_what_is_left_when_it_stops(node: Node) -> None:
    node.watch.start()
    now = node.clock.now()
    sample = Sample(150021, 60.0, "", 60.0, "", now, now)
    node.watch.reported(ENCOUNTER, Report(MONITOR, now, now, False, (sample,)))
    await node.watch.turn()
    await node.watch.aclose()
    assert (await node.open()).text == "*** SYS LOW 60 < 70"


async def test_what_other_nodes_said_in_a_gap_is_read_again(database: Database) -> None:
    bus, clock = RecordingBus(queue=1), FakeClock()
    here, elsewhere = Node(database, bus, clock), Node(database, bus, clock)
    await here.prepare()
    await here.seconds(2)
    here.watch.start()
    await until(lambda: bus.listeners(alarm_watch.ALARMS) == 1)
    await elsewhere.alarms.set_limits(IFEOMA, ENCOUNTER, [Limit(Vital.SPO2, low=80.0)])
    # More than the line holds: what was said of this patient is lost.
    for _ in range(3):
        await bus.publish(alarm_watch.ALARMS, Event("changed", b"another"))
    watched = here.watch.find(ENCOUNTER)
    assert watched is not None and watched.watch is not None
    watch = watched.watch
    await until(lambda: watch.limits[Vital.SPO2].limit.low == 80.0)
    await here.watch.aclose()


def an_alarm(number: int, minutes_ago: float, name: str = "SpO2 LOW", **changes: Any) -> Alarm:
    at = NOON - timedelta(minutes=minutes_ago)
    condition = Condition(AlarmKind.LIMIT, "spo2", "low")
    return Alarm(AlarmId(str(number)), condition, Priority.MEDIUM, name, at, raised_at=at, **changes)


def test_alarms_are_counted_by_the_hour_without_simulated_and_late_ones() -> None:
    real = [an_alarm(n, 30 * n) for n in range(5)] + [an_alarm(9, 10, "HR HIGH")]
    others = [an_alarm(10, 1, demo=True), an_alarm(11, 1, late=True), an_alarm(12, 600)]
    counted = load([*real, *others], NOON)
    assert (counted.alarms, counted.hours, counted.per_hour) == (6, 2.0, 3.0)
    assert counted.top == (("SpO2 LOW", 5), ("HR HIGH", 1))
    assert load([], NOON).per_hour == 0


# Breathing


async def test_whose_breaths_alone_are_seen_is_watched_and_of_no_simulated_patient(node: Node) -> None:
    chest = replace(CHANNEL, number=2, mdc=151780, label="Resp", unit="Ohm", rate_hz=62.5, gain=0.001)
    for odd in (block(0, flags=FrameFlag.DEMO), block(0)):
        assert node.watch.patients == 0
        node.watch.waved(chest, odd)
    assert node.watch.patients == 1
    for second in range(90):
        for fifth in range(5):
            height = 800 * math.sin(math.pi * (second + fifth / 5) / 2) if second < 60 else 0.0
            at_ms = to_ms(node.clock.now()) + 200 * fifth
            node.watch.waved(chest, WaveBlock(2, 0, 0, at_ms, struct.pack("<12h", *[round(height)] * 12)))
        await node.seconds(1)
    assert [a["alarm"]["text"] for a in node.told()] == ["*** APNOEA > 20 s"]


# Rhythm

CHANNEL = WaveChannel(ENCOUNTER, 1, MONITOR, "b1", 1, 131330, "II", "mV", 250.0, 0.005, 0.0)


def block(first: int, **changes: Any) -> WaveBlock:
    return WaveBlock(1, first, first, 0.0, b"\x00\x00" * 50, **changes)


async def test_nobody_s_beats_are_looked_for_unless_somebody_asks(node: Node) -> None:
    node.watch.waved(CHANNEL, block(0))
    await node.seconds(2)
    assert node.told("rhythm") == []
    await node.alarms.follow_rhythm(IFEOMA, ENCOUNTER, on=True)
    node.watch.waved(CHANNEL, block(50))
    await node.seconds(1)
    assert [(seen["on"], seen["channel"]) for seen in node.told("rhythm")] == [(True, 0), (True, 1)]
    await node.alarms.follow_rhythm(IFEOMA, ENCOUNTER, on=False)
    assert node.told("rhythm")[-1]["on"] is False
    assert node.audit.actions == ["rhythm.followed", "rhythm.left"]


async def test_who_asks_at_another_node_is_heard(node: Node, database: Database) -> None:
    await node.seconds(2)
    elsewhere = Node(database, node.bus, node.clock)
    await elsewhere.alarms.follow_rhythm(IFEOMA, ENCOUNTER, on=True)
    (command,) = node.bus.of(alarm_watch.ALARMS)
    await node.watch.obey(command)
    assert node.watch.rhythms.follows(ENCOUNTER)


def test_simulated_late_and_missing_waves_are_not_looked_at() -> None:
    rhythms = Rhythms(demonstration=False)
    rhythms.follow(ENCOUNTER, on=True)
    for odd in ({"flags": FrameFlag.DEMO}, {"flags": FrameFlag.BACKFILL}, {"gap": True}):
        rhythms.waved(CHANNEL, block(0, **odd), NOON)
    rhythms.waved(replace(CHANNEL, mdc=150452), block(0), NOON)
    assert rhythms.look(ENCOUNTER, None) == RhythmSeen(on=True)
    rhythms.waved(CHANNEL, block(0), NOON)
    rhythms.waved(replace(CHANNEL, number=2), block(0), NOON)
    seen = rhythms.look(ENCOUNTER, None)
    assert seen is not None and seen.channel == 1
    rhythms.waved(replace(CHANNEL, number=2), block(0), NOON + timedelta(seconds=6))
    assert (rhythms.look(ENCOUNTER, None) or seen).channel == 2


def test_only_so_many_rhythms_are_followed() -> None:
    rhythms = Rhythms(demonstration=False)
    for number in range(MAX_FOLLOWED):
        rhythms.follow(EncounterId(str(number)), on=True)
    with pytest.raises(TooMany):
        rhythms.follow(ENCOUNTER, on=True)
    rhythms.follow(EncounterId("0"), on=True)
