"""The contract of bus.Bus, in process and on a real Valkey."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from telehealth.bus import Bus, Delivery, Event, EventId, Gap, Topic
from telehealth.clock import SystemClock
from telehealth.cluster.local_bus import LocalBus
from telehealth.cluster.redis_bus import RedisBus
from telehealth.errors import Unavailable

HISTORY = 20
QUEUE = 10


@pytest.fixture(params=["local", pytest.param("redis", marks=pytest.mark.engine)])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[LocalBus | RedisBus]:
    opened: LocalBus | RedisBus
    if request.param == "local":
        opened = LocalBus(SystemClock(), history=HISTORY, queue=QUEUE)
    else:
        opened = RedisBus(request.getfixturevalue("valkey_url"), history=HISTORY, queue=QUEUE)
    yield opened
    await opened.aclose()


@pytest.fixture
def topic() -> Topic:
    return Topic(f"test:{uuid.uuid4().hex}")


def numbered(number: int) -> Event:
    return Event("counted", b"%d" % number)


async def publish(bus: Bus, topic: Topic, numbers: range) -> list[EventId]:
    return [await bus.publish(topic, numbered(number)) for number in numbers]


async def take(listener: AsyncIterator[Delivery | Gap], count: int) -> list[int | Gap]:
    """Read so many: the numbers of the events, and the gaps."""
    taken: list[int | Gap] = []
    async with asyncio.timeout(5):
        async for delivery in listener:
            taken.append(delivery if isinstance(delivery, Gap) else int(delivery.event.body))
            if len(taken) == count:
                break
    return taken


async def test_a_listener_hears_what_is_published_from_then_on_in_order(bus: Bus, topic: Topic) -> None:
    await publish(bus, topic, range(3))
    async with bus.subscribe(topic) as listener:
        await publish(bus, topic, range(3, 10))
        assert await take(listener, 7) == list(range(3, 10))


async def test_events_published_together_come_together_and_in_order(bus: Bus, topic: Topic) -> None:
    async with bus.subscribe(topic) as listener:
        ids = await bus.publish_all(topic, [numbered(number) for number in range(5)])
        assert await bus.publish_all(topic, []) == []
        last = await bus.publish(topic, numbered(5))
        assert sorted({*ids, last}) == [*ids, last]
        assert await take(listener, 6) == list(range(6))


async def test_nothing_of_before_is_heard_while_others_listen_already(bus: Bus, topic: Topic) -> None:
    async with bus.subscribe(topic):
        for number in range(20):
            await bus.publish(topic, numbered(number))
            async with bus.subscribe(topic) as listener:
                await bus.publish(topic, numbered(100))
                assert await take(listener, 1) == [100]


async def test_a_delivery_carries_kind_body_and_the_id_that_publish_returned(bus: Bus, topic: Topic) -> None:
    event = Event("wave_sent", bytes(range(256)) + b"\n\n")
    async with bus.subscribe(topic) as listener:
        published = await bus.publish(topic, event)
        assert await anext(listener) == Delivery(published, event)


async def test_every_listener_hears_everything_of_its_topic_and_nothing_else(bus: Bus, topic: Topic) -> None:
    async with bus.subscribe(topic) as one, bus.subscribe(topic) as two, bus.subscribe(Topic(topic + ":x")) as other:
        await publish(bus, topic, range(5))
        await bus.publish(Topic(topic + ":x"), numbered(9))
        assert await take(one, 5) == await take(two, 5) == list(range(5))
        assert await take(other, 1) == [9]


async def test_who_comes_back_gets_what_was_missed_and_then_goes_on(bus: Bus, topic: Topic) -> None:
    ids = await publish(bus, topic, range(10))
    async with bus.subscribe(topic, after=ids[3]) as listener:
        await publish(bus, topic, range(10, 13))
        assert await take(listener, 9) == list(range(4, 13))


async def test_who_missed_nothing_gets_no_gap(bus: Bus, topic: Topic) -> None:
    ids = await publish(bus, topic, range(3))
    async with bus.subscribe(topic, after=ids[-1]) as listener:
        await publish(bus, topic, range(3, 4))
        assert await take(listener, 1) == [3]


async def test_ids_grow(bus: Bus, topic: Topic) -> None:
    ids = await publish(bus, topic, range(30))
    assert ids == sorted(set(ids))
    assert [EventId.parse(str(name)) for name in ids] == ids


async def test_a_position_older_than_the_history_gives_a_gap_and_what_is_left(bus: Bus, topic: Topic) -> None:
    ids = await publish(bus, topic, range(HISTORY + 5))
    async with bus.subscribe(topic, after=ids[2]) as listener:
        assert await take(listener, HISTORY + 1) == [Gap(), *range(5, HISTORY + 5)]


async def test_a_position_that_is_not_known_gives_a_gap(bus: Bus, topic: Topic) -> None:
    async with bus.subscribe(topic, after=EventId(1, 1)) as listener:
        await publish(bus, topic, range(1))
        assert await take(listener, 2) == [Gap(), 0]


async def test_a_backlog_longer_than_the_queue_is_no_gap(bus: Bus, topic: Topic) -> None:
    ids = await publish(bus, topic, range(HISTORY))
    async with bus.subscribe(topic, after=ids[0]) as listener:
        assert await take(listener, HISTORY - 1) == list(range(1, HISTORY))


async def test_who_reads_too_slowly_gets_a_gap_and_then_the_newest(bus: Bus, topic: Topic) -> None:
    async with bus.subscribe(topic) as slow, bus.subscribe(topic) as quick:
        for number in range(QUEUE + 1):
            await bus.publish(topic, numbered(number))
            assert await take(quick, 1) == [number]
        assert await take(slow, 2) == [Gap(), QUEUE]
        await bus.publish(topic, numbered(50))
        assert await take(slow, 1) == [50]


async def test_a_listener_that_left_and_came_back_at_once_misses_nothing(bus: Bus, topic: Topic) -> None:
    last = await bus.publish(topic, numbered(0))
    for number in range(1, 30):
        async with bus.subscribe(topic, after=last) as listener:
            last = await bus.publish(topic, numbered(number))
            assert await take(listener, 1) == [number]


async def test_many_publishers_are_heard_in_one_order(bus: Bus, topic: Topic) -> None:
    async with bus.subscribe(topic) as one, bus.subscribe(topic) as two:
        await asyncio.gather(*(bus.publish(topic, numbered(number)) for number in range(QUEUE)))
        heard = await take(one, QUEUE)
        assert sorted(map(str, heard)) == sorted(map(str, range(QUEUE)))
        assert await take(two, QUEUE) == heard


async def test_a_cancelled_reader_loses_nothing_that_comes_later(bus: Bus, topic: Topic) -> None:
    async with bus.subscribe(topic) as listener:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(listener)
        await publish(bus, topic, range(2))
        assert await take(listener, 2) == [0, 1]


async def test_a_closed_bus_ends_its_listeners_and_refuses(bus: LocalBus | RedisBus, topic: Topic) -> None:
    async with bus.subscribe(topic) as listener:
        await bus.aclose()
        assert [delivery async for delivery in listener] == []
    with pytest.raises(Unavailable):
        await bus.publish(topic, numbered(1))
    with pytest.raises(Unavailable):
        async with bus.subscribe(topic):
            pass
