"""The contract of vitals.watch_ports.WatchRecords, on each engine."""

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest

from telehealth.errors import NotFound
from telehealth.ids import AlarmId, EncounterId, ScoreId
from telehealth.storage.stores import Stores
from telehealth.vitals.alarm import Alarm, AlarmKind, AlarmState, Change, Condition, Priority
from telehealth.vitals.limits import Limit, SetLimit
from telehealth.vitals.scores import Band, Score, ScoreInput, ScoreKind
from telehealth.vitals.scoring import Entered, Entry
from telehealth.vitals.signals import Signals, SignalState
from telehealth.vitals.track import AlarmChanged
from telehealth.vitals.vital_signs import Vital
from tests.builders import ENCOUNTER, NOON, an_encounter

OTHER = EncounterId("c1" * 16)
LOW_SPO2 = Condition(AlarmKind.LIMIT, "spo2", "low")


def an_alarm(number: int = 1, **changes: Any) -> Alarm:
    at = NOON + timedelta(minutes=number)
    alarm = Alarm(AlarmId(f"{number:032x}"), LOW_SPO2, Priority.MEDIUM, "SpO2 LOW", at, "86 < 90", AlarmState.ACTIVE)
    values: dict[str, Any] = {"value": 86.0, "limit": 90.0, "raised_at": at, "worst": Priority.MEDIUM}
    return replace(alarm, **(values | changes))


def raised(alarm: Alarm) -> AlarmChanged:
    return AlarmChanged(alarm, Change.RAISED, alarm.since)


@pytest.fixture
async def clinic(stores: Stores) -> Stores:
    await stores.encounters.add(an_encounter())
    await stores.encounters.add(an_encounter(id=OTHER))
    return stores


async def test_an_alarm_comes_back_as_it_was_saved_last(clinic: Stores) -> None:
    alarm = an_alarm()
    await clinic.watch_records.save_alarms(ENCOUNTER, [raised(alarm)])
    seen = replace(alarm, state=AlarmState.ACKNOWLEDGED, acknowledged_name="Dr Ifeoma Okafor", acknowledged_at=NOON)
    await clinic.watch_records.save_alarms(ENCOUNTER, [AlarmChanged(seen, Change.ACKNOWLEDGED, NOON, "d" * 32)])
    assert await clinic.watch_records.alarm(ENCOUNTER, alarm.id) == seen
    assert await clinic.watch_records.open_alarms(ENCOUNTER) == [seen]


async def test_instants_come_back_in_pythons_own_utc(clinic: Stores) -> None:
    alarm = an_alarm(state=AlarmState.ACKNOWLEDGED, acknowledged_at=NOON, snoozed_until=NOON)
    await clinic.watch_records.save_alarms(ENCOUNTER, [raised(alarm)])
    found = await clinic.watch_records.alarm(ENCOUNTER, alarm.id)
    instants = (found.since, found.raised_at, found.acknowledged_at, found.snoozed_until)
    # Another object of the same offset is equal to it, and yet not it.
    assert all(at is not None and at.tzinfo is UTC for at in instants)


async def test_saving_again_is_no_harm(clinic: Stores) -> None:
    change = raised(an_alarm())
    await clinic.watch_records.save_alarms(ENCOUNTER, [change, change])
    await clinic.watch_records.save_alarms(ENCOUNTER, [change])
    await clinic.watch_records.save_alarms(ENCOUNTER, [])
    assert await clinic.watch_records.alarms(ENCOUNTER, limit=10) == [change.alarm]


async def test_what_has_ended_is_history_and_not_open(clinic: Stores) -> None:
    over = an_alarm(1, state=AlarmState.ENDED, ended_at=NOON, reason="over")
    still = an_alarm(2)
    await clinic.watch_records.save_alarms(ENCOUNTER, [raised(over), raised(still)])
    assert await clinic.watch_records.open_alarms(ENCOUNTER) == [still]
    assert await clinic.watch_records.alarms(ENCOUNTER, limit=10) == [still, over]
    assert await clinic.watch_records.alarms(ENCOUNTER, limit=1) == [still]


async def test_an_alarm_of_another_encounter_is_not_found(clinic: Stores) -> None:
    await clinic.watch_records.save_alarms(ENCOUNTER, [raised(an_alarm())])
    with pytest.raises(NotFound):
        await clinic.watch_records.alarm(OTHER, an_alarm().id)
    assert await clinic.watch_records.alarms(OTHER, limit=10) == []


async def test_the_limit_set_last_is_the_limit(clinic: Stores) -> None:
    first = SetLimit(Limit(Vital.SPO2, low=90.0), "d" * 32, "Dr Ifeoma Okafor", NOON)
    second = SetLimit(Limit(Vital.SPO2, low=86.0, very_low=80.0), "e" * 32, "Jo Moreau", NOON + timedelta(minutes=1))
    pulse = SetLimit(Limit(Vital.HEART_RATE, high=130.0), "d" * 32, "Dr Ifeoma Okafor", NOON)
    await clinic.watch_records.set_limits(ENCOUNTER, [first, pulse])
    await clinic.watch_records.set_limits(ENCOUNTER, [second])
    assert await clinic.watch_records.limits(ENCOUNTER) == [pulse, second]
    assert await clinic.watch_records.limits(OTHER) == []


async def test_the_newest_entry_of_each_kind_counts(clinic: Stores) -> None:
    def entered(entry: Entry, value: str, minute: int) -> Entered:
        return Entered(entry, value, NOON + timedelta(minutes=minute), "d" * 32, "Dr Ifeoma Okafor")

    alert, voice = entered(Entry.CONSCIOUSNESS, "A", 0), entered(Entry.CONSCIOUSNESS, "V", 5)
    oxygen = entered(Entry.OXYGEN, "yes", 1)
    await clinic.watch_records.enter(ENCOUNTER, [alert, oxygen])
    await clinic.watch_records.enter(ENCOUNTER, [voice])
    assert await clinic.watch_records.entries(ENCOUNTER) == [voice, oxygen]


async def test_an_issued_score_is_kept_with_its_inputs(clinic: Stores) -> None:
    inputs = (ScoreInput("spo2", "86", 3, NOON, "SpO2"), ScoreInput("oxygen", "", None))
    older = Score(ScoreId("1" * 32), ScoreKind.NEWS2, "RCP 2017", NOON, 3, Band.LOW_MEDIUM, inputs, demo=False)
    newer = replace(older, id=ScoreId("2" * 32), at=NOON + timedelta(minutes=1), total=5, asked_by="Dr Ifeoma Okafor")
    await clinic.watch_records.add_scores(ENCOUNTER, [older, newer])
    await clinic.watch_records.add_scores(ENCOUNTER, [newer])
    assert await clinic.watch_records.scores(ENCOUNTER, limit=10) == [newer, older]


async def test_of_signals_the_newest_count_and_each_encounter_has_its_own(clinic: Stores) -> None:
    records = clinic.watch_records
    assert await records.signals(ENCOUNTER) == Signals()
    paused = Signals(SignalState.AUDIO_PAUSED, NOON + timedelta(seconds=60), "d" * 32, "Dr Ifeoma Okafor", NOON)
    off = Signals(SignalState.ALARM_OFF, None, "ad" * 16, "Noor Aziz", NOON + timedelta(seconds=1))
    for signals in (off, paused, paused, Signals()):
        await records.set_signals(ENCOUNTER, signals)
    assert await records.signals(ENCOUNTER) == off
    assert await records.signals(OTHER) == Signals()
