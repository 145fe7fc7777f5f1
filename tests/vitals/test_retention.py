"""What is too old goes, by class and nothing else; the clock says when."""

from datetime import timedelta

from telehealth.vitals.model import NUMERICS_CHANNEL
from telehealth.vitals.retention import Periods, Purged, Retention
from tests.builders import ENCOUNTER
from tests.doubles import NOON
from tests.vitals.ward import Ward


async def kept(ward: Ward) -> tuple[int, int]:
    frames = await ward.stores.vital_frames.since(ENCOUNTER, NOON - timedelta(days=1), limit=10_000)
    numerics = sum(frame.channel == NUMERICS_CHANNEL for frame in frames)
    return len(frames) - numerics, numerics


def a_retention(ward: Ward, waves_days: int, numerics_days: int) -> Retention:
    periods = Periods(waves_days, numerics_days)
    return Retention(frames=ward.stores.vital_frames, audit=ward.audit, clock=ward.clock, periods=periods)


async def measured(ward: Ward) -> None:
    feed = await ward.open(await ward.a_device())
    for day in range(10):
        await ward.plane.record(feed, [ward.wave(day + 1, first_index=day * 50), ward.numerics(day + 1)])
        ward.clock.advance(86_400)
    ward.audit.events.clear()


async def test_each_class_goes_when_its_days_are_over(ward: Ward) -> None:
    await measured(ward)
    assert await kept(ward) == (10, 10)
    assert await a_retention(ward, 3, 0).purge() == Purged(8, 0)
    assert await kept(ward) == (2, 10)
    assert await a_retention(ward, 3, 8).purge() == Purged(0, 2)
    assert ward.audit.actions == ["vitals.purged"] * 2
    assert await a_retention(ward, 3, 8).purge() == Purged(0, 0)
    assert len(ward.audit.actions) == 2


async def test_by_default_everything_is_kept(ward: Ward) -> None:
    await measured(ward)
    ward.clock.advance(10_000 * 86_400)
    retention = a_retention(ward, 0, 0)
    assert await retention.purge() == Purged(0, 0)
    assert await kept(ward) == (10, 10)
