"""The alarm machine: what each measurement makes of an alarm, as tables and as laws."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.errors import Conflict
from telehealth.ids import AlarmId
from telehealth.vitals import alarm as machine
from telehealth.vitals.alarm import (
    Alarm,
    AlarmKind,
    AlarmPolicy,
    AlarmState,
    Change,
    Condition,
    Point,
    Priority,
    Sight,
    Timing,
)
from tests.doubles import NOON

LOW, MEDIUM, HIGH = Priority.LOW, Priority.MEDIUM, Priority.HIGH
CONDITION = Condition(AlarmKind.LIMIT, "spo2", "low")
FRESH = Alarm(AlarmId("a" * 32), CONDITION, LOW, "SpO2 LOW", NOON)
TIMING = Timing(delay_s=10.0, urgent_delay_s=5.0, clear_s=5.0)
POLICY = AlarmPolicy()


def at(second: float) -> timedelta:
    return timedelta(seconds=second)


def sight(second: float, value: float) -> Sight:
    """SpO2 with limits 90 and 85, and a hysteresis of 2."""
    priority = HIGH if value < 85 else MEDIUM if value < 90 else None
    held = HIGH if value < 87 else MEDIUM if value < 92 else None
    limit = 85.0 if priority is HIGH else 90.0
    return Sight(NOON + at(second), priority, held, f"{value:.0f} < {limit:.0f}", value, limit, "SpO2")


def run(*values: float, point: Point | None = None, begin: int = 0) -> tuple[Point, list[tuple[int, Change]]]:
    """One value a second; return the point at the end, and what happened at which second (updates left out)."""
    point = point or Point()
    seen: list[tuple[int, Change]] = []
    for second, value in enumerate(values, start=begin):
        point, changes = machine.see(point, sight(second, value), FRESH, TIMING, POLICY)
        seen += [(second, change) for change in changes if change is not Change.UPDATED]
        if point.alarm is not None and point.alarm.state is AlarmState.ENDED:
            point = Point(None, point.snooze)
    return point, seen


def alarm_of(point: Point) -> Alarm:
    assert point.alarm is not None
    return point.alarm


@dataclass(frozen=True)
class Course:
    """Values, one a second, and what they must lead to."""

    values: Sequence[float]
    changes: Sequence[tuple[int, Change]]


COURSES = {
    "never beyond": Course([95, 91, 90, 97], []),
    "a dip shorter than the delay": Course([88] * 10 + [95] * 10, []),
    "exactly the delay": Course([88] * 11, [(10, Change.RAISED)]),
    "the delay begins anew after a dip": Course([88] * 6 + [95] + [88] * 10, []),
    "urgent has its own delay": Course([80] * 6, [(5, Change.RAISED)]),
    "worse is told anew": Course([88] * 11 + [80] * 6, [(10, Change.RAISED), (16, Change.ESCALATED)]),
    "worse for a moment is not": Course([88] * 11 + [80] * 4 + [88] * 3, [(10, Change.RAISED)]),
    "within the hysteresis it stays": Course([88] * 11 + [91] * 30, [(10, Change.RAISED)]),
    "beyond it, and for five seconds, it ends": Course([88] * 11 + [92] * 6, [(10, Change.RAISED), (16, Change.ENDED)]),
    "a high one stays until somebody has seen it": Course(
        [80] * 6 + [95] * 30, [(5, Change.RAISED), (11, Change.LATCHED)]
    ),
    "a latched one comes back at once": Course(
        [80] * 6 + [95] * 6 + [88], [(5, Change.RAISED), (11, Change.LATCHED), (12, Change.REALARMED)]
    ),
    "what gets better is told": Course([80] * 6 + [88] * 6, [(5, Change.RAISED), (11, Change.EASED)]),
}


@pytest.mark.parametrize("name", COURSES)
def test_a_course_leads_to_what_it_must(name: str) -> None:
    course = COURSES[name]
    assert run(*course.values)[1] == list(course.changes)


def test_the_text_says_parameter_worst_value_and_limit() -> None:
    point, _ = run(*[88] * 11, 86, 89)
    assert alarm_of(point).text == "** SpO2 LOW 86 < 90"
    worse, _ = run(*[79] * 6, point=point, begin=13)
    assert alarm_of(worse).text == "*** SpO2 LOW 79 < 85"


def test_it_keeps_the_times_of_the_measurements() -> None:
    point, _ = run(*[88] * 11)
    alarm = alarm_of(point)
    assert (alarm.since, alarm.raised_at) == (NOON, NOON + at(10))
    steps = [machine.see(point, sight(s, 95), FRESH, TIMING, POLICY)[0] for s in (20,)]
    ended = alarm_of(machine.see(steps[0], sight(25, 95), FRESH, TIMING, POLICY)[0])
    assert (ended.state, ended.ended_at, ended.reason) == (AlarmState.ENDED, NOON + at(20), "over")


def acknowledged(point: Point, second: int = 11) -> Point:
    return machine.acknowledge(point, NOON + at(second), "d" * 32, "Dr Ifeoma Okafor")[0]


def test_acknowledged_it_signals_no_more_and_names_who_saw_it() -> None:
    point = acknowledged(run(*[88] * 11)[0])
    alarm = alarm_of(point)
    assert (alarm.state, alarm.acknowledged_name) == (AlarmState.ACKNOWLEDGED, "Dr Ifeoma Okafor")
    assert not alarm.signals(NOON + at(12))
    again, changes = machine.acknowledge(point, NOON + at(13), "e" * 32, "Jo Moreau")
    assert (again, changes) == (point, ())


def test_acknowledged_it_comes_back_when_it_gets_worse() -> None:
    point, changes = run(*[80] * 6, point=acknowledged(run(*[88] * 11)[0]), begin=12)
    assert changes == [(17, Change.ESCALATED)]
    assert (alarm_of(point).state, alarm_of(point).acknowledged_name) == (AlarmState.ACTIVE, "")


def test_acknowledged_it_ends_without_latching() -> None:
    _, changes = run(*[95] * 6, point=acknowledged(run(*[80] * 6)[0]), begin=12)
    assert changes == [(17, Change.ENDED)]


def test_a_latched_one_ends_when_it_is_seen() -> None:
    latched, _ = run(*[80] * 6, *[95] * 6)
    point, changes = machine.acknowledge(latched, NOON + at(60), "d" * 32, "Dr Ifeoma Okafor")
    assert changes == (Change.ACKNOWLEDGED, Change.ENDED)
    assert alarm_of(point).ended_at == NOON + at(6)


def test_an_acknowledged_high_one_that_goes_on_is_told_again() -> None:
    point = acknowledged(run(*[80] * 6)[0], second=6)
    assert machine.tick(point, NOON + at(305), POLICY)[1] == ()
    again, changes = machine.tick(point, NOON + at(306), POLICY)
    assert changes == (Change.REALARMED,)
    assert alarm_of(again).state is AlarmState.ACTIVE
    assert machine.tick(acknowledged(run(*[88] * 11)[0]), NOON + at(3600), POLICY)[1] == ()
    assert machine.tick(point, NOON + at(3600), replace(POLICY, realarm_s=None))[1] == ()


def test_what_is_pending_or_over_can_be_neither_seen_nor_paused() -> None:
    for point in (Point(), run(88, 88)[0]):
        with pytest.raises(Conflict):
            machine.acknowledge(point, NOON, "d" * 32, "")
        with pytest.raises(Conflict):
            machine.snooze(point, NOON, 60)


def test_a_pause_holds_until_its_time_for_the_same_and_not_for_the_worse() -> None:
    point, _ = machine.snooze(run(*[88] * 11)[0], NOON + at(11), 60)
    assert not alarm_of(point).signals(NOON + at(70))
    ended, _ = run(*[95] * 6, point=point, begin=12)
    assert ended.alarm is None
    again, _ = run(*[88] * 11, point=ended, begin=20)
    assert not alarm_of(again).signals(NOON + at(70))
    over, changes = machine.tick(again, NOON + at(71), POLICY)
    assert changes == (Change.SNOOZE_OVER,)
    assert alarm_of(over).signals(NOON + at(71))
    worse, _ = run(*[80] * 6, point=again, begin=40)
    assert alarm_of(worse).signals(NOON + at(46))


def test_late_alarms_never_signal_and_never_latch() -> None:
    point, fresh = Point(), replace(FRESH, late=True)
    changes: list[Change] = []
    for second, value in enumerate([80.0] * 6 + [95.0] * 6):
        point, more = machine.see(point, sight(second, value), fresh, TIMING, POLICY)
        changes += more
        assert point.alarm is None or not point.alarm.signals(NOON + at(second))
    assert changes == [Change.RAISED, Change.ENDED]


# Laws: whatever is measured and whatever people do

ACTS = st.one_of(
    st.floats(70, 100).map(lambda value: ("see", round(value))),
    st.just(("acknowledge", 0)),
    st.sampled_from([60, 120]).map(lambda seconds: ("snooze", seconds)),
    st.sampled_from([1, 5, 70, 400]).map(lambda seconds: ("wait", seconds)),
)
OPEN = {AlarmState.ACTIVE, AlarmState.LATCHED, AlarmState.ACKNOWLEDGED}


def act(point: Point, what: str, number: int, second: float) -> machine.Step:
    now = NOON + at(second)
    try:
        if what == "see":
            return machine.see(point, sight(second, number), FRESH, TIMING, POLICY)
        if what == "acknowledge":
            return machine.acknowledge(point, now, "d" * 32, "Dr Ifeoma Okafor")
        if what == "snooze":
            return machine.snooze(point, now, number)
    except Conflict:
        return point, ()
    return machine.tick(point, now, POLICY)


@given(st.lists(ACTS, max_size=120))
def test_laws_of_every_history(acts: list[tuple[str, int]]) -> None:
    point, second = Point(), 0.0
    for what, number in acts:
        second += number if what == "wait" else 1.0
        now, before = NOON + at(second), point.alarm
        snooze = point.snooze
        point, changes = act(point, what, number, second)
        alarm = point.alarm
        if alarm is None:
            assert before is None or before.state is AlarmState.PENDING
            continue
        # A higher priority of what was told is told.
        if before is not None and before.open and alarm.priority > before.priority:
            assert {Change.ESCALATED, Change.REALARMED} & set(changes)
            assert alarm.state is AlarmState.ACTIVE
        # What somebody has seen starts to signal only when that is told.
        if before is not None and before.state is AlarmState.ACKNOWLEDGED and alarm.state is AlarmState.ACTIVE:
            assert {Change.ESCALATED, Change.REALARMED} & set(changes)
        # A pause holds for what is no worse, unless somebody acknowledges in between.
        if snooze is not None and snooze.covers(alarm.priority, now) and alarm.state is AlarmState.ACTIVE:
            assert not alarm.signals(now) or alarm.acknowledged_at is not None
        # Told means raised; every open alarm has a time of its own.
        assert (alarm.state in OPEN) == (alarm.raised_at is not None and alarm.state is not AlarmState.ENDED)
        if alarm.state is AlarmState.ENDED:
            assert alarm.ended_at is not None and alarm.raised_at is not None and alarm.ended_at >= alarm.raised_at
            assert Change.ENDED in changes
            point = Point(None, point.snooze)


@given(st.lists(ACTS, max_size=60))
def test_every_alarm_ends_when_all_is_well_and_somebody_has_looked(acts: list[tuple[str, int]]) -> None:
    point, second = Point(), 0.0
    for what, number in [*acts, *[("see", 98)] * 8, ("acknowledge", 0), *[("see", 98)] * 8]:
        second += number if what == "wait" else 1.0
        point, _ = act(point, what, number, second)
        if point.alarm is not None and point.alarm.state is AlarmState.ENDED:
            point = Point(None, point.snooze)
    assert point.alarm is None
