"""The bus in process: what only it promises."""

from datetime import timedelta

from telehealth.bus import Event, Gap, Topic
from telehealth.cluster.local_bus import LocalBus
from tests.doubles import NOON, FakeClock

TOPIC = Topic("encounter:1:room")
EVENT = Event("chat_said", b"{}")


async def test_topics_nobody_listens_to_are_forgotten_beyond_the_limit() -> None:
    bus = LocalBus(FakeClock(), idle=3)
    async with bus.subscribe(TOPIC):
        for number in range(100):
            await bus.publish(Topic(f"t{number}"), EVENT)
        assert bus.topics == 4
    assert bus.topics == 3


async def test_a_topic_that_is_used_is_not_the_one_forgotten() -> None:
    bus = LocalBus(FakeClock(), idle=2)
    first = await bus.publish(TOPIC, EVENT)
    for number in range(10):
        await bus.publish(Topic(f"t{number}"), EVENT)
        await bus.publish(TOPIC, EVENT)
    async with bus.subscribe(TOPIC, after=first) as listener:
        assert await anext(listener) != Gap()


async def test_a_forgotten_topic_gives_a_gap_and_its_ids_still_grow() -> None:
    bus = LocalBus(FakeClock(), idle=1)
    first = await bus.publish(TOPIC, EVENT)
    await bus.publish(Topic("other"), EVENT)
    async with bus.subscribe(TOPIC, after=first) as listener:
        assert await bus.publish(TOPIC, EVENT) > first
        assert await anext(listener) == Gap()


async def test_ids_carry_the_time_and_grow_though_the_clock_goes_back() -> None:
    clock = FakeClock()
    bus = LocalBus(clock)
    first = await bus.publish(TOPIC, EVENT)
    assert first.ms == int(NOON.timestamp() * 1000)
    clock.set_wall(NOON - timedelta(hours=1))
    assert await bus.publish(TOPIC, EVENT) > first
