"""Slots from availability: the arithmetic of wall time, daylight saving and overlap."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telehealth.ids import AvailabilityId
from telehealth.scheduling.model import Availability, Slot
from telehealth.scheduling.slots import free, slots_of
from tests.builders import DOCTOR, NOON, OTHER_DOCTOR, an_appointment, an_availability

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Tokyo",
    "America/St_Johns",
    "Africa/Casablanca",
]
WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)


def walls(slots: list[Slot], zone: str) -> list[str]:
    return [slot.starts_at.astimezone(ZoneInfo(zone)).strftime("%a %H:%M") for slot in slots]


def on(day: date, zone: str, **changes: object) -> tuple[Availability, datetime, datetime]:
    """Return an availability of that weekday, and the local day as a window."""
    tz = ZoneInfo(zone)
    since = datetime.combine(day, time(), tz).astimezone(UTC)
    until = datetime.combine(day + timedelta(days=1), time(), tz).astimezone(UTC)
    return an_availability(weekday=day.weekday(), time_zone=zone, **changes), since, until


def test_a_morning_in_half_hours() -> None:
    slots = slots_of([an_availability()], NOON, NOON + WEEK)
    assert walls(slots, "Europe/Berlin") == [f"Thu {t}" for t in ("09:00", "09:30", "10:00", "10:30", "11:00", "11:30")]
    assert slots[0].starts_at == datetime(2026, 1, 8, 8, 0, tzinfo=UTC)
    assert slots[0].ends_at - slots[0].starts_at == timedelta(minutes=30)


def test_what_does_not_fill_a_slot_at_the_end_is_left_out() -> None:
    slots = slots_of([an_availability(slot_minutes=50)], NOON, NOON + WEEK)
    assert walls(slots, "Europe/Berlin") == ["Thu 09:00", "Thu 09:50", "Thu 10:40"]


def test_the_window_takes_in_its_beginning_and_not_its_end() -> None:
    nine = datetime(2026, 1, 8, 8, 0, tzinfo=UTC)
    found = slots_of([an_availability()], nine, nine + timedelta(minutes=30))
    assert [slot.starts_at for slot in found] == [nine]


def test_an_availability_holds_from_its_first_to_its_last_day() -> None:
    limited = an_availability(valid_from=date(2026, 1, 8), valid_until=date(2026, 1, 15))
    days = {slot.starts_at.date() for slot in slots_of([limited], NOON - WEEK, NOON + 5 * WEEK)}
    assert days == {date(2026, 1, 8), date(2026, 1, 15)}


def test_spring_skips_what_clocks_do_not_show() -> None:
    # 29 March 2026 in Berlin: 02:00 becomes 03:00.
    availability, since, until = on(date(2026, 3, 29), "Europe/Berlin", starts=time(1), ends=time(4))
    slots = slots_of([availability], since, until)
    assert walls(slots, "Europe/Berlin") == ["Sun 01:00", "Sun 01:30", "Sun 03:00", "Sun 03:30"]
    assert slots[2].starts_at == slots[1].ends_at


def test_autumn_gives_the_doubled_hour_twice_as_two_instants() -> None:
    # 25 October 2026 in Berlin: 03:00 becomes 02:00.
    availability, since, until = on(date(2026, 10, 25), "Europe/Berlin", starts=time(1), ends=time(4), slot_minutes=60)
    slots = slots_of([availability], since, until)
    assert walls(slots, "Europe/Berlin") == ["Sun 01:00", "Sun 02:00", "Sun 02:00", "Sun 03:00"]
    assert len({slot.starts_at for slot in slots}) == 4


def test_a_slot_that_would_run_out_of_the_availability_through_the_gap_is_left_out() -> None:
    availability, since, until = on(
        date(2026, 3, 29), "Europe/Berlin", starts=time(1), ends=time(2, 30), slot_minutes=45
    )
    assert walls(slots_of([availability], since, until), "Europe/Berlin") == ["Sun 01:00"]


def test_a_slot_is_left_out_when_clocks_go_back_to_before_the_availability() -> None:
    # 02:30 for 45 minutes would show 02:00 to 02:15 again, which is not offered.
    availability, since, until = on(
        date(2026, 10, 25), "Europe/Berlin", starts=time(2, 30), ends=time(3, 30), slot_minutes=45
    )
    slots = slots_of([availability], since, until)
    assert [slot.starts_at for slot in slots] == [datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]


def test_half_an_hour_of_daylight_saving_is_counted_right() -> None:
    # 4 October 2026 on Lord Howe Island: 02:00 becomes 02:30.
    availability, since, until = on(
        date(2026, 10, 4), "Australia/Lord_Howe", starts=time(1), ends=time(4), slot_minutes=60
    )
    assert walls(slots_of([availability], since, until), "Australia/Lord_Howe") == ["Sun 01:00", "Sun 03:00"]


def test_of_two_availabilities_that_overlap_the_lower_id_stays() -> None:
    berlin = an_availability(id=AvailabilityId("1"))
    london = an_availability(id=AvailabilityId("2"), time_zone="Europe/London", starts=time(8, 15), ends=time(12))
    slots = slots_of([london, berlin], NOON, NOON + WEEK)
    assert walls(slots, "Europe/London") == [
        *(f"Thu {t}" for t in ("08:00", "08:30", "09:00", "09:30", "10:00", "10:30", "11:15"))
    ]
    assert slots_of([berlin, london], NOON, NOON + WEEK) == slots


def test_two_practitioners_may_have_the_same_times() -> None:
    slots = slots_of([an_availability(), an_availability(practitioner_id=OTHER_DOCTOR)], NOON, NOON + WEEK)
    assert len(slots) == 12


def test_a_slot_is_free_when_no_appointment_of_its_practitioner_touches_it() -> None:
    slots = slots_of([an_availability()], NOON, NOON + WEEK)
    taken = an_appointment(starts_at=slots[1].starts_at + 10 * MINUTE, ends_at=slots[3].starts_at)
    foreign = an_appointment(starts_at=slots[0].starts_at, practitioner_id=OTHER_DOCTOR)
    assert free(slots, [taken, foreign]) == [slots[0], *slots[3:]]


def test_adjacent_appointments_leave_the_slot_between_them_free() -> None:
    slots = slots_of([an_availability()], NOON, NOON + WEEK)
    around = [an_appointment(starts_at=slots[0].starts_at), an_appointment(starts_at=slots[2].starts_at)]
    assert slots[1] in free(slots, around)


grid = st.integers(0, 287).map(lambda steps: time(steps // 12, steps % 12 * 5))


@st.composite
def availabilities(draw: st.DrawFn, zone: str) -> Availability:
    starts, ends = sorted(draw(st.lists(grid, min_size=2, max_size=2, unique=True)))
    length = (ends.hour - starts.hour) * 60 + ends.minute - starts.minute
    return an_availability(
        id=AvailabilityId(draw(st.text("abc", min_size=1, max_size=3))),
        weekday=draw(st.integers(0, 6)),
        starts=starts,
        ends=ends,
        slot_minutes=draw(st.integers(1, min(length // 5, 48))) * 5,
        time_zone=zone,
    )


def transitions(zone: str) -> list[datetime]:
    """Return the hours of 2026 and 2027 in which the zone's offset changes."""
    tz, hour = ZoneInfo(zone), timedelta(hours=1)
    hours = [datetime(2026, 1, 1, tzinfo=UTC) + n * hour for n in range(2 * 365 * 24)]
    return [a for a, b in pairwise(hours) if a.astimezone(tz).utcoffset() != b.astimezone(tz).utcoffset()]


CHANGES = {zone: transitions(zone) or [NOON] for zone in ZONES}


@pytest.mark.parametrize("zone", ZONES)
@given(data=st.data())
def test_whatever_is_published_slots_are_sound_around_a_clock_change(zone: str, data: st.DataObject) -> None:
    published = data.draw(st.lists(availabilities(zone), min_size=1, max_size=4))
    change = data.draw(st.sampled_from(CHANGES[zone]))
    since, until = change - timedelta(days=1), change + timedelta(days=2)

    slots = slots_of(published, since, until)

    assert slots == sorted(set(slots))
    assert all(a.ends_at <= b.starts_at for a, b in pairwise(slots)), "slots overlap"
    for slot in slots:
        assert since <= slot.starts_at < until
        assert any(_lies_within(slot, availability) for availability in published)
    split = data.draw(st.datetimes(since.replace(tzinfo=None), until.replace(tzinfo=None))).replace(tzinfo=UTC)
    assert slots_of(published, since, split) + slots_of(published, split, until) == slots, "the window matters"


def _lies_within(slot: Slot, availability: Availability) -> bool:
    tz = ZoneInfo(availability.time_zone)
    minutes = (slot.ends_at - slot.starts_at) // MINUTE
    shown = [(slot.starts_at + n * MINUTE).astimezone(tz) for n in range(minutes)]
    exact = shown[0].replace(tzinfo=None).minute % 5 == 0 and minutes == availability.slot_minutes
    return exact and all(
        wall.weekday() == availability.weekday and availability.starts <= wall.time() < availability.ends
        for wall in shown
    )


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 8)), max_size=20), st.data())
def test_free_agrees_with_comparing_each_with_each(spans: list[tuple[int, int]], data: st.DataObject) -> None:
    taken = [an_appointment(starts_at=NOON + a * MINUTE, ends_at=NOON + (a + n) * MINUTE) for a, n in spans]
    starts = data.draw(st.lists(st.integers(0, 60), unique=True))
    slots = [Slot(NOON + a * MINUTE, NOON + (a + 5) * MINUTE, DOCTOR) for a in starts]
    expected = [s for s in sorted(slots) if not any(t.starts_at < s.ends_at and s.starts_at < t.ends_at for t in taken)]
    assert free(slots, taken) == expected
