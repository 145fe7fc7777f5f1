"""From weekly availability to slots: wall time of a zone turned into instants, across changes of daylight saving.

A slot begins at each wall time of its availability that is a whole number of slots after the beginning. A wall time
that is skipped in spring gives no slot; one that comes twice in autumn gives two, each its own instant. A slot lasts
its minutes as they really pass, and lies within the availability from beginning to end.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from telehealth.scheduling.model import GRID_MINUTES, MAX_SLOT_MINUTES, Appointment, Availability, Slot, minute_of_day

_DAY = timedelta(days=1)
_GRID = timedelta(minutes=GRID_MINUTES)
_LONGEST = timedelta(minutes=MAX_SLOT_MINUTES)


def slots_of(availabilities: Sequence[Availability], since: datetime, until: datetime) -> list[Slot]:
    """Return the slots that begin in [since, until), soonest first; no two of one practitioner overlap.

    Where two would (availabilities in two zones, or a clock change and slots that do not divide it), the one of the
    availability with the lower id stays, then the earlier one. What is returned for an instant does not depend on the
    window asked for.
    """
    ranked = [
        (slot, (slot.practitioner_id, availability.id))
        for availability in availabilities
        for slot in _candidates(availability, since - _LONGEST, until + _LONGEST)
    ]
    return sorted(slot for slot in _without_overlaps(ranked) if since <= slot.starts_at < until)


def free(slots: Iterable[Slot], appointments: Iterable[Appointment]) -> list[Slot]:
    """Return the slots that no appointment of the same practitioner overlaps, soonest first."""
    taken = sorted((taken.starts_at, taken.ends_at, taken.practitioner_id) for taken in appointments)
    found: list[Slot] = []
    ahead = 0
    current: list[tuple[datetime, str]] = []
    for slot in sorted(slots):
        while ahead < len(taken) and taken[ahead][0] < slot.ends_at:
            current.append(taken[ahead][1:])
            ahead += 1
        current = [(ends_at, whose) for ends_at, whose in current if ends_at > slot.starts_at]
        if not any(whose == slot.practitioner_id for _, whose in current):
            found.append(slot)
    return found


def _candidates(availability: Availability, since: datetime, until: datetime) -> Iterator[Slot]:
    """Yield the slots of one availability that begin in [since, until), in no particular order."""
    zone = ZoneInfo(availability.time_zone)
    day = since.astimezone(zone).date() - _DAY
    last = until.astimezone(zone).date()
    while day <= last:
        if availability.holds_on(day):
            for slot in _slots_on(availability, day, zone):
                if since <= slot.starts_at < until:
                    yield slot
        day += _DAY


def _slots_on(availability: Availability, day: date, zone: ZoneInfo) -> Iterator[Slot]:
    first, end = minute_of_day(availability.starts), minute_of_day(availability.ends)
    length = timedelta(minutes=availability.slot_minutes)
    for minute in range(first, end - availability.slot_minutes + 1, availability.slot_minutes):
        wall = datetime.combine(day, time(minute // 60, minute % 60))
        for starts_at in _instants(wall, zone):
            slot = Slot(starts_at, starts_at + length, availability.practitioner_id)
            if _within(slot, availability, wall, zone):
                yield slot


def _instants(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the instants at which clocks in the zone show this wall time: none, one or two."""
    found = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(instant for instant in found if instant.astimezone(zone).replace(tzinfo=None) == wall)


def _within(slot: Slot, availability: Availability, wall: datetime, zone: ZoneInfo) -> bool:
    """Say whether clocks show times of the availability all through the slot."""
    begins, ends = slot.starts_at.astimezone(zone), slot.ends_at.astimezone(zone)
    if begins.utcoffset() == ends.utcoffset():
        return True
    opens = datetime.combine(wall.date(), availability.starts)
    closes = datetime.combine(wall.date(), availability.ends)
    steps = (slot.ends_at - slot.starts_at) // _GRID
    shown = ((slot.starts_at + step * _GRID).astimezone(zone).replace(tzinfo=None) for step in range(steps))
    return all(opens <= at and at + _GRID <= closes for at in shown)


def _without_overlaps(ranked: Sequence[tuple[Slot, tuple[str, str]]]) -> Iterator[Slot]:
    """Yield each slot that overlaps none of its practitioner with a lower rank, nor an earlier one of its own."""
    # Whether the other one is yielded itself plays no part: the answer must not depend on what lies far away.
    ordered = sorted(ranked)
    hidden: set[int] = set()
    current: list[int] = []
    for number, (slot, rank) in enumerate(ordered):
        current = [other for other in current if ordered[other][0].ends_at > slot.starts_at]
        for other in current:
            other_rank = ordered[other][1]
            if other_rank[0] == rank[0]:
                hidden.add(number if other_rank <= rank else other)
        current.append(number)
    return (slot for number, (slot, _) in enumerate(ordered) if number not in hidden)
