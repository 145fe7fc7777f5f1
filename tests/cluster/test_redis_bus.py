"""The bus on a real Valkey: two nodes, a server that goes away and comes back, what is given back at the end."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from telehealth.bus import Delivery, Event, Gap, Topic
from telehealth.cluster.redis_bus import ANSWER_S, RedisBus
from telehealth.errors import Invalid, Unavailable
from tests.engines import ValkeyServer

pytestmark = pytest.mark.engine

TOPIC = Topic("encounter:1:room")


def numbered(number: int) -> Event:
    return Event("counted", b"%d" % number)


async def take(listener: AsyncIterator[Delivery | Gap]) -> int | Gap:
    async with asyncio.timeout(15):
        delivery = await anext(listener)
    return delivery if isinstance(delivery, Gap) else int(delivery.event.body)


async def publish_when_possible(bus: RedisBus, event: Event) -> None:
    """Publish, trying again while the server comes back."""
    async with asyncio.timeout(15):
        while True:
            try:
                await bus.publish(TOPIC, event)
            except Unavailable:
                await asyncio.sleep(0.02)
            else:
                return


async def test_one_node_hears_what_another_publishes(own_valkey: ValkeyServer) -> None:
    async with RedisBus(own_valkey.url) as one, RedisBus(own_valkey.url) as two, one.subscribe(TOPIC) as listener:
        published = await two.publish(TOPIC, numbered(7))
        assert await anext(listener) == Delivery(published, numbered(7))


async def test_listeners_survive_a_restart_of_the_server_without_loss(own_valkey: ValkeyServer) -> None:
    async with RedisBus(own_valkey.url) as bus, bus.subscribe(TOPIC) as one, bus.subscribe(TOPIC) as two:
        await bus.publish(TOPIC, numbered(1))
        assert await take(one) == 1
        for round_ in range(2, 5):
            own_valkey.stop()
            own_valkey.start()
            await publish_when_possible(bus, numbered(round_))
            assert await take(one) == round_
        assert [await take(two) for _ in range(4)] == [1, 2, 3, 4]


async def test_what_was_published_while_a_node_was_cut_off_is_caught_up(own_valkey: ValkeyServer) -> None:
    async with RedisBus(own_valkey.url) as deaf, RedisBus(own_valkey.url) as other, deaf.subscribe(TOPIC) as listener:
        await other.publish(TOPIC, numbered(1))
        assert await take(listener) == 1
        # Cuts the subscribing connections only, as a proxy or the server itself may.
        await other._redis.client_kill_filter(_type="pubsub", skipme=False)
        for number in range(2, 6):
            await other.publish(TOPIC, numbered(number))
        assert [await take(listener) for _ in range(4)] == [2, 3, 4, 5]


async def test_a_server_that_lost_its_data_gives_a_gap_and_then_goes_on(own_valkey: ValkeyServer) -> None:
    async with RedisBus(own_valkey.url) as bus, bus.subscribe(TOPIC) as listener:
        await bus.publish(TOPIC, numbered(1))
        assert await take(listener) == 1
        own_valkey.stop(lose=True)
        own_valkey.start()
        await publish_when_possible(bus, numbered(2))
        assert await take(listener) == Gap()
        assert await take(listener) == 2
        await bus.publish(TOPIC, numbered(3))
        assert await take(listener) == 3


async def test_a_server_that_is_away_is_unavailable_within_the_limit(own_valkey: ValkeyServer) -> None:
    async with RedisBus(own_valkey.url) as bus:
        await bus.check()
        own_valkey.stop()
        async with asyncio.timeout(2 * ANSWER_S):
            with pytest.raises(Unavailable):
                await bus.publish(TOPIC, numbered(1))
            with pytest.raises(Unavailable):
                await bus.check()
        async with asyncio.timeout(2 * ANSWER_S):
            with pytest.raises(Unavailable):
                async with bus.subscribe(TOPIC):
                    pass
        own_valkey.start()
        async with bus.subscribe(TOPIC) as listener:
            await publish_when_possible(bus, numbered(1))
            assert await take(listener) == 1


async def test_a_bus_uses_one_connection_for_all_topics_and_gives_all_back(own_valkey: ValkeyServer) -> None:
    async with RedisBus(own_valkey.url) as watcher:
        await watcher.check()
        before = set(asyncio.all_tasks())
        async with RedisBus(own_valkey.url) as bus:
            for number in range(20):
                async with bus.subscribe(Topic(f"t{number}")), bus.subscribe(TOPIC), bus.subscribe(TOPIC):
                    await bus.publish(TOPIC, numbered(number))
                    clients = await watcher._redis.client_list()
                    assert sum("P" in client["flags"] for client in clients) == 1
            assert bus._following == {}
        clients = await watcher._redis.client_list()
        assert len(clients) == 1
        assert set(asyncio.all_tasks()) == before


async def test_the_history_on_the_server_is_bounded_and_forgotten_in_time(own_valkey: ValkeyServer) -> None:
    async with RedisBus(own_valkey.url, history=5) as bus:
        for number in range(50):
            await bus.publish(TOPIC, numbered(number))
        key = f"telehealth:{TOPIC}"
        assert await bus._redis.xlen(key) == 5
        assert 0 < await bus._redis.ttl(key) <= 24 * 3600


def test_an_unreadable_url_is_refused() -> None:
    with pytest.raises(Invalid):
        RedisBus("http://localhost")
